#!/bin/sh
# touchstone setup --soft goes from nothing to a key that git signs with, and
# finishes what an interrupted run left.
. "$(dirname "$0")/lib.sh"
new_user soft
records=$XDG_DATA_HOME/touchstone/keys

setup() {
	touchstone setup --soft --pin-file "$user/pin" "$@"
}
member() {	# FILE PATH
	jq -r "$2" "$1"
}
# All that set-up makes, but for logs and the token's own counters.
state_of() {
	(cd "$user" && find . -type f ! -path '*/audit/*' ! -name '*.log' \
	    ! -name '*.lock' ! -name generation ! -path './gpg/*' \
	    -exec sha256sum {} + | sort -k 2
	gpg --export 2>/dev/null | sha256sum; gpg --export-ownertrust 2>/dev/null | grep -v '^#')
}

# ---- refused before anything is made ----
git config --global --unset user.name
out=$(setup 2>&1)
isnt 'without a user id nothing is made' "$?" 0
like 'and it says what to give' "$out" '\-\-user-id "Your Name <'
is 'no file that would be in the way of other options' \
    "$(find "$XDG_CONFIG_HOME" "$XDG_DATA_HOME" -name 'soft*')" ''
is 'no key' "$(touchstone keys --json | jq '.keys | length')" 0
is 'and no token, so no PIN was needed for it' "$(touchstone status --json |
    jq '[.modules[].tokens[] | select(.initialized)] | length')" 0
out=$(setup --user-id "$(printf 'A\nB')" 2>&1)
isnt 'a user id of two lines is refused' "$?" 0
git config --global user.name 'A U Thor'

# ---- from nothing ----
ok 'setup --soft' sh -c 'touchstone setup --soft --pin-file "$0" --json \
    >"$1"' "$user/pin" "$user/first"
fpr=$(member "$user/first" .fingerprint)
is 'it made a key' "$(member "$user/first" .key_made)" true
is 'and imported it' "$(member "$user/first" .imported)" true
is 'a PIN file for nobody else' "$(stat -c %a "$user/pin")" 600
is 'with a PIN of twenty letters' "$(tr -d '\n' <"$user/pin" | wc -c)" 20
is 'the record names the fingerprint of the keyring' \
    "$(gpg --list-keys --with-colons 2>/dev/null | sed -n 's/^fpr:*\([0-9A-F]*\):/\1/p')" \
    "$fpr"
is 'it is trusted ultimately' \
    "$(gpg --list-keys --with-colons | grep ^pub: | cut -d: -f9)" u
created=$(member "$user/first" .created)
expires=$(touchstone keys show soft --json | jq .expires)
is 'it expires in three years' "$(((expires - created) / 86400))" 1096
is 'gpg says so too' \
    "$(gpg --list-keys --with-colons | grep ^pub: | cut -d: -f7)" "$expires"
like 'gpg has its user id' "$(gpg --list-keys --with-colons)" \
    '^uid:u:.*:A U Thor <author@example.com>:'
git config --global user.signingkey "$fpr"
new_repo
ok 'git signs with it' git -C "$repo" commit -q -S -m one
ok 'and verifies' git -C "$repo" verify-commit HEAD

# ---- again ----
before=$(state_of)
out=$(setup)
is 'a second run succeeds' "$?" 0
like 'and says that nothing was changed' "$out" 'nothing was changed'
is 'and changes nothing' "$(state_of)" "$before"
like 'as does one for the same key' "$(setup --algorithm P-256 --user-id \
    'A U Thor <author@example.com>')" 'nothing was changed'
out=$(setup --algorithm Ed25519 2>&1)
is 'another algorithm: exit status' "$?" 1
like 'another algorithm: what is there, what to do' "$out" \
    'is P-256: leave out --algorithm .* another --name'
out=$(setup --user-id 'O Ther <o@x>' 2>&1)
is 'another user id: exit status' "$?" 1
like 'another user id: what is there, what to do' "$out" \
    'is A U Thor <author@example.com>: leave out --user-id .* another --name'
is 'neither changes anything' "$(state_of)" "$before"
is 'SoftHSM'"'"'s room for another token is not listed' \
    "$(touchstone status | grep -c '^  token ')" 1
is 'but told in JSON' "$(touchstone status --json |
    jq '.modules[0].tokens | length')" 2
