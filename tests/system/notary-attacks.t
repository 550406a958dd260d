#!/bin/sh
# The server that attacks is sound where it should be, and its attacks are
# attacks: Notary's own client, which had been content before, refuses them.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
hex=$(printf one | sha256sum | cut -c -64)
notary_delegate us
hostile_notary 127.0.0.1 6443 "sha256:$hex" 400 "$user/us.crt" || exit 1

# before NAME: it is as it should be.
before() {
	gun=house/$1
	rm -rf "$user/trust-of-reader"
	sound
	notary_as reader lookup "$gun" v1 >"$user/before" 2>&1 ||
	    fail "$1 was sound before" "$(cat "$user/before")"
	attack
}

for case in sound root-rotated targets-threshold-met; do
	before $case
	ok "$case is taken" notary_as reader lookup "$gun" v1
	is 'as it is' "$tap_out" "v1 sha256:$hex 400"
done
for case in root-forged root-rotated-alone root-rotated-old root-expired \
    timestamp-expired timestamp-back snapshot-back snapshot-stolen-id \
    targets-back targets-forged targets-expired targets-threshold-one \
    mix-targets mix-releases releases-hash; do
	before $case
	not_ok "$case is refused" notary_as reader lookup "$gun" v1
done
for case in releases-forged delegates-none target-none; do
	before $case
	unlike "$case: nothing is released" \
	    "$(notary_as reader list "$gun" --roles targets/releases 2>&1)" v1
done

# ---- what is posted ----
gun=house/post-refused
sound
ok 'a delegate signs' notary_signs us "$gun" v2 "sha256:$hex" 400
is 'and that is there' "$(notary_fresh lookup "$gun" v2)" \
    "v2 sha256:$hex 400"
is 'as it was posted' "$(tuf targets/us "$gun" | cksum)" \
    "$(cksum <"$user/127.0.0.1/posted/targets-us")"
attack
not_ok 'unless it is refused' notary_signs us "$gun" v3 "sha256:$hex" 400
not_ok 'then it is not there' notary_fresh lookup "$gun" v3
is 'the server has not stumbled' "$(cat "$user/127.0.0.1/err")" ''
done_testing
