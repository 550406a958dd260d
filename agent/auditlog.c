/* The audit log's file, in one thread. */
#include <config.h>

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "agent/auditlog.h"
#include "local/paths.h"
#include "wire/text.h"

#define CHUNK (64 * 1024)
#define PRIVATE_MAX 256		/* private agents at a time */

static gpg_error_t
last_error(void)
{
	return gpg_error_from_syserror();
}

uint64_t
auditlog_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void
note(struct auditlog *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Adds to what the next record has to say; what does not fit is cut. */
static void
note(struct auditlog *l, const char *fmt, ...)
{
	size_t used = strlen(l->note);
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(l->note + used, sizeof(l->note) - used, "%s%s",
	    used ? "; " : "", text);
}

/* The machine's id, else its name. */
static gpg_error_t
machine_id(struct buf *b)
{
	static const char *const files[] = { "/etc/machine-id",
	    "/var/lib/dbus/machine-id" };
	char name[256] = "";

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		buf_reset(b);
		if (!paths_read(files[i], 256, b) && buf_len(b) >= 32)
			return 0;
	}
	buf_reset(b);
	if (gethostname(name, sizeof(name) - 1))
		return last_error();
	return buf_put_text(b, name);
}

/*
 * DIR/<machine>, or DIR/<machine>.private-N: other programs know the id, so
 * it is hashed with a word.
 */
static gpg_error_t
name_folder(struct auditlog *l, const char *dir, unsigned n)
{
	char beside[32] = "";
	uint8_t hash[32];
	struct buf id, in, hex;
	gpg_error_t err;

	if (n > 0)
		snprintf(beside, sizeof(beside), ".private-%u", n);
	buf_init(&id, 512);
	buf_init(&in, 512);
	buf_init(&hex, 64);
	if (!(err = machine_id(&id))) {
		buf_put_text(&in, "touchstone audit");
		err = buf_put_view(&in, buf_view(&id));
	}
	if (!err && !EVP_Digest(in.data, buf_len(&in), hash, NULL,
	    EVP_sha256(), NULL))
		err = gpg_error(GPG_ERR_DIGEST_ALGO);
	if (!err && !(err = buf_put_hex(&hex, view_of(hash, 16))) &&
	    (asprintf(&l->dir, "%s/%.32s%s", dir, (char *)hex.data,
	    beside) < 0 ||
	    asprintf(&l->path, "%s/log.jsonl", l->dir) < 0))
		err = gpg_error(GPG_ERR_ENOMEM);
	buf_free(&id);
	buf_free(&in);
	buf_free(&hex);
	return err;
}

