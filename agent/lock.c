/* Locks the agent, and finds out whether a passphrase opens it again. */
#include <config.h>

#include <sys/eventfd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "audit.h"
#include "conn.h"
#include "lock.h"
#include "serve.h"

#define HASH_LEN 32
#define SALT_LEN 16
#define COST_N 16384		/* scrypt's: with r of 8, 16 MiB */
#define COST_R 8
#define COST_P 1
#define PASSPHRASE_MAX 1024
#define TRIES_WAITING 16	/* beside the one that is looked at */
#define DELAY_MS 100		/* after a wrong one; doubled by the next */
#define DELAY_MAX_MS 5000

/* A passphrase that a client sent. */
struct try {
	TAILQ_ENTRY(try) next;
	struct conn *conn;	/* NULL: the client is gone */
	bool locks;		/* else it unlocks */
	struct buf passphrase;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
	gpg_error_t err;
	int wake;
};

struct lock {
	struct agent *agent;
	bool locked;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
	unsigned wrong;		/* tries in a row */
	struct try *now;	/* that is hashed, or delayed */
	bool hashing;
	pthread_t thread;
	int wake;		/* eventfd: the hash is there */
	struct event *hashed;
	struct event delay;
	TAILQ_HEAD(, try) waiting;
	size_t waiting_count;
};

bool
agent_is_locked(const struct agent *a)
{
	return a->lock && a->lock->locked;
}

/* ---- the hash, in a thread of its own ---- */

static gpg_error_t
slow_hash(struct try *t)
{
	struct view v = buf_view(&t->passphrase);
	uint64_t n = COST_N;
	uint32_t r = COST_R, p = COST_P;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD,
		    (void *)(uintptr_t)v.p, v.len),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT,
		    t->salt, SALT_LEN),
		OSSL_PARAM_construct_uint64(OSSL_KDF_PARAM_SCRYPT_N, &n),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_R, &r),
		OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_SCRYPT_P, &p),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "SCRYPT", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	gpg_error_t err = 0;

	if (!ctx || EVP_KDF_derive(ctx, t->hash, HASH_LEN, params) != 1)
		err = gpg_error(GPG_ERR_ENOMEM);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return err;
}

static void *
run(void *arg)
{
	struct try *t = arg;

	t->err = slow_hash(t);
	eventfd_write(t->wake, 1);
	return NULL;
}

/* The loop's signals are not for the thread. */
static gpg_error_t
start_thread(struct lock *l)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&l->thread, NULL, run, l->now);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	l->hashing = rc == 0;
	return rc ? gpg_error_from_errno(rc) : 0;
}

/* ---- tries ---- */

static void
try_free(struct try **tp)
{
	struct try *t = *tp;

	*tp = NULL;
	if (!t)
		return;
	if (t->conn)
		t->conn->errand = NULL;
	buf_free(&t->passphrase);
	OPENSSL_cleanse(t->hash, sizeof(t->hash));
	free(t);
}

static void
note(struct conn *c, const char *kind, const char *why)
{
	struct audit_record rec = {
		.stage = why ? AUDIT_DENIED : AUDIT_EVENT,
		.kind = kind,
		.requester = conn_requester(c),
		.origin = reach_name(conn_reach(c)),
		.verdict = why,
	};

	if (!c->agent->audit)
		return;
	if (why)
		audit_deny(c->agent->audit, &rec);
	else
		audit_put(c->agent->audit, &rec, NULL, NULL);
}

/* The protocol has no text for a failure: the log has it. */
static void
answer(struct conn *c, const char *why)
{
	note(c, c->question == MSG_ssh_lock ? "lock" : "unlock", why);
	if (!why && c->question == MSG_ssh_lock) {
		/* Once the PINs are forgotten. */
		serve_forgotten(c);
		return;
	}
	frame_put_bare(&c->out, why ? SSH_AGENT_FAILURE : SSH_AGENT_SUCCESS);
	conn_answered(c);
}

static void next_try(struct lock *);

/* The try is over; why NULL: it did what it was to do. */
static void
end_try(struct lock *l, const char *why)
{
	struct conn *c = l->now->conn;

	try_free(&l->now);
	if (c)
		answer(c, why);
	next_try(l);
}

static void
shut(struct lock *l)
{
	struct agent *a = l->agent;
	struct conn *c;

	memcpy(l->salt, l->now->salt, SALT_LEN);
	memcpy(l->hash, l->now->hash, HASH_LEN);
	l->locked = true;
	l->wrong = 0;
	TAILQ_FOREACH(c, &a->conns, next)
		if (c->request)
			request_lock(c->request);
	card_errands_end(a, "the agent was locked meanwhile");
	forget_pins(a);
	agent_changed(a);
}

