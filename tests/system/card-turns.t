#!/bin/sh
# Other programs use the same YubiKey: scdaemon, which keeps it to itself, and
# ykman and yubico-piv-tool, which share it; before, after and while touchstone
# wants it.  The PIN is sent once for each time that the card is taken again,
# and never twice for one entry once it is wrong.
set --
. "$(dirname "$0")/piv.sh"
needs ykman yubico-piv-tool gpg-connect-agent
test -x "$(gpgconf --list-components | sed -n 's/^scdaemon:[^:]*://p')" ||
    skip_all 'scdaemon is not installed'

card_start 1 --touch now || exit 1
printf 'disable-ccid\n' >"$GNUPGHOME/scdaemon.conf"
mkdir -p "$config"
echo 'token_wait = 20;' >>"$config/config"
piv_agent 'deadline = 5;' || exit 1
pinentry "always pin $pin"
piv_key 9a P-256 2 1 || exit 1
openpgp_key >"$user/said" 2>&1 ||
    fail 'the key is made ready for git' "$(cat "$user/said")"

scdaemon_takes() {
	timeout 30 gpg --card-status >"$user/card-status" 2>&1
}

scdaemon_pid() {
	gpg-connect-agent 'scd getinfo pid' /bye | sed -n 's/^D //p'
}

# Kept by scdaemon for longer than the module's deadline.
ok 'it signs' ssh_sign
wait_for 5 has_let_go 1
ok 'scdaemon has the card' scdaemon_takes
scd=$(scdaemon_pid)
before=$(agent_pid) piv_before=$(status_of '.modules[0].pid')
in_background sign_directly
ok 'who signs meanwhile is told so' wait_for 5 grep -q \
    'another program keeps YubiKey 10000001 to itself' "$user/said"
like 'and who it is' "$(cat "$user/said")" \
    "itself: scdaemon \\(pid $scd\\)"'; `gpgconf --kill scdaemon`'
sleep 6
not_ok 'it goes on waiting, beyond the deadline' has_ended
timeout 30 gpgconf --kill scdaemon
ok 'when scdaemon lets go, it signs' wait_for 10 has_ended
is 'well' "$(cat "$user/status")" 0
is 'by the process that it began with' "$(status_of '.modules[0].pid')" \
    "$piv_before"
is 'which was told once' "$(grep -c 'keeps YubiKey' "$user/said")" 1

# In another program's transaction, likewise.
card 1 no-faults
card 1 fault slow=7000@cb
timeout 30 yubico-piv-tool -a read-certificate -s 9a >/dev/null 2>&1 &
other=$!
wait_for 5 sh -c "tail -n 1 '$work/card-1/log' | grep -q ' on$'"
sleep 1
in_background sign_directly
ok 'a program that is at work is waited for' wait_for 5 grep -q \
    'itself: yubico-piv-tool (pid' "$user/said"
wait $other
ok 'and then it signs' wait_for 10 has_ended
is 'well' "$(cat "$user/status")" 0
is 'by the same process' "$(status_of '.modules[0].pid')" "$piv_before"

# All at once.  The others find the card taken at times, and try again.
in_turn() {
	lib_tries=0
	until "$@" >/dev/null 2>&1; do
		lib_tries=$((lib_tries + 1))
		test $lib_tries -lt 40 || return 1
		sleep 0.1
	done
}

rounds() {	# NAME COUNT COMMAND...
	rounds_file=$user/rounds-$1 rounds_n=$2
	shift 2
	echo none >"$rounds_file"
	rounds_done=0
	while test $rounds_done -lt "$rounds_n"; do
		"$@" || break
		rounds_done=$((rounds_done + 1))
	done
	echo $rounds_done >"$rounds_file"
}

signs_alone() {
	"$user/sign-alone" >>"$user/signing" 2>&1
}

cat >"$user/sign-alone" <<END
#!/bin/sh
rm -f '$user/alone.sig'
echo text >'$user/alone'
SSH_AUTH_SOCK='$sock' setsid -w timeout -k 5 60 ssh-keygen -Y sign -q \\
    -n file -f '$ssh' '$user/alone' </dev/null && test -s '$user/alone.sig'
END
chmod +x "$user/sign-alone"
verify_pin() {
	in_turn timeout 30 yubico-piv-tool -a verify-pin -P "$pin"
}
ykman_lists() {
	in_turn timeout 30 ykman piv info
}
touchstone keys list >/dev/null
wait_for 5 has_let_go 1
card 1 zero
rounds piv-tool 6 verify_pin &
rounds ykman 4 ykman_lists &
rounds touchstone 30 signs_alone
wait_for 60 grep -qv none "$user/rounds-piv-tool"
wait_for 60 grep -qv none "$user/rounds-ykman"
is 'touchstone signs, not failing once' "$(cat "$user/rounds-touchstone")" 30
is 'yubico-piv-tool verifies the PIN' "$(cat "$user/rounds-piv-tool")" 6
is 'ykman looks at the card' "$(cat "$user/rounds-ykman")" 4
is 'signatures at the card' "$(count 1 signs)" 30
# One VERIFY for each time that somebody had the card.
twice_verified() {
	awk '/ 00200080 lc=8 / { if (n++) exit 0 } $2 == "reset" { n = 0 }
	    $2 == "on" { n = 0 } END { exit n < 2 }' "$work/card-1/log"
}
not_ok 'nobody sends the PIN twice' twice_verified
is 'the tries are all left' "$(yubico-piv-tool -a status |
    sed -n 's/^PIN tries left:[[:blank:]]*//p')" 3

# gpg and touchstone, round after round.
gpg_turn() {
	in_turn scdaemon_takes && timeout 30 gpgconf --kill scdaemon
}
turns() {
	gpg_turn && ssh_sign && ssh_good
}
before=$(pin_dialogues)
card 1 zero
rounds both 8 turns
is 'gpg and touchstone take turns' "$(cat "$user/rounds-both")" 8
is 'the PIN being sent once each' "$(count 1 verifies)" 8
is 'and nobody is asked for the PIN again' "$(pin_dialogues)" "$before"
done_testing
