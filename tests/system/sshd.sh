# Hosts for tests of SSH: real sshds, each with an address, a name, a host key
# and folders of its own, in namespaces of the test's own.  Sourced, in place
# of lib.sh, which it sources, by tests/system/ssh-*.t:
#
#	. "$(dirname "$0")/sshd.sh"
#	hosts gate build
#
# Names are gate.example.com and so on, port 22.  The user's home folder is,
# for ssh too, $HOME; with "gate" and "build" as words of its ssh config, and
# known_hosts as known_hosts_are has it.  Whoever has a key of
# $user/authorized_keys may log in.
sshd_inside() {
	unshare "$@" --mount --net --pid --fork --kill-child --mount-proc \
	    sh -c 'ip link set lo up &&
	    echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start &&
	    mount -t tmpfs tmpfs /run && mkdir -m 755 /run/sshd &&
	    exec "$@"' sh env SSHD_INSIDE=1 "$sshd_test"
}

if test -z "${SSHD_INSIDE-}"; then
	sshd_test=$0
	. "$(dirname "$0")/../tap.sh"
	for sshd_program in unshare ip ssh /usr/sbin/sshd; do
		command -v "$sshd_program" >/dev/null ||
		    skip_all "$sshd_program is not installed"
	done
	set --
	test "$(id -u)" = 0 ||
	    set -- --user --map-current-user --keep-caps
	unshare "$@" --mount --net --pid --fork --mount-proc \
	    mount -t tmpfs tmpfs /mnt 2>/dev/null ||
	    skip_all 'namespaces cannot be had'
	sshd_inside "$@"
	exit
fi
. "$(dirname "$0")/lib.sh"

# sshd_overlay FILE: what is read is /etc/FILE for this test.
sshd_overlay() {
	cat >"$user/etc-$1"
	mount --bind "$user/etc-$1" "/etc/$1"
}

# The user's account is not locked, and its home folder is $HOME.
sshd_account() {
	sshd_uid=$(id -u)
	printf '%s:*:20000::::::\n' "$(id -un)" | sshd_overlay shadow
	sed "s|^\([^:]*:\)[^:]*\(:$sshd_uid:[^:]*:[^:]*:\).*|\1x\2$HOME:/bin/sh|" \
	    /etc/passwd | sshd_overlay passwd
}

sshd_config() {
	cat <<-END
	ListenAddress $2:22
	HostKey $user/hosts/$1/key
	PidFile $user/hosts/$1/pid
	AuthorizedKeysFile $user/authorized_keys
	StrictModes no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	UsePAM no
	PermitRootLogin yes
	PermitUserEnvironment no
	AllowAgentForwarding yes
	StreamLocalBindUnlink yes
	MaxStartups 100
	MaxAuthTries ${sshd_tries-6}
	LogLevel VERBOSE
	SetEnv PATH=$PATH HOME=$user/hosts/$1/home \
	    XDG_RUNTIME_DIR=$user/hosts/$1/run \
	    GNUPGHOME=$user/hosts/$1/gpg GIT_CONFIG_NOSYSTEM=1 \
	    GIT_CONFIG_GLOBAL=$GIT_CONFIG_GLOBAL LC_ALL=C.UTF-8 \
	    HOST=$1
	END
}

sshd_listens() {
	ssh-keyscan -t ed25519 -T 2 "$1" 2>/dev/null | grep -q ssh-ed25519
}

# hosts NAME...
hosts() {
	sshd_account
	sshd_n=1
	mkdir -p "$HOME/.ssh"
	chmod 700 "$HOME/.ssh"
	: >"$user/authorized_keys"
	for host in localhost "$@"; do
		echo "127.0.0.$sshd_n $host $host.example.com"
		sshd_n=$((sshd_n + 1))
	done | sshd_overlay hosts
	sshd_n=1
	for host in "$@"; do
		sshd_n=$((sshd_n + 1))
		mkdir -p "$user/hosts/$host/home" "$user/hosts/$host/run" \
		    "$user/hosts/$host/gpg"
		chmod 700 "$user/hosts/$host"/*
		ssh-keygen -q -t ed25519 -N '' -C '' \
		    -f "$user/hosts/$host/key"
		sshd_config "$host" "127.0.0.$sshd_n" \
		    >"$user/hosts/$host/config"
		/usr/sbin/sshd -f "$user/hosts/$host/config" \
		    -E "$user/hosts/$host/log" || return 1
		cat >>"$HOME/.ssh/config" <<-END
		Host $host
			HostName $host.example.com
		END
	done
	cat >>"$HOME/.ssh/config" <<-END
	Host *
		BatchMode yes
		ConnectTimeout 20
		StrictHostKeyChecking yes
	END
	known_hosts_are plain "$@"
	for host in "$@"; do
		wait_for 10 sshd_listens "$host.example.com" || return 1
	done
}

# known_hosts_are plain|hashed NAME...: these and no others.
known_hosts_are() {
	sshd_form=$1
	shift
	for host in "$@"; do
		echo "$host.example.com $(cat "$user/hosts/$host/key.pub")"
	done >"$HOME/.ssh/known_hosts"
	test "$sshd_form" = plain || {
		ssh-keygen -q -H -f "$HOME/.ssh/known_hosts" >/dev/null 2>&1
		rm -f "$HOME/.ssh/known_hosts.old"
	}
}

# may_log_in FILE: who has this public key.
may_log_in() {
	cat "$1" >>"$user/authorized_keys"
}

# at HOST COMMAND...: there, by ssh with the agent's keys, at most a minute;
# $ssh_options are words.
at() {
	sshd_at=$1
	shift
	# shellcheck disable=SC2086
	setsid -w timeout -k 5 60 env SSH_AUTH_SOCK="$runtime/agent.sock" \
	    ssh ${ssh_options-} "$sshd_at" "$@" </dev/null
}

# The last record of a stage, as `touchstone audit show` has it.
last_record() {
	touchstone audit show -n 50 | grep " $1 " | tail -n 1
}

# denied NAME PATTERN: the last denial, which is written soon after the answer.
denied() {
	wait_for 5 denied_like "$2"
	like "$1" "$(last_record denied)" "$2"
}
denied_like() {
	last_record denied | grep -Eq -- "$1"
}
