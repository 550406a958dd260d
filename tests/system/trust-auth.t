#!/bin/sh
# A Notary server that wants to know who asks gets a token for the whole name
# of the repository, by the password for its registry; who has none, or a
# wrong one, is told to log in.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
needs_notary || skip_all "$lacks"
registry 5000
soft_token P-256 me || exit 1
ok 'a certificate' touchstone keys certify me
image one
gun=$registry/one
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=tokens \
    -keyout "$user/tokens.key" -out "$user/tokens.pem" 2>/dev/null
authority tokens
tokens=$user/tokens.log
"$src/tests/tools/token-server" 5444 "$user/tokens.key" "$user/tokens.pem" \
    "$tokens" me:secret "$user/tls/tokens/server.pem" \
    "$user/tls/tokens/server.key" 2>"$user/tokens.err" </dev/null &
wait_for_port 5444 "$user/tokens.err"
notary_server 4443 token https://127.0.0.1:5444/token "$user/tokens.pem" ||
    exit 1
cat "$notary_ca" "$user/tls/tokens/ca.pem" >"$user/both.pem"
plain_ca=$notary_ca notary_ca=$user/both.pem
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$user/both.pem" </dev/null
}
password() {	# USER:PASSWORD
	mkdir -p "$XDG_RUNTIME_DIR/containers"
	printf '{"auths":{"%s":{"auth":"%s"}}}' "$registry" \
	    "$(printf %s "$1" | base64)" \
	    >"$XDG_RUNTIME_DIR/containers/auth.json"
}
export NOTARY_AUTH="$(printf me:secret | base64)"
ok 'an owner makes a repository' notary_as owner init -p "$gun"
ok 'and lets the server sign snapshots' \
    notary_as owner key rotate "$gun" snapshot -r
ok 'and ours in' notary_as owner delegation add -p "$gun" targets/releases \
    "$XDG_DATA_HOME/touchstone/keys/me.chain.pem" --all-paths
: >"$tokens"

not_ok 'who has no password sees nothing' trust inspect "$gun"
like 'and is told to log in' "$tap_out" "log in first: podman login $registry"
password me:wrong
not_ok 'nor who has a wrong one' trust inspect "$gun"
like 'and is told which' "$tap_out" 'auth.json has for .*; log in again'
: >"$tokens"
password me:secret
ok 'who has it sees all' trust inspect "$gun"
is 'by one token, to read, for the whole name' "$(cat "$tokens")" \
    "GET repository:$gun:pull as me"
: >"$tokens"
ok 'and signs' trust sign "$gun:v1"
like 'by one to write' "$(cat "$tokens")" \
    "^GET repository:$gun:pull,push as me\$"
ok 'that is there' trust verify "$gun:v1"

# A token server without TLS would have the password read on the way.
"$src/tests/tools/token-server" 5445 "$user/tokens.key" "$user/tokens.pem" \
    "$tokens" me:secret 2>"$user/tokens2.err" </dev/null &
wait_for_port 5445 "$user/tokens2.err"
: >"$tokens"
notary_ca=$plain_ca
notary_server 4453 token http://127.0.0.1:5445/token "$user/tokens.pem" ||
    exit 1
not_ok 'a token server without TLS is not asked' trust inspect "$gun"
like 'which is said' "$tap_out" 'no TLS; that is not done'
is 'and heard nothing' "$(cat "$tokens")" ''
done_testing
