# fish completion of touchstone-agent(1).

complete -c touchstone-agent -s c -d 'Print commands for csh'
complete -c touchstone-agent -s s -d 'Print commands for sh'
complete -c touchstone-agent -s d -d 'Stay in the foreground, for debugging'
complete -c touchstone-agent -s D -d 'Stay in the foreground'
complete -c touchstone-agent -s k -d 'End the agent that SSH_AGENT_PID names'
complete -c touchstone-agent -s a -r -F -d 'Listen there'
complete -c touchstone-agent -s E -x -a 'md5 sha1 sha256 sha384 sha512' \
    -d 'Hash of fingerprints'
complete -c touchstone-agent -s O -x -a 'no-restrict-websafe' \
    -d 'As ssh-agent has it'
complete -c touchstone-agent -s P -r -F -d 'Modules that ssh-add -s may name'
complete -c touchstone-agent -s t -x -d 'How long added keys are kept'
complete -c touchstone-agent -s T -d 'As ssh-agent has it'
complete -c touchstone-agent -s U -d 'As ssh-agent has it'
complete -c touchstone-agent -l ready-fd -x -d 'Where to say that it listens'
complete -c touchstone-agent -l help -d 'Tell how it is called'
complete -c touchstone-agent -l version -d 'Tell the version'
