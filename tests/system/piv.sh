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

# How many APDUs one signature with such a key is, by ALGORITHM: what goes in
# is chained in parts of 255 bytes, what comes out is fetched in parts of 256.
# An RSA block of N bytes goes in with 10 more and comes out with 8 more.
apdus_of() {
	case $1 in
	RSA-2048|RSA-3072) echo 3 ;;	# 2 in, 1 fetched
	RSA-4096) echo 5 ;;		# 3 in, 2 fetched
	*) echo 1 ;;
	esac
}

# signs_well ALGORITHM PIN TOUCH: a new key with these policies signs, well,
# and at no more APDUs than have to be.
signs_well() {
	what="$1, PIN $2, touch $3"
	pinentry "pin $pin" "always pin $pin"
	piv_key 9a "$1" "$2" "$3" 2>"$user/said" || {
		fail "$what: a key" "$(cat "$user/said")"
		return 0
	}
	touchstone forget >/dev/null
	ok "$what: signs" ssh_sign
	ok "$what: the signature is good" ssh_good
	card 1 zero
	ok "$what: signs again" ssh_sign
	ok "$what: that is good too" ssh_good
	again=0
	test "$2" != 3 || again=1	# VERIFY for each
	is "$what: the second costs" "$(count 1 apdus)" \
	    $(($(apdus_of "$1") + again))
	# Reset only where a PIN was verified.
	test "$2" = 1 && sleep 2 ||
		ok "$what: the card is let go" wait_for 3 has_let_go 1
	card 1 zero
	ok "$what: signs when it was let go" ssh_sign
	first=2				# SELECT, VERIFY
	test "$2" != 1 || first=1
	is "$what: that costs" "$(count 1 apdus)" \
	    $(($(apdus_of "$1") + first))
}
