# An image signed by touchstone in every format, before all who can verify it:
# each takes it, and refuses it unsigned, by another key, moved to another image
# and tampered with.  Sourced after images.sh:
#
#	. "$src/tests/system/image-peers.sh"
#
# A key NAME has $user/NAME.pub (PEM), $user/NAME.pgp (OpenPGP) and, unless it
# cannot sign for the Notary Project, a certificate by `touchstone keys
# certify`.
peers_limit='timeout 60'
peers_lookaside=$user/lookaside

# key_files NAME: the first two of them.
key_files() {
	touchstone keys export --pem "$1" >"$user/$1.pub" </dev/null &&
	    touchstone keys export --openpgp "$1" </dev/null |
	    gpg --dearmor >"$user/$1.pgp"
}

# ---- four images of one repository ----
# four NAME: $repo at $registry has the tags good, moved, tampered and plain,
# of images that differ; $good, $moved ... are their digests.
four() {
	repo=$registry/$1
	image "$1"
	"$tool" get "$image" >"$user/manifest"
	for four_tag in good moved tampered plain; do
		jq -c --arg n "$four_tag" '.annotations.n = $n' \
		    "$user/manifest" >"$user/m"
		"$tool" put "$image" $four_tag "$user/m"
		eval "$four_tag=sha256:$(sha256sum "$user/m" | cut -c 1-64)"
	done
}

tag_of() {	# DIGEST [SUFFIX]
	echo "$1${2-}" | tr : -
}
there() {	# TAG|DIGEST: the manifest
	"$tool" get "$image" "$1"
}
put_at() {	# TAG FILE
	"$tool" put "$image" "$1" "$2"
}

# each_referrer DIGEST COMMAND: what refers to an image is made another by the
# command, which has the manifest's file as its argument, and refers to $of.
each_referrer() {
	there "$(tag_of "$1")" >"$user/index" 2>/dev/null || return 0
	of_size=$(there "$of" | wc -c)
	for each_one in $(jq -r '.manifests[].digest' "$user/index"); do
		there "$each_one" >"$user/m"
		$2 "$user/m" | jq -c --arg d "$of" --argjson s "$of_size" \
		    '.subject.digest = $d | .subject.size = $s' >"$user/m.new"
		each_digest=sha256:$(sha256sum "$user/m.new" | cut -c 1-64)
		put_at "$each_digest" "$user/m.new"
		jq -c --arg old "$each_one" --arg d "$each_digest" \
		    --argjson s "$(wc -c <"$user/m.new")" '(.manifests[] |
		    select(.digest == $old)) |= (.digest = $d | .size = $s)' \
		    "$user/index" >"$user/index.new"
		mv "$user/index.new" "$user/index"
	done
	put_at "$(tag_of "$of")" "$user/index"
}

# What signs `good` is at `moved`.
move_all() {	# NAME
	if there "$(tag_of "$good" .sig)" >"$user/m" 2>/dev/null; then
		put_at "$(tag_of "$moved" .sig)" "$user/m"
	fi
	of=$moved
	each_referrer "$good" cat
	# One of good's simple signatures is for the name that it moves to.
	move_from=$peers_lookaside/$1@sha256=${good#*:}
	move_to=$peers_lookaside/$1@sha256=${moved#*:}
	test ! -f "$move_from/signature-2" || {
		mkdir "$move_to"
		mv "$move_from/signature-2" "$move_to/signature-1"
	}
}

# tampered_layer MANIFEST: it, with its first layer made another, of which
# everything is as it was but for something that is signed.
tampered_layer() {
	"$tool" get-blob "$image" $(jq -r '.layers[0] | "\(.digest) \(.size)"' \
	    "$1") >"$user/layer"
	case $(jq -r '.layers[0].mediaType' "$1") in
	*simplesigning*)
		sed -i 's/"docker-reference":"/&x/' "$user/layer" ;;
	*bundle*)
		jq -c '.dsseEnvelope.payload |= (@base64d | fromjson |
		    .predicate = {"x": 1} | tojson | @base64)' \
		    "$user/layer" >"$user/layer.new"
		mv "$user/layer.new" "$user/layer" ;;
	*jose*)
		jq -c '.payload |= (gsub("-"; "+") | gsub("_"; "/") |
		    @base64d | fromjson | .targetArtifact.annotations = {"x":
		    "1"} | tojson | @base64 | gsub("[+]"; "-") |
		    gsub("/"; "_") | gsub("="; ""))' \
		    "$user/layer" >"$user/layer.new"
		mv "$user/layer.new" "$user/layer" ;;
	*cose*)
		perl -0777 -i -pe 's/"size":(\d)/q("size":) . ($1 ^ 1)/e' \
		    "$user/layer" ;;
	esac
	jq -c --arg d "$("$tool" put-blob "$image" "$user/layer")" \
	    --argjson s "$(wc -c <"$user/layer")" \
	    '.layers[0].digest = $d | .layers[0].size = $s' "$1"
}

