#!/bin/sh
# The checks of `make check` fail when what they guard is broken.
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/tap.sh"
src=${TOUCHSTONE_SRC-$here/..}
build=${TOUCHSTONE_BUILD-$src/build}
work=$(mktemp -d /tmp/ts-checks.XXXXXX) || exit 1
trap 'rm -rf "$work"' EXIT

ok 'the folders pass' "$here/check-folders" "$src"

# folders NAME PATTERN FILE LINE: with the line in the file, it fails.
folders() {
	rm -rf "$work/src"
	mkdir "$work/src"
	for folder in protocol agent pkcs11 client; do
		cp -R "$src/$folder" "$work/src/"
	done
	mkdir -p "$(dirname "$work/src/$3")"
	echo "$4" >>"$work/src/$3"
	not_ok "$1" "$here/check-folders" "$work/src"
	like "$1: says which" "$tap_out" "^not ok .*$2"
}

folders 'agent may not include pkcs11' 'agent includes' \
    agent/x.c '#include "pkcs11/token.h"'
folders 'pkcs11 may not include agent' 'pkcs11 includes' \
    pkcs11/x.c ' #  include "agent/audit.h"'
folders 'client may not include agent by a path' 'client includes' \
    client/x.c '#include "../agent/audit.h"'
folders 'protocol may not include client' 'protocol includes' \
    protocol/wire/x.h '#include "client/x.h"'
folders 'wire may not include format' 'wire includes' \
    protocol/wire/x.h '#include "format/pubkey.h"'
folders 'object may not do I/O' 'reach nothing outside' \
    protocol/object/x.c '#include <unistd.h>'
folders 'format may not know the time' 'reach nothing outside' \
    protocol/format/x.c '#include <sys/time.h>'

# page NAME SED PATTERN: the manual page of touchstone, so edited, is seen.
page() {
	rm -rf "$work/src"
	mkdir "$work/src"
	cp -R "$src/agent" "$src/client" "$src/pkcs11" "$work/src/"
	sed "$2" "$src/client/man/touchstone.1" \
	    >"$work/src/client/man/touchstone.1"
	"$here/check-man" "$work/src" >"$work/out" 2>&1
	like "$1" "$(cat "$work/out")" "$3"
}
if command -v mandoc >/dev/null; then
	ok 'the manual pages pass' "$here/check-man"
	page 'a macro that is none' 's/^\.Pp$/.Qp/' '^not ok .*no warnings'
	page 'an option that the page lacks' '/refresh/d' \
	    '^not ok .*keys list --refresh'
	page 'a command that the page lacks' 's/^\(.*\)forget/\1/' \
	    '^not ok .*has: forget'
	page 'a page that is not there' 's/^\.Xr touchstone-gpg 1/.Xr touchstone-gpg 7/' '^not ok .*touchstone-gpg.7 is there'
else
	skip 'manual pages' 'mandoc is not installed'
fi

# text NAME SED PATTERN: the protocol's text, so edited, is no more the rows'.
text() {
	sed "$2" "$src/protocol/PROTOCOL" >"$work/PROTOCOL"
	"$here/check-protocol" "$work/PROTOCOL" >"$work/out" 2>&1
	like "$1" "$(cat "$work/out")" "$3"
}
ok 'the text is what the rows say' "$here/check-protocol"
text 'a bound that is not the row'\''s' 's/text\[1024\]  /text[1025]  /' \
    '^not ok .* tables'
text 'a message that the text lacks' '/^	| forget-v1/,/^$/d' \
    '^not ok .* tables'
text 'a number that is not the error'\''s' 's/^	!    17 /	!    18 /' \
    '^not ok .* errors'
text 'an example with a wrong byte' 's/73 69 67 6e 2d/73 69 67 6e 2e/' \
    '^not ok .* example'

if test "${TOUCHSTONE_SANITIZERS-no}" = yes; then
	skip 'objects and programs' 'built with sanitizers'
	done_testing
	exit
fi

# objects NAME C-TEXT LIBRARY [PATTERN]: a build folder whose library has such an object.
objects() {
	rm -rf "$work/build"
	mkdir -p "$work/build/protocol"
	cp "$build"/lib*.a "$work/build/"
	printf '%s\n' "$2" >"$work/x.c"
	gcc -O1 -c -o "$work/build/protocol/x.o" "$work/x.c" || exit 1
	ar rc "$work/build/$3" "$work/build/protocol/x.o"
	"$here/check-objects" "$work/build" >"$work/out" 2>&1
	like "$1" "$(cat "$work/out")" "${4-^not ok}"
}
objects 'a harmless object passes' 'int x(int y) { return y; }' libwire.a \
    '^1\.\.'
unlike 'and nothing of it fails' "$(cat "$work/out")" '^not ok'
objects 'wire may not open a file' \
    'int open(const char *, int); int x(void) { return open("/", 0); }' \
    libwire.a
objects 'format may not ask the time' \
    'long time(long *); long x(void) { return time(0); }' libformat.a
objects 'no static counter' \
    'int x(void) { static int n; return ++n; }' libobject.a
objects 'no initialized global' 'int x = 3;' libobject.a

# program NAME PATTERN FLAGS: one that was linked so is seen.
program() {
	name=$1 pattern=$2
	shift 2
	rm -rf "$work/build"
	mkdir "$work/build"
	printf 'list-programs:\n\t@echo program: prog\n' >"$work/build/Makefile"
	printf '%s\n' '#include <stdio.h>' '#include <string.h>' \
	    'int main(int c, char **v) { char b[64] = ""; strncat(b, v[0], 60);' \
	    'return puts(b) < c; }' >"$work/x.c"
	gcc -O1 -fPIE -fstack-protector-strong -pie -Wl,-z,relro,-z,now \
	    -o "$work/build/prog" "$work/x.c" "$@" || exit 1
	"$here/check-needed" "$work/build" "$work/needed" >"$work/out" 2>&1
	like "$name" "$(cat "$work/out")" "$pattern"
}
echo 'prog: libc' >"$work/needed"
program 'a hardened program passes' '^1\.\.[0-9]*$'
unlike 'and nothing of it fails' "$(cat "$work/out")" '^not ok'
program 'a library too many' '^not ok .* links what' \
    -Wl,--no-as-needed -lgpg-error
program 'not position independent' '^not ok .* position' -no-pie
program 'lazy binding' '^not ok .* binds' -Wl,-z,lazy
program 'a run path' '^not ok .* run path' -Wl,-rpath,/tmp
program 'an executable stack' '^not ok .* stack without' -Wl,-z,execstack
program 'no stack protector' '^not ok .* stack protector' \
    -fno-stack-protector
program 'no RELRO' '^not ok .* RELRO' -Wl,-z,norelro
echo 'other: libc' >>"$work/needed"
program 'a program of the table that is not built' '^not ok .*other'

done_testing
