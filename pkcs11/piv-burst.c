/*
 * A burst of commands: the connection, the transaction and libykpiv's state
 * for it.  pcscd makes who connects wait for another program's transaction,
 * for as long as that takes, so a thread of its own does; and what it gets
 * too late it gives back.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "holder.h"
#include "piv.h"

#define BUSY_MS 1000		/* how long another program is waited for */
#define POLL_MS 50

/* ---- memory for libykpiv: locked, and wiped ---- */

struct piece {
	size_t size;		/* of all */
	_Alignas(max_align_t) uint8_t bytes[];
};

static void *
piece_alloc(void *arg, size_t n)
{
	struct piece *m;
	size_t size;

	if (n > 1024 * 1024)
		return NULL;
	size = sizeof(*m) + n;
	m = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return NULL;
	if (mlock(m, size)) {
		munmap(m, size);
		return NULL;
	}
	m->size = size;
	return m->bytes;
}

static void
piece_free(void *arg, void *p)
{
	struct piece *m;
	size_t size;

	if (!p)
		return;
	m = (struct piece *)(void *)((uint8_t *)p - offsetof(struct piece,
	    bytes));
	size = m->size;
	explicit_bzero(m, size);
	munmap(m, size);
}

static void *
piece_realloc(void *arg, void *p, size_t n)
{
	struct piece *m;
	void *bigger = piece_alloc(arg, n);
	size_t had;

	if (bigger && p) {
		m = (struct piece *)(void *)((uint8_t *)p -
		    offsetof(struct piece, bytes));
		had = m->size - sizeof(*m);
		memcpy(bigger, p, had < n ? had : n);
		piece_free(arg, p);
	}
	return bigger;
}

static bool
carrier_new(struct piv_burst *b)
{
	static const ykpiv_allocator locked = { piece_alloc, piece_realloc,
		piece_free, NULL };

	if (ykpiv_init_with_allocator(&b->yk, 0, &locked) != YKPIV_OK) {
		b->yk = NULL;
		return false;
	}
	if (ykpiv_connect_with_external_card(b->yk, (uintptr_t)b->context,
	    (uintptr_t)b->handle) == YKPIV_OK)
		return true;
	ykpiv_done_with_external_card(b->yk);
	b->yk = NULL;
	return false;
}

/* ---- connecting ---- */

/*
 * Wants a card, or only to know who it is; there is one of each for a reader
 * at most that nobody waits for.
 */
struct knock {
	struct knock *next;
	struct piv_door *door;
	char reader[MAX_READERNAME];
	piv_who *who;		/* asks; or NULL: the burst is wanted */
	struct piv_burst burst;
	uint32_t serial;
	gpg_error_t err;
	LONG rv;
	bool waited, reached, given_up, ended;
};

struct piv_door {
	pthread_mutex_t mu;
	pthread_cond_t ended;
	struct knock *knocks;
	struct piv *piv;	/* NULL: it is gone */
};

/* What another program's use of the card, or its end, looks like. */
static bool
is_busy(LONG rv)
{
	return rv == SCARD_E_SHARING_VIOLATION || rv == SCARD_W_RESET_CARD ||
	    rv == SCARD_E_READER_UNAVAILABLE || rv == SCARD_F_COMM_ERROR ||
	    rv == SCARD_W_UNPOWERED_CARD;
}

static void
nap(void)
{
	nanosleep(&(struct timespec){ 0, POLL_MS * 1000000L }, NULL);
}

static LONG
connect_once(struct piv_burst *b, const char *reader)
{
	DWORD protocol;
	LONG rv;

	rv = SCardConnect(b->context, reader, SCARD_SHARE_SHARED,
	    SCARD_PROTOCOL_T1, &b->handle, &protocol);
	if (rv != SCARD_S_SUCCESS)
		return rv;
	rv = SCardBeginTransaction(b->handle);
	if (rv == SCARD_W_RESET_CARD &&
	    SCardReconnect(b->handle, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1,
	    SCARD_LEAVE_CARD, &protocol) == SCARD_S_SUCCESS)
		rv = SCardBeginTransaction(b->handle);
	if (rv != SCARD_S_SUCCESS)
		SCardDisconnect(b->handle, SCARD_LEAVE_CARD);
	return rv;
}

static LONG
connect_card(struct piv_burst *b, const char *reader)
{
	uint64_t end = keeper_now() + BUSY_MS;
	LONG rv;

	memset(b, 0, sizeof(*b));
	rv = SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL,
	    &b->context);
	if (rv != SCARD_S_SUCCESS)
		return rv;
	while (is_busy(rv = connect_once(b, reader)) && keeper_now() < end)
		nap();
	if (rv == SCARD_S_SUCCESS && !carrier_new(b)) {
		SCardDisconnect(b->handle, SCARD_LEAVE_CARD);
		rv = SCARD_E_NO_MEMORY;
	}
	if (rv != SCARD_S_SUCCESS) {
		SCardReleaseContext(b->context);
		memset(b, 0, sizeof(*b));
	}
	return rv;
}

/* With door->mu held. */
static void
take_off(struct knock *k)
{
	struct knock **at = &k->door->knocks;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
}

/* It lets go before it says so. */
static void
ask_who(struct knock *k, struct piv_burst *burst)
{
	pthread_mutex_lock(&k->door->mu);
	k->reached = true;
	pthread_mutex_unlock(&k->door->mu);
	k->err = k->who(burst, &k->serial);
	piv_burst_end(burst);
}

/* What could not be asked in time is gone: the next card is looked for. */
static void
tell_late(struct knock *k)
{
	struct piv *p = k->door->piv;

	if (p && k->reached && k->err && p->ear.say)
		p->ear.say(p->ear.arg, EVENT_CHANGED, 0);
}

