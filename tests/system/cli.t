#!/bin/sh
# touchstone tells how it is called, and the manual and the shells' completions
# say the same.
. "$(dirname "$0")/lib.sh"
new_user cli

man=$src/client/man completion=$src/client/completion
help=$(touchstone --help)
# "keys list", "status", ...
commands=$(printf '%s\n' "$help" |
    sed -n 's/^  \([a-z]*\( [a-z][a-z-]*\)\{0,1\}\) .*  [A-Z].*/\1/p' |
    sed 's/ *$//')
is 'the overview names the commands' \
    "$(echo "$commands" | grep -cx -e setup -e 'keys list' -e 'audit verify')" 3

options_of() {
	touchstone help $1 |
	    sed -n 's/^  \(-.\|  \),\{0,1\} *\(--[a-z-]*\).*/\2/p'
}

# The lines of a completion that are about a command.
section() {	# SHELL COMMAND
	case $1 in
	bash)
		sed -n '/^_touchstone_options/,/^}/p' \
		    "$completion/touchstone.bash" |
		    awk -v c="$2" 'BEGIN { q = "\047" }
			/\)/ && index($0, c ")") || index($0, q c q ")") {
			    on = 1 } on { print } /;;/ { on = 0 }'
		grep 'echo --json' "$completion/touchstone.bash" ;;
	zsh)
		awk -v c="$2" 'BEGIN { q = "\047" }
		    $0 ~ "^\t(" q c q "|" c ")\\)$" { on = 1 }
		    on { print } /;;/ { on = 0 } /common=/ { print }' \
		    "$completion/_touchstone" ;;
	fish)
		awk -v c="$2" '/__touchstone_in / { on = index($0, "in " c "\047") }
		    on || /-l json/ || /-l help/ { print }' \
		    "$completion/touchstone.fish" |
		    sed 's/ -l \([a-z-]*\)/ --\1/' ;;
	esac
}

missing_in() {	# SHELL
	echo "$commands" | while read -r c; do
		for o in $(options_of "$c"); do
			section "$1" "$c" | grep -q -e "$o\\b" ||
			    echo "$c $o"
		done
	done
}

words_of() {
	echo "$commands" | tr ' ' '\n' | sort -u
}

for shell in bash zsh fish; do
	file=$completion/touchstone.$shell
	test $shell != zsh || file=$completion/_touchstone
	is "$shell completes every option of every command" \
	    "$(missing_in $shell)" ''
	is "$shell completes every command" "$(words_of | while read -r w; do
		grep -qw -e "$w" "$file" || echo "$w"
	done)" ''
	if command -v $shell >/dev/null; then
		ok "$shell reads its completion" $shell -n "$file"
	else
		skip "$shell reads its completion" "no $shell here"
	fi
done
for shell in bash zsh fish; do
	is "an option that $shell lacks would be noticed" \
	    "$(commands='keys list'; options_of() { echo --pin-file; }
	    missing_in $shell)" 'keys list --pin-file'
done

complete_bash() {	# WORD...: what bash offers for the last one
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
	    _touchstone; printf "%s\n" "${COMPREPLY[@]}"' \
	    "$completion/touchstone.bash" "$@"
}
is 'bash completes a command' "$(complete_bash touchstone sta)" status
is 'bash completes a command of a group' \
    "$(complete_bash touchstone keys exp)" export
is 'bash completes an option' \
    "$(complete_bash touchstone setup --pin-f)" --pin-file
mkdir -p "$XDG_DATA_HOME/touchstone/keys"
echo '{}' >"$XDG_DATA_HOME/touchstone/keys/release.json"
is 'bash completes the name of a key' \
    "$(complete_bash touchstone keys show rel)" release
is 'no agent was started for that' "$(agent_pid)" ''

# ---- the agent's ----
# "-a", ..., from what it says of itself; and --help, --version.
agent_options=$(touchstone-agent --help | sed '/^Signs/,$d' |
    perl -ne 'print "--$1\n" while s/--([a-z-]+)//;
	print map { "-$_\n" } split //, $1 while s/[[ ]-([A-Za-z]+)//' |
    sort -u)
