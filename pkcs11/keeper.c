/* A thread that calls back when a time has come. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "keeper.h"

struct keeper {
	void (*fire)(void *);
	void *arg;
	int timer;
	pthread_mutex_t mu;	/* of the timer's setting */
	atomic_bool stop;	/* and then the timer stays as it is */
	pthread_t thread;
};

uint64_t
keeper_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 + 1;
}

static void
set_timer(struct keeper *k, uint64_t at_ms)
{
	struct itimerspec when = { .it_value = {
		.tv_sec = (time_t)(at_ms / 1000),
		.tv_nsec = (long)(at_ms % 1000 * 1000000),
	} };

	timerfd_settime(k->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void
keeper_set(struct keeper *k, uint64_t at_ms)
{
	pthread_mutex_lock(&k->mu);
	if (!atomic_load(&k->stop))
		set_timer(k, at_ms);
	pthread_mutex_unlock(&k->mu);
}

static void *
keep(void *arg)
{
	struct keeper *k = arg;
	uint64_t count;

	while (!atomic_load(&k->stop)) {
		if (read(k->timer, &count, sizeof(count)) < 0 &&
		    errno != EINTR && errno != EAGAIN)
			break;
		if (!atomic_load(&k->stop))
			k->fire(k->arg);
	}
	return NULL;
}

gpg_error_t
keeper_new(struct keeper **out, void (*fire)(void *), void *arg)
{
	struct keeper *k;
	gpg_error_t err;

	*out = NULL;
	if (!(k = calloc(1, sizeof(*k))))
		return gpg_error(GPG_ERR_ENOMEM);
	k->fire = fire;
	k->arg = arg;
	pthread_mutex_init(&k->mu, NULL);
	k->timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC);
	if (k->timer < 0) {
		err = gpg_error_from_syserror();
		free(k);
		return err;
	}
	if ((errno = pthread_create(&k->thread, NULL, keep, k))) {
		err = gpg_error_from_syserror();
		close(k->timer);
		free(k);
		return err;
	}
	*out = k;
	return 0;
}

void
keeper_free(struct keeper **k)
{
	if (!*k)
		return;
	pthread_mutex_lock(&(*k)->mu);
	atomic_store(&(*k)->stop, true);
	set_timer(*k, 1);
	pthread_mutex_unlock(&(*k)->mu);
	pthread_join((*k)->thread, NULL);
	pthread_mutex_destroy(&(*k)->mu);
	close((*k)->timer);
	free(*k);
	*k = NULL;
}
