# Where the sources of others' tests come from: the machine's own Debian mirror,
# by a state of apt that is ours, into the folder $sources.  Sourced, after
# lib.sh, by tests/*-suite, which has a function say.
verdict() {	# PASSED FAILED SKIPPED
	echo "$1 passed, $2 failed, $3 skipped"
	test "$2" = 0 && test "$(($1 + $3))" -gt 0
	exit
}

skip_suite() {
	say "skipped: $*"
	verdict 0 0 1
}

apt_setup() {
	mkdir -p "$sources/apt/lists/partial" "$sources/apt/parts" \
	    "$sources/apt/cache/archives/partial"
	codename=$(. /etc/os-release; echo "${VERSION_CODENAME-}")
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
	    sed -n "s/^deb\( .* $codename\(-[a-z]*\)\{0,1\} .*\)/deb-src\1/p" \
	    >"$sources/apt/list"
	for file in /etc/apt/sources.list.d/*.sources; do
		test -f "$file" || continue
		awk -v RS= -v ORS='\n\n' -v c="$codename" \
		    '$0 ~ "Suites:[^\n]*[ \t]" c "(-[a-z]+)?([ \t\n]|$)"' \
		    "$file" | sed 's/^Types:.*/Types: deb-src/' \
		    >"$sources/apt/parts/$(basename "$file")"
	done
}

apt_get() {
	apt-get -qq -o Dir::State::lists="$sources/apt/lists" \
	    -o Dir::Cache="$sources/apt/cache" \
	    -o Dir::Etc::sourcelist="$sources/apt/list" \
	    -o Dir::Etc::sourceparts="$sources/apt/parts" \
	    -o APT::Sandbox::User="$(id -un)" \
	    -o APT::Get::List-Cleanup=false "$@" </dev/null
}

# source_of PACKAGE: unpacked in a folder of $sources.
source_of() {
	apt_setup
	(cd "$sources" && apt_get update && apt_get source "$1") \
	    >"$sources/fetch.log" 2>&1 && return
	tail -n 5 "$sources/fetch.log" >&2
	return 1
}
