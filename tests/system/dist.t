#!/bin/sh
# `make distcheck` passes, and what it packs is the whole checkout.
. "$(dirname "$0")/lib.sh"

test "${TOUCHSTONE_SANITIZERS-no}" = no ||
    skip_all 'the archive does not depend on how it is built'
command -v automake >/dev/null || skip_all 'automake is not installed'

# In a build folder of its own, so that no other test sees its files move.
mkdir "$work/build" && cd "$work/build" || exit 1
ok 'configure' "$src/configure" --quiet --enable-strict
# The archive's own tests run in tests/run already; here, that they build.
ok 'make distcheck, outside the source folder' \
    timeout 280 make -s distcheck TESTS=

archive=$(ls touchstone-*.tar.xz 2>/dev/null)
tar -tf "$archive" | sed 's|^[^/]*/||; /\/$/d; /^$/d' | sort >"$work/packed"
if git -C "$src" rev-parse -q --verify HEAD >/dev/null 2>&1; then
	# What a checkout has for git and for CI is no part of the archive.
	git -C "$src" ls-files | grep -v -e '^\.git' -e '^\.ci/' |
	    sort >"$work/tracked"
	is 'the archive has every file of the checkout' \
	    "$(comm -13 "$work/packed" "$work/tracked")" ''
else
	skip 'the archive has every file of the checkout' 'no checkout of git'
fi

done_testing
