# Keys of ours before Notary's and Docker's clients, for tests.  Sourced after
# images.sh and notary.sh, with a registry and a server of Notary's.
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}

size_of() {	# LAYOUT DIGEST
	wc -c <"$user/layout/$1/blobs/sha256/${2#sha256:}"
}

# signed_as GUN: TAG DIGEST SIGNER... of each tag, by Docker's client.
signed_as() {
	docker_fresh trust inspect "$1" | jq -r '.[0].SignedTags[] |
	    "\(.SignedTag) \(.Digest) \(.Signers | join(" "))"'
}

# key_before_notary NAME METHOD: as a delegate, by its certificate.
key_before_notary() {
	image "notary-$1"
	gun=$registry/notary-$1
	manifest=$user/layout/notary-$1/blobs/sha256/${digest#sha256:}
	ok "notary makes a repository for $1" notary_as owner init -p "$gun"
	ok 'whose snapshots the server signs' \
	    notary_as owner key rotate "$gun" snapshot -r
	for role in releases "$1"; do
		ok "with $1 as a delegate, in $role" notary_as owner \
		    delegation add -p "$gun" "targets/$role" \
		    "$XDG_DATA_HOME/touchstone/keys/$1.chain.pem" --all-paths
	done
	not_ok "nobody has signed yet" notary_fresh lookup "$gun" v1
	ok "$1 signs" trust sign "$image" --key "$1"
	is "in the way of its kind" "$(tuf targets/releases "$gun" |
	    jq -r '.signatures[].method')" "$2"
	ok 'notary takes it' notary_fresh verify "$gun" v1 -i "$manifest"
	is 'for that digest' "$(notary_fresh lookup "$gun" v1)" \
	    "v1 $digest $(wc -c <"$manifest")"
	echo >>"$manifest"
	not_ok 'but not for another image' notary_fresh verify "$gun" v1 \
	    -i "$manifest"
	not_ok 'nor another tag' notary_fresh lookup "$gun" v2
	ok 'nor is what was signed changed by asking' trust verify "$image"
}

# key_before_docker NAME OTHER: as a signer, by its public key; the other is
# none.
key_before_docker() {
	image "docker-$1"
	touchstone keys export --pem "$1" >"$user/$1.pub"
	gun=$registry/docker-$1
	ok "docker makes a repository for $1" docker_as owner trust signer \
	    add --key "$user/$1.pub" "$1" "$gun"
	not_ok "$2 is no signer there" trust sign "$image" --key "$2"
	is 'and has signed nothing' "$(signed_as "$gun")" ''
	ok "$1 signs" trust sign "$image" --key "$1"
	is 'which docker tells, with who did' "$(signed_as "$gun")" \
	    "v1 ${digest#sha256:} $1"
	docker_pulls "$1"
	ok 'it is revoked' trust revoke "$image" --key "$1"
	is 'and docker tells of nothing' "$(signed_as "$gun")" ''
	not_ok 'nor do we' trust verify "$image"
}

# owner_before_all ROOT TARGETS: a repository that these make, whose one signer
# is the second.
owner_before_all() {
	image "owner-$1-$2"
	gun=$registry/owner-$1-$2
	manifest=$user/layout/owner-$1-$2/blobs/sha256/${digest#sha256:}
	touchstone keys export --pem "$2" >"$user/$2.pub"
	not_ok "there is no repository of $1 and $2" notary_fresh list "$gun"
	ok 'they make it' trust init "$gun" --root-key "$1" --key "$2"
	ok 'and let another sign' trust signer add signer "$gun" \
	    --key "$user/$2.pub"
	ok 'who does' trust sign --key "$2" "$image"
	ok 'notary takes it' notary_fresh verify "$gun" v1 -i "$manifest"
	echo >>"$manifest"
	not_ok 'but not for another image' notary_fresh verify "$gun" v1 \
	    -i "$manifest"
	ok 'we do' trust verify "$image"
	test -n "${docker_there-}" || return 0
	is 'docker tells of it' "$(signed_as "$gun")" \
	    "v1 ${digest#sha256:} signer"
	docker_pulls "$1"
}

# docker_pulls NAME: what is signed, wherever the tag is.
docker_pulls() {
	if test -z "${DOCKER_HOST-}"; then
		skip 'docker pull' "$lacks"
		return
	fi
	export DOCKER_CONTENT_TRUST=1
	ok 'docker pulls it, by that' docker_fresh pull "$image"
	like 'as it was signed' "$tap_out" "$digest"
	skopeo --insecure-policy copy -q --preserve-digests \
	    --src-tls-verify=false --dest-tls-verify=false \
	    "docker://$plain" "docker://$gun:v2"
	not_ok 'but not what is unsigned' docker_fresh pull "$gun:v2"
	like 'for that' "$tap_out" 'No valid trust data'
	unset DOCKER_CONTENT_TRUST
}
