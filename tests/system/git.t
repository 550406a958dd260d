#!/bin/sh
# git signs commits and tags with keys on a token, and others can read them.
. "$(dirname "$0")/lib.sh"
. "$src/tests/system/git-checks.sh"

for algorithm in P-256 P-384 Ed25519 RSA-2048 RSA-3072 RSA-4096; do
	new_user "$algorithm"
	if ! soft_token "$algorithm"; then
		continue
	fi
	touchstone keys export --openpgp soft >"$user/key.asc"
	new_repo
	for check in $git_checks; do
		# One of the weaker sort is enough for what is git's part.
		case $algorithm in P-256|RSA-2048) ;; *)
			case $check in *_is_signed) ;; *) continue ;; esac
		esac
		ok "$algorithm: $(echo "$check" | tr _ ' ')" $check
	done

	# Others than gpg.
	commit_is_signed
	if command -v sqv >/dev/null; then
		ok "$algorithm: sqv reads it" \
		    sqv --keyring "$user/key.asc" "$user/signature" \
		    "$user/document"
		echo more >>"$user/document"
		not_ok "$algorithm: sqv refuses it when changed" \
		    sqv --keyring "$user/key.asc" "$user/signature" \
		    "$user/document"
	else
		skip "$algorithm: sqv reads it" 'sqv is not installed'
	fi
	tag_is_signed
	if command -v rnp >/dev/null; then
		mv "$user/signature" "$user/document.sig"
		ok "$algorithm: rnp reads it" \
		    rnp --keyfile "$user/key.asc" --verify "$user/document.sig"
		echo more >>"$user/document"
		not_ok "$algorithm: rnp refuses it when changed" \
		    rnp --keyfile "$user/key.asc" --verify "$user/document.sig"
	else
		skip "$algorithm: rnp reads it" 'rnp is not installed'
	fi
done

# A repository whose ids are SHA-256.
repo=$user/sha256
git init -q --object-format=sha256 "$repo"
ok 'in a SHA-256 repository: a commit' \
    git -C "$repo" commit -q --allow-empty -S -m 'SHA-256'
ok 'which verifies' git -C "$repo" verify-commit HEAD

done_testing
