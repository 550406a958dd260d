#!/bin/sh
# The checks of git.t are worth something: a gpg.program that always fails and
# one that says that everything is good make each of them fail.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/git-checks.sh"

soft_token P-256 || { done_testing; exit 1; }
touchstone keys export --openpgp soft >"$user/key.asc"

cat >"$user/always-fails" <<'END'
#!/bin/sh
exit 1
END

# Says what git wants to hear, with the right key; its signature is one that
# was made by the key, of something else.
new_repo other
ok 'a signature of something else' commit_is_signed
mv "$user/signature" "$user/other.sig"
cat >"$user/always-good" <<END
#!/bin/sh
cat >/dev/null
case "\$*" in
*--verify*)
	echo '[GNUPG:] NEWSIG'
	echo '[GNUPG:] GOODSIG ${key#????????????????????????} A U Thor'
	echo '[GNUPG:] VALIDSIG $key 2024-01-01 1704067200 0 4 0 19 8 00 $key'
	echo '[GNUPG:] TRUST_ULTIMATE 0 pgp'
	;;
*)
	cat '$user/other.sig'
	echo '[GNUPG:] BEGIN_SIGNING H8' >&2
	echo '[GNUPG:] SIG_CREATED D 19 8 00 1704067200 $key' >&2
	;;
esac
exit 0
END
chmod +x "$user/always-fails" "$user/always-good"

# git ends with 128 when its signing program fails.
fails() {
	"$@" || return 1
}
set_program() {
	git config --file "$GIT_CONFIG_GLOBAL" gpg.program "$1"
}
for program in always-fails always-good; do
	new_repo "repo-$program"
	git -C "$repo" commit -q -m start
	for check in $git_checks; do
		set_program "$user/$program"
		not_ok "$program fails: $check" fails $check
	done
	# It was the program, and nothing else about the repository.
	set_program "$bin/touchstone-gpg"
	for check in $git_checks; do
		ok "touchstone-gpg passes after $program: $check" $check
	done
done
done_testing
