# What the system tests share: a user of their own, with an agent, a soft
# token and a scripted pinentry.  Sourced by tests/system/*.t:
#
#	. "$(dirname "$0")/lib.sh"
#
# TOUCHSTONE_PREFIX is where touchstone is installed, TOUCHSTONE_BUILD where
# it was built; tests/run sets both, build/ is the default.
src=${TOUCHSTONE_SRC-$(cd "$(dirname "$0")/../.." && pwd -P)}
. "$src/tests/tap.sh"

build=${TOUCHSTONE_BUILD-$src/build}
prefix=${TOUCHSTONE_PREFIX-$build/prefix}
bin=$prefix/bin

# Sockets have short names, so no folder of TMPDIR.
work=$(mktemp -d /tmp/ts.XXXXXX) || exit 1
trap 'cleanup' EXIT
trap 'exit 1' HUP INT TERM

# new_user NAME: from here on the shell is that user, with a home folder that
# has nothing in it and an environment that is not the caller's.
new_user() {
	user=$work/$1
	mkdir -p "$user/home" "$user/run" "$user/gpg" "$user/tmp"
	chmod 700 "$user"/*
	for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
		case $name in
		XDG_*|GNUPG*|GPG_*|GIT_*|SSH_*|TOUCHSTONE_SOCK|DISPLAY|\
		WAYLAND_DISPLAY|DBUS_*|EMAIL|LD_*|LANG|LANGUAGE|LC_*)
			unset "$name" ;;
		esac
	done
	export HOME="$user/home" TMPDIR="$user/tmp" LC_ALL=C.UTF-8 \
	    PATH="$bin:/usr/bin:/bin:/usr/sbin:/sbin" \
	    XDG_RUNTIME_DIR="$user/run" GNUPGHOME="$user/gpg" \
	    XDG_CONFIG_HOME="$user/home/.config" \
	    XDG_DATA_HOME="$user/home/.local/share" \
	    XDG_STATE_HOME="$user/home/.local/state" \
	    GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL="$user/gitconfig" \
	    GIT_TERMINAL_PROMPT=0
	config=$XDG_CONFIG_HOME/touchstone
	runtime=$XDG_RUNTIME_DIR/touchstone
	sock=$runtime/local.sock
	cat >"$GIT_CONFIG_GLOBAL" <<-END
	[user]
		name = A U Thor
		email = author@example.com
	[init]
		defaultBranch = main
	[safe]
		directory = *
	[gpg]
		program = $bin/touchstone-gpg
	[advice]
		detachedHead = false
	END
	cd "$user" || exit 1
}

# Ends every agent and gpg-agent of every user that the test made, and waits,
# so that sanitizers have their say before the folder goes.
cleanup() {
	cleanup_status=$?
	trap - EXIT
	cd / || exit 1
	for home in "$work"/*/gpg "$work"/*/gpg-*; do
		test -d "$home" || continue
		GNUPGHOME=$home gpgconf --kill all >/dev/null 2>&1
	done
	for run in "$work"/*/run; do
		test -d "$run" && end_agent_of "$run"
	done
	rm -rf "$work"
	exit $cleanup_status
}

# agent_pids RUNTIME: the agents of this runtime folder.  The one that holds
# its lock; for root, who may look into a process that nobody else may look
# into, also any other that was started with it.
agent_pids() {
	lib_inode=$(stat -c %i "$1/touchstone/lock" 2>/dev/null)
	{
		test -n "$lib_inode" &&
		    awk -v end=":$lib_inode" '$2 == "FLOCK" &&
		    substr($6, length($6) - length(end) + 1) == end {
			print $5 }' /proc/locks
		for lib_env in /proc/[0-9]*/environ; do
			lib_pid=${lib_env#/proc/}
			lib_pid=${lib_pid%/environ}
			case $(readlink "/proc/$lib_pid/exe" 2>/dev/null) in
			"$bin/touchstone-agent"*) ;;
			*) continue ;;
			esac
			{ tr '\0' '\n' <"$lib_env"; } 2>/dev/null |
			    grep -qx "XDG_RUNTIME_DIR=$1" && echo "$lib_pid"
		done
	} | sort -un
	return 0
}

end_agent_of() {
	for lib_pid in $(agent_pids "$1"); do
		kill -TERM "$lib_pid" 2>/dev/null
		wait_for 20 is_gone "$lib_pid" || kill -KILL "$lib_pid"
	done
}

is_gone() {
	! kill -0 "$1" 2>/dev/null ||
	    grep -q '^State:[[:blank:]]*Z' "/proc/$1/status" 2>/dev/null
}

# Whether we may look into a process: root may, and nobody into the agent and
# the token process, which are not dumpable.
can_look() {
	{ cat "/proc/$1/environ" >/dev/null; } 2>/dev/null
}

# wait_for SECONDS COMMAND...: until it succeeds; fails when time is up.
wait_for() {
	lib_end=$(($(date +%s) + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		test "$(date +%s)" -lt "$lib_end" || return 1
		sleep 0.02
	done
}

# The pid of this user's agent, empty if none runs.
agent_pid() {
	agent_pids "$XDG_RUNTIME_DIR" | head -n 1
}

# Starts the agent and waits until it listens.
start_agent() {
	"$bin/touchstone-agent" "$@" >"$user/agent.log" 2>&1 </dev/null &
	wait_for 10 test -S "$sock" || {
		fail 'the agent starts' "$(cat "$user/agent.log")"
		return 1
	}
}

stop_agent() {
	end_agent_of "$XDG_RUNTIME_DIR"
}

# soft_token [ALGORITHM [NAME [USER-ID]]]: a token in software whose PIN is in
# a file, and a key on it, which becomes git's; $key is its fingerprint.
# Starts the agent.
soft_token() {
	touchstone setup --soft --pin-file "$user/pin" \
	    --algorithm "${1-P-256}" --name "${2-soft}" \
	    --user-id "${3-A U Thor <author@example.com>}" --json \
	    >"$user/setup.json" 2>"$user/setup.log" </dev/null || {
		fail 'touchstone setup --soft' "$(cat "$user/setup.log")"
		return 1
	}
	key=$(jq -r .fingerprint "$user/setup.json")
	git config --file "$GIT_CONFIG_GLOBAL" user.signingkey "$key"
}

# A number that `touchstone status` has, as .signatures.
status_of() {
	touchstone status --json | jq -r "$1"
}

# without_terminal COMMAND...: in a session of its own, at most a minute.
without_terminal() {
	setsid -w timeout -k 5 60 "$@" </dev/null
}

# A repository with one file, in the folder $repo.
new_repo() {
	repo=$user/${1-repo}
	git init -q "$repo" && echo one >"$repo/file" &&
	    git -C "$repo" add file
}

# now_ms: for bounds on how long something took.
now_ms() {
	echo $(($(date +%s%N) / 1000000))
}

# The pinentry of this user: `pinentry LINE...` is what it answers from now on
# (tests/tools/pinentry-script.c has the words), pinentry_log what it was told.
pinentry_setup() {
	cp "$build/tests/tools/pinentry-script" "$user/pinentry"
	mkdir -p "$config"
	echo "pinentry = \"$user/pinentry\";" >>"$config/config"
}

pinentry() {
	printf '%s\n' "$@" >"$user/pinentry.new"
	mv "$user/pinentry.new" "$user/pinentry.script"
}

pinentry_log() {
	cat "$user/pinentry.log" 2>/dev/null
}

# How often a PIN was asked for.
pin_dialogues() {
	pinentry_log | grep -c '^GETPIN'
}

new_user user
