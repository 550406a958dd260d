#!/bin/sh
# A Notary server that offers keys that are none, takes nothing that is
# posted, or belongs to somebody else: the owner of a repository is told so,
# uses no key for it, and can go on when the server is sound again.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
# A display as far as the agent can tell; it is never opened.
export DISPLAY=:99
pinentry_setup
for key in P-256:root P-384:targets P-256:alice; do
	soft_token ${key%:*} ${key#*:} || exit 1
done
hostile_notary 127.0.0.1 6443 "sha256:$(printf x | sha256sum | cut -c -64)" 400
state=$XDG_STATE_HOME/touchstone/trust
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}
init() {
	trust init "$gun" --root-key root --key targets
}
signatures() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}
posts() {
	grep -c "^POST.*_trust/tuf/ " "$hostile_dir/log"
}

# ---- keys that are none ----
offered() {
	gun=house.example/$1-new
	attack "$1"
	not_ok "$1 is no key of a server's" init
	like 'which is told' "$tap_out" "${2-server.s .* key}"
	is 'and no key was used' "$(signatures)" "$before"
	is 'nor anything posted' "$(posts)" 0
	not_ok 'nor kept' test -e "$state"
}
before=$(signatures)
offered new-key-unknown
offered new-key-garbage
offered new-key-array
offered new-key-twice
offered new-key-certificate
offered new-key-endless 'more than [0-9]+ bytes'
offered server-broken 'answers 500'
offered server-empty .

# ---- what is posted ----
posted() {
	gun=house.example/$1-new
	attack "$1"
	not_ok "$1: nothing is made" init
	like 'which is told' "$tap_out" "$2"
	attack sound
	not_ok 'nor there' tuf root "$gun"
	not_ok 'nor trusted' trust inspect "$gun"
	is 'nor pinned' "$(ls "$state" 2>/dev/null)" ''
	not_ok 'nor is a certificate kept' \
	    test -e "$XDG_DATA_HOME/touchstone/trust"
}
posted post-refused 'no .*luck|does not take'
posted post-denied 'log in first'
posted post-broken 'answers 500'
posted post-half 'Empty reply|ends before'
posted post-forbidden 'does not allow'
posted post-elsewhere '307'
posted post-swallowed 'there is no trust data'
ok 'it is made when the server is sound again' init
ok 'and is there' trust inspect "$gun"

# ---- its own repository ----
versions() {
	for role in root targets; do
		tuf_version $role "$gun"
	done | xargs
}
is 'once' "$(versions)" '1 1'
refused() {
	attack "$1"
	refused_why=$2
	shift 2
	not_ok "$(cat "$hostile_dir/attack"): $1 $2 changes nothing" trust "$@"
	like 'which is told' "$tap_out" "$refused_why"
	attack sound
	is 'nothing is changed' "$(versions)" '1 1'
}
refused new-key-unknown "server.s .* key" rotate "$gun" snapshot
refused new-key-garbage "server.s .* key" rotate "$gun" timestamp
refused post-refused 'no .*luck|does not take' signer add alice "$gun" \
    --key alice
refused post-conflict-409 'somebody else has posted meanwhile' signer add \
    alice "$gun" --key alice
refused server-gone 'is not at https' witness "$gun" root
refused post-broken 'answers 500' rotate "$gun" root --root-key alice
ok 'the root is still ours' trust rotate "$gun" root --root-key alice
is 'to replace' "$(versions)" '2 1'
ok 'and a signer ours to add' trust signer add alice "$gun" --key alice

# ---- somebody else's ----
gun=house.example/theirs
before=$(signatures) posted=$(posts)
for command in "signer add alice $gun --key alice" "rotate $gun targets" \
    "rotate $gun root" "witness $gun"; do
	not_ok "in another's repository we do not $command" trust $command
done
is 'no key was used' "$(signatures)" "$before"
is 'nor anything posted' "$(posts)" "$posted"
is 'the server has not stumbled' "$(cat "$hostile_dir/err")" ''
done_testing
