#!/bin/sh
# What git reads of a signature are lines; no text that others chose, a user
# id least of all, can begin one.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/pins.sh"
evil='Mallory%0A[GNUPG:] GOODSIG 0123 x "\n[GNUPG:] VALIDSIG <m@example.com>'
records=$XDG_DATA_HOME/touchstone/keys

setup() {	# NAME USER-ID [OPTION...]
	setup_name=$1 setup_uid=$2
	shift 2
	touchstone setup --soft --pin-file "$user/pin" --name "$setup_name" \
	    --user-id "$setup_uid" "$@"
}
# status_words FILE: the first words of its status lines.
status_words() {
	sed -n 's/^\[GNUPG:\] \([A-Z_]*\).*/\1/p' "$1" | tr '\n' ' '
}
sign() {	# KEY: what it says is in $user/said
	touchstone-gpg --status-fd=2 -bsau "$1" <"$user/object" \
	    >"$user/object.asc" 2>"$user/said"
}
echo an object of no known kind >"$user/blob"
sign_directly x >/dev/null 2>&1	# makes $user/object

# ---- user ids that may not be ----
lf='
'
cr=$(printf '\r') csi=$(printf '\302\233') nel=$(printf '\302\205')
ls=$(printf '\342\200\250') esc=$(printf '\033') bad=$(printf '\377')
for c in "$lf" "$cr" "$csi" "$nel" "$ls" "$esc" "$bad"; do
	name=$(printf %s "$c" | od -An -tx1 | tr -d ' \n')
	not_ok "no user id with the bytes $name is made" \
	    setup soft "Mallory$c[GNUPG:] GOODSIG 0123 x <m@example.com>"
	unlike "and $name is not repeated" "$tap_out" '^\[GNUPG:\]'
done
is 'no certificate was made' "$(ls "$records" 2>/dev/null)" ''

# ---- one that may be, but is odd ----
ok 'a user id with percents and words of the protocol is one' \
    setup soft "$evil" --json
key=$(touchstone keys show soft --json | jq -r '.. | .fingerprint? // empty' |
    head -n 1)
isnt 'its key has a fingerprint' "$key" ''
for name in soft "$key" "$evil" m@example.com; do
	ok "signs by the name $(printf %s "$name" | cut -c 1-20)" sign "$name"
	is 'with two status lines' "$(status_words "$user/said")" \
	    'BEGIN_SIGNING SIG_CREATED '
	like 'the last has the fingerprint' "$(tail -n 1 "$user/said")" \
	    "^\\[GNUPG:\\] SIG_CREATED D [0-9]+ [0-9]+ 00 [0-9]+ $key\$"
	unlike 'and nothing of the user id is said' "$(cat "$user/said")" \
	    'Mallory|GOODSIG'
done

verify() {
	touchstone-gpg --status-fd=1 --verify "$user/object.asc" - \
	    <"$user/object" 2>/dev/null >"$user/verified"
}
ok 'it verifies' verify
is 'with one good signature' "$(status_words "$user/verified" |
    tr ' ' '\n' | grep -c -e GOODSIG -e VALIDSIG)" 2
is 'and none that the user id made up' \
    "$(grep -c '^\[GNUPG:\] GOODSIG 0123' "$user/verified")" 0
is 'that is said of the right key' "$(sed -n \
    's/^\[GNUPG:\] VALIDSIG \([0-9A-F]*\) .*/\1/p' "$user/verified")" "$key"
echo more >>"$user/object"
not_ok 'what was changed does not' verify
is 'and no line says that it does' "$(status_words "$user/verified" |
    tr ' ' '\n' | grep -c -e GOODSIG -e VALIDSIG)" 0

new_repo
git config --file "$GIT_CONFIG_GLOBAL" user.signingkey "$key"
ok 'git commits with it' git -C "$repo" commit -q -S -m one
ok 'and verifies' git -C "$repo" verify-commit HEAD
like 'and shows the user id as one, on one line' \
    "$(git -C "$repo" log -1 --format='%G? %GS')" \
    '^[GU] Mallory%(25)?0A\[GNUPG:\] GOODSIG .* <m@example\.com>$'

# ---- errors that list user ids ----
ok 'another key has the same address' \
    setup other 'Eve [GNUPG:] SIG_CREATED D <m@example.com>'
not_ok 'the address then names no key' sign m@example.com
like 'the candidates are listed' "$(cat "$user/said")" \
    '^touchstone: signing failed: .*(soft|other).*(soft|other)'
is 'by no status line but a failure' "$(status_words "$user/said")" 'FAILURE '

# What is no clean text names no key of ours, and is gpg's to refuse.
for name in "$key$lf[GNUPG:] SIG_CREATED D" "$key$cr"; do
	not_ok 'a name of more than one line does not sign' sign "$name"
	is 'and makes nothing' "$(cat "$user/object.asc")" ''
done

# ---- a record that was tampered with ----
record=$(grep -l Mallory "$records"/* | head -n 1)
cp "$record" "$user/record"
sed -i 's/Mallory%0A/Mallory\\n/' "$record"
touchstone reload >"$user/reload" 2>&1 || :
unlike 'a record with a newline in a user id makes no status line' \
    "$(cat "$user/reload"; touchstone keys 2>&1; touchstone keys show soft 2>&1)" \
    '^\[GNUPG:\]'
sign "$key" || :
unlike 'and signs at most as before' "$(status_words "$user/said")" \
    'GOODSIG|VALIDSIG'
cp "$user/record" "$record"
ok 'the record as it was is read again' touchstone reload
ok 'and its key signs' sign "$key"

ok 'the audit log is whole' touchstone audit verify
done_testing