static void
open_up(struct lock *l)
{
	l->locked = false;
	l->wrong = 0;
	OPENSSL_cleanse(l->hash, sizeof(l->hash));
	agent_changed(l->agent);
}

static void
delay_answer(struct lock *l)
{
	unsigned doublings = l->wrong < 8 ? l->wrong : 8;
	uint32_t ms = (uint32_t)DELAY_MS << doublings;
	struct timeval tv;

	if (ms > DELAY_MAX_MS)
		ms = DELAY_MAX_MS;
	l->wrong++;
	tv = (struct timeval){ ms / 1000, (ms % 1000) * 1000 };
	event_add(&l->delay, &tv);
}

static void
on_delayed(int fd, short what, void *arg)
{
	end_try(arg, "the passphrase is wrong");
}

static void
on_hashed(int fd, short what, void *arg)
{
	struct lock *l = arg;

	pthread_join(l->thread, NULL);
	l->hashing = false;
	if (l->now->err) {
		end_try(l, "there is not enough memory");
	} else if (l->now->locks) {
		shut(l);
		end_try(l, NULL);
	} else if (CRYPTO_memcmp(l->hash, l->now->hash, HASH_LEN) == 0) {
		open_up(l);
		end_try(l, NULL);
	} else {
		delay_answer(l);
	}
}

/* The state is looked at when it is a try's turn: others may change it. */
static const char *
begin_try(struct lock *l)
{
	struct try *t = l->now;

	if (t->locks == l->locked)
		return l->locked ? "it is locked" : "it is not locked";
	if (t->locks && RAND_bytes(t->salt, SALT_LEN) != 1)
		return "there are no random numbers";
	if (!t->locks)
		memcpy(t->salt, l->salt, SALT_LEN);
	return start_thread(l) ? "there is no thread for it" : NULL;
}

static void
next_try(struct lock *l)
{
	const char *why;

	while (!l->now && (l->now = TAILQ_FIRST(&l->waiting))) {
		TAILQ_REMOVE(&l->waiting, l->now, next);
		l->waiting_count--;
		if (!l->now->conn)
			try_free(&l->now);
		else if ((why = begin_try(l)))
			end_try(l, why);
	}
}

static const char *
add_try(struct conn *c, struct view passphrase)
{
	struct lock *l = c->agent->lock;
	struct try *t;

	if (l->waiting_count >= TRIES_WAITING)
		return "too many tries wait for their turn";
	if (!(t = calloc(1, sizeof(*t))))
		return "there is not enough memory";
	buf_init(&t->passphrase, PASSPHRASE_MAX);
	if (buf_lock(&t->passphrase) ||
	    buf_put_view(&t->passphrase, passphrase)) {
		try_free(&t);
		return "no memory can be locked for the passphrase";
	}
	t->conn = c;
	t->locks = c->question == MSG_ssh_lock;
	t->wake = l->wake;
	c->errand = &t->conn;
	TAILQ_INSERT_TAIL(&l->waiting, t, next);
	l->waiting_count++;
	next_try(l);
	return NULL;
}

void
serve_ssh_lock(struct conn *c, struct view body)
{
	struct msg_ssh_lock in;		/* unlock has the same fields */
	const char *why;

	if (msg_decode(MSG_ssh_lock, body, &in))
		why = "the request is malformed";
	else if (!conn_may_manage(c))
		why = "only clients of this machine may lock and unlock";
	else
		why = add_try(c, in.passphrase);
	if (why)
		answer(c, why);
}

/* ---- the beginning and the end ---- */

gpg_error_t
lock_new(struct agent *a, struct lock **out)
{
	struct lock *l;

	if (!(*out = l = calloc(1, sizeof(*l))))
		return gpg_error(GPG_ERR_ENOMEM);
	l->agent = a;
	TAILQ_INIT(&l->waiting);
	evtimer_assign(&l->delay, a->base, on_delayed, l);
	if ((l->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		return gpg_error_from_syserror();
	/* Each write is an edge; the count itself is never read. */
	l->hashed = event_new(a->base, l->wake, EV_READ | EV_PERSIST | EV_ET,
	    on_hashed, l);
	if (!l->hashed || event_add(l->hashed, NULL))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

void
lock_free(struct lock **lp)
{
	struct lock *l = *lp;
	struct try *t;

	*lp = NULL;
	if (!l)
		return;
	if (l->hashing)
		pthread_join(l->thread, NULL);
	event_del(&l->delay);
	if (l->hashed)
		event_free(l->hashed);
	try_free(&l->now);
	while ((t = TAILQ_FIRST(&l->waiting))) {
		TAILQ_REMOVE(&l->waiting, t, next);
		try_free(&t);
	}
	if (l->wake >= 0)
		close(l->wake);
	OPENSSL_cleanse(l->hash, sizeof(l->hash));
	free(l);
}
