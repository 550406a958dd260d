/* Looks at a peer in /proc, in bounded reads. */
#include <config.h>

#include <sys/xattr.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "peer.h"
#include "place.h"

#define ARGUMENTS_MAX 4096
#define DESCRIPTORS_MAX 4096

static int
open_proc(pid_t pid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return pid > 0 ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

/* A folder that was opened before this is that process's for good. */
static bool
is_same(pid_t pid, uint64_t start)
{
	uint64_t now;

	return start != 0 && !place_start_time(pid, &now) && now == start;
}

/* Reads what there is, at most; false when it cannot be read. */
static bool
read_text(int dir, const char *name, char *dst, size_t size, size_t *len)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, dst, size - 1);
	close(fd);
	*len = n > 0 ? (size_t)n : 0;
	dst[*len] = 0;
	return n >= 0;
}

static bool
is_relays_name(const char *name)
{
	static const char *const names[] = {
		"autossh", "busybox", "dbclient", "dropbear",
		"dropbearmulti", "lsh", "mosh-client", "mosh-server", "nc",
		"nc.openbsd", "nc.traditional", "ncat", "netcat", "plink",
		"putty", "slogin", "socat", "socat1", "ssh", "sshd",
		"sshd-auth", "sshd-session", "sslh", "stunnel", "stunnel4",
		"systemd-socket-proxyd", "tinysshd", "websocat",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* By the name it gives itself and by its program's; else `unknown`. */
static enum peer
look_at_names(int dir, enum peer unknown)
{
	char name[64], exe[4096], *slash;
	size_t len;
	ssize_t n;

	if (!read_text(dir, "comm", name, sizeof(name), &len))
		return unknown;
	name[strcspn(name, "\n")] = 0;
	if ((n = readlinkat(dir, "exe", exe, sizeof(exe) - 1)) <= 0)
		return unknown;
	exe[n] = 0;
	if (!(slash = strrchr(exe, '/')))
		return unknown;
	/* A program that was replaced since is "... (deleted)". */
	slash[1 + strcspn(slash + 1, " ")] = 0;
	if (!strcmp(slash + 1, "ssh"))
		return PEER_SSH;
	return is_relays_name(name) || is_relays_name(slash + 1) ?
	    PEER_RELAY : PEER_PROCESS;
}

/*
 * Whether it is a socket, and of none of the protocols that end on this
 * machine; the kernel tells which, or it may be any.  Other files are not
 * asked: what serves them may be slow, or wait for us.
 */
static bool
goes_elsewhere(pid_t pid, const char *fd)
{
	char path[64], protocol[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/fd/%.16s", (int)pid, fd);
	n = readlink(path, protocol, sizeof(protocol) - 1);
	if (n < 7 || memcmp(protocol, "socket:", 7))
		return false;
	n = getxattr(path, "system.sockprotoname", protocol,
	    sizeof(protocol) - 1);
	if (n < 0)
		return true;
	protocol[n] = 0;
	return strncmp(protocol, "UNIX", 4) && strcmp(protocol, "NETLINK");
}

static bool
holds_sockets_elsewhere(int proc, pid_t pid)
{
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	unsigned count = 0;
	bool found = false;
	DIR *dir;

	if (fd < 0)
		return true;
	if (!(dir = fdopendir(fd))) {
		close(fd);
		return true;
	}
	while (!found && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		found = ++count > DESCRIPTORS_MAX ||
		    goes_elsewhere(pid, e->d_name);
	}
	closedir(dir);
	return found;
}

enum peer
peer_look(pid_t pid, uint64_t start)
{
	int dir = open_proc(pid);
	enum peer peer = dir < 0 ? PEER_RELAY :
	    look_at_names(dir, PEER_RELAY);

	if (peer == PEER_PROCESS && holds_sockets_elsewhere(dir, pid))
		peer = PEER_RELAY;
	if (dir >= 0)
		close(dir);
	/* Looked at last: it was that process all the while. */
	return is_same(pid, start) ? peer : PEER_RELAY;
}

bool
peer_is_named_relay(pid_t pid)
{
	int dir = open_proc(pid);
	bool is = dir >= 0 &&
	    look_at_names(dir, PEER_PROCESS) != PEER_PROCESS;

	if (dir >= 0)
		close(dir);
	return is;
}

/* ---- what ssh was told ---- */

/* "-p 22", "-p22", "-oPort=22", "Port=22" */
static const char *
port_of(const char *arg, const char *next)
{
	if (!strcmp(arg, "-p"))
		return next;
	if (!strncmp(arg, "-p", 2))
		return arg + 2;
	if (!strncmp(arg, "-o", 2))
		arg += 2;
	return strncasecmp(arg, "port=", 5) ? NULL : arg + 5;
}

/* "ssh://user@host:22/", "user@host", "HostKeyAlias=host", "host". */
static void
add_words(const char *arg, const char *port, struct names *out)
{
	const char *tail;
	size_t len;

	if ((tail = strstr(arg, "://")))
		arg = tail + 3;
	while ((tail = strpbrk(arg, "@=")))
		arg = tail + 1;
	len = strcspn(arg, "/");
	names_add_host(out, view_of(arg, len), port);
	/* With a port behind it, or as -W has it. */
	if ((tail = memchr(arg, ':', len)) &&
	    !memchr(tail + 1, ':', len - (size_t)(tail + 1 - arg))) {
		char number[8];

		snprintf(number, sizeof(number), "%.*s",
		    (int)(len - (size_t)(tail + 1 - arg)), tail + 1);
		names_add_host(out, view_of(arg, (size_t)(tail - arg)),
		    number);
	}
}

void
peer_hosts(pid_t pid, uint64_t start, struct names *out)
{
	char text[ARGUMENTS_MAX], *arg, *end, *word, *rest;
	const char *port = NULL, *p;
	int dir = open_proc(pid);
	size_t len = 0;

	if (dir < 0)
		return;
	if (!read_text(dir, "cmdline", text, sizeof(text), &len) ||
	    !is_same(pid, start))
		len = 0;
	close(dir);
	end = text + len;
	for (arg = text; arg < end && !port; arg += strlen(arg) + 1)
		if ((p = port_of(arg, arg + strlen(arg) + 1 < end ?
		    arg + strlen(arg) + 1 : NULL)))
			port = p;
	/* The first is the program. */
	for (arg = text + strlen(text) + 1; len > 0 && arg < end;
	    arg = rest + 1) {
		rest = arg + strlen(arg);
		while ((word = strsep(&arg, ",")))
			if (*word != '-')
				add_words(word, port, out);
	}
}
