#!/bin/sh
# What the tests of trust data rest on: Debian's server and signer of Notary
# v1, and its clients and Docker's, make, sign, change and verify repositories
# with keys of their own; and refuse what is not signed, not meant, or not for
# them.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
image one
one=$digest
image two other
size=$(wc -c <"$user/layout/one/blobs/sha256/${one#sha256:}")

# ---- notary: an owner ----
gun=$registry/one
ok 'a repository is made' notary_as owner init -p "$gun"
is 'by root, targets, snapshot and timestamp' "$(for role in root targets \
    snapshot timestamp; do tuf_version $role "$gun"; done | xargs)" '1 2 2 1'
not_ok 'there is no other' tuf root "$registry/none"
ok 'the owner signs' notary_signs owner "$gun" v1 "$one" "$size" targets
ok 'whoever comes sees it' notary_fresh lookup "$gun" v1
like 'for that digest' "$tap_out" "^v1 ${one} $size\$"
cp "$user/layout/one/blobs/sha256/${one#sha256:}" "$user/manifest"
ok 'the manifest is that' notary_fresh verify "$gun" v1 -i "$user/manifest"
not_ok 'another is not' notary_fresh verify "$gun" v1 \
    -i "$user/layout/two/blobs/sha256/${digest#sha256:}"
not_ok 'another tag is not signed' notary_fresh lookup "$gun" v2
not_ok 'who has no key does not sign' \
    notary_signs stranger "$gun" v2 "$one" "$size" targets
is 'and nothing changed' "$(tuf_version targets "$gun")" 3
is 'the owner signs snapshots' "$(tuf root "$gun" |
    jq -r '.signed.roles.snapshot.keyids[0]')" "$(notary_as owner key list |
    awk '$1 == "snapshot" {print $3}')"
ok 'they become the server'"'"'s' notary_as owner key rotate "$gun" snapshot -r
is 'with another root' "$(tuf_version root "$gun")" 2
unlike 'the owner has no such key any more' "$(notary_as owner key list)" \
    "$(tuf root "$gun" | jq -r '.signed.roles.snapshot.keyids[0]')"
ok 'who had not seen that goes on' notary_as owner lookup "$gun" v1

# ---- delegations ----
for kind in ec rsa; do
	notary_delegate $kind $kind
	ok "a delegate is added, $kind" notary_as owner delegation add -p \
	    "$gun" targets/releases "$user/$kind.crt" --all-paths
	ok 'with a role of its own' notary_as owner delegation add -p "$gun" \
	    targets/$kind "$user/$kind.crt" --all-paths
	before=$(tuf_version snapshot "$gun")
	ok 'and signs both' notary_signs $kind "$gun" $kind "$one" "$size"
	is 'with one new snapshot' "$(tuf_version snapshot "$gun")" $((before + 1))
	is 'with that method' "$(tuf targets/$kind "$gun" |
	    jq -r '.signatures[0].method')" \
	    "$(test $kind = rsa && echo rsapss || echo ecdsa)"
	like 'which is seen' "$(notary_fresh list "$gun")" \
	    "^$kind +${one#sha256:}"
done
notary_delegate mallory
not_ok 'who is none does not sign' \
    notary_signs mallory "$gun" evil "$one" "$size" targets/releases
not_ok 'nor a delegate as the owner' \
    notary_signs ec "$gun" evil "$one" "$size" targets
unlike 'nothing of it is seen' "$(notary_fresh list "$gun")" evil
notary_as ec reset --all "$gun" >/dev/null
ok 'a delegate takes back' notary_as ec remove -p -r targets/releases \
    -r targets/ec "$gun" ec
not_ok 'which is then not signed' notary_fresh lookup "$gun" ec
ok 'the other is' notary_fresh lookup "$gun" rsa

# ---- what the server itself refuses ----
# post ROLE=FILE...: as a client does, whoever it is; prints what it says.
post() {
	for part; do
		set -- "$@" -F "files=@${part#*=};filename=${part%%=*}"
		shift
	done
	curl -sS --cacert "$notary_ca" "$@" "$notary_url/v2/$gun/_trust/tuf/"
}
tuf targets "$gun" >"$user/targets.json"
like 'a version that is there already' \
    "$(post "targets=$user/targets.json")" '"code":"VERSION"'
