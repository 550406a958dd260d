# TAP for shell tests: plan, ok, is, like, skip.  Sourced, not run.
#
# A test that was planned and did not run is a failure: prove sees the plan,
# and done_testing prints it where it is not known before.

tap_count=0
tap_failed=0

plan() {
	echo "1..$1"
}

done_testing() {
	echo "1..$tap_count"
	test "$tap_failed" = 0
}

skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

diag() {
	printf '%s\n' "$*" | sed 's/^/# /'
}

pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
	shift
	test $# = 0 || diag "$*"
}

skip() {	# NAME WHY
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# ok NAME COMMAND...: it succeeds.  What it printed is shown if it does not,
# and is in $tap_out either way.
ok() {
	tap_name=$1
	shift
	if tap_out=$("$@" 2>&1 </dev/null); then
		pass "$tap_name"
	else
		fail "$tap_name" "exit status $? of: $*
$tap_out"
	fi
}

# not_ok NAME COMMAND...: it fails, and by its own choice: neither a signal
# nor a missing program.
not_ok() {
	tap_name=$1
	shift
	tap_status=0
	tap_out=$("$@" 2>&1 </dev/null) || tap_status=$?
	if test "$tap_status" -gt 0 && test "$tap_status" -lt 124; then
		pass "$tap_name"
	else
		fail "$tap_name" "exit status $tap_status of: $*
$tap_out"
	fi
}

is() {		# NAME GOT WANTED
	if test "$2" = "$3"; then
		pass "$1"
	else
		fail "$1" "got: $2
wanted: $3"
	fi
}

isnt() {	# NAME GOT NOT-WANTED
	if test "$2" != "$3"; then
		pass "$1"
	else
		fail "$1" "got: $2"
	fi
}

# like NAME TEXT PATTERN: some line matches the extended expression.
like() {
	if printf '%s\n' "$2" | grep -Eq -e "$3"; then
		pass "$1"
	else
		fail "$1" "no line matches $3 in:
$2"
	fi
}

unlike() {
	if tap_out=$(printf '%s\n' "$2" | grep -E -e "$3"); then
		fail "$1" "these lines match $3:
$tap_out"
	else
		pass "$1"
	fi
}