is 'the agent tells its options' "$(echo "$agent_options" | grep -cx -e -a \
    -e -D -e -d -e -k -e -t -e --help)" 6
agent_lacks() {	# SHELL: options that its completion has not
	lacks_file=$completion/touchstone-agent.$1
	test "$1" != zsh || lacks_file=$completion/_touchstone-agent
	for o in $agent_options; do
		case $1$o in
		fish--*) o="-l ${o#--}" ;;
		fish-*) o="-s ${o#-}" ;;
		esac
		grep -Eq -e "(^|[^-A-Za-z])$o([^-A-Za-z]|\$)" \
		    "$lacks_file" || echo "$o"
	done
}
for shell in bash zsh fish; do
	is "$shell completes every option of the agent" \
	    "$(agent_lacks $shell)" ''
	isnt "one that $shell lacks would be noticed" \
	    "$(agent_options='-x --frobnicate'; agent_lacks $shell)" ''
done
agent_bash() {	# WORD...
	bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
	    _touchstone_agent; printf "%s\n" "${COMPREPLY[@]}"' \
	    "$completion/touchstone-agent.bash" "$@"
}
is 'bash completes an option of the agent' \
    "$(agent_bash touchstone-agent --ver)" --version
is 'and a hash' "$(agent_bash touchstone-agent -E sha38)" sha384
is 'and a command' "$(agent_bash touchstone-agent -t 1h touchstone-g)" \
    touchstone-gpg
: >"$user/a-file"
is 'whose arguments are its own' \
    "$(agent_bash touchstone-agent -s cat "$user/a-f")" "$user/a-file"
if command -v bash >/dev/null; then
	ok 'bash reads it' bash -n "$completion/touchstone-agent.bash"
fi
fish_names() {	# WORDS: what fish would put there
	HOME=$user/fish XDG_CONFIG_HOME= fish -N -c "source '$completion/touchstone.fish'
	    complete -C '$1'" 2>&1 | cut -f 1
}
is 'fish completes a group of commands' "$(fish_names 'touchstone attes')" \
    attest
is 'and an option of one' "$(fish_names 'touchstone trust sign --ser')" \
    --server
is 'and not of another' "$(fish_names 'touchstone trust init --roo')" \
    --root-key

# ---- the manual ----
page=$(sed 's/Fl -/--/g; s/Fl u Ar text , //; s/Fl n , *//; s/Fl [ka] Ar [a-z]* , //; s/Fl r , //' "$man/touchstone.1" \
    "$man/touchstone-image.1" "$man/touchstone-trust.1")
is 'the manual has every option' "$(echo "$commands" | while read -r c; do
	for o in $(options_of "$c"); do
		printf '%s\n' "$page" | grep -q -e "$o\\b" || echo "$c $o"
	done
done)" ''
is 'the manual has every command' "$(words_of | while read -r w; do
	cat "$man/touchstone.1" "$man/touchstone-image.1" \
	    "$man/touchstone-trust.1" |
	    grep -qw -e "$w" || echo "$w"
