#!/bin/sh
# Who asks a registry, and whom it is: passwords and tokens from where docker
# and podman keep them, authorities and client certificates of certs.d.
. "$(dirname "$0")/images.sh"

at() {
	timeout 60 "$tool" --tries 2 "$@"
}
push() {	# REPOSITORY: with skopeo, logged in as $1
	skopeo --insecure-policy copy -q --preserve-digests \
	    --dest-creds user:s3cret --dest-cert-dir "$user/tls/house/certs" \
	    "oci:$user/layout/app:v1" "docker://$1:v1" \
	    >"$user/push.log" 2>&1 || fail "$1 is pushed" \
	    "$(cat "$user/push.log")"
}
# login SERVER USER PASSWORD: as podman writes it.
auth=$XDG_RUNTIME_DIR/containers/auth.json
mkdir -p "${auth%/*}"
entry() {
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" \
	    "$(printf '%s:%s' "$2" "$3" | base64)"
}

authority house
authority other
mkdir -p "$user/tls/house/certs" "$user/layout"
cp "$user/tls/house/ca.pem" "$user/tls/house/certs/ca.crt"
digest=$("$src/tests/tools/image-make" "$user/layout/app" v1)

# ---- TLS and Basic ----
registry 5000 tls house basic user s3cret
app=$registry/app:v1
push "$registry/app"
certs=$XDG_CONFIG_HOME/containers/certs.d/$registry
not_ok 'without its authority it is not spoken to' at resolve "$app"
like 'which is said' "$tap_out" 'certs\.d'
mkdir -p "$certs"
cp "$user/tls/other/ca.pem" "$certs/ca.crt"
not_ok 'nor with another one' at resolve "$app"
cp "$user/tls/house/ca.pem" "$certs/ca.crt"
not_ok 'with it it wants to know who asks' at resolve "$app"
like 'and what to do is said' "$tap_out" "log in first: podman login $registry"
entry "$registry" user wrong >"$auth"
not_ok 'a wrong password is refused' at resolve "$app"
like 'naming the file that has it' "$tap_out" "$auth.*log in again"
unlike 'not the password' "$tap_out" wrong
entry "$registry" user s3cret >"$auth"
is 'the right one is taken' "$(at resolve "$app" | cut -d ' ' -f 1)" \
    "$digest"
echo '{}' >"$user/one"
ok 'to write too' at append "$app" "$user/one" N

# found FILE-OR-COMMAND NAME
found() {
	is "$1" "$(at resolve "$app" 2>&1 | cut -d ' ' -f 1)" "$digest"
}
lost() {
	not_ok "$1" at resolve "$app"
}
rm "$auth"
lost 'without the file nothing is known'
entry "$registry" user s3cret >"$user/elsewhere.json"
REGISTRY_AUTH_FILE=$user/elsewhere.json
export REGISTRY_AUTH_FILE
found 'REGISTRY_AUTH_FILE names another'
REGISTRY_AUTH_FILE=$user/missing.json
lost 'one that is not there is an error'
like 'which is said' "$tap_out" 'missing.json cannot be read'
unset REGISTRY_AUTH_FILE
mkdir -p "$HOME/.docker" "$user/docker"
entry "$registry" user s3cret >"$HOME/.docker/config.json"
found "docker's own file"
rm "$HOME/.docker/config.json"
export DOCKER_CONFIG="$user/docker"
entry "https://$registry" user s3cret >"$user/docker/config.json"
found 'DOCKER_CONFIG, with an address'
rm "$user/docker/config.json"
entry "$registry/app" user s3cret >"$auth"
found 'an entry for the repository'
entry "$registry/other" user s3cret >"$auth"
lost 'one for another repository is none'
entry "$registry.example.com" user s3cret >"$auth"
lost 'nor one for a host whose name is longer'
printf '{"auths":{"%s":{"auth":"%s"},"%s/app":{"auth":"%s"}}}' \
    "$registry" "$(printf user:wrong | base64)" \
    "$registry" "$(printf user:s3cret | base64)" >"$auth"
found 'of two entries the more exact counts'
printf '{"auths":{"%s":{"auth":"!"}}}' "$registry" >"$auth"
lost 'an entry that is no base64 is an error'
printf '{"auths":{},"auths":{}}' >"$auth"
lost 'a key twice is an error'
like 'which is said' "$tap_out" 'has a key twice; correct it'
rm "$auth"

# ---- helpers ----
mkdir "$user/helpers"
PATH=$user/helpers:$PATH
helper() {
	cat >"$user/helpers/docker-credential-test"
	chmod +x "$user/helpers/docker-credential-test"
}
printf '{"credHelpers":{"%s":"test"}}' "$registry" >"$auth"
lost 'a helper that is not installed is an error'
like 'which is said' "$tap_out" 'docker-credential-test is not installed'
helper <<END
#!/bin/sh
echo "\$1 \$(cat)" >"$user/asked"
env >"$user/environment"
tr '\\0' '\\n' </proc/\$PPID/cmdline >"$user/parent"
echo '{"ServerURL":"x","Username":"user","Secret":"s3cret"}'
END
export SOME_SECRET=hidden
found 'a helper is asked'
is 'as docker asks it' "$(cat "$user/asked")" "get $registry"
unlike 'with little of our environment' "$(cat "$user/environment")" \
    SOME_SECRET
