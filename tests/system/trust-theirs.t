#!/bin/sh
# Repositories that Notary's and Docker's clients make are signed into by keys
# of every kind on a soft token, which those clients take; what those clients
# sign, by keys of every kind of theirs, we take; and each refuses what is
# unsigned, another's, or moved.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
image plain
plain=$image
soft_token P-256 k-p256 || exit 1
for kind in P-384 RSA-2048 Ed25519; do
	name=k-$(echo "$kind" | tr -d - | tr A-Z a-z)
	ok "a key, $kind" without_terminal touchstone keys generate \
	    --module soft --name "$name" --algorithm "$kind" \
	    --user-id "$name <$name@example.com>"
done
for name in k-p256 k-p384 k-rsa2048; do
	ok "a certificate, $name" touchstone keys certify "$name"
	method=ecdsa
	test $name != k-rsa2048 || method=rsapss
	key_before_notary $name $method
done

# ---- docker ----
if needs_docker; then
	needs_docker_host || diag "$lacks"
	key_before_docker k-p256 k-p384
	key_before_docker k-p384 k-p256
	key_before_docker k-rsa2048 k-p256
else
	skip "docker's client" "$lacks"
fi

# ---- what they sign, by keys of theirs ----
for kind in ec rsa; do
	image theirs-$kind
	gun=$registry/theirs-$kind size=$(size_of theirs-$kind "$digest")
	notary_delegate $kind $kind
	ok "notary makes another, $kind" notary_as owner init -p "$gun"
	for role in releases $kind; do
		ok "with a delegate, in $role" notary_as owner delegation \
		    add -p "$gun" targets/$role "$user/$kind.crt" --all-paths
	done
	not_ok 'what nobody signed is not taken' trust verify "$image"
	ok 'the owner signs, and signs the snapshot' \
	    notary_signs owner "$gun" v1 "$digest" "$size" targets
	ok 'we take it' trust verify "$image"
	ok 'the server signs snapshots from now on' \
	    notary_as owner key rotate "$gun" snapshot -r
	ok 'the delegate signs' notary_signs $kind "$gun" v2 "$digest" "$size"
	skopeo --insecure-policy copy -q --preserve-digests \
	    --src-tls-verify=false --dest-tls-verify=false \
	    "docker://$image" "docker://$gun:v2"
	ok 'we take it too' trust verify "$gun:v2"
	like 'by name' "$tap_out" "signers: $kind"
	skopeo --insecure-policy copy -q --preserve-digests \
	    --src-tls-verify=false --dest-tls-verify=false \
	    "docker://$plain" "docker://$gun:v2"
	not_ok 'but not once the tag has moved' trust verify "$gun:v2"
	ok 'it is taken back' notary_as $kind remove -p -r targets/releases \
	    -r targets/$kind "$gun" v2
	not_ok 'and then not taken' trust verify "$gun:v2"
	like 'for that' "$tap_out" 'has no tag v2'
done
if needs_docker; then
	image ours-and-theirs
	gun=$registry/ours-and-theirs
	touchstone keys export --pem k-p256 >"$user/k-p256.pub"
	ok 'docker makes a key' docker_as alice trust key generate alice \
	    --dir "$user"
	for name in alice k-p256; do
		ok "and a repository, with $name" docker_as owner trust \
		    signer add --key "$user/$name.pub" $name "$gun"
	done
	ok 'we sign' trust sign "$image" --key k-p256
	ok 'docker signs too' docker_as alice trust sign "$image"
	is 'and tells of both' "$(signed_as "$gun")" \
	    "v1 ${digest#sha256:} alice k-p256"
	is 'as we do' "$(trust inspect --json "$gun" | jq -r \
	    '.tags.v1.signers | sort | join(" ")')" 'alice k-p256'
	ok 'docker takes it back' docker_as alice trust revoke -y "$image"
	not_ok 'we do not take it any more' trust verify "$image"
	is 'ours is there still' "$(trust inspect --json "$gun" | jq -r \
	    '.roles[] | select(.name == "targets/k-p256") | .version')" 1
fi

# ---- Ed25519, which no client of theirs makes a delegate, but knows ----
image ed25519
touchstone keys export --pem k-ed25519 >"$user/k-ed25519.pub"
hostile_notary 127.0.0.1 6443 "$digest" "$(size_of ed25519 "$digest")" \
    "$user/k-ed25519.pub"
gun=$registry/ed25519
skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false \
    --dest-tls-verify=false "docker://$image" "docker://$gun:v2"
not_ok 'another key does not sign' trust sign "$gun:v2" --key k-p256
ok 'a key, Ed25519, signs' trust sign "$gun:v2" --key k-ed25519
is 'in the way of its kind' "$(tuf targets/us "$gun" |
    jq -r '.signatures[].method')" eddsa
ok 'notary takes it' notary_fresh lookup "$gun" v2
like 'for that digest' "$tap_out" "^v2 $digest "
ok 'and we' trust verify "$gun:v2"
done_testing
