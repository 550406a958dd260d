# bash completion of touchstone-agent(1).

_touchstone_agent() {
	local cur=${COMP_WORDS[COMP_CWORD]} i=1
	COMPREPLY=()

	# What follows a command is the command's.
	while ((i < COMP_CWORD)); do
		case ${COMP_WORDS[i]} in
		-[aEOPt]) ((i++)) ;;
		-*) ;;
		*)
			if declare -F _command_offset >/dev/null; then
				_command_offset $i
			else
				COMPREPLY=($(compgen -f -- "$cur"))
			fi
			return ;;
		esac
		((i++))
	done
	case ${COMP_WORDS[COMP_CWORD-1]} in
	-a|-P) COMPREPLY=($(compgen -f -- "$cur")) ;;
	-E) COMPREPLY=($(compgen -W 'md5 sha1 sha256 sha384 sha512' -- "$cur")) ;;
	-O) COMPREPLY=($(compgen -W 'no-restrict-websafe' -- "$cur")) ;;
	-t) ;;
	*)
		if [[ $cur == -* ]]; then
			COMPREPLY=($(compgen -W '-a -c -d -D -E -k -O -P -s -t
			    -T -U --ready-fd --help --version' -- "$cur"))
		else
			COMPREPLY=($(compgen -c -- "$cur"))
		fi ;;
	esac
}

complete -F _touchstone_agent touchstone-agent