like 'and what it needs' "$(cat "$user/environment")" '^HOME='
unlike 'nothing is in our command line' "$(cat "$user/parent")" s3cret
printf '{"credsStore":"test"}' >"$auth"
found 'one for all registries too'
helper <<'END'
#!/bin/sh
echo 'credentials not found in native keychain'
exit 1
END
lost 'that it knows none is not its failure'
like 'but we are not logged in' "$tap_out" 'log in first'
helper <<'END'
#!/bin/sh
echo '{"Username":"user","Secret":"s3cret"' >&2
exit 1
END
lost 'one that fails is an error'
like 'with what to try' "$tap_out" 'docker-credential-test fails.*try'
helper <<'END'
#!/bin/sh
yes '{"Username":"user","Secret":"s3cret"}'
END
lost 'one that does not stop talking is stopped'
helper <<'END'
#!/bin/sh
echo '{"Username":"user","Username":"x","Secret":"s3cret"}'
END
lost 'an answer with a key twice is refused'
printf '{"credsStore":"../test"}' >"$auth"
lost 'a name with a path is none'
like 'which is said' "$tap_out" 'cannot be a credential helper'
rm "$auth"

# ---- client certificates ----
certificate house client 'extendedKeyUsage=clientAuth'
certificate other client 'extendedKeyUsage=clientAuth'
registry 5001 tls house clients house
certs=$XDG_CONFIG_HOME/containers/certs.d/$registry
mkdir -p "$certs"
cp "$user/tls/house/ca.pem" "$certs/ca.crt"
not_ok 'without our certificate we are not spoken to' \
    at resolve "$registry/app"
for authority in other house; do
	cp "$user/tls/$authority/client.pem" "$certs/us.cert"
	cp "$user/tls/$authority/client.key" "$certs/us.key"
	at resolve "$registry/app" >"$user/$authority.said" 2>&1
done
unlike 'nor with one of another authority' "$(cat "$user/other.said")" \
    'not there'
like 'with ours we are' "$(cat "$user/house.said")" 'is not there'
rm "$certs/us.cert"
like 'the same by --cert and --key' "$(at --cert \
    "$user/tls/house/client.pem" --key "$user/tls/house/client.key" \
    resolve "$registry/app" 2>&1)" 'is not there'
cp "$user/tls/house/client.pem" "$certs/us.cert"
rm "$certs/us.key"
not_ok 'a certificate without its key is an error' \
    at resolve "$registry/app"
like 'which is said' "$tap_out" 'has no key'

# ---- tokens ----
"$src/tests/tools/token-server" 5003 "$user/tls/house/server.key" \
    "$user/tls/house/server.pem" "$user/token.log" user:s3cret \
    2>"$user/token.err" &
wait_for_port 5003 "$user/token.err"
registry 5002 token http://127.0.0.1:5003/token "$user/tls/house/server.pem"
entry "$registry" user s3cret >"$auth"
skopeo --insecure-policy copy -q --preserve-digests --dest-tls-verify=false \
    --authfile "$auth" "oci:$user/layout/app:v1" \
    "docker://$registry/public/app:v1" 2>"$user/push.log" ||
	fail 'an image is pushed' "$(cat "$user/push.log")"
rm "$auth"
: >"$user/token.log"
is 'a public image is there for everybody' \
    "$(at resolve "$registry/public/app:v1" | cut -d ' ' -f 1)" "$digest"
is 'with one token, for reading' "$(cat "$user/token.log")" \
    'GET repository:public/app:pull anonymous'
not_ok 'but not to be written to' \
    at append "$registry/public/app:v1" "$user/one" N
like 'which is said' "$tap_out" 'log in first'
entry "$registry" user s3cret >"$auth"
: >"$user/token.log"
ok 'the user may write' at append "$registry/public/app:v1" "$user/one" N
is 'with one token for each thing to do' "$(sort "$user/token.log")" \
    'GET repository:public/app:pull as user
GET repository:public/app:pull,push as user'
entry "$registry" user wrong >"$auth"
not_ok 'a wrong password gets no token' \
    at append "$registry/public/app:v1" "$user/one" N
like 'which is said' "$tap_out" "token server refuses what.*log in again"
printf '{"auths":{"%s":{"auth":"%s","identitytoken":"identity"}}}' \
    "$registry" "$(printf '<token>:' | base64)" >"$auth"
: >"$user/token.log"
ok 'an identity token does as well' \
    at append "$registry/public/app:v1" "$user/one" M
like 'by way of OAuth2' "$(cat "$user/token.log")" '^POST .*as user'
sed -i 's/"identity"/"other"/' "$auth"
not_ok 'and one that is wrong does not' \
    at append "$registry/public/app:v1" "$user/one" M
done_testing
