/* A token process under test. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "token-rig.h"

#define PATIENCE_MS 20000

static const char *const softhsm_places[] = {
	"/usr/lib/softhsm/libsofthsm2.so",
	"/usr/lib64/softhsm/libsofthsm2.so",
	"/usr/lib64/pkcs11/libsofthsm2.so",
	"/usr/local/lib/softhsm/libsofthsm2.so",
};

const char *
rig_softhsm(void)
{
	for (size_t i = 0;
	    i < sizeof(softhsm_places) / sizeof(softhsm_places[0]); i++)
		if (!access(softhsm_places[i], R_OK))
			return softhsm_places[i];
	return NULL;
}

const char *
rig_path(struct rig *r, const char *name, char out[64])
{
	snprintf(out, 64, "%s/%s", r->dir, name);
	return out;
}

bool
rig_write(struct rig *r, const char *name, const char *text, mode_t mode)
{
	char path[64], part[64];
	size_t len = strlen(text);
	bool ok;
	int fd;

	/* A new file each time, so that no reader sees half of it. */
	rig_path(r, "part", part);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	if (fd < 0)
		return false;
	ok = write(fd, text, len) == (ssize_t)len && !fchmod(fd, mode);
	close(fd);
	return ok && !rename(part, rig_path(r, name, path));
}

void
rig_fault(struct rig *r, const char *script)
{
	if (!rig_write(r, "script", script, 0600))
		abort();
}

bool
rig_init(struct rig *r)
{
	char path[64], conf[256];

	memset(r, 0, sizeof(*r));
	r->fd = -1;
	strcpy(r->dir, "/tmp/ts-token.XXXXXX");
	if (!(r->datagram = malloc(DATAGRAM_MAX)) || !mkdtemp(r->dir) ||
	    mkdir(rig_path(r, "tokens", path), 0700))
		return false;
	snprintf(conf, sizeof(conf), "directories.tokendir = %s\n"
	    "objectstore.backend = file\nlog.level = ERROR\n", path);
	rig_fault(r, "");
	return rig_write(r, "softhsm2.conf", conf, 0600);
}

static void
remove_all(const char *dir)
{
	struct dirent *e;
	char path[4096];
	DIR *d;

	if (!(d = opendir(dir)))
		return;
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (unlink(path))
			remove_all(path);
	}
	closedir(d);
	rmdir(dir);
}

void
rig_clear(struct rig *r)
{
	rig_stop(r);
	remove_all(r->dir);
	free(r->datagram);
}

static void
run(struct rig *r, int fd)
{
	char conf[96], script[96], log[96], state[96], pad[96], behind[256];
	char *env[] = { conf, script, log, state, pad, behind, NULL };
	char program[] = BUILD "/touchstone-token";
	char *argv[] = { program, NULL };

	snprintf(conf, sizeof(conf), "SOFTHSM2_CONF=%s/softhsm2.conf", r->dir);
	snprintf(script, sizeof(script), "FAULT_SCRIPT=%s/script", r->dir);
	snprintf(log, sizeof(log), "FAULT_LOG=%s/log", r->dir);
	snprintf(state, sizeof(state), "FAULT_STATE=%s/state", r->dir);
	snprintf(pad, sizeof(pad), "FAULT_PAD=%s/pad", r->dir);
	snprintf(behind, sizeof(behind), "FAULT_MODULE=%s", rig_softhsm());
	if (fd == 3)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, 3);
	close_range(4, ~0u, 0);
	execve(program, argv, env);
	_exit(127);
}

bool
rig_spawn(struct rig *r)
{
	int pair[2], room = 4 * DATAGRAM_MAX;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return false;
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	r->fd = pair[0];
	if ((r->pid = fork()) == 0)
		run(r, pair[1]);
	close(pair[1]);
	return r->pid > 0;
}

gpg_error_t
rig_start(struct rig *r, const struct rig_options *o)
{
	struct msg_token_open in = { .version = WIRE_TOKEN_VERSION };
	struct msg_token_opened out;

	in.path = view_str(o->module ? o->module :
	    BUILD "/tests/modules/fault.so");
	in.pin_source = view_str(o->pin_source ? o->pin_source : "");
	in.sessions = o->sessions ? o->sessions : 1;
	in.pin_ttl_ms = o->no_ttl ? 0 : o->ttl_ms ? o->ttl_ms : 60000;
	if (!rig_spawn(r))
		return gpg_error(GPG_ERR_EIO);
	return rig_call(r, MSG_token_open, &in, -1, &out);
}

int
rig_wait(struct rig *r)
{
	int status = -1;

	for (int i = 0; i < PATIENCE_MS / 10; i++) {
		if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
			r->pid = 0;
			break;
		}
		status = -1;
		usleep(10000);
	}
	if (r->pid) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
		r->pid = 0;
	}
	if (r->fd != -1)
		close(r->fd);
	r->fd = -1;
	return status;
}

int
rig_stop(struct rig *r)
{
	if (!r->pid)
		return 0;
	close(r->fd);
	r->fd = -1;
	return rig_wait(r);
}

