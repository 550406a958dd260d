#!/bin/sh
# tests/try shows what it promises, twice, and leaves its user's own things
# alone.
. "$(dirname "$0")/lib.sh"
dir="$user/it's a try"
TOUCHSTONE_PREFIX=$prefix TOUCHSTONE_BUILD=$build
export TOUCHSTONE_PREFIX TOUCHSTONE_BUILD

# No terminal, no configuration, nothing to ask.
run_try() {
	setsid -w timeout -k 5 200 "$src/tests/try" "$dir" </dev/null
}
rm -f "$GIT_CONFIG_GLOBAL"
before=$(find "$HOME" "$GNUPGHOME" | sort)
ok 'it runs' run_try
like 'it says how it went' "$tap_out" '^All of it worked'
like 'a plain gpg read the commit' "$tap_out" 'commit: Good signature'
like 'and the tag' "$tap_out" 'tag: Good signature'
if git -C "$src" -c safe.directory='*' rev-parse -q --verify HEAD >/dev/null
then
	like 'it signed a whole history' "$tap_out" \
	    '([0-9]+) of \1 commits have a good signature'
else
	skip 'it signed a whole history' 'no checkout of git'
fi
like 'it signed an image' "$tap_out" 'bundle  *signed by '
card=$dir/yubikey
signer() {	# GNUPGHOME
	GNUPGHOME=$1 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
	    GIT_CONFIG_VALUE_0='*' git -C "$card/repo" log -1 \
	    --format='%G? %GF' | sed 's/^[GU] /[GU] /'
}
fingerprint_in() {	# FILE
	gpg --homedir "$card/gnupg" --show-keys --with-colons "$1" |
	    sed -n 's/^fpr:*\([0-9A-F]*\):$/\1/p' | head -n 1
}
if why=$("$src/tests/yubikey/with-pcscd" --check 2>&1); then
	like 'a virtual YubiKey was touched after the notice' "$tap_out" \
	    'touched then, and not before'
	is 'each touch that it wanted was given, once' \
	    "$(grep -c 'touch given' "$card/card.log")" \
	    "$(grep -c 'touch wanted' "$card/card.log")"
	is 'its commit is signed by its key' "$(signer "$card/gnupg")" \
	    "[GU] $(fingerprint_in "$card/key.asc")"
	is 'which the other keyring does not have' "$(signer "$dir/gnupg")" \
	    'E '
	like 'and proved to be made there' "$tap_out" \
	    'device  *YubiKey 10000001'
	not_ok 'which by another root it is not' touchstone attest verify \
	    "$card/proof.pem" --root "$card/proof.pem"
else
	skip 'a virtual YubiKey' "$why"
	like 'that it is left out is said' "$tap_out" 'left out: '
fi
is 'home and keyring are as they were' \
    "$(find "$HOME" "$GNUPGHOME" | sort)" "$before"

state() {
	git -C "$dir/repo" rev-parse HEAD v1
	git -C "$dir/history" rev-parse HEAD 2>/dev/null
	git -C "$dir/yubikey/repo" rev-parse HEAD 2>/dev/null
	cat "$dir/pin" "$dir/env" "$dir/config/touchstone/modules.d/soft.conf"
	"$dir/bin/touchstone" keys list --json
	"$dir/bin/touchstone" status --json | jq .pid
}
first=$(GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory \
    GIT_CONFIG_VALUE_0='*' state)
start=$(now_ms)
ok 'it runs again' run_try
took=$(($(now_ms) - start))
is 'and changes nothing' "$(GIT_CONFIG_COUNT=1 \
    GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*' state)" "$first"
ok "and is quick ($took ms)" test "$took" -lt 20000

for shell in sh bash; do
	# The shell has its own idea of git's configuration, which stays.
	ok "$shell: git commit -S works in a shell that has read env" \
	    env GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=user.name \
	    GIT_CONFIG_VALUE_0=Somebody "$shell" -euc '
		. "$1/env"; . "$1/env"
		git init -q "$1/../$0" && cd "$1/../$0" &&
		git -c user.email=a@x commit -q -S --allow-empty -m x &&
		git verify-commit --raw HEAD &&
		test "$(git log -1 --format=%an)" = Somebody' "$shell" "$dir"
	like "$shell: by the key of the token" "$tap_out" \
	    "VALIDSIG .*$("$dir/bin/touchstone" keys list --json |
	    jq -r '.keys[0].fingerprint')\$"
done

mkdir "$user/full" && echo x >"$user/full/mine"
not_ok 'a folder with something else in it is left alone' \
    "$src/tests/try" "$user/full"
is 'with what is in it' "$(ls -A "$user/full")" mine
"$dir/bin/touchstone" stop >/dev/null

# ---- where pcscd cannot be had ----
copy=$user/without
mkdir -p "$copy/tests/yubikey" "$copy/tests/tools"
cp "$src/tests/try" "$src/tests/install-deps" "$copy/tests"
cp "$src/tests/tools/image-make" "$copy/tests/tools"
printf '#!/bin/sh\necho "with-pcscd: no namespaces" >&2; exit 77\n' \
    >"$copy/tests/yubikey/with-pcscd"
chmod 755 "$copy/tests/yubikey/with-pcscd"
ok 'without pcscd it runs' setsid -w timeout -k 5 200 "$copy/tests/try" \
    "$copy/dir" </dev/null
like 'and says that the YubiKey was left out' "$tap_out" \
    'left out: no namespaces'
unlike 'and not that it was touched' "$tap_out" 'touched then'
"$copy/dir/bin/touchstone" stop >/dev/null

# ---- a build that fails, where an earlier one is installed ----
copy=$user/copy
mkdir -p "$copy/tests" "$copy/build"
cp "$src/tests/try" "$src/tests/build" "$src/tests/install-deps" "$copy/tests"
printf '#!/bin/sh\n' >"$copy/configure"
chmod 755 "$copy/configure"
ln -s "$prefix" "$copy/build/prefix"
printf 'all:\n\t@echo the compiler has spoken; false\n' \
    >"$copy/build/Makefile"
try_copy() {
	not_ok "$1" env -u TOUCHSTONE_PREFIX timeout -k 5 200 \
	    "$copy/tests/try" "$copy/try"
	said=$tap_out
	unlike 'and does not say that it worked' "$said" 'All of it worked'
}
try_copy 'it fails when the build does'
like 'and shows why' "$said" 'the compiler has spoken'
: >"$copy/config.status"
try_copy 'it fails when there is a build in the source'
like 'and says what to do' "$said" 'make distclean'
done_testing
