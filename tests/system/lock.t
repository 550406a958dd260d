#!/bin/sh
# Locked, the agent has no keys and no PINs for anybody, until the passphrase
# comes back; to guess it takes longer and longer.
. "$(dirname "$0")/lib.sh"

soft_token
ssh-keygen -q -t ed25519 -N '' -C software -f "$user/software"
export SSH_AUTH_SOCK="$runtime/agent.sock"
ssh-add -q "$user/software"
mv "$user/software" "$user/software.away"
touchstone keys export --ssh soft >"$user/soft.pub"
echo data >"$user/data"
cat >"$user/commit" <<-END
	tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904
	author A U Thor <author@example.com> 1700000000 +0000
	committer A U Thor <author@example.com> 1700000000 +0000

	one
	END
cat >"$user/askpass" <<-'END'
	#!/bin/sh
	exec cat "$PASSPHRASE"
END
chmod +x "$user/askpass"
export SSH_ASKPASS="$user/askpass" SSH_ASKPASS_REQUIRE=force \
    PASSPHRASE="$user/passphrase"

# with PASSPHRASE COMMAND...
with() {
	printf '%s\n' "$1" >"$PASSPHRASE"
	shift
	without_terminal "$@"
}
ssh_sign() {
	rm -f "$user/data.sig"
	ssh-keygen -q -Y sign -n file -f "$1" "$user/data" || return 1
}
sign() {
	timeout 60 touchstone-gpg --status-fd=2 -bsau "$key" <"$user/commit" ||
	    return 1
}
held() {
	status_of '[.modules[] | select(.name == "soft").tokens[] |
	    select(.pin_held and .initialized)] | length'
}

# ---- open ----
ok 'it signs' sign
ok 'and by ssh' ssh_sign "$user/soft.pub"
is 'both keys are listed' "$(ssh-add -l | wc -l)" 2
is 'it is not locked' "$(status_of .locked)" false
not_ok 'unlock where nothing is locked is refused' with a ssh-add -X
refused() {
	touchstone audit show -n 1 | grep -q 'unlock.*not locked'
}
ok 'and is recorded, soon after' wait_for 5 refused

# ---- locked ----
ok 'ssh-add -x locks' with 'right one' ssh-add -x
is 'status tells' "$(status_of .locked)" true
like 'so for people' "$(touchstone status)" '^locked'
like 'no key is listed' "$(ssh-add -l)" 'no identities'
is '... by local.sock neither' \
    "$(SSH_AUTH_SOCK=$sock ssh-add -l)" 'The agent has no identities.'
not_ok 'nothing is signed' sign
like 'and is told how it can' "$tap_out" 'ssh-add -X'
not_ok 'nor ssh-keygen' ssh_sign "$user/soft.pub"
not_ok '... with a key in memory neither' ssh_sign "$user/software.pub"
not_ok 'keys cannot be named' touchstone keys list
like 'and that is said' "$tap_out" 'the agent is locked'
not_ok 'keys cannot be added' ssh-add -q "$user/software.away"
not_ok 'nor removed' ssh-add -D
not_ok 'nor made' touchstone keys generate --name more
not_ok 'lock when locked is refused' with 'right one' ssh-add -x
not_ok '... and with another passphrase' with 'another' ssh-add -x
not_ok 'touchstone lock says so' with x touchstone lock
like 'in words' "$tap_out" 'locked already'
ok 'a reload works' touchstone reload
is 'and leaves it locked' "$(status_of .locked)" true

# ---- wrong ones ----
before=$(now_ms)
for wrong in '' 'right' 'right one ' 'right onf'; do
	not_ok "it is not opened with \"$wrong\"" with "$wrong" ssh-add -X
done
took=$(($(now_ms) - before))
test "$took" -ge 1500 && pass 'four wrong ones took 1.5 s at least' ||
    fail 'four wrong ones took 1.5 s at least' "$took ms"
