#!/bin/sh
# How touchstone image gets to a registry and to a lookaside: through the
# proxies of the environment, but never through one to this machine; with a
# client's certificate; over http and https.
. "$(dirname "$0")/images.sh"
for program in tinyproxy python3; do
	command -v $program >/dev/null || skip_all "$program is not installed"
done
far=10.99.0.1
ip addr add $far/32 dev lo || skip_all 'no address can be added'

sign() {
	timeout 60 touchstone image sign --key ours "$@"
}
verify() {
	timeout 60 touchstone image verify --key "$user/ours.pem" "$@"
}
refused() {	# NAME PATTERN ARGUMENT...
	refused_name=$1 refused_why=$2
	shift 2
	not_ok "$refused_name" "$@"
	like 'and it is said why' "$tap_out" "$refused_why"
}
# through PROXY: https_proxy and http_proxy are that, in $user/proxy-PORT.log
# is what it was asked from now on.
through() {
	export http_proxy="$1" https_proxy="$1"
	: >"$proxied"
}
proxied=$user/proxy-8888.log
# Not the log's own lines about its start.
asked() {
	grep -o 'CONNECT [0-9][^ ]*\|GET http:[^ ]*\|PUT http:[^ ]*' "$proxied" |
	    sed 's|/v2/.*||' | sort | uniq
}
# skopeo pushes without proxies.
pushed() {	# NAME
	image=$registry/$1:v1
	mkdir -p "$user/layout"
	digest=$("$src/tests/tools/image-make" "$user/layout/$1" v1 "$1")
	env -u http_proxy -u https_proxy skopeo --insecure-policy copy -q \
	    --preserve-digests --dest-tls-verify=false ${2-} ${3-} \
	    "oci:$user/layout/$1:v1" "docker://$image" \
	    >"$user/push.log" 2>&1 ||
		fail "$1 is pushed" "$(cat "$user/push.log")"
}
soft_token P-256 ours || done_testing
touchstone keys export --pem ours >"$user/ours.pem"
authority house
certificate house server "subjectAltName=IP:$far,IP:127.0.0.1,DNS:localhost"
ca="--ca $user/tls/house/ca.pem"

# ---- TLS to another machine, by a proxy ----
proxy 8888
registry 5000 at $far tls house basic user s3cret
mkdir -p "$HOME/.docker"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" \
    "$(printf user:s3cret | base64)" >"$HOME/.docker/config.json"
pushed far --dest-creds user:s3cret
through http://127.0.0.1:8888
refused 'what is unsigned is refused through it' 'is not signed' \
    verify $ca "$image"
ok 'an image is signed through a proxy' sign $ca "$image"
ok 'and verified' verify $ca "$image"
is 'which was asked for a tunnel, and for nothing else' "$(asked)" \
    "CONNECT $far:5000"
refused 'an authority that is not trusted is not, there too' '--ca' \
    verify "$image"
: >"$proxied"
export no_proxy=$far
ok 'no_proxy: verified without it' verify $ca "$image"
is 'which was not asked' "$(asked)" ''
no_proxy=10.0.0.0/8
ok 'as for a network' verify $ca "$image"
is 'which it was not either' "$(asked)" ''
no_proxy=registry.example
ok 'for another host it is asked' verify $ca "$image"
is 'for a tunnel' "$(asked)" "CONNECT $far:5000"
unset no_proxy

# ---- a proxy that does not ----
through http://127.0.0.1:8889
refused 'no proxy there: refused' '127\.0\.0\.1.*8889' sign $ca "$image"
proxy 8889 'BasicAuth me let-me'
proxied=$user/proxy-8889.log
through http://127.0.0.1:8889
refused 'one that wants a password' 'response 40[17]' \
    sign $ca "$image"
through http://me:l3t-m3@127.0.0.1:8889
refused 'and another one' 'response 40[17]' sign $ca "$image"
unlike 'which is not shown' "$tap_out" 'l3t-m3'
through http://me:let-me@127.0.0.1:8889
ok 'its own does' verify $ca "$image"
is 'one signature of each kind was made' "$(verify --json $ca "$image" |
    jq -c '[.signatures[].format]')" '["cosign","bundle"]'
proxied=$user/proxy-8888.log

