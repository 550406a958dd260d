#!/bin/sh
# touchstone keys delete on tokens of PKCS#11 modules: a key and what is beside
# it goes where its owner names it, and nothing else does.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/faults.sh"
new_user soft
for program in pkcs11-tool openssl script; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
module=/usr/lib/softhsm/libsofthsm2.so

delete() {
	without_terminal touchstone keys delete "$@" >"$user/told" \
	    2>"$user/said"
}
said() {
	cat "$user/said"
}
typed() {	# TEXT COMMAND...
	typed_text=$1
	shift
	printf '%s\n' "$typed_text" | timeout 60 script -qec "$*" /dev/null |
	    tr -d '\r'
}
tool() {
	SOFTHSM2_CONF=$conf pkcs11-tool --module "$module" --login \
	    --pin "$(cat "$pin_file")" "$@" 2>&1
}
# objects: all that is on the token, a line each: kind, label.
# There is always one.  SoftHSM finds none while another process writes its
# files.
objects() {
	for objects_try in 1 2 3 4 5; do
		tool --list-objects >"$user/objects"
		test ! -s "$user/objects" || break
	done
	sed -n "
	    s/^\\(Private\\|Public\\) Key Object.*/\\1/p
	    s/^Certificate Object.*/Certificate/p
	    s/^Data object.*/Data/p
	    s/^  label: *'*\\([^']*\\)'*\$/\\1/p" "$user/objects" |
	    paste -d ' ' - - | sort
}
key_id() {	# LABEL: CKA_ID
	tool --list-objects --type privkey | awk -v l="$1" '
	    $1 == "label:" { hit = $2 == l }
	    $1 == "ID:" && hit { print $2 }'
}
make() {	# NAME [ALGORITHM]
	touchstone keys generate --module soft --name "$1" \
	    --algorithm "${2-P-256}" >/dev/null 2>"$user/said" </dev/null
}

soft_token P-256 one || exit 1
conf=$(sed -n 's/.*SOFTHSM2_CONF=\([^"]*\)".*/\1/p' "$config/modules.d/soft.conf")
pin_file=$user/pin
ok 'a second key' make two RSA-2048
faulty_module
both=$(objects)
like 'each has its note' "$both" 'created:'
is 'and both their halves' "$(echo "$both" | wc -l)" 6
without=$(echo "$both" | grep -v -e ' one$' -e "created:$(key_id one)")
is 'of which three are of one' "$(echo "$without" | wc -l)" 3

# ---- without consent ----
delete one
is 'without consent: exit status' "$?" 4
like 'it says what to give' "$(said)" '\-\-confirm one'
delete one --confirm two
is 'consent for another key is none: exit status' "$?" 2
out=$(typed yes touchstone keys delete one)
like 'at a terminal it asks for its name' "$out" 'Type one'
like 'and other words are none' "$out" 'stays as it was'
delete nobody --confirm nobody
is 'a key that there is not: exit status' "$?" 5
id=$(touchstone keys show one --json | jq -r .id)
id_two=$(touchstone keys show two --json | jq -r .id)
serial=$(touchstone keys show one --json | jq -r .serial)
for words in '' 'delete one' "delete $id@" "delete $id_two@$serial"; do
	like "nor is \"$words\", by the protocol alone" \
	    "$("$build/tests/tools/piv-ask" delete "$id" '' "$words" 2>&1)" \
	    "agree by \"delete $id@$serial\""
done
is 'all of it is as it was' "$(objects)" "$both"
is 'nothing was tried' "$(grep -c C_DestroyObject "$user/fault.log")" 0
touchstone keys move one 9a 2>"$user/said" </dev/null
isnt 'such a token has no slots to move to' "$?" 0
like 'which is said' "$(said)" 'slots are for YubiKeys'
like 'by the protocol too' "$("$build/tests/tools/piv-ask" move "$id" '' 9a \
    '' 2>&1)" 'a token of this kind cannot do that'

