/*
 * Any PKCS#11 module, by p11-kit: what the p11-*.c files share.
 *
 * A slot here is a token, not a hole to put one in: it is known by its label,
 * serial number, manufacturer and model, gets its number when it is first
 * seen and keeps it, whatever the module numbers it.  Slots and keys are only
 * ever added, so that a number never comes to name something else.
 *
 * Locks, outermost first, and what they are held across:
 *	slot->lock	calls of the module.  Shared: use sessions.  Alone:
 *			change who is logged in or which sessions there are.
 *	p11->mu		adding slots
 *	slot->mu	the PIN, the keys, what is known of the token; never
 *			across a call of the module, so that a PIN can be
 *			wiped while the module hangs.
 */
#ifndef PKCS11_P11_H
#define PKCS11_P11_H

#include <pthread.h>
#include <stdatomic.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "keeper.h"
#include "pin.h"
#include "token.h"

#define P11_SLOTS_MAX 64	/* in the life of the process */
#define P11_KEYS_MAX 256	/* on one token, likewise */
#define P11_OBJECTS_MAX 512	/* of one class, looked at on one token */
#define P11_ID_MAX 256
#define P11_LABEL_MAX 256
#define P11_CERT_MAX (16 * 1024)
#define P11_CONTROL TOKEN_WORKERS_MAX	/* the session that logs in */
#define P11_NO_SESSION ((CK_SESSION_HANDLE)0)
#define P11_NO_OBJECT ((CK_OBJECT_HANDLE)0)

/* ---- what is public of a key (p11-public.c, p11-der.c) ---- */

struct p11_public {
	uint8_t algorithm;	/* enum key_algorithm */
	uint16_t len;
	uint16_t exponent_len;
	uint8_t bytes[512];	/* as in token_key.public */
	uint8_t exponent[8];
};

/* A key or certificate as it was found. */
struct p11_found {
	struct p11_public public;
	size_t id_len, label_len;
	uint8_t id[P11_ID_MAX];		/* CKA_ID */
	uint8_t label[P11_LABEL_MAX];	/* CKA_LABEL, as it is */
	uint32_t created;		/* seconds; 0: unknown */
	CK_OBJECT_HANDLE private;	/* or P11_NO_OBJECT */
	bool always_auth;
};

bool p11_public_eq(const struct p11_public *, const struct p11_public *);

/* PKCS#11 key type that the private half has. */
bool p11_public_is_rsa(const struct p11_public *);

/*
 * Checks and normalizes; GPG_ERR_PUBKEY_ALGO for keys we do not use,
 * GPG_ERR_BAD_PUBKEY for what is no key.
 */
gpg_error_t p11_public_rsa(struct p11_public *, struct view modulus,
    struct view exponent);
gpg_error_t p11_public_ec(struct p11_public *, struct view params,
    struct view point);

/*
 * A certificate's key and the seconds of its notBefore.  Bounded by the view;
 * signatures and all else in it are not looked at: this only says which
 * public key belongs to a private one, and each signature is checked.
 */
gpg_error_t p11_certificate(struct view der, struct p11_public *,
    uint32_t *not_before);

/* ---- the module, tokens, sessions (p11-open.c, p11-slot.c) ---- */

struct p11_key {
	uint32_t number;
	struct p11_found found;		/* under slot->mu */
	bool here;			/* seen when its token last was */
};

struct p11_name {			/* blanks cut, NUL-terminated */
	char label[33], manufacturer[33], model[17], serial[17];
};

struct p11_slot {
	uint32_t number;
	struct p11_name name;		/* never changes */
	bool empty;			/* likewise: not initialized */

	pthread_rwlock_t lock;
	CK_SLOT_ID id;
	CK_SESSION_HANDLE sessions[TOKEN_WORKERS_MAX + 1];
	atomic_bool logged_in;		/* changes with the lock held alone */
	unsigned epoch;			/* counts logins, losses, returns */

	pthread_mutex_t mu;
	bool present;
	CK_TOKEN_INFO info;		/* as last seen */
	struct p11_key *keys[P11_KEYS_MAX];
	unsigned key_count;
	struct pin *pin;		/* empty when none is held */
	uint64_t pin_until;		/* keeper's clock; 0: none is held */
	bool leave;			/* log out before anything else */
	bool asking;			/* a person is */
	bool refused;			/* the PIN in pin_source was */
	struct pin_stamp refused_stamp;
};