# ---- plain http ----
registry 5001 at $far
pushed plain
through http://127.0.0.1:8888
refused 'plain http to another machine needs leave' 'no TLS.*--plain-http' \
    sign "$image"
ok 'and then goes by the proxy' sign --plain-http "$image"
ok 'as does what verifies' verify --plain-http "$image"
like 'which is asked for the registry' "$(asked)" "GET http://$far:5001"
registry 5002
pushed near
: >"$proxied"
ok 'an image of this machine is signed' sign "$image"
ok 'and verified' verify "$image"
is 'without a word to the proxy' "$(asked)" ''
unset http_proxy https_proxy

# ---- a client's certificate ----
certificate house client 'extendedKeyUsage=clientAuth'
authority other
certificate other client 'extendedKeyUsage=clientAuth'
registry 5003 at $far tls house clients house
mkdir -p "$user/certs"
for end in cert key; do
	test $end = key || from=pem
	test $end = cert || from=key
	cp "$user/tls/house/client.$from" "$user/certs/us.$end"
done
cp "$user/tls/house/ca.pem" "$user/certs/ca.crt"
pushed club --dest-cert-dir "$user/certs"
us="--cert $user/tls/house/client.pem --client-key $user/tls/house/client.key"
them="--cert $user/tls/other/client.pem --client-key $user/tls/other/client.key"
not_ok 'without a certificate: refused' sign $ca "$image"
not_ok "with another's: refused" sign $ca $them "$image"
refused 'with one whose key is not its own' 'certificate or key' sign $ca \
    --cert "$user/tls/house/client.pem" \
    --client-key "$user/tls/other/client.key" "$image"
refused 'none of them signed it' 'is not signed' verify $ca $us "$image"
ok 'with ours it is signed' sign $ca $us "$image"
ok 'and verified' verify $ca $us "$image"
certs=$XDG_CONFIG_HOME/containers/certs.d/$registry
mkdir -p "${certs%/*}"
cp -r "$user/certs" "$certs"
ok 'all of it by certs.d' verify "$image"
rm "$certs/us.cert" "$certs/us.key"
not_ok 'but not without what is there' verify "$image"

# ---- a lookaside on the web ----
registry 5004
image web
mkdir "$user/www"
ok 'a simple signature' sign --simple --lookaside "$user/www" "$image"
python3 -m http.server --bind 127.0.0.1 --directory "$user/www" 8000 \
    >"$user/www.log" 2>&1 </dev/null &
wait_for_port 8000 "$user/www.log"
is 'is read over http' "$(verify --json --lookaside http://127.0.0.1:8000 \
    "$image" | jq -c '[.verified, [.signatures[] |
    [.format, .place | sub("@.*/"; "@…/")]]]')" \
    '[true,[["simple","http://127.0.0.1:8000/web@…/signature-1"]]]'
is 'and nothing else is asked for' "$(grep -o '"GET [^"]*"' "$user/www.log" |
    sed 's|sha256=[0-9a-f]*|…|' | xargs)" \
    'GET /web@…/signature-1 HTTP/1.1 GET /web@…/signature-2 HTTP/1.1'
refused 'a server that has none' 'is not signed' \
    verify --lookaside http://127.0.0.1:8000/elsewhere "$image"
printf x | dd of="$(find "$user/www" -name signature-1)" bs=1 seek=90 \
    conv=notrunc 2>/dev/null
refused 'what was tampered with' 'does not count' \
    verify --lookaside http://127.0.0.1:8000 "$image"
refused 'a server that is not there' 'simple signature' \
    verify --lookaside http://127.0.0.1:8001 "$image"
refused 'over plain http from another machine' 'without TLS' \
    verify --lookaside "http://$far:8000" "$image"
refused 'it is not written over the web' 'cannot be written' \
    sign --simple --lookaside http://127.0.0.1:8000 "$image"
mkdir -p "$HOME/.config/containers/registries.d"
printf 'docker:\n  %s:\n    lookaside: http://127.0.0.1:8000\n    lookaside-staging: file://%s\n' \
    "$registry" "$user/www" >"$HOME/.config/containers/registries.d/t.yaml"
rm -r "$user/www/web@"*
ok 'by registries.d: written to staging' sign --simple "$image"
ok 'and read from the web' verify "$image"
done_testing