bool
rig_send_raw(struct rig *r, const void *p, size_t len, const int *fds,
    size_t fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(8 * sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	memset(&control, 0, sizeof(control));
	if (fd_count > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	return sendmsg(r->fd, &msg, MSG_NOSIGNAL) == (ssize_t)len;
}

bool
rig_send(struct rig *r, enum msg_id id, const void *in, int fd)
{
	struct view out;
	struct buf b;
	bool ok;

	buf_init(&b, DATAGRAM_MAX);
	ok = !datagram_put(&b, ++r->serial, id, in);
	out = buf_view(&b);
	ok = ok && rig_send_raw(r, out.p, out.len, &fd, fd != -1);
	if (fd != -1)
		close(fd);
	buf_free(&b);
	return ok;
}

gpg_error_t
rig_receive(struct rig *r, enum msg_id id, void *out)
{
	struct pollfd pfd = { .fd = r->fd, .events = POLLIN };
	_Alignas(max_align_t) char ignored[256];
	gpg_error_t err, code;
	struct view text;
	ssize_t n;

	if (poll(&pfd, 1, PATIENCE_MS) != 1)
		return gpg_error(GPG_ERR_TIMEOUT);
	n = recv(r->fd, r->datagram, DATAGRAM_MAX, 0);
	if (n <= 0)
		return gpg_error(GPG_ERR_EOF);
	if ((err = datagram_get_reply(view_of(r->datagram, (size_t)n), id,
	    &code, &text, out ? out : ignored)))
		return err;
	snprintf(r->text, sizeof(r->text), "%.*s", (int)text.len,
	    text.len ? (const char *)text.p : "");
	return code;
}

gpg_error_t
rig_call(struct rig *r, enum msg_id id, const void *in, int fd, void *out)
{
	if (!rig_send(r, id, in, fd))
		return gpg_error(GPG_ERR_EOF);
	return rig_receive(r, id, out);
}

static bool
hear_verdict(int fd, struct rig_talk *t)
{
	struct msg_pin_verdict v;
	struct view body;
	uint8_t raw[2048];
	enum msg_id id;
	uint32_t serial;
	ssize_t n = recv(fd, raw, sizeof(raw), 0);

	if (n <= 0 || t->count == RIG_TALK_MAX ||
	    datagram_get(view_of(raw, (size_t)n), SCOPE_PIN, &id, &serial,
	    &body) || id != MSG_pin_verdict || msg_decode(id, body, &v))
		return false;
	snprintf(t->problems[t->count], sizeof(t->problems[0]), "%.*s",
	    (int)v.problem.len, v.problem.len ? (const char *)v.problem.p :
	    "");
	t->verdicts[t->count++] = v;
	return v.verdict != PIN_GOOD && v.verdict != PIN_LOCKED &&
	    v.verdict != PIN_FAILED;
}

static void
type_pin(int fd, const char *pin)
{
	struct msg_pin_entry entry = { .pin = view_str(pin) };
	struct view out;
	struct buf b;

	buf_init(&b, 512);
	datagram_put(&b, 0, MSG_pin_entry, &entry);
	out = buf_view(&b);
	if (send(fd, out.p, out.len, MSG_NOSIGNAL) < 0)
		perror("typing a PIN");
	buf_free(&b);
}

gpg_error_t
rig_talk(struct rig *r, enum msg_id id, const void *in,
    const char *const *pins, struct rig_talk *t)
{
	struct rig_talk ignored;
	gpg_error_t err;
	int pair[2];

	if (!t)
		t = &ignored;
	memset(t, 0, sizeof(*t));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return gpg_error(GPG_ERR_EIO);
	if (!rig_send(r, id, in, pair[0])) {
		close(pair[1]);
		return gpg_error(GPG_ERR_EOF);
	}
	while (hear_verdict(pair[1], t) && *pins)
		type_pin(pair[1], *pins++);
	close(pair[1]);
	err = rig_receive(r, id, NULL);
	return err;
}

const char *
rig_letters(const struct rig_talk *t, char out[RIG_TALK_MAX + 1])
{
	static const char letters[] = "ANGWTLF";
	unsigned i;

	for (i = 0; i < t->count; i++)
		out[i] = letters[t->verdicts[i].verdict];
	out[i] = 0;
	return out;
}

void
rig_log_clear(struct rig *r)
{
	char path[64];

	unlink(rig_path(r, "log", path));
}

unsigned
rig_count(struct rig *r, const char *call)
{
	char path[64], line[64];
	unsigned n = 0;
	FILE *f;

	if (!(f = fopen(rig_path(r, "log", path), "re")))
		return 0;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		n += !strcmp(line, call);
	}
	fclose(f);
	return n;
}

/* One mapping, in pieces that overlap by the length of the text. */
static bool
search_range(int mem, unsigned long from, unsigned long to, const char *text)
{
	size_t len = strlen(text), size = 1 << 20;
	char *piece = malloc(size);
	bool found = false;
	ssize_t n;

	while (piece && !found && from < to) {
		n = pread(mem, piece, to - from < size ? to - from : size,
		    (off_t)from);
		if (n <= 0)
			break;
		found = memmem(piece, (size_t)n, text, len);
		from += (size_t)n < len || from + (size_t)n >= to ? (size_t)n :
		    (size_t)n - len + 1;
	}
	free(piece);
	return found;
}

int
rig_search(struct rig *r, const char *text)
{
	char path[64], line[512], perms[8];
	unsigned long from, to;
	bool found = false, any = false;
	int mem;
	FILE *maps;

#ifdef SANITIZERS
	return -1;	/* terabytes of shadow memory */
#endif
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)r->pid);
	if ((mem = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)r->pid);
	maps = fopen(path, "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s", &from, &to, perms) != 3 ||
		    perms[0] != 'r' || perms[1] != 'w')
			continue;
		any = true;
		found |= search_range(mem, from, to, text);
	}
	if (maps)
		fclose(maps);
	close(mem);
	return !any ? -1 : found;
}