struct p11 {
	CK_FUNCTION_LIST *f;
	char *pin_source;		/* or NULL */
	unsigned workers;
	uint32_t pin_ttl_ms;
	struct keeper *keeper;
	pthread_mutex_t mu;
	struct p11_slot *slots[P11_SLOTS_MAX];
	atomic_uint slot_count;
	bool preparing;			/* under mu */
};

struct p11_slot *p11_slot_get(struct p11 *, uint32_t number);
void p11_slot_free(struct p11 *, struct p11_slot *);

/* "the token "LABEL"", clean; for texts. */
struct p11_title {
	char text[96];
};
struct p11_title p11_slot_title(const struct p11_slot *);

/* Looks which tokens are there; forgets the PINs of those that left. */
gpg_error_t p11_slots_refresh(struct p11 *, struct problem *);

/* Finds or adds the token; NULL when there are too many. */
struct p11_slot *p11_slot_note(struct p11 *, CK_SLOT_ID,
    const CK_TOKEN_INFO *);

/* At most `max` ids of slots with a token. */
CK_RV p11_slot_ids(struct p11 *, CK_SLOT_ID *ids, size_t max, size_t *count);

/* The worker's session, made if need be; with slot->lock held. */
CK_RV p11_session(struct p11 *, struct p11_slot *, unsigned worker,
    CK_SESSION_HANDLE *);
/* Gives it up, with whatever operation it was in. */
void p11_session_drop(struct p11 *, struct p11_slot *, unsigned worker);

/*
 * After an error that says that sessions or the token are gone: finds the
 * same token again, with new sessions and nobody logged in.  Does nothing if
 * the epoch is not the one the error was seen in: another thread was first.
 * GPG_ERR_CARD_NOT_PRESENT if it is not there; its PIN is wiped then.
 */
gpg_error_t p11_slot_reopen(struct p11 *, struct p11_slot *, unsigned epoch,
    struct problem *);

/*
 * Asks the token anew and notes what it says.  GPG_ERR_CARD_NOT_PRESENT, and
 * its PIN is wiped, if it is gone or another one is there now.  With
 * slot->lock held.
 */
gpg_error_t p11_slot_look(struct p11 *, struct p11_slot *, CK_TOKEN_INFO *,
    struct problem *);

/* ---- login (p11-login.c, p11-ask.c) ---- */

/*
 * What may be known of a login, besides logged_in:
 *	pin_until is 0		nobody was asked: the login, if there is one,
 *				came from pin_source
 *	pin_until is not 0	a person was asked: the login ends then, and
 *				until then `pin` is held (empty with a PIN pad)
 *	leave			it is over, the PIN is wiped; the log-out waits
 *				for the signatures that run
 */

/* Whether the token wants a PIN, and whether nobody need be asked for it. */
bool p11_login_wanted(struct p11_slot *);
bool p11_login_held(struct p11 *, struct p11_slot *);

/*
 * Logs in with what is held or in pin_source, unless the epoch has passed.
 * GPG_ERR_PIN_NOT_SYNCED if a person must be asked.
 */
gpg_error_t p11_login_again(struct p11 *, struct p11_slot *, unsigned epoch,
    struct problem *);

/*
 * A copy of the PIN that is held or in pin_source, after a look at the token:
 * whether it is this one, not locked, and not at its last try.  Empty where
 * the token has a PIN pad.  `stamp` goes to p11_login_refused().  With
 * slot->lock held.
 */
gpg_error_t p11_login_pin(struct p11 *, struct p11_slot *, struct pin *,
    struct pin_stamp *, struct problem *);

/* The token refused a PIN of p11_login_pin(): it is never sent again. */
gpg_error_t p11_login_refused(struct p11 *, struct p11_slot *,
    const struct pin_stamp *, CK_RV, struct problem *);

/*
 * One C_Login of the user with this PIN; an empty one means the PIN pad.
 * With slot->lock held alone.
 */
CK_RV p11_login_try(struct p11 *, struct p11_slot *, struct pin *);

/* Holds a PIN that was good until its time is over; likewise. */
void p11_login_hold(struct p11 *, struct p11_slot *, const struct pin *);

/* Before and after a signature: logs out if the PIN's time is over. */
void p11_login_settle(struct p11 *, struct p11_slot *);
void p11_login_used(struct p11 *, struct p11_slot *);

/* Wipes the PIN at once, and logs out after the signatures that run. */
void p11_login_leave(struct p11 *, struct p11_slot *);

/* Wipes the PIN at once. */
void p11_pin_drop(struct p11_slot *);

/* The PIN of pin_source; `stamp` as pin_read() has it. */
gpg_error_t p11_pin_source(struct p11 *, struct pin *, struct pin_stamp *,
    struct problem *);

