#!/bin/sh
# What a delegate signs is renewed before it expires, or after, as it is; what
# is good for long, is not the key's, or not signed as it should be, is not.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
image_at=127.0.0.1:5001
"$src/tests/tools/hostile-registry" 127.0.0.1 5001 "$user/registry.log" \
    2>"$user/registry.err" </dev/null &
wait_for_port 5001 "$user/registry.err" || exit 1
digest=$("$tool" resolve $image_at/sound | cut -d ' ' -f 1)
size=$(curl -s http://$image_at/v2/sound/manifests/latest | wc -c)
soft_token P-256 me || exit 1
touchstone keys export --pem me >"$user/me.pub"
hostile_notary 127.0.0.1 6443 "$digest" "$size" "$user/me.pub" || exit 1
gun=$image_at/one
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}
posts() {
	grep -c '^POST' "$hostile_dir/log"
}
targets() {
	tuf targets/releases "$gun" | jq -cS .signed.targets
}

ok 'what is sound is verified' trust verify "$gun:v1"
ok 'what is good for long' trust witness "$gun"
like 'stays' "$tap_out" 'nothing is to be changed'
is 'as it is' "$(posts)" 0

attack releases-expired
kept=$(targets)
version=$(tuf_version targets/releases "$gun")
not_ok 'what has expired does not count' trust verify "$gun:v1"
like 'by name' "$tap_out" 'expired: the trust data'
not_ok 'and is not signed upon' trust sign "$gun:w1"
like 'but what to do is told' "$tap_out" "touchstone trust witness $gun"
ok 'it is renewed' trust witness "$gun"
like 'by name' "$tap_out" 'targets/releases version [0-9]+, until'
is 'by one version' "$(tuf_version targets/releases "$gun")" $((version + 1))
is 'for three years' "$(tuf targets/releases "$gun" | jq -r \
    '.signed.expires | fromdateiso8601 - now | . / 86400 | round')" 1095
is 'with the tags that it had' "$(targets)" "$kept"
ok 'and counts again' trust verify "$gun:v1"
is 'once' "$(posts)" 1
# The server may have kept back what came after it: all of it is named.
like 'the user is told what it says' "$(tail -n 1 "$(status_of .audit)" |
    jq -r .summary)" \
    "^tag v1 = $digest in $gun by targets/releases, new, version"

for name in releases-forged targets-expired root-expired delegates-others; do
	attack "$name"
	not_ok "$name: nothing is renewed" trust witness "$gun"
	is 'nor posted' "$(posts)" 1
done
done_testing
