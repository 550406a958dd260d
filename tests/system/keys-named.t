#!/bin/sh
# A name that means two keys, none, or an expired one: the candidates are
# listed, the real gpg is asked, or how to renew it is said.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"

soft_token
other_token 'A U Thor <author@example.com>'
records=$XDG_DATA_HOME/touchstone/keys

does_sign 'a fingerprint means one key'
does_sign 'so does a nickname' soft
fails_to_sign 'an address of two keys: no signature' \
    'more than one key is meant' author@example.com
like 'the first is named' "$(cat "$user/sign.err")" "soft \\($key\\)"
like 'and the second' "$(cat "$user/sign.err")" "other \\($other\\)"
fails_to_sign 'a user id of two keys: no signature' \
    'more than one key is meant' 'A U Thor <author@example.com>'
new_repo
git config --file "$GIT_CONFIG_GLOBAL" --unset user.signingkey
at_terminal git -C "$repo" commit -S -qm x
like "at a terminal git's user is told too" "$(cat "$user/terminal")" \
    "other \\($other\\)"
is 'and there is no commit' "$(git -C "$repo" rev-parse -q --verify HEAD)" ''

fails_to_sign 'a key of nobody is for gpg to miss' \
    'gpg: .*(No secret key|skipped)' nobody@example.net
gpg --batch --quiet --passphrase '' --quick-generate-key \
    'Soft Ware <software@example.net>' ed25519 sign 2>/dev/null
does_sign "a key of gpg's is for gpg to use" software@example.net
is 'which touchstone has no record of' \
    "$(touchstone audit show --json | grep -c software@)" 0

# ---- expired ----
set_expiry() {
	sed "s/\"expires\": [0-9]*/\"expires\": $1/" "$records/soft.json" \
	    >"$user/record" && cp "$user/record" "$records/soft.json" &&
	    touchstone reload >/dev/null
}
now=$(date +%s)
set_expiry $((now + 1000))
does_sign 'a certificate that has not expired'
set_expiry $((now - 1))
fails_to_sign 'an expired certificate: no signature' \
    "certificate of key soft \\($key\\) has expired"
like 'how to renew it is said' "$(cat "$user/sign.err")" \
    'touchstone keys [a-z]+'
command=$(sed -n 's/.*`touchstone \(keys [a-z]*\).*/\1/p' "$user/sign.err")
ok 'by a command that exists' touchstone help ${command:-keys none}
at_terminal git -C "$repo" commit "-Ssoft" -qm x
like "at a terminal git's user is told too" "$(cat "$user/terminal")" \
    'has expired'
does_sign 'another key signs' other
set_expiry 0
does_sign 'a certificate that never expires'
ok 'the audit log is unbroken' touchstone audit verify
done_testing
