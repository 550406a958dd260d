#!/bin/sh
# Several sign into one repository at once, some by one key and some by
# others: what each of them was told to be signed is there in the end, and the
# clients of others take all of it.
. "$(dirname "$0")/images.sh"
. "$src/tests/system/notary.sh"
. "$src/tests/system/trust-peers.sh"
needs_notary || skip_all "$lacks"
notary_server 4443 || exit 1
registry 5000
soft_token P-256 one || exit 1
ok 'another key' without_terminal touchstone keys generate --module soft \
    --name two --algorithm P-256 --user-id 'two <two@example.com>'
image app
gun=$registry/app
ok 'a repository' notary_as owner init -p "$gun"
ok 'whose snapshots the server signs' \
    notary_as owner key rotate "$gun" snapshot -r
for name in one two; do
	ok "a certificate, $name" touchstone keys certify $name
	for role in releases $name; do
		ok "a delegate, $role" notary_as owner delegation add -p \
		    "$gun" targets/$role \
		    "$XDG_DATA_HOME/touchstone/keys/$name.chain.pem" \
		    --all-paths
	done
done
tags='a b c d'
for tag in $tags; do
	skopeo --insecure-policy copy -q --preserve-digests \
	    --src-tls-verify=false --dest-tls-verify=false \
	    "docker://$image" "docker://$gun:$tag"
done
ok 'what is there is seen' trust inspect "$gun"

pids=
for tag in $tags; do
	case $tag in
	a|b) by=one ;;
	*) by=two ;;
	esac
	trust sign "$gun:$tag" --key $by >"$user/out-$tag" 2>&1 &
	pids="$pids $tag:$!"
done
for pid in $pids; do
	tag=${pid%:*}
	if wait "${pid#*:}"; then
		pass "$tag is signed"
		ok "and there" trust verify "$gun:$tag"
		like 'for notary too' "$(notary_fresh lookup "$gun" $tag)" \
		    "^$tag $digest"
	else
		like "$tag is said to be not" "$(cat "$user/out-$tag")" \
		    'somebody else has posted meanwhile'
		not_ok 'and is not' trust verify "$gun:$tag"
		ok 'it is the next time' trust sign "$gun:$tag" --key one
	fi
done
is 'in as many versions as tags' "$(tuf_version targets/releases "$gun")" 4
is 'all is told' "$(trust inspect --json "$gun" |
    jq -rc '.tags | keys')" '["a","b","c","d"]'
done_testing
