#!/bin/sh
# touchstone-gpg signs what git gives it with keys that are ours, and is the
# real gpg for everything else.
. "$(dirname "$0")/lib.sh"
new_user signer

# A gpg that writes down how it was called.
mkdir -p "$user/tools"
cat >"$user/tools/gpg" <<END
#!/bin/sh
for a; do printf '<%s>' "\$a"; done >"$user/called"
cat >"$user/stdin"
exit 7
END
chmod 755 "$user/tools/gpg"

# asked ARGUMENT...: by touchstone-gpg, with that gpg behind it.
asked() {
	rm -f "$user/called" "$user/stdin"
	status=0
	out=$(printf 'a\000b\n' | TOUCHSTONE_GPG=$user/tools/gpg \
	    touchstone-gpg "$@" 2>&1) || status=$?
	called=$(cat "$user/called" 2>/dev/null)
	stdin=$(od -An -c "$user/stdin" 2>/dev/null | tr -d ' \n')
}

# ---- nothing set up: all is gpg's ----
asked --keyid-format=long --status-fd=1 --verify 'a b' -
is 'verify is handed to gpg unchanged' "$called" \
    '<--keyid-format=long><--status-fd=1><--verify><a b><->'
is 'with its stdin' "$stdin" 'a\0b\n'
is 'and its exit status' "$status" 7
asked
is 'so is no argument at all' "$called$status" 7
asked --status-fd=2 -bsau 'A U Thor <author@example.com>'
is 'who never set up touchstone signs with gpg' "$called" \
    '<--status-fd=2><-bsau><A U Thor <author@example.com>>'
is 'what is to be signed included' "$stdin" 'a\0b\n'
is 'without an agent' "$(agent_pid)" ''
is 'and without a file' "$(find "$HOME" -type f)" ''

out=$(TOUCHSTONE_GPG=$bin/touchstone-gpg touchstone-gpg --version 2>&1)
like 'it does not become itself' "$out" 'itself'
ln -s "$bin/touchstone-gpg" "$user/tools/link"
out=$(TOUCHSTONE_GPG=$user/tools/link touchstone-gpg --version 2>&1)
like 'nor by another name' "$out" 'itself'
out=$(cd "$user/tools" && TOUCHSTONE_GPG=gpg touchstone-gpg --version 2>&1)
like 'a gpg is named by an absolute path' "$out" 'absolute'
out=$(TOUCHSTONE_GPG=/nonexistent touchstone-gpg --version 2>&1)
is 'a gpg that is not there: exit status' "$?" 2
like 'a gpg that is not there: what to do' "$out" 'install GnuPG'

# ---- set up ----
ok 'setup --soft' touchstone setup --soft --pin-file "$user/pin"
fpr=$(touchstone keys show soft --json | jq -r .fingerprint)
like 'the key has a fingerprint' "$fpr" '^[0-9A-F]{40}$'

sign() {	# KEY: signs "text"; $out is stdout, $err stderr
	status=0
	printf 'text\n' >"$user/text"
	TOUCHSTONE_GPG=${gpg-/usr/bin/gpg} touchstone-gpg --status-fd=2 \
	    -bsau "$1" <"$user/text" >"$user/sig" 2>"$user/err" || status=$?
	out=$(cat "$user/sig") err=$(cat "$user/err")
}

# What git signs is a known object.
commit() {
	printf 'tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n'
	printf 'author A <a@x> 1700000000 +0000\n'
	printf 'committer A <a@x> 1700000000 +0000\n\nmessage %s\n' "$1"
}
sign_commit() {	# KEY ARGUMENT...
	key=$1
	shift
	test $# -gt 0 || set -- --status-fd=2
	status=0
	commit "$key" >"$user/text"
	TOUCHSTONE_GPG=${gpg-/usr/bin/gpg} touchstone-gpg "$@" \
	    -bsau "$key" <"$user/text" >"$user/sig" 2>"$user/err" || status=$?
	err=$(cat "$user/err")
}
good() {	# NAME
	ok "$1" gpg --verify "$user/sig" "$user/text"
}

short=$(printf %s "$fpr" | cut -c25-)
for key in "$fpr" "0x$fpr" "$short" "$fpr!" "0x$short" soft author@example.com \
    'A U Thor <author@example.com>' '<author@example.com>'; do
	sign_commit "$key"
	is "signs for \"$key\"" "$status" 0
	good "and gpg finds it good"
done
like 'BEGIN_SIGNING comes first' "$(sed -n 2p "$user/err")" \
    '^\[GNUPG:\] BEGIN_SIGNING H8$'
like 'SIG_CREATED follows' "$(sed -n 3p "$user/err")" \
    "^\\[GNUPG:\\] SIG_CREATED D 19 8 00 [0-9]+ $fpr\$"
is 'and nothing else is said' "$(wc -l <"$user/err" | tr -d ' ')" 3
sign_commit soft --status-fd 2
good 'signs for --status-fd 2'

