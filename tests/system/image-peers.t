#!/bin/sh
# Images that touchstone signs, with keys of every kind on a soft token, are
# taken by cosign, skopeo, podman and @sigstore/verify, and by touchstone; what
# is unsigned, by another key, of another image or tampered with is not.
. "$(dirname "$0")/images.sh"

limit='timeout 60'
registry 5000
soft_token P-256 k-p256 || done_testing
for kind in P-384 RSA-2048 Ed25519; do
	name=k-$(echo "$kind" | tr -d - | tr A-Z a-z)
	ok "a key, $kind" without_terminal touchstone keys generate \
	    --module soft --name "$name" --algorithm "$kind" \
	    --user-id "$name <$name@example.com>"
done
# pem NAME: its public key, as cosign wants it.
pem() {
	{
		echo '-----BEGIN PUBLIC KEY-----'
		jq -r .spki "$XDG_DATA_HOME/touchstone/keys/$1.json" | fold -w 64
		echo '-----END PUBLIC KEY-----'
	} >"$user/$1.pub"
	touchstone keys export --openpgp "$1" >"$user/$1.asc"
	gpg --dearmor <"$user/$1.asc" >"$user/$1.pgp"
}
sign() {
	$limit touchstone image sign "$@"
}
verify() {
	$limit touchstone image verify "$@"
}
for name in k-p256 k-p384 k-rsa2048 k-ed25519; do
	pem "$name"
done
image plain
plain=$image plain_digest=$digest
mkdir -p "$user/lookaside"

bundle_of() {	# IMAGE FILE
	bundle=$("$tool" referrers "$1" \
	    application/vnd.dev.sigstore.bundle.v0.3+json | cut -d ' ' -f 1)
	layer=$("$tool" get "$1" "$bundle" |
	    jq -r '.layers[0] | "\(.digest) \(.size)"')
	"$tool" get-blob "$1" $layer >"$2"
}

not_ok 'what is unsigned is refused' verify --key k-p256 "$plain"
like 'and said to be' "$tap_out" 'is not signed'
not_ok 'without a key nothing is verified' verify "$plain"
like 'and it is said what to give' "$tap_out" 'Give --key'

for name in k-p256 k-p384 k-rsa2048 k-ed25519; do
	other=k-p384
	test "$name" != k-p384 || other=k-p256
	image "of-$name"
	ok "$name signs" sign --key "$name" "$image"
	ok "$name signs simply too" sign --key "$name" --simple \
	    --lookaside "$user/lookaside" "$image"
	is "its file is the first" "$(ls "$user/lookaside/of-$name@sha256=${digest#sha256:}")" signature-1
	out=$(verify --json --key "$name" --lookaside "$user/lookaside" \
	    "$image")
	is "touchstone takes all three, $name" "$(echo "$out" | jq -c \
	    '[.verified, .keys, [.signatures[].verified], [.signatures[].format]]')" \
	    '[true,1,[true,true,true],["cosign","bundle","simple"]]'
	ok 'by the file of the key too' verify --key "$user/$name.pub" "$image"
	ok 'and by its OpenPGP certificate' verify --key "$user/$name.pgp" \
	    --lookaside "$user/lookaside" "$image"
	not_ok "but not by another's" verify --key "$user/$other.pgp" \
	    --lookaside "$user/lookaside" "$image"
	not_ok "touchstone refuses another key, $name" verify \
	    --key "$other" --lookaside "$user/lookaside" "$image"
	not_ok 'one key is not two' verify --require 2 --key "$name" "$image"

	for major in 2 3; do
		if ! needs_cosign $major; then
			skip "cosign $major" "$lacks"
			continue
		fi
		v=$(cosign_offline $major verify)
		ok "cosign $major takes it, $name" $limit "$cosign" verify $v \
		    --key "$user/$name.pub" "$image"
		not_ok "cosign $major refuses another key, $name" $limit \
		    "$cosign" verify $v --key "$user/$other.pub" "$image"
		not_ok "cosign $major refuses another image" $limit \
		    "$cosign" verify $v --key "$user/$name.pub" "$plain"
	done
	if needs_cosign 3; then
		v=$(cosign_offline 3 verify)
		ok "cosign 3 takes the bundle, $name" $limit "$cosign" verify \
		    $v --new-bundle-format --key "$user/$name.pub" "$image"
	fi
	if needs_sigstore_js; then
		js="node $src/tests/tools/bundle-verify.js"
		bundle_of "$image" "$user/bundle.json"
		ok "@sigstore/verify takes the bundle, $name" $limit $js \
		    "$user/bundle.json" "$user/$name.pub" "$digest"
		not_ok 'not by another key' $limit $js "$user/bundle.json" \
		    "$user/$other.pub" "$digest"
		not_ok 'not of another image' $limit $js "$user/bundle.json" \
		    "$user/$name.pub" "$plain_digest"
	else
		skip "@sigstore/verify, $name" "$lacks"
	fi

	simple_trust "$user/$name.pgp"
	ok "skopeo takes it, $name" skopeo_pull skopeo "docker://$image"
	not_ok 'skopeo refuses what is unsigned' skopeo_pull skopeo \
	    "docker://$plain"
	if needs_podman; then
		ok "podman takes it, $name" podman_pull "docker://$image"
		not_ok 'podman refuses what is unsigned' podman_pull \
		    "docker://$plain"
	else
		skip "podman, $name" "$lacks"
	fi
	simple_trust "$user/$other.pgp"
	not_ok "skopeo refuses another's, $name" skopeo_pull skopeo \
	    "docker://$image"
	if needs_skopeo_new; then
		sigstore_trust "$user/$name.pub"
		ok "a newer skopeo takes .sig, $name" skopeo_pull \
		    "$skopeo_new" "docker://$image"
		sigstore_trust "$user/$other.pub"
		not_ok "and refuses another's" skopeo_pull "$skopeo_new" \
		    "docker://$image"
	else
		skip "a newer skopeo, $name" "$lacks"
	fi
done

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
