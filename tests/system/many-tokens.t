#!/bin/sh
# One agent with four tokens at once: a soft one, two YubiKeys, and a card
# that OpenSC's module serves, which leaves the YubiKeys alone.
set -- --reader 'Yubico YubiKey OTP+FIDO+CCID' --reader 'Yubico YubiKey CCID' \
    --reader 'Odd & Sons (Test)'
. "$(dirname "$0")/piv.sh"

opensc=$(find /usr/lib /usr/lib64 -name opensc-pkcs11.so 2>/dev/null |
    head -n 1)
test -n "$opensc" || skip_all 'OpenSC is not installed'

for n in 1 2 3; do
	card_start $n --touch now || exit 1
done
piv_agent || exit 1
pinentry "always pin $pin"

# A key on each card, made ready for git: N.
make_key() {
	piv_key 9a P-256 2 1 "1000000$1" || return 1
	piv_ask certificate "$id" "card $1" >"$user/card-$1.der" || return 1
	touchstone keys export --openpgp "$id" --name "card-$1" \
	    --user-id 'A U Thor <author@example.com>' --import \
	    >/dev/null </dev/null || return 1
	cp "$ssh" "$user/card-$1.pub"
}

for n in 1 2 3; do
	ok "card $n has a key" make_key $n
done
is 'which are three keys' "$(sort -u "$user"/card-?.pub | wc -l)" 3
stop_agent

# The third card is OpenSC's from here on.
cat >"$config/modules.d/yubikey.conf" <<END
type = "piv";
reader = "Yubi";
END
echo 'app default { debug = 0; }' >"$user/opensc.conf"
cat >"$config/modules.d/opensc.conf" <<END
path = "$opensc";
env = [ "OPENSC_CONF=$user/opensc.conf" ];
END
(umask 077 && printf '%s\n' "soft-$pin" >"$user/pin")
soft_token || exit 1
touchstone keys export --ssh "$key" >"$user/soft.pub"
new_repo
for n in 1 2 3; do
	card $n zero
done

sign_with() {
	ssh=$user/$1.pub
	ssh_sign "by $1" && ssh_good
}

commit_with() {
	key=$(touchstone keys show "$1" --json | jq -r .fingerprint)
	without_terminal git -C "$repo" -c "user.signingkey=$key" \
	    commit -q -S --allow-empty -m "by $1" &&
	    git -C "$repo" verify-commit --raw HEAD 2>&1 |
	    grep -q "^\[GNUPG:\] VALIDSIG $key "
}

for name in soft card-1 card-2 card-3; do
	ok "$name signs for SSH" sign_with $name
	ok "$name signs a commit" commit_with $name
done
is 'with a signature by each card' \
    "$(for n in 1 2 3; do count $n signs; done | tr '\n' ' ')" '2 2 2 '
is 'and one PIN' \
    "$(for n in 1 2; do count $n verifies; done | tr '\n' ' ')" '1 1 '
is 'the card of OpenSC is no YubiKey here' "$(touchstone status --json |
    jq -r '.modules[] | select(.name == "yubikey") | .tokens | length')" 2

# What OpenSC sends to whom.  It selects what touchstone never does; all that
# is in the cards' logs counts, from the agent's start.
foreign_selects() {
	grep -c ' 00a40400 .*ms=[0-9]* ' "$work/card-$1/log" >"$user/all"
	grep -c ' 00a40400 .*ms=[0-9]* a000000308$' "$work/card-$1/log" \
	    >"$user/own"
	echo $(($(cat "$user/all") - $(cat "$user/own")))
}

opensc_pid() {
	touchstone status --json |
	    jq -r '.modules[] | select(.name == "opensc") | .pid'
}

ok "OpenSC's process begins anew" kill -KILL "$(opensc_pid)"
ok 'and signs' wait_for 10 sign_with card-3
is 'it sent nothing to the YubiKeys' \
    "$(foreign_selects 1) $(foreign_selects 2)" '0 0'
not_ok 'but to its own card' test "$(foreign_selects 3)" = 0
like 'since it has been told to' \
    "$(cat "$runtime/opensc-opensc.conf")" \
    'app default \{ ignored_readers = "Yubi";  debug = 0; \}'
is 'in a file for the user alone' \
    "$(stat -c %a "$runtime/opensc-opensc.conf")" 600
card 2 unplug
sleep 1
card 2 plug
wait_for 10 card_seen 2
ok 'with a YubiKey plugged in anew it signs' sign_with card-3
is 'and still sends nothing there' "$(foreign_selects 2)" 0
ok 'the YubiKeys still sign' sign_with card-1
ok 'both' sign_with card-2

# Without YubiKeys of our own they are OpenSC's.
rm "$config/modules.d/yubikey.conf"
ok 'the YubiKeys are configured no more' touchstone reload
ok 'then OpenSC signs with one of them' sign_with card-1
not_ok 'and sends to both' test "$(foreign_selects 1)" = 0 -o \
    "$(foreign_selects 2)" = 0
done_testing