with wrong ssh-add -X >/dev/null 2>&1 & guess=$!
before=$(now_ms)
status_of .locked >/dev/null
took=$(($(now_ms) - before))
kill -0 $guess 2>/dev/null && test "$took" -lt 1000 &&
    pass 'while one waits for its answer others have theirs' ||
    fail 'while one waits for its answer others have theirs' "$took ms"
ok 'the right one waits for its turn' with 'right one' ssh-add -X
wait $guess
isnt 'and comes after the wrong one' "$?" 0
like 'wrong ones are recorded' "$(touchstone audit show -n 40)" \
    'unlock.*the passphrase is wrong'
ok 'the log is unbroken' touchstone audit verify
is 'the passphrase is in no log' "$(cat "$XDG_STATE_HOME"/touchstone/*.log \
    "$XDG_STATE_HOME"/touchstone/audit/*/log.jsonl | grep -c 'right one')" 0

# ---- open again ----
is 'it is open' "$(status_of .locked)" false
is 'the keys are back' "$(ssh-add -l | wc -l)" 2
ok 'the key in memory signs' ssh_sign "$user/software.pub"
mv "$user/pin" "$user/pin.away"
not_ok 'the PIN has to be entered anew' sign
mv "$user/pin.away" "$user/pin"
ok 'and with it the token signs' sign

# ---- touchstone's own words ----
too_many() {
	touchstone audit show -n 20 | grep -q 'too many tries wait'
}
ok 'touchstone lock locks' sh -c 'echo second | touchstone lock'
not_ok 'the former passphrase is worth nothing' with 'right one' ssh-add -X
not_ok 'touchstone unlock refuses a wrong one' \
    sh -c 'echo wrong | touchstone unlock'
like 'and says so' "$tap_out" 'the passphrase is wrong'
ok 'what one locks the other opens' with second ssh-add -X
not_ok 'touchstone unlock says where nothing is locked' \
    sh -c 'echo second | touchstone unlock'
ok 'and once more' sh -c 'echo third | touchstone lock --json | jq -e .ok'
many=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	with x timeout 4 ssh-add -X >/dev/null 2>&1 &
	many="$many $!"
done
ok 'of many tries at once some are refused' wait_for 10 too_many
wait $many
ok 'the other way round' wait_for 20 sh -c 'echo third | touchstone unlock'
# A terminal whose owner thinks better of it shows again what is typed.
interrupted() {
	{ wait_for 10 grep -q 'New passphrase' "$user/typed"
	printf '\003'; sleep 1; } | script -qefc "sh -c 'trap : INT
	    touchstone lock; stty -a'" "$user/typed" >/dev/null
}
interrupted
like 'a passphrase is asked for, and interrupted' "$(cat "$user/typed")" 'New passphrase'
like 'the terminal has its echo back' "$(cat "$user/typed")" '[ ;]echo[ ;]'
is 'nothing was locked' "$(status_of .locked)" false
ok 'an empty passphrase is one' with '' ssh-add -x
not_ok 'which another is not' with x ssh-add -X
ok 'it opens' with '' ssh-add -X

# ---- a PIN that a person entered, and one that is waited for ----
export DISPLAY=:99
pinentry_setup
sed -i '/pin_source/d' "$config/modules.d/soft.conf"
touchstone reload >/dev/null
pinentry "pin $(cat "$user/pin")"
ok 'with a PIN that was entered it signs' sign
is 'which is held' "$(held)" 1
ok 'until it is locked' with now ssh-add -x
is 'then it is forgotten' "$(held)" 0
ok 'it is opened' with now ssh-add -X
is 'and still forgotten' "$(held)" 0
rm "$user/pinentry.log"
pinentry hang
sign >"$user/waits" 2>&1 & waits=$!
ok 'a PIN is being asked for' wait_for 10 grep -q GETPIN "$user/pinentry.log"
ok 'the lock does not wait for that' with now ssh-add -x
wait $waits
isnt 'and who wanted it is refused' "$?" 0
like 'with the reason' "$(cat "$user/waits")" 'the agent is locked'
done_testing
