#!/bin/sh
# Roles of Docker Content Trust are signed by the agent, with keys of every
# kind: what a role changes is asked and recorded, OpenSSL verifies the
# signature; and what is not a role, not the next one, not canonical, not for
# us to sign or comes from afar is refused.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/trust-roles.sh"
for program in openssl jq; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
new_user trust
# A display as far as the agent can tell; it is never opened.
export DISPLAY=:99
pinentry_setup
ask=$build/tests/tools/image-ask
cd "$user" || exit 1
trust_roles

last() {	# FILTER: of the last record
	tail -n 1 "$(status_of .audit)" | jq -r "$1"
}
signed_so_far() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}

# ---- every kind of key ----
signs() {	# ALGORITHM METHOD LENGTH
	name=my-$(echo "$1" | tr A-Z a-z)
	soft_token "$1" "$name" "$name <$name@example.com>" || return 0
	touchstone keys export --pem "$name" >"$name.pem"
	ok "$1: targets are signed" "$ask" trust "$name" "$gun" \
	    targets/releases v1 v2 out
	is "$1: by Notary's name of it" "$(cat out.status)" "$2"
	is "$1: as long as it is" "$(wc -c <out)" "$3"
	ok "$1: OpenSSL verifies it" verifies "$name.pem" out v2
	ok "$1: and of nothing else" verifies_not "$name.pem" out v1
	is "$1: named by what is new" "$(last .summary)" "tag v2 = sha256:$(
	    sha256_of two) in $gun by targets/releases, version 2, until 2029-11-22, beside 1 tag said to be there already"
	is "$1: recorded as what it is" \
	    "$(last '[.kind, .format, .stage, .object, .payload] |
	    join(" ")')" "trust-targets tuf signed sha256:$(sha256_of two) $(
	    sha256sum <v2 | cut -c 1-64)"

	trust_root root "$name.pem"
	ok "$1: a root with its id is signed" "$ask" trust "$name" "$gun" \
	    root - root out
	ok "$1: OpenSSL verifies it" verifies "$name.pem" out root
	short=$(echo "$id" | cut -c 1-16)
	is "$1: named by who signs what" "$(last .summary)" \
	    "root by $short, snapshot by $short, targets by $short, timestamp by $short in $gun by root, new, version 1, until 2036-01-01"
	is "$1: recorded as a root" "$(last .kind)" trust-root
}
signs P-384 ecdsa 96
signs RSA-2048 rsapss 256
signs Ed25519 eddsa 64
signs P-256 ecdsa 64

# ---- large ones ----
role large '.targets = (.targets.v1 as $t | [range(2000) |
    {("v\(.)"): $t}] | add)' v1
ok 'two thousand tags are signed, in pieces' \
    "$ask" trust my-p-256 "$gun" targets - large out
ok 'and OpenSSL verifies' verifies my-p-256.pem out large
like 'and those that have no place are counted' "$(last .summary)" \
    '^tag v0 = sha256:[0-9a-f]{64}, .* and 199[0-9] more changes in '

# ---- what is refused ----
# refused WHAT WHY KEY GUN ROLE BEFORE NOW: with the reason, and recorded.
refused() {
	refused_what=$1 refused_why=$2 refused_before=$(signed_so_far)
	shift 2
	rm -f none
	"$ask" trust "$@" none >said 2>&1
	is "refused: $refused_what" "$?" 1
	like "why: $refused_what" "$(cat said)" "$refused_why"
	is "nothing is signed: $refused_what" \
	    "$(signed_so_far) $(ls none 2>/dev/null)" "$refused_before "
}
no_role() {	# WHAT WHY FILE [BEFORE]
	refused "$1" "$2" my-p-256 "$gun" targets "${4--}" "$3"
}
changed() {	# FILTER: of v2, canonical still
	role changed "$1" v2
}

refused 'more than Ed25519 signs' 'use an ECDSA or RSA key' my-ed25519 "$gun" \
    targets - large
ok 'what is not damaged is signed' \
    "$ask" trust my-p-256 "$gun" targets v1 v2 out

jq . v2 >changed
no_role 'one with blanks' 'not in canonical JSON' changed v1
is 'it is recorded as denied' "$(last '.stage + " " + .kind')" \
    'denied trust-targets'
is 'and by its own hash' "$(last .payload)" \
    "$(sha256sum <changed | cut -c 1-64)"
{ cat v2; echo; } >changed
no_role 'one with a newline behind it' 'not in canonical JSON' changed v1
jq -cj '{version} + .' v2 >changed
no_role 'one in another order' 'not in canonical JSON' changed v1
sed 's/"v1"/"v\\u0031"/' v2 >changed
no_role 'one that is escaped' 'not in canonical JSON' changed v1
sed 's/"version":2/"version":2.0/' v2 >changed
no_role 'a version with a fraction' 'fractions' changed v1
sed 's/"version":2/"version":2147483648/' v2 >changed
no_role 'a version of 2^31' '2147483647' changed v1
sed 's/"version":2/"version":0/' v2 >changed
no_role 'a version of 0' '2147483647' changed
sed 's/"length":3/"length":0.5/' v2 >changed
no_role 'a length with a fraction' 'fractions' changed v1
sed 's/"length":3/"length":9007199254740993/' v2 >changed
no_role 'a length beyond 2^53' 'too large' changed v1
sed 's/"targets":{/"targets":{},"targets":{/' v2 >changed
no_role 'a member twice' 'twice' changed v1
sed 's/"_type":"Targets",/"_type":"Targets","Targets":{},/' v2 >changed
no_role 'a member that differs in case' 'case' changed v1
changed '.critical = {}'
no_role "one that is a cosign payload, too" 'something else, too' changed v1
changed '.expires = "soon"'
no_role 'one that does not expire' 'expires' changed v1
changed '.targets.v1.hashes.sha256 = "AAAA"'
no_role 'a digest of three bytes' 'a target is malformed' changed v1
changed '.targets["v\u0001"] = .targets.v1'
no_role 'a name with a control character' 'control' changed v1
changed '.targets[""] = .targets.v1'
no_role 'a name that is empty' 'target is malformed' changed v1
changed '.delegations.roles = [{keyids: [], name: "targets/a/b",
    paths: [""], threshold: 1}]'
