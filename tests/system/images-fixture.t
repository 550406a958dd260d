#!/bin/sh
# The programs that touchstone's images are checked with do work here, by
# themselves: each signs an image with a key in software and takes it, and
# refuses what is unsigned, another's or another image.
. "$(dirname "$0")/images.sh"

registry 5000
image plain
plain=$image

limit='timeout 60'

# ---- cosign ----
for major in 2 3; do
	if ! needs_cosign $major; then
		skip "cosign $major" "$lacks"
		continue
	fi
	cosign_key one-$major
	cosign_key two-$major
	image cosign-$major
	sign=$(cosign_offline $major sign) verify=$(cosign_offline $major verify)
	ok "cosign $major signs" $limit "$cosign" sign $sign \
	    --key "$user/one-$major.key" "$registry/cosign-$major@$digest"
	ok "cosign $major takes it" $limit "$cosign" verify $verify \
	    --key "$user/one-$major.pub" "$image"
	not_ok "cosign $major refuses another key" $limit "$cosign" verify \
	    $verify --key "$user/two-$major.pub" "$image"
	not_ok "cosign $major refuses what is unsigned" $limit "$cosign" \
	    verify $verify --key "$user/one-$major.pub" "$plain"
done

# ---- sigstore's bundle, by another's verifier ----
name='@sigstore/verify takes the bundle of cosign 3'
if ! needs_cosign 3 || ! needs_sigstore_js; then
	skip "$name" "$lacks"
else
	bundle=$("$tool" referrers "$image" \
	    application/vnd.dev.sigstore.bundle.v0.3+json | cut -d ' ' -f 1)
	layer=$("$tool" get "$image" "$bundle" |
	    jq -r '.layers[0] | "\(.digest) \(.size)"')
	"$tool" get-blob "$image" $layer >"$user/bundle.json"
	js="node $src/tests/tools/bundle-verify.js"
	ok "$name" $limit $js "$user/bundle.json" "$user/one-3.pub" "$digest"
	not_ok 'and refuses another key' $limit $js "$user/bundle.json" \
	    "$user/two-3.pub" "$digest"
	not_ok 'and another digest' $limit $js "$user/bundle.json" \
	    "$user/one-3.pub" "sha256:$(printf '%064d' 0)"
	sed 's/"payload":"eyJ/"payload":"eyK/' "$user/bundle.json" \
	    >"$user/tampered.json"
	not_ok 'and what was tampered with' $limit $js "$user/tampered.json" \
	    "$user/one-3.pub" "$digest"
fi

# ---- notation ----
if ! needs_notation; then
	skip 'notation' "$lacks"
else
	notation_key one
	notation_key two
	for format in jws cose; do
		image notation-$format
		notation_trust one
		ok "notation signs, $format" $limit "$notation" sign \
		    --insecure-registry --signature-format $format --key one \
		    "$registry/notation-$format@$digest"
		ok "notation takes it, $format" $limit "$notation" verify \
		    --insecure-registry "$registry/notation-$format@$digest"
		not_ok "notation refuses what is unsigned" $limit "$notation" \
		    verify --insecure-registry "$plain"
		notation_trust two
		not_ok "notation refuses another's, $format" $limit \
		    "$notation" verify --insecure-registry \
		    "$registry/notation-$format@$digest"
	done
fi

# ---- simple signing ----
for name in one two; do
	gpg --batch --quiet --passphrase '' --quick-generate-key \
	    "$name@example.com" ed25519 sign never 2>"$user/gpg.log"
	gpg --export "$name@example.com" >"$user/$name.pgp"
done
image simple
simple_trust "$user/one.pgp"
ok 'skopeo signs' $limit skopeo --insecure-policy copy -q --preserve-digests \
    --src-tls-verify=false --dest-tls-verify=false \
    --sign-by one@example.com "docker://$image" "docker://$image"
ok 'into the lookaside' test -s \
    "$user/lookaside/simple@sha256=${digest#sha256:}/signature-1"

# pulls NAME COMMAND...: ours is taken, by the policy in force; what is unsigned
# is not, nor ours where another's is wanted.
pulls() {
	pull_name=$1
	shift
	simple_trust "$user/one.pgp"
	ok "$pull_name takes it" "$@" "docker://$image"
	not_ok "$pull_name refuses what is unsigned" "$@" "docker://$plain"
	simple_trust "$user/two.pgp"
	not_ok "$pull_name refuses another's" "$@" "docker://$image"
}
pulls skopeo skopeo_pull skopeo
if needs_podman; then
	pulls podman podman_pull
else
	skip podman "$lacks"
fi
if needs_skopeo_new; then
	pulls 'a newer skopeo' skopeo_pull "$skopeo_new"
	if needs_cosign 2; then
		image=$registry/cosign-2:v1
		sigstore_trust "$user/one-2.pub"
		ok "a newer skopeo takes cosign's" skopeo_pull "$skopeo_new" \
		    "docker://$image"
		not_ok 'and refuses what is unsigned' skopeo_pull \
		    "$skopeo_new" "docker://$plain"
		sigstore_trust "$user/two-2.pub"
		not_ok "and another's" skopeo_pull "$skopeo_new" \
		    "docker://$image"
	else
		skip "a newer skopeo takes cosign's" "$lacks"
	fi
else
	skip 'a newer skopeo' "$lacks"
fi
done_testing