/* Lengths of a PIN as the token tells them, brought into reason. */
void p11_pin_lengths(const CK_TOKEN_INFO *, uint32_t *min, uint32_t *max);

/* The keeper's call. */
void p11_login_expire(void *p11);

gpg_error_t p11_login(void *state, uint32_t slot, enum token_secret, int fd,
    struct problem *);
gpg_error_t p11_forget(void *state, uint32_t slot, struct problem *);
void p11_wipe(void *state);

/*
 * Speaks on the PIN socket; a fd of -1 hears nothing of it.  `problem` may be
 * NULL.
 */
gpg_error_t p11_say(int fd, enum pin_verdict, const CK_TOKEN_INFO *,
    const char *problem);

/* ---- keys (p11-object.c, p11-keys.c, p11-list.c) ---- */

/*
 * One attribute, into at most max bytes; CKR_ATTRIBUTE_TYPE_INVALID also for
 * lengths that are absurd or, for numbers and truth values, wrong.
 */
CK_RV p11_attr(struct p11 *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,
    CK_ATTRIBUTE_TYPE, void *, size_t max, size_t *len);
CK_RV p11_attr_ulong(struct p11 *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,
    CK_ATTRIBUTE_TYPE, CK_ULONG *);
CK_RV p11_attr_bool(struct p11 *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,
    CK_ATTRIBUTE_TYPE, bool *);

/* At most max handles of objects that match. */
CK_RV p11_find(struct p11 *, CK_SESSION_HANDLE, CK_ATTRIBUTE *, CK_ULONG,
    CK_OBJECT_HANDLE *, size_t max, size_t *count);

/* Whether an error concerns one object and the next may be looked at. */
bool p11_rv_is_local(CK_RV);

/*
 * Finds the private half; CKR_OK with P11_NO_OBJECT when it is not there or
 * not shown.
 */
CK_RV p11_find_private(struct p11 *, CK_SESSION_HANDLE,
    const struct p11_found *, CK_OBJECT_HANDLE *, bool *always_auth);

/*
 * The public half, from the attributes of a public key, or of a private one
 * that tells them.  *ok is whether it is a key that we use.
 */
CK_RV p11_read_public(struct p11 *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,
    struct p11_public *, bool *ok);
/* A certificate that may be that of a key; likewise. */
CK_RV p11_read_certificate(struct p11 *, CK_SESSION_HANDLE, CK_OBJECT_HANDLE,
    struct p11_found *, bool *ok);
/* The note of when a key was made; P11_NO_OBJECT if there is none. */
CK_RV p11_find_note(struct p11 *, CK_SESSION_HANDLE, const struct p11_found *,
    CK_OBJECT_HANDLE *);

/* Looks at the token's keys anew. */
gpg_error_t p11_keys_refresh(struct p11 *, struct p11_slot *, unsigned worker,
    struct problem *);

/* Puts the keys that are here; those with this CKA_ID, if it is not empty. */
void p11_keys_put(struct p11_slot *, struct view id, struct buf *,
    struct msg_list *);

gpg_error_t p11_list(void *state, unsigned worker, bool anew,
    struct buf *slot_buf, struct msg_list *slots, struct buf *key_buf,
    struct msg_list *keys, struct problem *);

/* ---- signatures (p11-sign.c) ---- */

gpg_error_t p11_sign(void *state, unsigned worker,
    const struct token_signing *, uint8_t *signature, size_t *len,
    struct problem *);

/* ---- keys made and removed, tokens (p11-make.c, -remove, -prepare) ---- */

gpg_error_t p11_make(void *state, unsigned worker,
    const struct msg_token_make *, struct buf *key_buf, struct msg_list *keys,
    struct problem *);
gpg_error_t p11_prepare(void *state, const struct msg_token_prepare *, int fd,
    struct problem *);

gpg_error_t p11_remove(void *state, unsigned worker, uint32_t key,
    struct problem *);

/* ---- errors (p11-error.c) ---- */

/* What an answer of the module asks for. */
enum p11_cure {
	CURE_NONE,	/* it is an error */
	CURE_REOPEN,	/* sessions or the token went away */
	CURE_FIND,	/* the object's handle is no longer good */
	CURE_LOGIN,
};
enum p11_cure p11_cure(CK_RV);

/* Whether it means that the PIN was not the right one. */
bool p11_rv_is_wrong_pin(CK_RV);

/* As a gpg error, with a text that says what to do; `what` was attempted. */
gpg_error_t p11_problem(struct problem *, const struct p11_slot *, CK_RV,
    const char *what);

#endif