# What `tampered` has is made another.
tamper_all() {	# NAME
	tamper_tag=$(tag_of "$tampered" .sig)
	if there "$tamper_tag" >"$user/m" 2>/dev/null; then
		tampered_layer "$user/m" >"$user/m.new"
		put_at "$tamper_tag" "$user/m.new"
	fi
	of=$tampered
	each_referrer "$tampered" tampered_layer
	tamper_file=$peers_lookaside/$1@sha256=${tampered#*:}/signature-1
	test ! -f "$tamper_file" || perl -0777 -i -pe \
	    'substr($_, length($_) / 2, 1) ^= "\001"' "$tamper_file"
}

# ---- who verifies: takes_X KEY TAG ----
digest_of() {	# TAG
	eval "echo \$$1"
}
takes() {	# FORMAT KEY TAG: touchstone itself
	$peers_limit touchstone image verify --json --key "$user/$2.pub" \
	    --key "$user/$2.pgp" --lookaside "$peers_lookaside" "$repo:$3" |
	    jq -e --arg f "$1" '.verified and
	    ([.signatures[] | select(.format == $f and .verified)] != [])'
}
takes_cosign() { takes cosign "$@"; }
takes_bundle() { takes bundle "$@"; }
takes_simple() { takes simple "$@"; }
takes_jws() { takes notation-jws "$@"; }
takes_cose() { takes notation-cose "$@"; }
takes_cosign_2() {
	needs_cosign 2
	$peers_limit "$cosign" verify $(cosign_offline 2 verify) \
	    --key "$user/$1.pub" "$repo@$(digest_of "$2")"
}
takes_cosign_3_sig() {	# KEY TAG [OPTION...]
	needs_cosign 3
	cosign_3_key=$1 cosign_3_at=$repo@$(digest_of "$2")
	shift 2
	$peers_limit "$cosign" verify $(cosign_offline 3 verify) \
	    --new-bundle-format=false --key "$user/$cosign_3_key.pub" "$@" \
	    "$cosign_3_at"
}
takes_cosign_3() {
	needs_cosign 3
	$peers_limit "$cosign" verify $(cosign_offline 3 verify) \
	    --new-bundle-format --key "$user/$1.pub" "$repo@$(digest_of "$2")"
}
takes_sigstore_js() {
	rm -f "$user/bundle.json"
	js_index=$(tag_of "$(digest_of "$2")")
	js_bundle=$(there "$js_index" | jq -r '.manifests[] | select(
	    .artifactType | contains("bundle")) | .digest') || return 1
	"$tool" get-blob "$image" $(there "$js_bundle" |
	    jq -r '.layers[0] | "\(.digest) \(.size)"') >"$user/bundle.json"
	$peers_limit node "$src/tests/tools/bundle-verify.js" \
	    "$user/bundle.json" "$user/$1.pub" "$(digest_of "$2")"
}
takes_skopeo_new() {
	sigstore_trust "$user/$1.pub"
	skopeo_pull "$skopeo_new" "docker://$repo:$2"
}
takes_skopeo() {
	simple_trust "$user/$1.pgp"
	skopeo_pull skopeo "docker://$repo:$2"
}
takes_podman() {
	simple_trust "$user/$1.pgp"
	podman_pull "docker://$repo:$2"
}
takes_notation() {
	notation_trust "$1"
	$peers_limit "$notation" verify --insecure-registry \
	    "$repo@$(digest_of "$2")"
}

has_peer() {
	case $1 in
	cosign_2) needs_cosign 2 ;;
	cosign_3*) needs_cosign 3 ;;
	sigstore_js) needs_sigstore_js ;;
	skopeo_new) needs_skopeo_new ;;
	podman) needs_podman ;;
	notation) needs_notation ;;
	esac
}

# before PEERS KEY OTHER: each of them takes the image, and none of its twins.
before() {
	for peer in $1; do
		if ! has_peer $peer; then
			skip "$peer, $2" "$lacks"
			continue
		fi
		ok "$peer takes it, $2" takes_$peer "$2" good
		not_ok "$peer, $2: not by another key" takes_$peer "$3" good
		for twin in plain moved tampered; do
			not_ok "$peer, $2: not what is $twin" \
			    takes_$peer "$2" $twin
		done
	done
}

# ---- one key ----
peers_sign() {	# KEY TAG OPTION...
	peers_key=$1 peers_tag=$2
	shift 2
	ok "$peers_key signs $peers_tag, $*" without_terminal touchstone image \
	    sign --key "$peers_key" "$@" "$repo:$peers_tag"
}

# of_notation NAME: whether such a key has a certificate, which notation then
# trusts as NAME.
of_notation() {
	of_chain=$XDG_DATA_HOME/touchstone/keys/$1.chain.pem
	test -f "$of_chain" || return 1
	! needs_notation || test -d \
	    "$XDG_CONFIG_HOME/notation/truststore/x509/ca/$1" ||
	    "$notation" cert add --type ca --store "$1" "$of_chain" \
	    >"$user/notation.log" 2>&1 ||
	    fail "notation trusts $1" "$(cat "$user/notation.log")"
}

# key_before_all NAME OTHER: OTHER is another such key.
key_before_all() {
	mkdir -p "$peers_lookaside"
	simple="--simple --lookaside $peers_lookaside"
	four "all-$1"
	peers_notation=
	of_notation "$1" && of_notation "$2" && peers_notation=--notation
	for peers_good in good tampered; do
		peers_sign "$1" $peers_good --sigstore $simple $peers_notation
	done
	is "its file is the first, $1" "$(ls \
	    "$peers_lookaside/all-$1@sha256=${good#*:}")" signature-1
	peers_sign "$1" good $simple --as "$repo:moved"
	ok "before it is tampered with, all is well, $1" \
	    takes_cosign "$1" tampered
	move_all "all-$1"
	tamper_all "all-$1"
	before 'cosign cosign_2 cosign_3_sig skopeo_new bundle cosign_3
	    sigstore_js simple skopeo podman' "$1" "$2"
	test -n "$peers_notation" || return 0
	before 'jws notation' "$1" "$2"
	# notation takes any one, so this is by itself.
	four "cose-$1"
	for peers_good in good tampered; do
		peers_sign "$1" $peers_good --cose
	done
	move_all "cose-$1"
	tamper_all "cose-$1"
	before 'cose notation' "$1" "$2"
}
