/* Reads files in a thread, so that a disk that hangs holds nobody up. */
#include <config.h>

#include <sys/stat.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "reader.h"

#define PIECE 16384

/* A file, as it was when it was read. */
struct file {
	char *path;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct buf fresh;	/* the thread's, while it is busy */
	bool changed;
	struct buf text;	/* the owner's */
};

struct reader {
	struct file files[READER_FILES];
	pthread_t thread;
	bool started;

	pthread_mutex_t lock;	/* of what follows */
	pthread_cond_t asked, answered;
	bool busy, stop;
	bool orphaned;		/* the thread frees it */
};

static void
clear(struct reader *r)
{
	for (size_t i = 0; i < READER_FILES; i++) {
		free(r->files[i].path);
		buf_free(&r->files[i].fresh);
		buf_free(&r->files[i].text);
	}
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->asked);
	pthread_cond_destroy(&r->answered);
	free(r);
}

/* ---- the thread ---- */

static bool
is_as_read(const struct file *f, const struct stat *st)
{
	return f->dev == st->st_dev && f->ino == st->st_ino &&
	    f->size == st->st_size &&
	    f->mtime.tv_sec == st->st_mtim.tv_sec &&
	    f->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static void
read_whole(struct file *f, int fd)
{
	struct stat st;
	uint8_t *to;
	ssize_t n = 1;

	/* Once more: it may have become something else meanwhile. */
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size > READER_SIZE_MAX)
		return;
	while (n > 0 && !buf_reserve(&f->fresh, PIECE, &to))
		if ((n = read(fd, to, PIECE)) > 0)
			buf_filled(&f->fresh, (size_t)n);
	if (n != 0) {
		buf_reset(&f->fresh);
		return;
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->size = st.st_size;
	f->mtime = st.st_mtim;
}

static void
look_at(struct file *f)
{
	struct stat st;
	bool is_file = !stat(f->path, &st) && S_ISREG(st.st_mode);
	int fd = -1;

	if (is_file && is_as_read(f, &st))
		return;
	buf_free(&f->fresh);
	f->changed = true;
	f->ino = 0;
	if (is_file)
		fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK |
		    O_NOCTTY);
	if (fd >= 0) {
		read_whole(f, fd);
		close(fd);
	}
}

static void *
run(void *arg)
{
	struct reader *r = arg;
	bool orphaned;

	pthread_mutex_lock(&r->lock);
	while (!r->stop) {
		if (!r->busy) {
			pthread_cond_wait(&r->asked, &r->lock);
			continue;
		}
		pthread_mutex_unlock(&r->lock);
		for (size_t i = 0; i < READER_FILES; i++)
			look_at(&r->files[i]);
		pthread_mutex_lock(&r->lock);
		r->busy = false;
		pthread_cond_signal(&r->answered);
	}
	orphaned = r->orphaned;
	pthread_mutex_unlock(&r->lock);
	if (orphaned)
		clear(r);
	return NULL;
}

/* ---- its owner ---- */

/* The loop's signals are not for the thread. */
static bool
start(struct reader *r)
{
	sigset_t all, old;

	if (r->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r->started = !pthread_create(&r->thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return r->started;
}

static struct timespec
in_ms(unsigned ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_nsec -= 1000000000L;
		at.tv_sec++;
	}
	return at;
}

static void
take(struct file *f)
{
	struct buf old = f->text;

	if (!f->changed)
		return;
	f->text = f->fresh;
	f->fresh = old;
	f->changed = false;
}

void
reader_look(struct reader *r, unsigned ms)
{
	struct timespec end = in_ms(ms);

	if (!start(r))
		return;
	pthread_mutex_lock(&r->lock);
	if (!r->busy) {
		r->busy = true;
		pthread_cond_signal(&r->asked);
		while (r->busy && pthread_cond_timedwait(&r->answered,
		    &r->lock, &end) != ETIMEDOUT)
			;
	}
	for (size_t i = 0; !r->busy && i < READER_FILES; i++)
		take(&r->files[i]);
	pthread_mutex_unlock(&r->lock);
}

struct view
reader_text(const struct reader *r, unsigned file)
{
	return buf_view(&r->files[file].text);
}

struct reader *
reader_new(const char *const paths[READER_FILES])
{
	struct reader *r = calloc(1, sizeof(*r));
	pthread_condattr_t attr;
	bool ok = true;

	if (!r)
		return NULL;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->asked, NULL);
	pthread_cond_init(&r->answered, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < READER_FILES; i++) {
		struct file *f = &r->files[i];

		buf_init(&f->fresh, READER_SIZE_MAX + PIECE);
		buf_init(&f->text, READER_SIZE_MAX + PIECE);
		ok = (f->path = strdup(paths[i])) && ok;
	}
	if (!ok)
		reader_free(&r);
	return r;
}

void
reader_free(struct reader **rp)
{
	struct reader *r = *rp;
	bool orphaned;

	*rp = NULL;
	if (!r)
		return;
	if (!r->started) {
		clear(r);
		return;
	}
	/* A disk that hangs is not waited for. */
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	orphaned = r->orphaned = r->busy;
	if (orphaned)
		pthread_detach(r->thread);
	pthread_cond_signal(&r->asked);
	pthread_mutex_unlock(&r->lock);
	if (!orphaned) {
		pthread_join(r->thread, NULL);
		clear(r);
	}
}
