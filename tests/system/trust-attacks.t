#!/bin/sh
# What a Notary server can try, by the list of TUF's specification and beyond
# it: it is refused, by name; nothing of it is kept, nothing is signed and
# nothing posted.  What is as it should be is taken each time before.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
image_at=127.0.0.1:5001
"$src/tests/tools/hostile-registry" 127.0.0.1 5001 "$user/registry.log" \
    2>"$user/registry.err" &
wait_for_port 5001 "$user/registry.err" || exit 1
digest=$("$tool" resolve $image_at/sound | cut -d ' ' -f 1)
size=$(curl -s http://$image_at/v2/sound/manifests/latest | wc -c)
soft_token P-256 me || exit 1
touchstone keys export --pem me >"$user/me.pub"
hostile_notary 127.0.0.1 6443 "$digest" "$size" "$user/me.pub" || exit 1
state=$XDG_STATE_HOME/touchstone/trust
trust() {
	timeout 60 touchstone trust "$@" --server "$notary_url" \
	    --ca "$notary_ca" </dev/null
}
signatures() {
	grep -c '"stage":"signed"' "$(status_of .audit)"
}
posts() {
	grep -c '^POST' "$hostile_dir/log"
}

gun=$image_at/one
ok 'what is sound is taken' trust verify "$gun:v1"
like 'as what it is' "$tap_out" "^$digest"
cp -R "$state" "$user/kept"
kept=$(cat "$state"/* | cksum)
as_it_was() {
	rm -rf "$state"
	cp -R "$user/kept" "$state"
	attack "${1-sound}"
}
is_kept() {
	test "$(cat "$state"/* | cksum)" = "$kept"
}

# why NAME: the words by which it is refused.
why() {
	case $1 in
	*-expired) echo 'expired: the trust data' ;;
	*-expires-*) echo 'does not say when it expires' ;;
	root-back|root-misnamed) echo "the server's root 3 has version" ;;
	*-back) echo 'rollback: the server has version 2' ;;
	mix-unlisted) echo 'rollback: the snapshot has no "targets/releases"' ;;
	root-certificate-old) echo 'certificates of the root.s keys are not good' ;;
	root-rotated-alone|root-rotated-evil) echo 'root rotation: version 3' ;;
	root-skips|root-missing|root-long) echo 'mix and match' ;;
	mix-two) echo 'two versions 3 of the trust data "targets/releases"' ;;
	mix-no-*) echo 'malformed or missing' ;;
	mix-endless) echo 'at most [0-9]+ are taken' ;;
	delegates-none|delegates-paths|target-none) echo 'has no tag v1' ;;
	target-size) echo 'trust data of .* says that v1 is .*\(5 bytes\)' ;;
	target-name) echo 'fractions, .* control characters' ;;
	target-*) echo 'a target is malformed' ;;
	*-threshold-repeat) echo 'a key has two' ;;
	delegates-fallback|*-forged|*-stolen-id|*-unsigned|*-changed|*-sig-*|root-rotated-old|\
	root-hash|timestamp-hash|releases-no-keys|*-threshold-one|\
	*-threshold-evil|*-threshold-same)
		echo 'threshold not met|no role with signatures' ;;
	mix-targets|mix-releases|mix-snapshot|mix-sha512|*-hash) echo 'wrong hash' ;;
	root-cut|timestamp-cut|*-no-json|*-version-63|*-version-long)
		echo 'the JSON is malformed' ;;
	*-cut|mix-length) echo 'wrong length' ;;
	*-missing) echo 'is not at https' ;;
	*-long) echo 'sends more than [0-9]+ bytes' ;;
	delegates-beside) echo 'is trust data of another role' ;;
	delegates-itself|delegates-twice) echo 'the delegations are malformed' ;;
	*-twice) echo 'has a key twice' ;;
	*-case) echo 'differs in case alone' ;;
	*-float|*-exponent) echo fractions, ;;
	*-threshold-*|*-key-*|*-no-keys|root-no-targets) echo malformed, ;;
	*-version-*|*-zero|*-negative) echo 'version is not from 1 to' ;;
	*-type-*) echo 'no role of trust data that is known' ;;
	*-deep) echo 'more in it than is read' ;;
	*-trailing) echo 'bytes behind the JSON' ;;
	*-empty) echo 'has 0 bytes|no JSON object' ;;
	*-array|*-signatures-many) echo 'no role with signatures' ;;
	*) echo "not said here for $1" ;;
	esac
}

# What one delegate did does not keep what others signed from being newer.
nothing_is_kept() {
	case $1 in
	delegates-none|delegates-paths|delegates-beside|\
	delegates-fallback|target-none|target-size) ;;
	releases-*|target-*) test 3 = \
	    "$(jq '.roles["targets/releases"].version' "$state"/*)" ;;
	*) is_kept ;;
	esac
}

# refuses NAME [COMMAND...]: by those words.
refuses() {
	as_it_was "$1"
	trust verify "$gun:v1" >"$user/said" 2>&1
	refuses_status=$?
	cat "$user/said"
	test $refuses_status -gt 0 && test $refuses_status -lt 124 &&
	    grep -Eq -e "$(why "$1")" "$user/said" && nothing_is_kept "$1"
}

# ---- what is signed ----
sound='sound|root-rotated|root-renews|delegates-others|delegates-two|delegates-fewer|delegates-renews|timestamp-long|.*-forward|.*-threshold-met'
some='forged|stolen-id|unsigned|expired|back|version-31|twice|hash|cut|missing|key-unknown|threshold-one|threshold-same'
all="targets-.*|(root|timestamp|snapshot|releases)-($some)|root-(rotated|certificate|skips|mis|no-).*|(mix|delegates|target)-.*"
for name in $(attacks | grep -Ex "$all" | grep -Evx "$sound"); do
	ok "$name is refused, and nothing of it kept" refuses "$name"
done

# Who has not seen the repository knows less, but not nothing.
for name in root-unsigned root-expired timestamp-expired targets-forged \
    mix-snapshot snapshot-threshold-same; do
	attack "$name"
	rm -rf "$state"
	not_ok "$name is refused at first sight" trust verify "$gun:v1"
	like 'by name' "$tap_out" "$(why "$name")"
	not_ok 'and the root is not trusted' test -e "$state"
done

# ---- what is sound too ----
for name in root-rotated targets-threshold-met releases-threshold-met \
    delegates-others delegates-fewer; do
	as_it_was "$name"
	ok "$name is taken" trust verify "$gun:v1"
	not_ok 'and kept' is_kept
done
is 'a rotated root is the one that is known' "$(as_it_was root-rotated
    trust verify "$gun:v1" >/dev/null 2>&1
    jq .roles.root.version "$state"/*)" 3

# Versions as high as they go, by who stole a key of the server's: the owner
# of the root gives it another.
as_it_was timestamp-forward
ok 'a version far ahead is taken' trust verify "$gun:v1"
attack sound
not_ok 'and nothing after it' trust verify "$gun:v1"
like 'by name' "$tap_out" 'rollback: .*2147483647'
attack root-renews
ok 'until there is another key for it' trust verify "$gun:v1"
as_it_was releases-forward
ok 'the same of a delegation' trust verify "$gun:v1"
attack delegates-fewer
not_ok 'where it does not help that others go' trust verify "$gun:v1"
like 'by name' "$tap_out" 'rollback: .*2147483647'
attack delegates-renews
ok 'but that who signed it does' trust verify "$gun:v1"

# ---- how it is sent ----
sent() {
	as_it_was "$1"
	not_ok "$1 is refused" trust verify "$gun:v1"
	like 'by name' "$tap_out" "$2"
	ok 'and nothing is kept' is_kept
}
sent server-refuses 'log in first'
sent server-refuses-tokens 'log in first'
sent server-token-elsewhere 'no TLS; that is not done'
sent server-busy-for-long 'answers 429'
sent server-forbids 'does not allow it'
sent server-gone 'is not at https'
sent server-broken 'answers 500'
sent server-empty 'no JSON object'
sent server-html 'no JSON object'
sent server-half 'ends before its length'
sent server-circles 'redirects in circles'
sent server-elsewhere-plain 'from TLS to plain http'
sent server-elsewhere-file 'no address that is gone to'
for role in root timestamp snapshot targets; do
	sent server-endless-$role 'sends more than [0-9]+ bytes'
done
as_it_was server-hangs
timeout -s INT 5 touchstone trust verify "$gun:v1" --server "$notary_url" \
    --ca "$notary_ca" >"$user/hangs" 2>&1 </dev/null
is 'who waits for a server that hangs may go' $? 124
ok 'with nothing kept' is_kept
attack sound
unlike 'nobody was told where our password is' \
    "$(cat "$hostile_dir/log")" Basic

# ---- where a digest is asked for ----
mkdir -p "$HOME/.docker/tls/${notary_url#https://}"
cp "$notary_ca" "$HOME/.docker/tls/${notary_url#https://}/ca.crt"
resolve() {
	timeout 60 touchstone image resolve --content-trust "$gun:v1" \
	    2>"$user/said" </dev/null
}
export DOCKER_CONTENT_TRUST_SERVER="$notary_url"
as_it_was
is 'a digest is told' "$(resolve)" "$gun@$digest"
for name in root-rotated-alone timestamp-expired timestamp-back \
    snapshot-forged targets-back releases-forged releases-missing \
    delegates-fallback mix-releases mix-unlisted target-none server-gone; do
	as_it_was "$name"
	is "$name: there is none" "$(resolve)" ''
	test "$name" = server-gone || like 'for that' "$(cat "$user/said")" \
	    "$(why "$name")"
done

# ---- where we are to sign ----
attack root-expired
rm -rf "$state"
not_ok 'what is expired is not renewed at first sight' trust witness "$gun"
like 'by name' "$tap_out" "$(why root-expired)"
not_ok 'and the root is not trusted' test -e "$state"
for name in root-rotated-alone root-expired timestamp-expired timestamp-back \
    snapshot-back snapshot-forged targets-back targets-forged releases-back \
    releases-forged releases-stolen-id releases-hash releases-twice \
    releases-version-31 releases-key-unknown targets-threshold-same \
    mix-targets mix-releases mix-unlisted target-name delegates-none \
    delegates-others delegates-two server-gone server-half \
    server-endless-targets; do
	as_it_was "$name"
	before=$(signatures)
	not_ok "$name: there we do not sign" trust sign "$gun:w1" --key me
	is 'no key was used' "$(signatures)" "$before"
	is 'nor anything posted' "$(posts)" 0
done
for name in timestamp-expired targets-back releases-forged \
    delegates-fallback; do
	for command in "revoke $gun:v1 --key me" "inspect $gun" \
	    "witness $gun --key me" "migrate $gun:v1 --key me"; do
		# Who looks at it is shown what is wrong with a delegation.
		case "$name $command" in
		*-f*\ inspect*) continue ;;
		esac
		as_it_was "$name"
		not_ok "$name: no ${command%% *}" trust $command
	done
done
is 'no key was used for any' "$(signatures)" "$before"
is 'nor anything posted then' "$(posts)" 0
as_it_was delegates-two
not_ok 'where two are to sign at once' trust sign "$gun:w1" --key me
like 'it is told' "$tap_out" 'wants the signatures of 2 keys'
as_it_was delegates-others
not_ok 'who is no delegate' trust sign "$gun:w1" --key me
like 'is told so' "$tap_out" 'no delegation of .* lists the key'
attack sound
not_ok 'a tag that moves meanwhile is not signed' \
    trust sign $image_at/moves:latest --key me
like 'which is told' "$tap_out" 'moved meanwhile|has moved'
is 'with nothing posted' "$(posts)" 0

# ---- how it takes what is posted ----
posted() {
	gun=$image_at/$1
	attack sound
	trust verify "$gun:v1" >/dev/null 2>&1 || fail "$gun is sound"
	attack "$1"
	not_ok "$1: it is not signed" trust sign "$gun:w1" --key me
	like 'which is told' "$tap_out" "$2"
	attack sound
	not_ok 'nor can it be seen' trust verify "$gun:w1"
}
posted post-refused 'no .*luck|does not take'
unlike 'its words are cleaned' "$tap_out" "$(printf '\033')"
posted post-denied 'log in first'
posted post-forbidden 'does not allow it'
posted post-broken 'answers 500'
posted post-half 'Empty reply|ends before'
posted post-swallowed 'does not give'
posted post-elsewhere 'answers 307'
posted post-conflict-409 'somebody else has posted meanwhile'
posted post-dismissed 'no delegation of .* lists the key'
posted post-conflict 'somebody else has posted meanwhile'
is 'it was tried five times' \
    "$(grep -c "^POST.*/post-conflict/_trust" "$hostile_dir/log")" 5
gun=$image_at/post-conflict-once
attack post-conflict-once
ok 'what another signed meanwhile' trust sign "$gun:w1" --key me
is 'stays, beside ours' "$(tuf targets/releases "$gun" |
    jq -c '[.signed.version, (.signed.targets | keys)]')" \
    '[5,["theirs4","v1","w1"]]'
ok 'and both count' trust verify "$gun:w1"
ok 'theirs too' trust inspect "$gun"
like 'by name' "$tap_out" theirs4

is 'the server has not stumbled' "$(cat "$hostile_dir/err")" ''
done_testing