no_role 'a delegation of a delegation' 'below it' changed v1
changed '.delegations.roles = [{keyids: ["00"], name: "targets/a",
    paths: [""], threshold: 1}]'
no_role 'a delegation to a key that is not there' 'delegations are malformed' \
    changed v1
trust_root root my-p-256.pem
role changed ".delegations.keys[\"$(sha256_of other)\"] =
    $entry" v2
no_role 'a key by the id of another' 'the id that belongs' changed v1
changed '.version = 3'
no_role 'a version that is left out' 'version that follows' changed v1
no_role 'the same version' 'version that follows' v2 v2
no_role 'the one before' 'version that follows' v1 v2
no_role 'one that follows a text' 'JSON' v2 my-p-256.pem
no_role 'one that follows a root' 'not the same' v2 root
no_role 'a root as targets' 'not the one that it is said to be' root
refused 'targets as root' 'not the one that it is said to be' my-p-256 "$gun" \
    root v1 v2
refused 'a role that nobody can have' 'not the one' my-p-256 "$gun" \
    targets/A v1 v2
refused 'no role' 'not the one' my-p-256 "$gun" '' v1 v2
refused 'a repository with a tag' 'repository is not HOST/NAME' my-p-256 \
    "$gun:v1" targets v1 v2
refused 'no repository' 'repository is not HOST/NAME' my-p-256 '' targets v1 v2
: >changed
no_role 'nothing' 'no role of trust data behind' changed v1
echo text >changed
no_role 'a text' 'no role of trust data' changed
for name in Snapshot Timestamp; do
	role changed "{_type: \"$name\", expires: .expires, version: 1, meta: {
	    root: .targets.v1, targets: .targets.v1, snapshot: .targets.v1}}" \
	    v1
	refused "a $name" 'for the trust server to sign' my-p-256 "$gun" \
	    "$(echo $name | tr ST st)" - changed
done
refused 'a key that nobody has' 'no key of yours' nobody "$gun" targets v1 v2

# ---- the same bytes by another way ----
for format in sigstore-sha256 notary-raw openpgp; do
	before=$(signed_so_far)
	"$ask" raw my-p-256 $format v2 none >said 2>&1
	is "a role as $format is refused" "$? $(signed_so_far)" "1 $before"
	like "a role as $format: why" "$(cat said)" \
	    'something else|no OpenPGP document'
done
jq . v2 >changed
before=$(signed_so_far)
"$ask" raw my-p-256 sigstore-sha256 changed none >said 2>&1
is 'nor is one that is not canonical a blob' "$? $(signed_so_far)" "1 $before"

# ---- who is asked, and what ----
cp "$config/config" base
rules() {	# TEXT: what the key may, from now on
	{ cat base; echo "keys = ( { key = \"my-p-256\"; $1 } );"; } \
	    >"$config/config"
	touchstone reload >/dev/null || fail 'the rules are read'
}
rules 'confirm = true;'
pinentry refuse
refused 'what the user does not want' 'refused' my-p-256 "$gun" \
    targets/releases v1 v2
like 'the question names tag, digest, repository, role, version and expiry' \
    "$(pinentry_log | grep '^SETDESC' | tail -n 1)" \
    "^SETDESC Sign with key my-p-256, asked by image-ask .*: tag v2 = sha256:$(
    sha256_of two) in $gun by targets/releases, version 2, until 2029-11-22, beside 1 tag said to be there already"
is 'and so does the record' "$(last '.stage + " " + .verdict')" \
    'denied refused at the prompt'
pinentry confirm
ok 'what the user wants is signed' \
    "$ask" trust my-p-256 "$gun" targets/releases v1 v2 out

# ---- by agent.sock ----
rules ''
TOUCHSTONE_SOCK=$runtime/agent.sock
export TOUCHSTONE_SOCK
refused_there() {
	rm -f none
	"$ask" trust my-p-256 "$gun" "$3" "$4" "$5" none >said 2>&1
	is "refused: $1" "$? $(ls none 2>/dev/null)" '1 '
	like "why: $1" "$(cat said)" "$2"
}
refused_there 'targets by agent.sock' 'forward = true' targets v1 v2
refused_there 'a root by agent.sock' 'local clients only' root - root
unset TOUCHSTONE_SOCK
rules 'forward = true;'
TOUCHSTONE_SOCK=$runtime/agent.sock
ok 'targets by agent.sock, with leave' env "TOUCHSTONE_SOCK=$TOUCHSTONE_SOCK" \
    "$ask" trust my-p-256 "$gun" targets v1 v2 out
ok 'and OpenSSL verifies' verifies my-p-256.pem out v2
export TOUCHSTONE_SOCK
refused_there 'a root by agent.sock, even so' 'local clients only' root - root
unset TOUCHSTONE_SOCK
ok 'the log of it all is whole' touchstone audit verify
done_testing