# ---- interrupted ----
# A token that refuses the private half loses nothing.
fault 'spare 0'
delete one --confirm one
isnt 'a token that does not want to: it fails' "$?" 0
is 'and nothing is lost' "$(objects)" "$both"
fault
does_sign 'the key still signs'
for done in 1 2; do
	fault "spare $done"
	delete one --confirm one
	isnt "interrupted after $done: it fails" "$?" 0
	unlike "interrupted after $done: the private half is gone" \
	    "$(objects)" '^Private one$'
	fault
	ok "interrupted after $done: run again, it finishes" \
	    delete one --confirm one || diag "$(said)"
	is "interrupted after $done: the other key is as it was" \
	    "$(objects)" "$without"
	rm "$XDG_DATA_HOME/touchstone/keys/one.json"
	touchstone reload >/dev/null
	make one
	without=$(objects | grep -v -e ' one$' -e "created:$(key_id one)")
done
chain_one=$XDG_DATA_HOME/touchstone/keys/one.chain.pem
ok 'a certificate for images' touchstone keys certify one
ok 'and one of another key' touchstone keys certify two
fault 'spare 1'
delete one --confirm one
ok 'they stay as long as the key is there' test -s "$chain_one"
end_module soft
fault
# Who lists it after the login sees no private half, and so no key; without
# the login the public half stands for it.
finish() {
	for finish_try in 1 2 3 4 5; do
		delete one --confirm one && return 0
		touchstone forget >/dev/null
		touchstone keys list --refresh >/dev/null
	done
	return 1
}
ok 'interrupted by the end of its process, run again, it finishes' finish ||
    diag "$(said)"
is 'and the other key is as it was' "$(objects)" "$without"

# ---- done ----
not_ok 'its certificates for images are gone' test -e "$chain_one"
ok 'those of another key stay' test -s "${chain_one%one.*}two.chain.pem"
like 'the record stays' "$(cat "$user/told")" \
    "$XDG_DATA_HOME/touchstone/keys/one.json"
is 'and tells that the key is not here' "$(touchstone keys show one --json |
    jq .present)" false
not_ok 'it is there but once' delete one --confirm one
ok 'the agent still works' touchstone status
key=$(touchstone keys show two --json | jq -r .fingerprint)
gpg --quiet --batch --import <<END
$(touchstone keys export --openpgp two)
END
does_sign 'and the other key signs'

# A certificate beside a key goes with it; one of another key stays.
ok 'a third key' make three
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$user/other.key" \
    -outform DER -out "$user/other.der" -days 10 -subj '/CN=other' \
    2>/dev/null
three=$(key_id three)
ok 'beside it a certificate of another' tool --write-object \
    "$user/other.der" --type cert --id "$three" --label other
out=$(typed three touchstone keys delete three)
like 'typed, its name is consent' "$out" 'three is deleted'
unlike 'it is gone' "$(objects)" ' three$'
like 'the certificate of another key stays' "$(objects)" \
    '^Certificate other$'

# Two private keys of one id: whose is which cannot be told.
ok 'a key' make four
four=$(key_id four)
ok 'and another of its id' tool --keypairgen --key-type EC:prime256v1 \
    --id "$four" --label five
before=$(objects)
touchstone keys list --refresh >/dev/null
delete four --confirm four
isnt 'is not deleted' "$?" 0
like 'and why is said' "$(said)" 'several keys with this id'
is 'both are as they were' "$(objects)" "$before"

# ---- the same key on two tokens ----
touchstone stop >/dev/null
cp -r "$(sed -n 's/^directories.tokendir *= *//p' "$conf")" "$user/copied"
sed "s|^directories.tokendir.*|directories.tokendir = $user/copied|" \
    "$conf" >"$user/copied.conf"
sed "s|SOFTHSM2_CONF=[^\"]*|SOFTHSM2_CONF=$user/copied.conf|" \
    "$config/modules.d/soft.conf" >"$config/modules.d/copied.conf"
touchstone keys list --refresh >/dev/null
before=$(objects)
delete two --confirm two
is 'a key in two places: exit status' "$?" 5
like 'they are listed' "$(said)" 'pkcs11:.*, pkcs11:'
is 'and both as they were' "$(objects)" "$before"

ok 'the audit log is unbroken' touchstone audit verify
touchstone audit show -n 1000 --json >"$user/audit"
like 'and has the deletions' "$(jq -r '.records[] |
    select(.kind == "deletion" and .stage == "signed") | .summary' \
    "$user/audit")" 'the deletion of key "one" on token'
like 'those that failed too' "$(jq -r '.records[] |
    select(.kind == "deletion") | .stage' "$user/audit")" failed
done_testing
