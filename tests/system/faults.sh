# Beside lib.sh, for the tests of what goes wrong: a token behind a module that
# fails as scripted, a second one that does not, and a client without manners.
#
#	. "$(dirname "$0")/lib.sh"
#	. "$src/tests/system/faults.sh"

frames=$build/tests/tools/frames

# fault LINE...: how the module "soft" goes wrong from now on; none: no more.
fault() {
	printf '%s\n' "$@" >"$user/fault.new"
	mv "$user/fault.new" "$user/fault"
}

# Puts tests/modules/fault.so before the module "soft"; $1: further settings.
faulty_module() {
	fault
	sed -i -e "s|^path = \"\\(.*\\)\";|path = \"$build/tests/modules/fault.so\";\
\\n# \\1|" \
	    -e "s|^env = \\[ |&\"FAULT_SCRIPT=$user/fault\", \
\"FAULT_LOG=$user/fault.log\", \"FAULT_MODULE=$(sed -n \
	    's/^path = "\(.*\)";/\1/p' "$config/modules.d/soft.conf")\", |" \
	    "$config/modules.d/soft.conf"
	printf '%s\n' "$@" >>"$config/modules.d/soft.conf"
	touchstone reload >/dev/null
}

# A second token, "other", with a key of the same name; $other is its
# fingerprint.
other_token() {
	mkdir -p "$user/other/tokens"
	echo "directories.tokendir = $user/other/tokens" >"$user/other/conf"
	(umask 077; echo 876543 >"$user/other/pin")
	sed -e "s|SOFTHSM2_CONF=[^\"]*|SOFTHSM2_CONF=$user/other/conf|" \
	    -e "s|^pin_source.*|pin_source = \"$user/other/pin\";|" \
	    "$config/modules.d/soft.conf" >"$config/modules.d/other.conf"
	SOFTHSM2_CONF=$user/other/conf softhsm2-util --init-token --free \
	    --label other --pin 876543 --so-pin 876543 >/dev/null &&
	    touchstone reload >/dev/null &&
	    touchstone keys generate --module other --token other \
	    --name other --user-id "${1-Other <other@example.com>}" \
	    --import --json \
	    >"$user/other.json" || {
		fail 'a second token' "$(cat "$user/other.json")"
		return 1
	}
	other=$(jq -r .fingerprint "$user/other.json")
}

# A commit object as git gives it to its signing program.
commit_object() {
	printf 'tree %s\nauthor %s\ncommitter %s\n\n%s\n' \
	    4b825dc642cb6eb9a060e54bf8d69288fbee4904 \
	    'A U Thor <author@example.com> 1700000000 +0000' \
	    'A U Thor <author@example.com> 1700000000 +0000' "${1-x}"
}

# sign [KEY [NAME]]: signs a commit as git does; the signature is in NAME.out,
# what was said in NAME.err.
sign() {
	commit_object | timeout 60 touchstone-gpg --status-fd=2 \
	    -bsau "${1-$key}" >"$user/${2-sign}.out" 2>"$user/${2-sign}.err"
}

# Ends the token process of a module, so that it is started anew.
end_module() {
	lib_pid=$(status_of "[.modules[] | select(.name == \"$1\").pid][0] // 0")
	test "$lib_pid" -le 1 || kill -KILL "$lib_pid"
}

# does_sign NAME [KEY]: and the signature is good.
does_sign() {
	if sign "${2-$key}" && commit_object | gpg --batch --verify \
	    "$user/sign.out" - >/dev/null 2>&1; then
		pass "$1"
	else
		fail "$1" "$(cat "$user/sign.err" "$user/sign.out")"
	fi
}

# fails_to_sign NAME PATTERN [KEY]: says so, and leaves nothing that looks
# like a signature.
fails_to_sign() {
	if sign "${3-$key}"; then
		fail "$1" 'it signed'
	elif grep -q -e SIG_CREATED "$user/sign.err" ||
	    test -s "$user/sign.out"; then
		fail "$1" "$(cat "$user/sign.err" "$user/sign.out")"
	else
		like "$1" "$(cat "$user/sign.err")" "$2"
	fi
}

# at_terminal COMMAND...: what appears there is in the file "terminal".
at_terminal() {
	setsid -w timeout -k 5 60 script -qec "$*" /dev/null \
	    >"$user/terminal" 2>&1 </dev/null
}

# KiB of memory that a process has in use.
memory_of() {
	sed -n 's/^VmRSS:[[:blank:]]*\([0-9]*\).*/\1/p' "/proc/$1/status"
}

# less NAME NUMBER LIMIT
less() {
	if test "$2" -lt "$3"; then
		pass "$1"
	else
		fail "$1" "$2, and should be less than $3"
	fi
}

# refuses NAME STATUS PATTERN: the agent does not start, and says why.
refuses() {
	refuses_status=0
	timeout 10 "$bin/touchstone-agent" >"$user/agent.log" 2>&1 \
	    </dev/null || refuses_status=$?
	is "$1: exit status" "$refuses_status" "$2"
	like "$1: it says why" "$(cat "$user/agent.log")" "$3"
}

# answers SOCKET: an agent does there.
answers() {
	test "$("$frames" "$1" bare:99 read 2>/dev/null)" = 'type 5'
}