out=$(touchstone keys list nosuch 2>&1)
is 'a match that finds nothing: exit status' "$?" 5
like 'a match that finds nothing: words' "$out" 'no key matches "nosuch"'
unlike 'a match that finds nothing: no set-up' "$out" 'setup'
is 'one that finds a key: exit status' \
    "$(touchstone keys list soft >/dev/null 2>&1; echo $?)" 0
is 'even when no agent runs' "$(touchstone stop >/dev/null; setup >/dev/null
    state_of)" "$before"

# ---- interrupted ----
key_id=$(member "$user/first" .id)
rm "$records/soft.json"
touchstone reload >/dev/null
ok 'a key without a record: setup' sh -c 'touchstone setup --soft \
    --pin-file "$0" --json >"$1"' "$user/pin" "$user/again"
is 'finds the key again' "$(member "$user/again" .id)" "$key_id"
is 'with the same fingerprint' "$(member "$user/again" .fingerprint)" "$fpr"
is 'and makes none' "$(member "$user/again" .key_made)" false
is 'the certificate is the one of the keyring' \
    "$(gpg --list-keys --with-colons | grep -c ^uid:)" 1
rm -rf "$GNUPGHOME"/*
ok 'a record that was not imported: setup' setup
like 'imports it' "$(gpg --list-keys --with-colons 2>/dev/null)" "^fpr:*$fpr:"
rm -rf "$GNUPGHOME"/* "$records/soft.json"
touchstone reload >/dev/null
ok 'neither record nor certificate: setup' setup
like 'the fingerprint stays, since the token has the time' \
    "$(gpg --list-keys --with-colons 2>/dev/null)" "^fpr:*$fpr:"
is 'there is still one key' "$(touchstone keys --json | jq '.keys | length')" 1

for gone in "$config/modules.d/soft.conf" \
    "$XDG_DATA_HOME/touchstone/soft/softhsm2.conf"; do
	rm "$gone"
	ok "without $(basename "$gone"): setup" setup
	is 'has the same key' "$(touchstone keys show soft --json |
	    jq -r .fingerprint)" "$fpr"
done

# A token that was made, and no key on it yet.
new_user halfway
mkdir -p "$config"
touchstone setup --soft --pin-file "$user/pin" --algorithm P-384 \
    --no-import >/dev/null 2>&1
is '--no-import leaves the keyring alone' "$(ls "$GNUPGHOME")" ''
is '--algorithm is heard' "$(touchstone keys --json |
    jq -r '.keys[0].algorithm')" P-384
touchstone stop >/dev/null
rm -r "$XDG_DATA_HOME/touchstone/keys"
for type in privkey pubkey; do
	SOFTHSM2_CONF=$XDG_DATA_HOME/touchstone/soft/softhsm2.conf \
	    pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so \
	    --token-label soft --login --pin "$(cat "$user/pin")" \
	    --delete-object --type $type --label soft >/dev/null 2>&1
done
is 'a token without a key' "$(touchstone keys --json | jq '.keys | length')" 0
ok 'a token without a key: setup' touchstone setup --soft \
    --pin-file "$user/pin"
is 'has a key' "$(touchstone keys --json | jq '.keys | length')" 1

# ---- other keys on the same token ----
ok 'another name makes another key' touchstone setup --soft --name other \
    --algorithm P-384 --user-id 'O Ther <o@x>'
is 'beside the first' "$(touchstone keys --json |
    jq -r '[.keys[].name] | sort | join(" ")')" 'other soft'
ok 'keys generate' touchstone keys generate --name third --user-id 'T <t@x>'
is 'keys show finds it by address' \
    "$(touchstone keys show t@x --json | jq -r .name)" third
unlike 'it was not imported' "$(gpg --list-keys 2>/dev/null)" 't@x'
ok 'keys export --openpgp --import' touchstone keys export third --openpgp \
    --import
like 'imports it' "$(gpg --list-keys 2>/dev/null)" 't@x'
out=$(touchstone keys generate --name third --user-id 'T <t@x>' 2>&1)
isnt 'a name is given once' "$?" 0
like 'and that is said' "$out" 'already'
out=$(touchstone keys show nothing 2>&1)
is 'an unknown key: exit status' "$?" 5
touchstone keys generate --name fourth --user-id 'T <t@x>' >/dev/null
out=$(touchstone keys show t@x 2>&1)
is 'two keys of one address: exit status' "$?" 5
like 'two keys of one address: both are named' "$out" \
    'third.*fourth|fourth.*third'

# ---- export, revoke ----
touchstone keys export third --ssh >"$user/third.pub"
is 'ssh-keygen knows the key' \
    "$(ssh-keygen -lf "$user/third.pub" | cut -d' ' -f2)" \
    "$(touchstone keys show third --json | jq -r .ssh_fingerprint)"
touchstone keys export third --openpgp --output "$user/third.asc"
mkdir -m 700 "$user/gpg-other"
ok 'a keyring of somebody else takes the certificate' \
    gpg --homedir "$user/gpg-other" --batch --import "$user/third.asc"
touchstone keys revoke third --reason compromised --comment 'lost' \
    2>/dev/null >"$user/revocation.asc"
ok 'and the revocation' gpg --homedir "$user/gpg-other" --batch --import \
    "$user/revocation.asc"
is 'which revokes it' "$(gpg --homedir "$user/gpg-other" --list-keys \
    --with-colons | grep ^pub: | cut -d: -f2)" r
isnt 'one of --openpgp and --ssh' "$(touchstone keys export third \
    >/dev/null 2>&1; echo $?)" 0

# ---- extend ----
cert=$XDG_DATA_HOME/touchstone/keys/third.json
expires() { jq .expires "$cert"; }
before=$(expires)
isnt '--years out of range' "$(touchstone keys extend third --years 21 \
    >/dev/null 2>&1; echo $?)" 0
is 'changes nothing' "$(expires)" "$before"
ok 'a certificate is renewed' touchstone keys extend third --years 10
ok 'and expires later' test "$(expires)" -gt "$((before + 200000000))"
before=$(expires)
out=$(touchstone keys extend third --years 9 2>&1)
is 'but never earlier: exit status' "$?" 1
like 'but never earlier: words' "$out" \
    "until $(date -u -d "@$before" +%F), and is not shortened"
is 'and stays as it was' "$(expires)" "$before"
is 'in the keyring too' "$(gpg --list-keys --with-colons \
    "$(touchstone keys show third --json | jq -r .fingerprint)" | grep ^pub: | cut -d: -f7)" "$(expires)"

# ---- --git ----
ok '--git' touchstone setup --soft --git
is 'sets the program' "$(git config --global gpg.program)" \
    "$bin/touchstone-gpg"
is 'and the key' "$(git config --global user.signingkey)" \
    "$(touchstone keys show soft --json | jq -r .fingerprint)"

# ---- PIN files that are refused ----
new_user careless
echo 12345678 >"$user/pin"
chmod 644 "$user/pin"
out=$(touchstone setup --soft --pin-file "$user/pin" 2>&1)
is 'a PIN file that others may read: exit status' "$?" 4
like 'a PIN file that others may read: what to do' "$out" 'chmod 600'
is 'and nothing was set up' "$(find "$config" -type f 2>/dev/null)" ''
ln -s "$user/elsewhere" "$user/link"
isnt 'a PIN file that is a link' "$(touchstone setup --soft --pin-file \
    "$user/link" >/dev/null 2>&1; echo $?)" 0
chmod 600 "$user/pin"
(cd "$user/tmp" && touchstone setup --soft --pin-file ../pin >/dev/null)
is 'a relative name is made absolute' "$(touchstone keys --json |
    jq '.keys | length')" 1
is 'and the PIN is the one that was there' "$(cat "$user/pin")" 12345678
out=$(touchstone setup --soft --pin-file "$user/another" 2>&1)
isnt 'a configuration with another PIN file is not changed' "$?" 0
like 'but named' "$out" 'soft.conf'

# ---- a keyring that has the key already ----
# The certificate of another machine, where the same key was set up.
new_user second
cp -r "$work/careless/home" "$user/"
rm -r "$XDG_DATA_HOME/touchstone/keys" "$XDG_STATE_HOME"
sed -i "s|$work/careless|$user|g" "$config/modules.d/soft.conf" \
    "$XDG_DATA_HOME/touchstone/soft/softhsm2.conf"
cp "$work/careless/pin" "$user/pin"
GNUPGHOME=$work/careless/gpg gpg --export | gpg --import 2>/dev/null
before=$(gpg --export | sha256sum)
ok 'a key whose certificate is in the keyring: setup' sh -c \
    'touchstone setup --soft --user-id "No Body <n@x>" --json >"$0"' \
    "$user/json"
is 'no new certificate is made' "$(gpg --export | sha256sum)" "$before"
is 'its user id is taken' "$(member "$user/json" '.user_ids | join(";")')" \
    'A U Thor <author@example.com>'
like 'touchstone exports it' "$(touchstone keys export soft --openpgp)" \
    'BEGIN PGP PUBLIC KEY BLOCK'

done_testing
