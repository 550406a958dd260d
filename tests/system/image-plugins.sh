# What the tests of the plugins share: keys are signed with by cosign and
# notation.  Sourced after images.sh:
#
#	. "$src/tests/system/image-plugins.sh"
limit='setsid -w timeout -k 5 90'
kms=$bin/sigstore-kms-touchstone
plugin=$prefix/libexec/touchstone/notation-touchstone

# rule TEXT: of all keys, from now on.
rule() {
	sed -i '/^keys = /d' "$config/config" 2>/dev/null
	echo "keys = ( { key = \"*\"; $1 } );" >>"$config/config"
	touchstone reload >/dev/null
}

# use_cosign MAJOR: $cosign with its options; a file for each key's public
# half is $user/KEY.pub.
use_cosign() {
	major=$1
	needs_cosign "$1" || return 1
	sign_options=$(cosign_offline "$1" sign)
	verify_options=$(cosign_offline "$1" verify)
}
cosign_do() {	# COMMAND KEY ARG...: with touchstone's KEY
	cosign_command=$1 cosign_key=$2
	shift 2
	$limit "$cosign" "$cosign_command" $sign_options \
	    --key "touchstone://$cosign_key" "$@" </dev/null
}
cosign_takes() {	# COMMAND KEY IMAGE [OPTION...]: a file, or a URL
	cosign_command=$1 cosign_key=$2 cosign_image=$3
	shift 3
	$limit "$cosign" "$cosign_command" $verify_options \
	    --key "$cosign_key" "$@" "$cosign_image" </dev/null
}

# cosign_signs KEY OTHER: an image, and a statement about it; OTHER is another
# key, which has signed neither.
cosign_signs() {
	what="cosign $major, $1"
	image "plain-$major-$1"
	plain=$image
	image "signed-$major-$1"
	at=$registry/signed-$major-$1@$digest
	ok "$what: sign" cosign_do sign "$1" "$at"
	ok "$what: verify" cosign_takes verify "$user/$1.pub" "$image"
	ok "$what: verify by the plugin" cosign_takes verify \
	    "touchstone://$1" "$image"
	not_ok "$what: not by another key" cosign_takes verify \
	    "$user/$2.pub" "$image"
	not_ok "$what: nor by the plugin" cosign_takes verify \
	    "touchstone://$2" "$image"
	not_ok "$what: what is unsigned is refused" cosign_takes verify \
	    "touchstone://$1" "$plain"
	like "$what: the record names the image" "$(last_record)" \
	    "cosign's signature of image .*$digest"

	echo '{"built":"well"}' >"$user/predicate"
	ok "$what: attest" cosign_do attest "$1" --type custom \
	    --predicate "$user/predicate" "$at"
	for by in "$user/$1.pub" "touchstone://$1"; do
		ok "$what: verify-attestation by ${by##*/}" cosign_takes \
		    verify-attestation "$by" "$image" --type custom
	done
	for by in "$user/$2.pub" "touchstone://$2"; do
		not_ok "$what: verify-attestation by ${by##*/}" cosign_takes \
		    verify-attestation "$by" "$image" --type custom
	done
	like "$what: the record names the statement" "$(last_record)" \
	    "statement .* about .*$digest"
}

# What was signed last.
last_record() {
	touchstone audit show | grep ' signed ' | tail -n 1
}

# notation_certified KEY: its own certificate, which notation may trust as KEY.
notation_certified() {
	{
		touchstone keys certify "$1" &&
		    cp "$XDG_DATA_HOME/touchstone/keys/$1.chain.pem" \
		    "$user/$1.pem" &&
		    "$notation" cert add --type ca --store "$1" "$user/$1.pem"
	} >"$user/certify.log" 2>&1 ||
	    fail "$1 is certified" "$(cat "$user/certify.log")"
}

notation_do() {	# KEY IMAGE FORMAT [OPTION...]
	notation_key=$1 notation_image=$2 notation_format=$3
	shift 3
	$limit "$notation" sign --insecure-registry --signature-format \
	    "$notation_format" --plugin touchstone --id "$notation_key" "$@" \
	    "$notation_image" </dev/null
}
notation_takes() {	# TRUSTED IMAGE
	notation_trust "$1"
	$limit "$notation" verify --insecure-registry "$2" </dev/null
}

# notation_signs KEY OTHER: an image in both formats, likewise.
notation_signs() {
	for format in jws cose; do
		what="notation, $1, $format"
		image "plain-$format-$1"
		plain=$registry/plain-$format-$1@$digest
		image "signed-$format-$1"
		at=$registry/signed-$format-$1@$digest
		ok "$what: sign" notation_do "$1" "$at" $format
		ok "$what: verify" notation_takes "$1" "$at"
		not_ok "$what: not where another is trusted" \
		    notation_takes "$2" "$at"
		not_ok "$what: what is unsigned is refused" \
		    notation_takes "$1" "$plain"
		like "$what: the record names the image" "$(last_record)" \
		    "Notary Project's signature of .*$digest"
	done
}
