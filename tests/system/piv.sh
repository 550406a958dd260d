# What the tests of the agent with YubiKeys share.  Sourced by
# tests/system/piv-*.t:
#
#	. "$(dirname "$0")/piv.sh" [--reader NAME]...
. "$(dirname "$0")/yubikey.sh"
. "$src/tests/system/pins.sh"
pin=$default_pin

# piv_agent [LINE...]: an agent for YubiKeys; LINEs are settings.
piv_agent() {
	pinentry_setup
	: >"$user/pinentry.script"
	mkdir -p "$config/modules.d"
	printf '%s\n' 'type = "piv";' "$@" >"$config/modules.d/yubikey.conf"
	start_agent && agent=$(agent_pid)
}

piv_ask() {
	setsid -w timeout -k 5 60 "$build/tests/tools/piv-ask" "$@" </dev/null
}

# piv_key SLOT ALGORITHM PIN TOUCH [TOKEN]: a key with these policies (as
# numbers), in an SSH agent's list; $id is its id, $ssh its public key's file.
piv_key() {
	id=$(piv_ask generate yubikey "${5-}" "key-$1" "$2" "$1" "$3" "$4" \
	    "overwrite $1") && piv_public
}

piv_public() {
	ssh=$user/$id.pub
	touchstone keys export --ssh "$id" >"$ssh"
}

# ssh_sign [TEXT]: with the key of $ssh, by what ssh-keygen asks the agent.
ssh_sign() {
	echo "${1-text}" >"$user/message"
	rm -f "$user/message.sig"
	setsid -w timeout -k 5 60 env SSH_AUTH_SOCK="$sock" \
	    ssh-keygen -Y sign -q -n file -f "$ssh" "$user/message" \
	    </dev/null
}

ssh_good() {
	ssh-keygen -Y check-novalidate -n file -s "$user/message.sig" \
	    <"$user/message" >/dev/null
}

# openpgp_key: $id becomes git's; $key is the fingerprint.
openpgp_key() {
	touchstone keys export --openpgp "$id" --name yk \
	    --user-id 'A U Thor <author@example.com>' --import \
	    >"$user/key.asc" </dev/null || return 1
	key=$(touchstone keys show yk --json | jq -r .fingerprint)
	git config --file "$GIT_CONFIG_GLOBAL" user.signingkey "$key"
}

# That card N was reset after its last command.
has_let_go() {
	awk '$2 == "apdu" { n = 0 } $2 == "reset" { n++ } END { exit !n }' \
	    "$work/card-$1/log"
}

ssh_refused() {
	if ssh_sign; then
		return 1
	fi
}
