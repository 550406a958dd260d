#!/bin/sh
# A registry that lies, stalls or sends elsewhere: a clear error that says what
# to do, in bounded time and memory, and nothing given away.
# tests/tools/hostile-registry has what each name does.
. "$(dirname "$0")/images.sh"

log=$user/hostile.log
hostile=127.0.0.1:5001
"$src/tests/tools/hostile-registry" 127.0.0.1 5001 "$log" \
    2>"$user/hostile.err" &
"$src/tests/tools/hostile-registry" 127.0.0.2 5001 "$user/other.log" \
    2>"$user/other.err" &
wait_for_port 5001 "$user/hostile.err"
wait_for 20 grep -q '0200007F:1389' /proc/net/tcp

# What is known of the user: it must not go anywhere else.
mkdir -p "$XDG_RUNTIME_DIR/containers"
secret=$(printf 'user:s3cret' | base64)
printf '{"auths":{"%s":{"auth":"%s"}}}' "$hostile" "$secret" \
    >"$XDG_RUNTIME_DIR/containers/auth.json"

at() {
	timeout 60 "$tool" --tries 3 --idle 2000 --limit 12000 "$@"
}

soon=
# refused NAME COMMAND PATTERN: at once or after tries, with words.
refused() {
	not_ok "$1: refused" at $soon "$2" "$hostile/$1"
	like "$1: $3" "$tap_out" "$3"
	is "$1: in one line" "$(printf '%s\n' "$tap_out" | wc -l)" 1
}
requests() {
	grep -c "/v2/$1/" "$log"
}

ok 'a sound image is found there' at resolve "$hostile/sound"
sound=$tap_out

# ---- who asks ----
refused refuses resolve 'refuses what .*auth.json has.*podman login'
is 'it was not asked for ever' "$(test "$(requests refuses)" -le 4; echo $?)" 0
refused refuses-tokens resolve 'podman login'
is 'nor for tokens' "$(test "$(grep -c '/token' "$log")" -le 6; echo $?)" 0
refused token-elsewhere resolve 'podman login|no TLS|not asked without TLS'
unlike 'no secret in what is said' "$tap_out" "s3cret|$secret"

# ---- too busy, broken ----
refused busy resolve 'asked too often.*try again later'
is 'it was asked as often as allowed' "$(requests busy)" 3
refused busy-for-long resolve 'asked too often'
is 'an hour is not waited for' "$(requests busy-for-long)" 1
is 'busy once is no error' "$(at resolve "$hostile/busy-once")" "$sound"
refused broken resolve '500 OH: no.*luck; try again later'
is 'what it says is shown clean' \
    "$(printf '%s' "$tap_out" | tr -d '\033')" "$tap_out"
is 'it was asked again, and not for ever' "$(requests broken)" 3
is 'broken once is no error' "$(at resolve "$hostile/broken-once")" "$sound"

# ---- stalls ----
soon='--idle 1000 --tries 2'
refused half resolve 'ends before its length.*try again later'
is 'half a reply once is no error' "$(at resolve "$hostile/half-once")" \
    "$sound"
refused hangs resolve 'does not answer in time.*try again later'
refused hangs-late resolve 'does not answer in time'
soon='--limit 3000'
refused drips resolve 'does not answer in time'
soon=

# ---- lies ----
refused short resolve 'says that the manifest is'
refused huge resolve 'more than 4194304 bytes'
refused other-digest resolve 'do not use this image'
not_ok 'other bytes than were asked for by digest' \
    at resolve "$hostile/other-bytes@${sound%% *}"
like 'are told apart' "$tap_out" 'not what its name says; do not use'
refused other-type resolve 'says it is .*and the registry says'
refused twice resolve 'has a key twice'
refused version-one resolve 'of no version that is known'
one=$(at resolve "$hostile/moves") two=$(at resolve "$hostile/moves")
isnt 'a tag that moves is another digest' "$one" "$two"

# ---- elsewhere ----
is 'a redirect is followed' "$(at resolve "$hostile/elsewhere")" "$sound"
like 'the registry was told who asks' "$(grep 'v2/elsewhere/' "$log")" \
    "Basic $secret"
like 'the other host was asked' "$(cat "$user/other.log")" 'manifests/latest'
is 'and was not told who asks' "$(grep -vc nobody "$user/other.log")" 0
refused elsewhere-asks resolve 'answers 401'
is 'one that asks there is not told either' \
    "$(grep -vc nobody "$user/other.log")" 0
like 'though it was asked' "$(cat "$user/other.log")" '/v2/asks/'
unlike 'and its server of tokens is not gone to' \
    "$(cat "$user/other.log")" '/token'
echo text >"$user/blob"
ok 'an upload elsewhere is followed' \
    at put-blob "$hostile/uploads-elsewhere" "$user/blob"