# ---- real git ----
git config --global user.signingkey "$fpr"
new_repo
ok 'git commit -S' git -C "$repo" commit -q -S -m one
ok 'git verify-commit' git -C "$repo" verify-commit HEAD
ok 'git tag -s' git -C "$repo" tag -s -m one v1
ok 'git verify-tag' git -C "$repo" verify-tag v1
is 'git log knows the signature' \
    "$(git -C "$repo" log -1 --format='%G? %GF')" "G $fpr"
git config --global --unset user.signingkey
ok "git signs for the committer's name" git -C "$repo" commit -q --allow-empty \
    -S -m two

# ---- a key that is gpg's ----
gpg --batch --quiet --passphrase '' --quick-gen-key 'Other <other@x>' \
    default default never 2>/dev/null
ok "a key of gpg's signs by gpg" git -C "$repo" -c user.signingkey=other@x \
    commit -q --allow-empty -S -m three
is 'with that key' "$(git -C "$repo" log -1 --format=%GS)" 'Other <other@x>'
asked --status-fd=2 -bsau nobody@x
is 'an unknown key is handed over unchanged' "$called" \
    '<--status-fd=2><-bsau><nobody@x>'
is 'with what is to be signed' "$stdin" 'a\0b\n'

# ---- a key of ours that cannot sign is a failure ----
gpg=$user/tools/gpg
rm -f "$user/called"
sign soft
is 'bytes of no known kind are refused' "$status" 2
is 'without a signature' "$out" ''
unlike 'or a word of one' "$err" 'SIG_CREATED'
like 'with a line that says why' "$err" '^touchstone: signing failed: '
is "and not handed to gpg" "$(cat "$user/called" 2>/dev/null)" ''
unset gpg

# More than any object may have, of which the client keeps nothing.
head -c 68000000 /dev/zero >"$user/large"
out=$(touchstone-gpg --status-fd=2 -bsau soft <"$user/large" 2>&1 >/dev/null)
is 'a huge object is refused' "$?" 2
like 'a huge object: words' "$out" '[Tt]oo large'
rm -f "$user/large"

# ---- closed descriptors ----
commit closed >"$user/text"
sh -c 'touchstone-gpg --status-fd=2 -bsau soft <"$0" 2>&- >"$1"' \
    "$user/text" "$user/sig"
is 'without a stderr it still signs' "$?" 0
good 'without a stderr the signature is good'
sh -c 'touchstone-gpg --status-fd=2 -bsau soft <"$0" 2>"$1" >&-' \
    "$user/text" "$user/err"
unlike 'without a stdout the status does not go to the agent' \
    "$(cat "$user/err")" 'closed the connection'
status=0
touchstone-gpg --status-fd=2 -bsau soft <"$user/text" >/dev/full \
    2>"$user/err" || status=$?
is 'a signature that cannot be written is a failure' "$status" 2
unlike 'and is not told to git' "$(cat "$user/err")" 'SIG_CREATED'

# ---- in an SSH session ----
export SSH_CONNECTION='10.0.0.1 1 10.0.0.2 22'
SSH_AUTH_SOCK=$runtime/agent.sock
export SSH_AUTH_SOCK
gpg=$user/tools/gpg
rm -f "$user/called"
sign_commit soft
is 'the agent that came along signs only what may be forwarded' "$status" 2
like 'and says so' "$err" '^touchstone: signing failed: .*forward'
is 'nothing is handed to gpg for that' "$(cat "$user/called" 2>/dev/null)" ''
unset gpg
echo 'keys: ( { key = "soft"; forward = true; } );' >"$config/config"
ok 'reload' touchstone reload
sign_commit soft
good 'a key that may be forwarded signs'
like 'by the SSH agent' "$(touchstone audit show --json |
    jq -r '.records[-1].origin')" '^agent$'
eval "$(ssh-agent -s)" >/dev/null
sign_commit soft
good 'an SSH agent that does not know us is passed by'
is 'for the local one' "$(touchstone audit show --json |
    jq -r '.records[-1].origin')" local
ssh-agent -k >/dev/null
unset SSH_CONNECTION SSH_AUTH_SOCK

# ---- ^C ----
# Its token is gone, so the agent waits for it; ending the client cancels.
mv "$XDG_DATA_HOME/touchstone/soft/tokens" "$user/away"
mkdir "$XDG_DATA_HOME/touchstone/soft/tokens"
touchstone stop >/dev/null
commit cancelled >"$user/text"
touchstone-gpg --status-fd=2 -bsau soft <"$user/text" >"$user/sig" \
    2>"$user/err" &
client=$!
ok 'it says which token to insert' wait_for 10 grep -q 'insert' "$user/err"
is 'once' "$(grep -c insert "$user/err")" 1
kill -INT $client 2>/dev/null || kill -TERM $client
kill -TERM $client 2>/dev/null
wait $client 2>/dev/null
is 'ended, it leaves no signature' "$(cat "$user/sig")" ''
ok 'and nothing pending' wait_for 10 sh -c \
    'touchstone stop >/dev/null'
rmdir "$XDG_DATA_HOME/touchstone/soft/tokens"
mv "$user/away" "$XDG_DATA_HOME/touchstone/soft/tokens"
sign_commit soft
good 'with the token back it signs'

done_testing