static void
close_file(struct auditlog *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

static gpg_error_t
read_at(int fd, uint8_t *p, size_t n, off_t at)
{
	while (n > 0) {
		ssize_t got = pread(fd, p, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return last_error();
		if (got == 0)
			return gpg_error(GPG_ERR_TRUNCATED);
		p += got;
		n -= (size_t)got;
		at += got;
	}
	return 0;
}

/*
 * Where the line that ends before `end` begins: behind the last newline
 * before it.
 */
static gpg_error_t
line_start(int fd, off_t end, off_t *start)
{
	uint8_t *room = malloc(CHUNK), *nl;
	gpg_error_t err = room ? 0 : gpg_error(GPG_ERR_ENOMEM);

	*start = 0;
	while (!err && end > 0) {
		size_t n = end < CHUNK ? (size_t)end : CHUNK;

		if ((err = read_at(fd, room, n, end - (off_t)n)))
			break;
		if ((nl = memrchr(room, '\n', n))) {
			*start = end - (off_t)n + (nl + 1 - room);
			break;
		}
		end -= (off_t)n;
	}
	free(room);
	return err;
}

/* Takes an unfinished last line off. */
static gpg_error_t
trim(struct auditlog *l, off_t size)
{
	off_t whole;
	gpg_error_t err;

	if ((err = line_start(l->fd, size, &whole)))
		return err;
	if (whole < size) {
		if (ftruncate(l->fd, whole))
			return last_error();
		note(l, "an unfinished record of %jd bytes was taken off",
		    (intmax_t)(size - whole));
		l->unsynced = true;
	}
	l->size = whole;
	return 0;
}

/* The chain behind the last line; GPG_ERR_BAD_DATA if that is no record. */
static gpg_error_t
find_chain(struct auditlog *l, struct chain *c)
{
	uint8_t line[CHAIN_LINE_MAX];
	off_t start;
	gpg_error_t err;

	chain_init(c);
	if (l->size == 0)
		return 0;
	if ((err = line_start(l->fd, l->size - 1, &start)))
		return err;
	if (l->size - start > (off_t)sizeof(line))
		return gpg_error(GPG_ERR_BAD_DATA);
	if ((err = read_at(l->fd, line, (size_t)(l->size - start), start)))
		return err;
	return chain_resume(c, view_of(line, (size_t)(l->size - start)));
}

/* Opens the file as it is, and makes sure that it is ours alone to write. */
static gpg_error_t
open_file(struct auditlog *l)
{
	struct stat st;
	gpg_error_t err = 0;

	if ((err = paths_make(l->dir, true)))
		return err;
	l->fd = open(l->path, O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return last_error();
	if (flock(l->fd, LOCK_EX | LOCK_NB))
		err = errno == EWOULDBLOCK ? gpg_error(GPG_ERR_EBUSY) :
		    last_error();
	else if (fstat(l->fd, &st))
		err = last_error();
	else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 0077))
		err = gpg_error(GPG_ERR_EACCES);
	if (!err && !(err = trim(l, st.st_size))) {
		l->dev = st.st_dev;
		l->ino = st.st_ino;
		l->unnamed = l->unnamed || st.st_size == 0;
	}
	if (err)
		close_file(l);
	return err;
}

/* Keeps a log that cannot be gone on with, and begins another. */
static gpg_error_t
set_aside(struct auditlog *l)
{
	char *kept;
	uint64_t now = auditlog_now();
	gpg_error_t err = 0;

	if (asprintf(&kept, "%s/damaged-%" PRIu64 ".jsonl", l->dir, now) < 0)
		return gpg_error(GPG_ERR_ENOMEM);
	if (rename(l->path, kept))
		err = last_error();
	free(kept);
	if (err)
		return err;
	note(l, "the log before this one does not end in a record; it is "
	    "kept as damaged-%" PRIu64 ".jsonl", now);
	close_file(l);
	return open_file(l);
}

/* Says how the log that is there differs from the one that was written. */
static void
compare(struct auditlog *l, const struct chain *found)
{
	char hex[2 * CHAIN_HASH_LEN + 1] = "";

	if (!l->opened || (found->seq == l->good.seq &&
	    !memcmp(found->prev, l->good.prev, sizeof(found->prev))))
		return;
	for (size_t i = 0; i < CHAIN_HASH_LEN; i++)
		snprintf(hex + 2 * i, 3, "%02x", l->good.prev[i]);
	note(l, "the log was removed, replaced or changed since record %"
	    PRIu64 " with hash %s was written", l->good.seq - 1, hex);
}

/* Opens the file and takes up its chain. */
static gpg_error_t
take_up(struct auditlog *l)
{
	struct chain found;
	gpg_error_t err;

	if ((err = open_file(l)))
		return err;
	err = find_chain(l, &found);
	if (gpg_err_code(err) == GPG_ERR_BAD_DATA && !(err = set_aside(l)))
		err = find_chain(l, &found);
	if (err) {
		close_file(l);
		return err;
	}
	compare(l, &found);
	l->good = found;
	l->opened = true;
	return 0;
}

/* Whether the file at the path is the one that is open, as it was left. */
static bool
is_same(const struct auditlog *l)
{
	struct stat st;

	return l->fd >= 0 && !lstat(l->path, &st) && st.st_dev == l->dev &&
	    st.st_ino == l->ino && st.st_size == l->size;
}

gpg_error_t
auditlog_begin(struct auditlog *l)
{
	struct chain_record r;
	gpg_error_t err;

	if (!is_same(l)) {
		close_file(l);
		if ((err = take_up(l)))
			return err;
	}
	buf_reset(&l->batch);
	l->next = l->good;
	if (!l->note[0])
		return 0;
	chain_begin(&r, &l->batch, &l->next, auditlog_now(), "event");
	chain_put_text(&r, "kind", "log");
	chain_put_text(&r, "verdict", l->note);
	return chain_end(&r, &l->next);
}

bool
auditlog_full(const struct auditlog *l)
{
	return buf_len(&l->batch) > AUDITLOG_BATCH - CHAIN_LINE_MAX;
}

gpg_error_t
auditlog_write(struct auditlog *l)
{
	struct view v = buf_view(&l->batch);
	gpg_error_t err = 0;

	while (v.len > 0 && !err) {
		ssize_t n = write(l->fd, v.p, v.len);

		if (n < 0 && errno != EINTR)
			err = last_error();
		if (n > 0) {
			v.p += n;
			v.len -= (size_t)n;
		}
	}
	if (err) {
		/* Where this fails too, the next begin finds the rest. */
		if (ftruncate(l->fd, l->size))
			close_file(l);
		return err;
	}
	if (buf_len(&l->batch) > 0)
		l->unsynced = true;
	l->size += (off_t)buf_len(&l->batch);
	l->good = l->next;
	l->note[0] = 0;
	return 0;
}

/* The file's name has to last as well. */
static void
sync_folder(struct auditlog *l)
{
	int fd = open(l->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0) {
		l->unnamed = fsync(fd) && errno == EIO;
		close(fd);
	}
}

gpg_error_t
auditlog_sync(struct auditlog *l)
{
	gpg_error_t err;

	if (!l->unsynced)
		return 0;
	if (l->fd < 0)
		return gpg_error(GPG_ERR_EIO);
	if (fdatasync(l->fd)) {
		err = last_error();
		/* What the kernel kept of it is looked at before going on. */
		note(l, "the disk did not take the records up to %" PRIu64
		    ": %s", l->good.seq - 1, gpg_strerror(err));
		close_file(l);
		return err;
	}
	l->unsynced = false;
	if (l->unnamed)
		sync_folder(l);
	return 0;
}

static char *
problem_of(const struct auditlog *l, gpg_error_t err)
{
	const char *why = gpg_strerror(err);
	char clean[1024], raw[1024];

	if (gpg_err_code(err) == GPG_ERR_EBUSY)
		why = "another process writes it";
	else if (gpg_err_code(err) == GPG_ERR_EACCES)
		why = "it or its folder is not ours, or open to others";
	snprintf(raw, sizeof(raw), "%.700s: %s", l && l->path ? l->path :
	    "audit log", why);
	return strdup(text_clean(clean, sizeof(clean), view_str(raw)));
}

/* The log of one agent; GPG_ERR_EBUSY: another has it. */
static gpg_error_t
open_log(struct auditlog **out, const char *dir, unsigned n, char **problem)
{
	struct auditlog *l;
	gpg_error_t err;

	*out = NULL;
	*problem = NULL;
	if (!(l = calloc(1, sizeof(*l))))
		return gpg_error(GPG_ERR_ENOMEM);
	l->fd = -1;
	buf_init(&l->batch, AUDITLOG_BATCH);
	if (!(err = name_folder(l, dir, n)))
		err = auditlog_begin(l);
	/* On a full disk the note waits for the first record that fits. */
	if (!err)
		auditlog_write(l);
	if (err) {
		*problem = problem_of(l, err);
		auditlog_close(&l);
	}
	*out = l;
	return err;
}

gpg_error_t
auditlog_open(struct auditlog **out, const char *dir, bool private,
    char **problem)
{
	unsigned n = private;
	gpg_error_t err;

	while (gpg_err_code(err = open_log(out, dir, n, problem)) ==
	    GPG_ERR_EBUSY && private && n++ < PRIVATE_MAX) {
		free(*problem);
		*problem = NULL;
	}
	return err;
}

void
auditlog_close(struct auditlog **lp)
{
	struct auditlog *l = *lp;

	*lp = NULL;
	if (!l)
		return;
	close_file(l);
	buf_free(&l->batch);
	free(l->dir);
	free(l->path);
	free(l);
}
