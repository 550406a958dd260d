/*
 * Which of the user's processes are connected to pcscd: the kernel tells
 * which sockets are at the other ends of pcscd's (sock_diag(7)), and /proc
 * whose they are.  Linux's alone; where it does not tell, nobody is named.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "holder.h"
#include "wire/text.h"

#define PEERS_MAX 256
#define NAMED_MAX 4
#define SOCKET "/pcscd.comm"	/* how the path of pcscd's socket ends */

struct peers {
	uint32_t inodes[PEERS_MAX];
	size_t count;
};

/* ---- the sockets at the other ends ---- */

/* A bound path, which may have a NUL behind it. */
static bool
is_pcscd(const char *path, size_t len)
{
	size_t n = strlen(SOCKET);

	if (len > 0 && !path[len - 1])
		len--;
	return len >= n && !memcmp(path + len - n, SOCKET, n);
}

static void
look_at_socket(const struct nlmsghdr *h, struct peers *p)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const struct rtattr *a;
	uint32_t peer = 0;
	bool mine = false;
	size_t len;
	int left;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return;
	a = (const struct rtattr *)(const void *)(m + 1);
	left = (int)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)));
	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		len = RTA_PAYLOAD(a);
		if (a->rta_type == UNIX_DIAG_PEER && len == sizeof(peer))
			memcpy(&peer, RTA_DATA(a), sizeof(peer));
		else if (a->rta_type == UNIX_DIAG_NAME)
			mine = is_pcscd(RTA_DATA(a), len);
	}
	if (mine && peer && p->count < PEERS_MAX)
		p->inodes[p->count++] = peer;
}

static bool
ask(int fd)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} q = {
		.h = { .nlmsg_len = sizeof(q), .nlmsg_type =
		    SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST |
		    NLM_F_DUMP },
		.r = { .sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX,
		    .udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER },
	};

	return send(fd, &q, sizeof(q), 0) == sizeof(q);
}

static void
find_peers(struct peers *p)
{
	_Alignas(struct nlmsghdr) char room[16384];
	const struct nlmsghdr *h;
	ssize_t n;
	int fd, left;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		return;
	for (bool more = ask(fd); more;) {
		if ((n = recv(fd, room, sizeof(room), 0)) <= 0)
			break;
		left = (int)n;
		for (h = (const void *)room; NLMSG_OK(h, left);
		    h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE ||
			    h->nlmsg_type == NLMSG_ERROR)
				more = false;
			else if (h->nlmsg_type == SOCK_DIAG_BY_FAMILY)
				look_at_socket(h, p);
		}
	}
	close(fd);
}

/* ---- whose they are ---- */

static bool
has_socket(const char *pid, const struct peers *p)
{
	char path[64], target[64];
	unsigned long inode;
	struct dirent *e;
	bool has = false;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	if (!(d = opendir(path)))
		return false;
	while (!has && (e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, target,
		    sizeof(target) - 1);
		target[n > 0 ? n : 0] = 0;
		if (sscanf(target, "socket:[%lu]", &inode) != 1)
			continue;
		for (size_t i = 0; i < p->count; i++)
			has |= p->inodes[i] == inode;
	}
	closedir(d);
	return has;
}

static void
read_name(const char *pid, char name[64])
{
	char path[64], text[32];
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	if (n > 0 && text[n - 1] == '\n')
		n--;
	text_clean(name, 64, view_of((uint8_t *)text, n > 0 ? (size_t)n : 0));
}

static int
is_other_process(const struct dirent *e)
{
	return e->d_name[strspn(e->d_name, "0123456789")] == 0 &&
	    strtol(e->d_name, NULL, 10) != (long)getpid();
}

struct holders
holders_find(void)
{
	struct holders all = { "" };
	struct dirent **pids = NULL;
	struct peers peers = { .count = 0 };
	bool scdaemon = false;
	char list[192] = "", name[64];
	unsigned found = 0;
	int n = 0;

	find_peers(&peers);
	if (peers.count > 0)
		n = scandir("/proc", &pids, is_other_process, versionsort);
	for (int i = 0; i < n; i++) {
		size_t at = strlen(list);

		if (found < NAMED_MAX && has_socket(pids[i]->d_name, &peers)) {
			read_name(pids[i]->d_name, name);
			snprintf(list + at, sizeof(list) - at,
			    "%s%s (pid %.16s)", found ? ", " : "", name,
			    pids[i]->d_name);
			scdaemon |= !strcmp(name, "scdaemon");
			found++;
		}
		free(pids[i]);
	}
	free(pids);
	if (found > 0)
		snprintf(all.text, sizeof(all.text), ": %s%s%s",
		    found > 1 ? "one of " : "", list, scdaemon ?
		    "; `gpgconf --kill scdaemon` ends it" : "");
	return all;
}
