#!/bin/sh
# The server that attacks is sound where it should be, and its attacks are
# attacks: Notary's own client, which had been content before, refuses them.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
hex=$(printf one | sha256sum | cut -c -64)
notary_delegate us
hostile_notary 127.0.0.1 6443 "sha256:$hex" 400 "$user/us.crt" || exit 1

ok 'what it has is sound' notary_as reader lookup house/one v1
is 'and as it should be' "$tap_out" "v1 sha256:$hex 400"
cp -R "$user/trust-of-reader" "$user/before"
before() {
	rm -rf "$user/trust-of-reader"
	cp -R "$user/before" "$user/trust-of-reader"
	attack "$1"
}

for case in root-rotated targets-threshold-met; do
	before $case
	ok "$case is taken" notary_as reader lookup house/one v1
done
for case in root-forged root-rotated-alone root-rotated-old root-expired \
    timestamp-expired timestamp-back snapshot-back snapshot-stolen-id \
    targets-back targets-forged targets-expired targets-threshold-one \
    mix-targets mix-releases releases-hash; do
	before $case
	not_ok "$case is refused" notary_as reader lookup house/one v1
done
for case in releases-forged delegates-none target-none; do
	before $case
	unlike "$case: nothing is released" "$(notary_as reader list \
	    house/one --roles targets/releases 2>&1)" v1
done

# ---- what is posted ----
gun=house/two
attack sound
ok 'a delegate signs' notary_signs us "$gun" v2 "sha256:$hex" 400
is 'and that is there' "$(notary_fresh lookup "$gun" v2)" \
    "v2 sha256:$hex 400"
is 'as it was posted' "$(tuf targets/us "$gun" | cksum)" \
    "$(cksum <"$user/127.0.0.1/posted/targets-us")"
attack post-refused
not_ok 'unless it is refused' notary_signs us "$gun" v3 "sha256:$hex" 400
not_ok 'then it is not there' notary_fresh lookup "$gun" v3
is 'the server has not stumbled' "$(cat "$user/127.0.0.1/err")" ''
done_testing