done)" ''
for page in "$man"/*.[15]; do
	name=$(basename "$page")
	if command -v mandoc >/dev/null; then
		is "mandoc finds nothing wrong with $name" \
		    "$(mandoc -T lint -W warning "$page" 2>&1)" ''
	else
		skip "mandoc finds nothing wrong with $name" 'no mandoc here'
	fi
done

# ---- the command line ----
says() {	# NAME STATUS PATTERN ARGUMENT...
	says_name=$1 want=$2 pattern=$3
	shift 3
	status=0
	out=$(touchstone "$@" 2>&1 </dev/null) || status=$?
	is "$says_name: exit status" "$status" "$want"
	like "$says_name: words" "$out" "$pattern"
}
says 'no command' 2 '^usage:'
says 'a misspelt command' 2 'did you mean "touchstone status"' stauts
says 'a misspelt command of a group' 2 'did you mean "touchstone keys show"' \
    keys shwo
says 'a word for the version' 2 'did you mean "touchstone --version"' version
says 'nothing like any command' 2 '"touchstone help" lists' frobnicate
says 'an unknown option' 2 'keys show --help' keys show x --nonsense
says 'an option without its value' 2 'setup --help' setup --name
says 'a missing argument' 2 'missing: KEY' keys show
says 'one argument too many' 2 'too many: b' keys show a b
says 'a PIN file for a YubiKey' 2 'setup --soft' setup --pin-file x
says 'a slot of a token in software' 2 'for YubiKeys' setup --soft --slot 9a
says 'a slot that there is not' 2 'no slot' setup --slot 9b
says 'a slot that is named in another way' 2 'no slot' setup --slot 0x82
says 'a bad PIN policy' 2 'no PIN policy' setup --pin-policy cached
says 'a bad touch policy' 2 'no touch policy' setup --touch-policy once
says 'to change and not to' 2 'exclude each other' setup --no-change \
    --change-defaults
says 'a group without its command' 2 'attest verify FILE' attest
says 'a bad name' 2 'cannot name a key' setup --soft --name Release
says 'a name that reads as an id' 2 'cannot name a key' setup --soft \
    --name abcdef
says 'a bad algorithm' 2 'no algorithm' setup --soft --algorithm DSA
says 'status without an agent' 3 'no agent' status
says 'forget without an agent' 0 'No agent runs' forget
says 'stop without an agent' 0 'No agent runs' stop
says 'help of a command' 0 '^usage: touchstone keys export' help keys export
says 'the version' 0 '^touchstone [0-9]' --version
like 'an error is an object with --json' \
    "$(touchstone status --json 2>/dev/null | tr -d '\n ')" \
    '^\{"error":\{"code":77,"name":"[^"]*","message":"[^"]*"\}\}$'
says 'no audit log' 5 'no audit log' audit verify
says 'a log that is not there' 1 'cannot be read' audit verify /nonexistent
says 'a bad number' 2 'a number' audit show -n 0
# A log that begins anew because the one before it was damaged.
prev=0000000000000000000000000000000000000000000000000000000000000000
record() {	# FILE KIND TEXT: the first record of a log
	printf '{"seq":1,"prev":"%s","time":"2026-11-22T04:27:04.123Z","stage":"event","kind":"%s","verdict":"%s"}\n' \
	    "$prev" "$2" "$3" >"$1"
}
record "$user/anew.jsonl" log 'the log was removed since record 5'
record "$user/plain.jsonl" agent 'the log was removed since record 5'
says 'a log that tells of a loss' 1 'record 1.*: the log was removed since' \
    audit verify "$user/anew.jsonl"
is 'and in JSON' "$(touchstone audit verify --json "$user/anew.jsonl" \
    2>/dev/null | jq -c '[.intact, .logs[0].intact, (.logs[0].lost | length)]')" \
    '[false,false,1]'
says 'the same word of another event' 0 'unbroken$' \
    audit verify "$user/plain.jsonl"
like 'an event without a summary has a kind' \
    "$(touchstone audit show "$user/plain.jsonl")" ' event +agent: the log'
mkdir "$user/beside"
cp "$user/plain.jsonl" "$user/beside/log.jsonl"
echo nonsense >"$user/beside/damaged-1.jsonl"
says 'a damaged log beside it' 1 'damaged-1.jsonl' \
    audit verify "$user/beside/log.jsonl"
export TOUCHSTONE_SOCK=/nonexistent/sock
says 'a named agent that is not there' 3 'TOUCHSTONE_SOCK' forget
unset TOUCHSTONE_SOCK
is 'nothing of this made a file' \
    "$(find "$HOME/.config" "$HOME/.local/state" 2>/dev/null)" ''

done_testing
