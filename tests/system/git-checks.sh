# What must be true of signatures made by git's gpg.program, as functions that
# succeed or fail; git.t has them pass with touchstone-gpg, negative-gpg.t has
# them fail with a program that always fails and with one that says that all
# is good.  They look at each signature with a plain gpg, which knows nothing
# but the public key ($user/key.asc), and not only with what git was told.

# A keyring that has the key and nothing else.
reader() {
	GNUPGHOME=$user/gpg-reader
	export GNUPGHOME
	test -d "$GNUPGHOME" || { mkdir -m 700 "$GNUPGHOME" &&
	    gpg --batch -q --import "$user/key.asc"; }
}

# reads_good SIGNATURE DOCUMENT: a good signature of $key.
reads_good() (
	reader
	gpg --batch --status-fd 1 --trust-model always --verify "$1" "$2" \
	    2>/dev/null | grep -q "^\[GNUPG:\] VALIDSIG .*$key\$"
)

# A commit without its signature, and the signature.
take_commit() {
	git -C "$repo" cat-file commit "$1" >"$user/raw" &&
	    sed '/^gpgsig /,/^ -----END/d' "$user/raw" >"$user/document" &&
	    sed -n '/^gpgsig /,/^ -----END/s/^\(gpgsig\)\{0,1\} //p' \
	    "$user/raw" >"$user/signature" && test -s "$user/signature"
}

take_tag() {
	git -C "$repo" cat-file tag "$1" >"$user/raw" &&
	    sed '/^-----BEGIN PGP/,$d' "$user/raw" >"$user/document" &&
	    sed -n '/^-----BEGIN PGP/,$p' "$user/raw" >"$user/signature" &&
	    test -s "$user/signature"
}

commit_is_signed() {
	git -C "$repo" commit -q --allow-empty -S -m 'A commit' &&
	    take_commit HEAD && reads_good "$user/signature" "$user/document"
}

tag_is_signed() {
	git -C "$repo" tag -d v1 >/dev/null 2>&1
	git -C "$repo" tag -s -m 'A tag' v1 &&
	    take_tag v1 && reads_good "$user/signature" "$user/document"
}

history_is_signed() {
	git -C "$repo" commit -q --allow-empty -m one &&
	    git -C "$repo" commit -q --allow-empty -m two &&
	    git -C "$repo" rebase -q --root --force-rebase -S || {
		git -C "$repo" rebase --abort
		return 1
	}
	for commit in $(git -C "$repo" rev-list HEAD); do
		take_commit "$commit" &&
		    reads_good "$user/signature" "$user/document" || return 1
	done
}

# Verification is told by the key that signed, not by git's exit status alone.
commit_verifies() {
	git -C "$repo" commit -q --allow-empty -S -m 'Verified' &&
	    git -C "$repo" verify-commit --raw HEAD 2>&1 |
	    grep -q "^\[GNUPG:\] VALIDSIG .*$key\$" &&
	    take_commit HEAD && reads_good "$user/signature" "$user/document"
}

tag_verifies() {
	git -C "$repo" tag -d v2 >/dev/null 2>&1
	git -C "$repo" tag -s -m 'Verified' v2 &&
	    git -C "$repo" verify-tag --raw v2 2>&1 |
	    grep -q "^\[GNUPG:\] VALIDSIG .*$key\$" &&
	    take_tag v2 && reads_good "$user/signature" "$user/document"
}

# tampered KIND ID: the id of the object with one word changed.
tampered() {
	git -C "$repo" cat-file "$1" "$2" | sed 's/^Signed words/Other words/' |
	    git -C "$repo" hash-object -t "$1" -w --stdin
}

changed_commit_does_not_verify() {
	git -C "$repo" commit -q --allow-empty -S -m 'Signed words' &&
	    git -C "$repo" verify-commit HEAD &&
	    bad=$(tampered commit HEAD) &&
	    ! git -C "$repo" verify-commit "$bad"
}

changed_tag_does_not_verify() {
	git -C "$repo" tag -d v3 >/dev/null 2>&1
	git -C "$repo" tag -s -m 'Signed words' v3 &&
	    git -C "$repo" verify-tag v3 &&
	    bad=$(tampered tag v3) && ! git -C "$repo" verify-tag "$bad"
}

# A signature of one commit under another.
moved_signature_does_not_verify() {
	git -C "$repo" commit -q --allow-empty -S -m 'First' &&
	    git -C "$repo" verify-commit HEAD && take_commit HEAD &&
	    git -C "$repo" commit -q --allow-empty -m 'Second' || return 1
	bad=$({ git -C "$repo" cat-file commit HEAD | sed '/^$/,$d'
	    sed '1s/^/gpgsig /; 2,$s/^/ /' "$user/signature"
	    git -C "$repo" cat-file commit HEAD | sed -n '/^$/,$p'; } |
	    git -C "$repo" hash-object -t commit -w --stdin) &&
	    ! git -C "$repo" verify-commit "$bad"
}

unknown_key_does_not_sign() {
	git -C "$repo" commit -q --allow-empty -S -m 'Signs at all' &&
	    ! git -C "$repo" commit -q --allow-empty \
	    -Snobody@nowhere.invalid -m 'Nobody'
}

git_checks='commit_is_signed tag_is_signed history_is_signed commit_verifies
	tag_verifies changed_commit_does_not_verify
	changed_tag_does_not_verify moved_signature_does_not_verify
	unknown_key_does_not_sign'