jq -c '.signed.version += 1' "$user/targets.json" >"$user/forged.json"
like 'what its key has not signed' \
    "$(post "targets=$user/forged.json")" '"Name":"ErrBadTargets"'
like 'a role that is none' "$(post "releases=$user/forged.json")" \
    '"code":"INVALID_ROLE"'
is 'nothing changed' "$(tuf targets "$gun" | cksum)" \
    "$(cksum <"$user/targets.json")"

# ---- whom it lets in ----
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens \
    -keyout "$user/tokens.key" -out "$user/tokens.pem" 2>/dev/null
"$src/tests/tools/token-server" 5444 "$user/tokens.key" "$user/tokens.pem" \
    "$user/tokens.log" me:secret 2>"$user/tokens.err" &
wait_for_port 5444 "$user/tokens.err"
open=$notary_url
notary_server 4453 token http://127.0.0.1:5444/token "$user/tokens.pem" ||
    exit 1
gun=public/asked
export NOTARY_AUTH="$(printf me:secret | base64)"
ok 'who has the password makes a repository' notary_as owner init -p "$gun"
like 'by a token for it' "$(cat "$user/tokens.log")" \
    "repository:$gun:.*push.* as me"
export NOTARY_AUTH="$(printf me:wrong | base64)"
not_ok 'who has not does not' notary_as owner init -p public/other
unset NOTARY_AUTH
ok 'anybody reads what is public' notary_fresh list "$gun"
notary_url=$open

# ---- docker trust ----
if ! needs_docker; then
	skip 'docker trust' "$lacks"
	done_testing
	exit
fi
image three
gun=$registry/three
size=$(wc -c <"$user/layout/three/blobs/sha256/${digest#sha256:}")
ok 'docker makes a key' docker_as alice trust key generate alice --dir "$user"
ok 'and a repository with a signer' docker_as owner trust signer add \
    --key "$user/alice.pub" alice "$gun"
notary_delegate bob
ok 'another has a certificate' docker_as owner trust signer add \
    --key "$user/bob.crt" bob "$gun"
is 'whose snapshots the server signs' "$(tuf snapshot "$gun" |
    jq -r '.signatures[0].keyid')" "$(tuf root "$gun" |
    jq -r '.signed.roles.snapshot.keyids[0]')"
not_ok 'nobody has signed there' notary_fresh lookup "$gun" v1
ok 'one signs, by notary' notary_signs bob "$gun" v1 "$digest" "$size"
ok 'and another what is signed, by docker' docker_as alice trust sign "$image"
is 'in a role of her own' "$(tuf_version targets/alice "$gun")" 1
# signed GUN: TAG DIGEST SIGNER... of each tag
signed() {
	docker_fresh trust inspect "$1" | jq -r '.[0].SignedTags[] |
	    "\(.SignedTag) \(.Digest) \(.Signers | join(" "))"'
}
is 'docker tells tag, digest and signer' "$(signed "$gun")" \
    "v1 ${digest#sha256:} alice bob"
if needs_docker_host; then
	export DOCKER_CONTENT_TRUST=1
	ok 'docker pulls what is signed' docker_fresh pull "$image"
	like 'as that digest' "$tap_out" "$digest"
	not_ok 'not what is not' docker_fresh pull "$registry/two:v1"
	# The tag is another image's now.
	skopeo --insecure-policy copy -q --preserve-digests \
	    --dest-tls-verify=false --src-tls-verify=false \
	    "docker://$registry/one:v1" "docker://$registry/three:v1"
	ok 'a tag that was moved is not followed' docker_fresh pull "$image"
	like 'nor the other image taken' "$tap_out" "$digest"
	unset DOCKER_CONTENT_TRUST
else
	skip 'docker pull' "$lacks"
fi
ok 'docker revokes' docker_as alice trust revoke -y "$image"
is 'and nothing is released' "$(signed "$gun")" ''
done_testing
