#!/bin/sh
# The owner of a repository renews root and targets that expire soon or have
# expired, and nothing else; and a delegation whose signer was removed counts
# again once another signs it, by name and told tag by tag.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
ask=$build/tests/tools/image-ask
cd "$user" || exit 1
for key in root targets alice bob; do
	soft_token P-256 $key || exit 1
done
image one
gun=$registry/one
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}
versions() {
	for role; do
		tuf_version $role "$gun"
	done | xargs
}
# expires_in ROLE KEY SECONDS: the next version, which expires in so many.
expires_in() {
	tuf "$1" "$gun" >now.json
	jq -cS .signed now.json | tr -d '\n' >before
	jq -cS --argjson s "$3" '.signed | .version += 1 |
	    .expires = (now + $s | floor | todate)' now.json |
	    tr -d '\n' >after
	"$ask" trust "$2" "$gun" "$1" before after sig || return 1
	id=$(test "$1" = root && jq -r '.signed.roles.root.keyids[0]' \
	    now.json || jq -r '.signatures[0].keyid' now.json)
	printf '{"signed":%s,"signatures":[{"keyid":"%s","method":"ecdsa","sig":"%s"}]}' \
	    "$(cat after)" "$id" "$(base64 -w 0 sig)" >next.json
	curl -sS -f --cacert "$notary_ca" -F "files=@next.json;filename=$1" \
	    "$notary_url/v2/$gun/_trust/tuf/"
}
last() {
	tail -n 1 "$(status_of .audit)" | jq -r .summary
}
years() {
	tuf "$1" "$gun" | jq -r '.signed.expires | fromdateiso8601 - now |
	    . / 86400 / 365 | round'
}

ok 'a repository' trust init "$gun" --root-key root --key targets
ok 'a signer' trust signer add alice "$gun" --key alice
ok 'and another' trust signer add bob "$gun" --key bob
ok 'a tag' trust sign --key alice "$image"

# ---- before it expires ----
day=86400
ok 'targets are good for a year' expires_in targets targets $((365 * day))
ok 'which is enough' trust witness "$gun"
is 'and they stay' "$(versions targets)" 4
ok 'then for a month' expires_in targets targets $((30 * day))
not_ok 'a delegate does not renew them' \
    trust witness "$gun" targets --key alice
ok 'what is hers stays' trust witness "$gun" --key alice
like 'though she is told' "$tap_out" '"targets" is good until .* none of'
is 'and they do' "$(versions targets)" 5
ok 'their owner does' trust witness "$gun"
is 'alone' "$(versions root targets targets/releases)" '1 6 1'
is 'for three years' "$(years targets)" 3
like 'recorded as nothing new' "$(last)" "^nothing new in $gun by targets"
ok 'root is good for a month' expires_in root root $((30 * day))
ok 'it is renewed, too' trust witness "$gun"
is 'it alone' "$(versions root targets targets/releases)" '3 6 1'
is 'for ten years' "$(years root)" 10
ok 'Notary goes along' notary_fresh lookup "$gun" v1
ok 'and we' trust verify "$image"

# ---- after that ----
for role in targets root; do
	ok "$role expire" expires_in $role $role 3
	kept=$(tuf $role "$gun" | jq -cS '.signed | del(.version, .expires)')
	wait_for 20 sh -c '! "$@" >/dev/null 2>&1' sh touchstone trust verify \
	    "$image" --server "$notary_url" --ca "$notary_ca"
	not_ok "$role have expired" trust verify "$image"
	like "$role: which is told" "$tap_out" \
	    "expired: the trust data \"$role\""
	not_ok "$role: a delegate signs no more" \
	    trust sign --key alice "$gun:v2"
	not_ok "$role: nor renews anything" trust witness "$gun" --key alice
	like "$role: whose is to be done is told" "$tap_out" "its owner's"
	ok "$role: the owner renews" trust witness "$gun"
	test $role = root ||
	    like 'told what they say' "$(last)" "^targets/alice by .* new, ver"
	is "$role: as they were" "$(tuf $role "$gun" |
	    jq -cS '.signed | del(.version, .expires)')" "$kept"
	ok "$role: they count again" trust verify "$image"
	ok "$role: with Notary, too" notary_fresh lookup "$gun" v1
done

# ---- by an agent of another machine ----
cp "$config/config" base 2>/dev/null || : >base
mkdir -p "$config"
echo 'keys = ( { key = "targets"; forward = true; },
    { key = "root"; forward = true; } );' >>"$config/config"
ok 'the keys may be used from afar' touchstone reload
export TOUCHSTONE_SOCK="$runtime/agent.sock"
ok 'targets are renewed' trust witness "$gun" targets
before=$(versions root targets)
not_ok 'root is not' trust witness "$gun" root
like 'which is told' "$tap_out" 'local clients only'
not_ok 'nor is its key replaced' trust rotate "$gun" root --root-key bob
not_ok 'nor a repository made' trust init "$registry/two" --key targets
is 'and nothing changed' "$(versions root targets)" "$before"
unset TOUCHSTONE_SOCK
cp base "$config/config"
ok 'not so any more' touchstone reload

# ---- who signed it may no more ----
not_ok 'who has signed is not removed' trust signer remove alice "$gun"
ok 'but with force' trust signer remove alice "$gun" --force
not_ok 'what she signed does not count' trust verify "$image"
not_ok 'it is not signed again unasked' trust witness "$gun"
like 'but what to do is told' "$tap_out" "witness $gun targets/releases"
not_ok 'not by her' trust witness "$gun" targets/releases --key alice
elsewhere() {
	XDG_STATE_HOME=$user/elsewhere trust "$@"
}
count=$(status_of .signatures)
not_ok 'nor where it was never seen to count' \
    elsewhere witness "$gun" targets/releases
like 'since the server could have made it up' "$tap_out" 'could have made it up'
is 'no key was used' "$(status_of .signatures)" "$count"
ok 'where it was, by another' trust witness "$gun" targets/releases
like 'and told what it says' "$(last)" \
    "^tag v1 = $digest in $gun by targets/releases, new, version 2"
ok 'it counts again' trust verify "$image"
ok 'with Notary, too' notary_fresh lookup "$gun" v1
done_testing
