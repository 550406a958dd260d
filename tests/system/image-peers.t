#!/bin/sh
# Images that touchstone signs, with keys of every kind on a soft token, are
# taken by cosign, skopeo, podman and @sigstore/verify, and by touchstone; what
# is unsigned, by another key, of another image or tampered with is not.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/image-peers.sh"

limit='timeout 60'
registry 5000
soft_token P-256 k-p256 || done_testing
for kind in P-384 RSA-2048 Ed25519; do
	name=k-$(echo "$kind" | tr -d - | tr A-Z a-z)
	ok "a key, $kind" without_terminal touchstone keys generate \
	    --module soft --name "$name" --algorithm "$kind" \
	    --user-id "$name <$name@example.com>"
done
sign() {
	$limit touchstone image sign "$@"
}
verify() {
	$limit touchstone image verify "$@"
}
for name in k-p256 k-p384 k-rsa2048 k-ed25519; do
	key_files "$name" || fail "the public halves of $name"
	test "$name" = k-ed25519 ||
	    ok "a certificate, $name" touchstone keys certify "$name"
done
image plain
plain_image=$image

not_ok 'what is unsigned is refused' verify --key k-p256 "$plain_image"
like 'and said to be' "$tap_out" 'is not signed'
not_ok 'without a key nothing is verified' verify "$plain_image"
like 'and it is said what to give' "$tap_out" 'Give --key'

# ---- each key, by all formats that it has, before all ----
for name in k-p256 k-p384 k-rsa2048 k-ed25519; do
	other=k-p384
	test "$name" != k-p384 || other=k-p256
	key_before_all "$name" "$other"
done
is 'all signatures are told of' "$(verify --json --key k-ed25519 \
    --lookaside "$peers_lookaside" "$repo:good" | jq -c \
    '[.verified, .keys, [.signatures[].verified], [.signatures[].format]]')" \
    '[true,1,[true,true,true],["cosign","bundle","simple"]]'
ok 'by the file of the key too' verify --key "$user/k-ed25519.pub" "$repo:good"
ok 'and by its OpenPGP certificate' verify --key "$user/k-ed25519.pgp" \
    --lookaside "$peers_lookaside" "$repo:good"
not_ok "but not by another's" verify --key "$user/k-p256.pgp" \
    --lookaside "$peers_lookaside" "$repo:good"
not_ok 'one key is not two' verify --require 2 --key k-ed25519 "$repo:good"

# ---- several ----
image several
ok 'one key signs' sign --key k-p256 "$image"
ok 'another too, which loses nothing' sign --key k-ed25519 -a build=7 "$image"
out=$(verify --json --require 2 --key k-p256 --key k-ed25519 "$image")
is 'both count' "$(echo "$out" | jq -c '[.verified, .keys, .required]')" \
    '[true,2,2]'
is 'and annotations are told' "$(echo "$out" |
    jq -r '[.signatures[].annotations.build // empty] | unique[]')" 7
not_ok 'three are wanted in vain' verify --require 3 --key k-p256 \
    --key k-ed25519 --key k-p384 "$image"
ok "git's key is taken where none is given" sign "$image"

image crowd
pids=
for n in 1 2 3 4 5; do
	sign --key k-p256 -a n=$n "$image" >"$user/crowd-$n" 2>&1 &
	pids="$pids $!"
done
failed=0
for pid in $pids; do
	wait "$pid" || failed=$((failed + 1))
done
is 'five that sign at once all succeed' "$failed" 0
is 'and nothing of them is lost' "$(verify --json --key k-p256 "$image" |
    jq -c '[.signatures[] | select(.verified) | .format] | group_by(.) |
    map([.[0], length])')" '[["bundle",5],["cosign",5]]'

# ---- before it is pushed ----
mkdir -p "$user/layout"
later=$registry/later:v1
digest=$("$src/tests/tools/image-make" "$user/layout/later" v1 later)
not_ok 'what has no name is not signed' sign --key k-p256 \
    "oci:$user/layout/later:v1"
like 'and it is said what to give' "$tap_out" '\-\-as HOST/NAME:TAG'
ok 'an image in a layout is signed' sign --key k-p256 --as "$later" \
    "oci:$user/layout/later:v1"
ok 'and verified there' verify --key k-p256 "oci:$user/layout/later:v1"
not_ok 'its signatures are not pushed before it' touchstone image copy \
    "oci:$user/layout/later:v1" "$later"
skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false \
    "oci:$user/layout/later:v1" "docker://$later"
not_ok 'there it is not signed yet' verify --key k-p256 "$later"
ok 'they are after it' touchstone image copy "oci:$user/layout/later:v1" \
    "$later"
ok 'and verified' verify --key k-p256 "$later"

# ---- out of an archive ----
(cd "$user/layout/later" && tar cf "$user/later.tar" .)
not_ok 'an archive is not changed' sign --key k-p256 --as "$later" \
    "oci-archive:$user/later.tar:v1"
digest=$("$src/tests/tools/image-make" "$user/layout/aside" v1 aside)
(cd "$user/layout/aside" && tar cf "$user/aside.tar" .)
ok 'its signatures go into a layout' sign --key k-p256 \
    --as "$registry/aside:v1" --to "oci:$user/layout/aside" \
    "oci-archive:$user/aside.tar:v1"
ok 'where they are' verify --key k-p256 "oci:$user/layout/aside:v1"
not_ok 'and not in the archive' verify --key k-p256 \
    "oci-archive:$user/aside.tar:v1"

# As docker wrote it before 25: what skopeo pushes of it is what was signed.
"$src/tests/tools/image-make" "$user/layout/saved" v1 saved >/dev/null
skopeo --insecure-policy copy -q "oci:$user/layout/saved:v1" \
    "docker-archive:$user/saved.tar:saved:v1" 2>"$user/skopeo.log"
not_ok 'of an image that docker saved, too' sign --key k-p256 \
    --as "$registry/saved:v1" "docker-archive:$user/saved.tar"
ok 'which is signed before it is pushed' sign --key k-p256 \
    --as "$registry/saved:v1" --to "oci:$user/layout/signatures" \
    "docker-archive:$user/saved.tar"
skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false \
    "docker-archive:$user/saved.tar" "docker://$registry/saved:v1" \
    2>>"$user/skopeo.log"
not_ok 'there it is not signed yet' verify --key k-p256 "$registry/saved:v1"
ok 'its signatures are pushed after it' touchstone image copy --json \
    "oci:$user/layout/signatures" "$registry/saved:v1"
is 'both of them' "$(echo "$tap_out" | jq .count)" 2
ok 'and verified' verify --key k-p256 "$registry/saved:v1"
not_ok 'not by another key' verify --key k-p384 "$registry/saved:v1"
if needs_cosign 3; then
	image=$registry/saved:v1 repo=$registry/saved
	good=$("$tool" resolve "$image" | cut -d ' ' -f 1)
	ok 'cosign 3 takes it' takes_cosign_3 k-p256 good
	ok 'and its .sig' takes_cosign_3_sig k-p256 good
fi

# ---- an index, with TLS and a password ----
authority home
registry 5002 tls home basic somebody secret
mkdir -p "$HOME/.docker"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" \
    "$(printf somebody:secret | base64)" >"$HOME/.docker/config.json"
skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false \
    --dest-authfile "$HOME/.docker/config.json" \
    "oci:$user/layout/aside:v1" "docker://$registry/multi:one"
"$tool" --ca "$user/tls/home/ca.pem" get "$registry/multi:one" >"$user/one"
jq -nc --arg d "$digest" --argjson s "$(wc -c <"$user/one")" '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json", manifests: [
    {mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d,
    size: $s, platform: {os: "linux", architecture: "amd64"}}]}' \
    >"$user/index.json"
"$tool" --ca "$user/tls/home/ca.pem" put "$registry/multi" v1 \
    "$user/index.json"
not_ok 'an authority that is not trusted' sign --key k-p256 -r \
    "$registry/multi:v1"
ok 'an index is signed' sign --key k-p256 \
    --ca "$user/tls/home/ca.pem" "$registry/multi:v1"
not_ok 'without its images' verify --key k-p256 \
    --ca "$user/tls/home/ca.pem" "$registry/multi@$digest"
ok 'or with them' sign --key k-p256 -r \
    --ca "$user/tls/home/ca.pem" "$registry/multi:v1"
ok 'then they are' verify --key k-p256 \
    --ca "$user/tls/home/ca.pem" "$registry/multi@$digest"
ok 'and it is' verify --key k-p256 \
    --ca "$user/tls/home/ca.pem" "$registry/multi:v1"
done_testing