like 'the registry was told who asks' \
    "$(grep 'POST.*/uploads-elsewhere/' "$log")" "Basic $secret"
like 'the other host was given the blob' "$(cat "$user/other.log")" \
    'PUT /v2/taken/'
is 'and was not told who asks' "$(grep -vc nobody "$user/other.log")" 0
not_ok 'an upload to a name of ours at another host is not' \
    at put-blob "$hostile/uploads-disguised" "$user/blob"
like 'with the reason' "$tap_out" 'no address that is gone to'
refused circles resolve 'in circles'
refused elsewhere-file resolve 'no address that is gone to|is not asked'
unlike 'no file is shown' "$tap_out" root:

# ---- too many ----
is 'hundreds of referrers are read' "$(at referrers "$hostile/hundreds" |
    wc -l)" 500
is 'of pages too' "$(at referrers "$hostile/pages" | wc -l)" 30
refused million referrers 'more than 4194304 bytes'
refused thousands referrers 'more than 4096 signatures.*removed'
refused endless referrers 'more than 64 pages'
refused pages-elsewhere referrers 'goes on elsewhere'

# ---- others write ----
echo '{}' >"$user/one"
tag=sha256-$(printf %s "${sound%% *}" | cut -c 8-)
ok 'where another overwrites what was written' \
    at attach "$hostile/loses" application/x "$user/one"
is 'it is written again, and what the other wrote is kept' \
    "$(at get "$hostile/loses" "$tag" | jq -r '.manifests | length')" 2
ok 'where a condition fails' \
    at attach "$hostile/conditions" application/x "$user/one"
is 'both are there' \
    "$(at get "$hostile/conditions" "$tag" | jq -r '.manifests | length')" 2
refused_write() {
	not_ok "$1: $2 is refused" timeout 60 "$tool" --tries 2 --idle 2000 \
	    attach "$hostile/$1" application/x "$user/one"
	like "$1: $3" "$tap_out" "$3"
}
refused_write loses-always 'a write that is always lost' \
    'others write there all the time'

# ---- TLS ----
authority house
"$src/tests/tools/hostile-registry" 127.0.0.1 5002 "$user/tls.log" \
    "$user/tls/house/server.pem" "$user/tls/house/server.key" \
    2>"$user/tls.err" &
wait_for_port 5002 "$user/tls.err"
hostile=127.0.0.1:5002
not_ok 'an authority that nobody knows is refused' at resolve "$hostile/sound"
like 'with what to do' "$tap_out" '--ca.*certs\.d'
is 'and it was asked for nothing' "$(cat "$user/tls.log")" ''
ok 'one that is given is taken' \
    at --ca "$user/tls/house/ca.pem" resolve "$hostile/sound"
not_ok 'from TLS to plain http is not followed' \
    at --ca "$user/tls/house/ca.pem" resolve "$hostile/elsewhere-plain"
like 'with the reason' "$tap_out" 'from TLS to plain http'
not_ok 'nor with an upload' at --ca "$user/tls/house/ca.pem" \
    put-blob "$hostile/uploads-plain" "$user/blob"
like 'with the reason, too' "$tap_out" 'upload from TLS to plain http'
not_ok 'nor for a token' \
    at --ca "$user/tls/house/ca.pem" resolve "$hostile/token-plain"
like 'with the reason' "$tap_out" '127\.0\.0\.2.* no TLS'
unlike 'and nobody was asked for one' "$(cat "$user/other.log")" '/token'

# ---- a certificate of ours ----
certificate house client extendedKeyUsage=clientAuth
certificate house far subjectAltName=IP:127.0.0.2
# seen PORT ADDRESS: the certificates that are shown there, in $user/seen-PORT.
seen() {
	sleep 100 | openssl s_server -accept "$2:$1" -verify 1 -quiet \
	    -cert "$user/tls/house/far.pem" -key "$user/tls/house/far.key" \
	    >"$user/seen-$1" 2>&1 &
	wait_for_port "$1" "$user/seen-$1"
}
seen 5003 127.0.0.2
seen 5004 127.0.0.2
with_certificate() {
	at --ca "$user/tls/house/ca.pem" \
	    --cert "$user/tls/house/client.pem" \
	    --key "$user/tls/house/client.key" "$@"
}
not_ok 'a registry that wants to see it and says nothing' \
    with_certificate put-blob 127.0.0.2:5004/x "$user/blob"
like 'is shown it' "$(cat "$user/seen-5004")" 'CN *= *client'
not_ok 'nor does the host that the upload is sent to' \
    with_certificate put-blob "$hostile/uploads-elsewhere" "$user/blob"
like 'which was asked' "$(cat "$user/seen-5003")" 'PUT /v2/taken/'
unlike 'and was shown nothing' "$(cat "$user/seen-5003")" 'CN *= *client'
done_testing