static void *
knock(void *arg)
{
	struct knock *k = arg;
	struct piv_door *door = k->door;
	struct piv_burst burst;
	LONG rv = connect_card(&burst, k->reader);
	bool waited;

	if (k->who && rv == SCARD_S_SUCCESS)
		ask_who(k, &burst);
	pthread_mutex_lock(&door->mu);
	waited = k->waited;
	k->burst = burst;
	k->rv = rv;
	k->ended = true;
	if (!waited) {
		take_off(k);
		tell_late(k);
	}
	pthread_cond_broadcast(&door->ended);
	pthread_mutex_unlock(&door->mu);
	if (!waited) {
		piv_burst_end(&burst);
		free(k);
	}
	return NULL;
}

static struct knock *
knock_new(struct piv_door *door, const char *reader, piv_who *who)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct knock *k;
	int rc;

	if (!(k = calloc(1, sizeof(*k))))
		return NULL;
	k->door = door;
	k->who = who;
	strcpy(k->reader, reader);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = pthread_create(&thread, &attr, knock, k);
	pthread_attr_destroy(&attr);
	if (rc) {
		free(k);
		return NULL;
	}
	k->next = door->knocks;
	door->knocks = k;
	return k;
}

/* The one that still waits since the last time, or a new one. */
static struct knock *
knock_get(struct piv_door *door, const char *reader, piv_who *who)
{
	struct knock *k = door->knocks;

	while (k && (k->waited || k->who != who || strcmp(k->reader, reader)))
		k = k->next;
	return k ? k : knock_new(door, reader, who);
}

/* With door->mu held. */
static void
wait_for(struct knock *k, time_t seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += seconds;
	k->waited = true;
	while (!k->ended && !pthread_cond_timedwait(&k->door->ended,
	    &k->door->mu, &until))
		;
	k->waited = false;
}

/* A card that was given up once is not waited for again. */
static LONG
knock_at(struct piv *p, const char *reader, piv_who *who, struct knock *out)
{
	struct piv_door *door = p->door;
	LONG rv = SCARD_E_NO_MEMORY;
	struct knock *k;

	pthread_mutex_lock(&door->mu);
	if ((k = knock_get(door, reader, who))) {
		if (!k->reached)
			wait_for(k, 1 + BUSY_MS / 1000);
		if (k->reached && !k->ended && !k->given_up)
			wait_for(k, PIV_MUTE_MS / 1000);
		k->given_up = k->reached;
		rv = k->reached ? SCARD_E_TIMEOUT : SCARD_E_SHARING_VIOLATION;
	}
	if (k && k->ended) {
		take_off(k);
		*out = *k;
		rv = k->rv;
		free(k);
	}
	pthread_mutex_unlock(&door->mu);
	return rv;
}

LONG
piv_burst_begin(struct piv *p, struct piv_burst *b, const char *reader)
{
	struct knock k = { .rv = 0 };
	LONG rv = knock_at(p, reader, NULL, &k);

	*b = k.burst;
	return rv;
}

LONG
piv_burst_ask(struct piv *p, const char *reader, piv_who *who,
    uint32_t *serial, gpg_error_t *err)
{
	struct knock k = { .rv = 0 };
	LONG rv = knock_at(p, reader, who, &k);

	*serial = k.serial;
	*err = k.err;
	return rv;
}

/* The reset comes before anybody else can get at the card. */
void
piv_burst_end(struct piv_burst *b)
{
	if (!b->yk)
		return;
	ykpiv_done_with_external_card(b->yk);
	SCardEndTransaction(b->handle, b->dirty ? SCARD_RESET_CARD :
	    SCARD_LEAVE_CARD);
	SCardDisconnect(b->handle, SCARD_LEAVE_CARD);
	SCardReleaseContext(b->context);
	memset(b, 0, sizeof(*b));
}

bool
piv_burst_is_good(struct piv_burst *b)
{
	char name[MAX_READERNAME];
	unsigned char atr[MAX_ATR_SIZE];
	DWORD name_len = sizeof(name), atr_len = sizeof(atr);
	DWORD state = 0, protocol = 0;

	return SCardStatus(b->handle, name, &name_len, &state, &protocol, atr,
	    &atr_len) == SCARD_S_SUCCESS && (state & SCARD_PRESENT);
}

/* ---- the door, and who is behind it ---- */

gpg_error_t
piv_door_new(struct piv *p)
{
	pthread_condattr_t attr;

	if (!(p->door = calloc(1, sizeof(*p->door))))
		return gpg_error(GPG_ERR_ENOMEM);
	p->door->piv = p;
	pthread_mutex_init(&p->door->mu, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->door->ended, &attr);
	pthread_condattr_destroy(&attr);
	return 0;
}

/* Who still knocks needs it until the process ends. */
void
piv_door_free(struct piv *p)
{
	bool idle;

	if (!p->door)
		return;
	pthread_mutex_lock(&p->door->mu);
	idle = !p->door->knocks;
	p->door->piv = NULL;
	pthread_mutex_unlock(&p->door->mu);
	if (!idle)
		return;
	pthread_mutex_destroy(&p->door->mu);
	pthread_cond_destroy(&p->door->ended);
	free(p->door);
	p->door = NULL;
}

gpg_error_t
piv_burst_problem(struct problem *pb, LONG rv, const char *what)
{
	if (rv == SCARD_E_NO_MEMORY)
		return piv_no_memory(pb);
	if (!is_busy(rv))
		return piv_pcsc_problem(pb, rv);
	return problem_say(pb, GPG_ERR_LOCKED,
	    "another program keeps %s to itself%s", what,
	    holders_find().text);
}
