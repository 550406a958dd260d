/*
 * YubiKeys, by libykpiv and PC/SC: what the piv-*.c files share.
 *
 * A slot of the protocol is a card, known by its serial number, whichever
 * reader it is in; a key is a public key in one of the card's PIV slots.
 * Cards and keys are only ever added, so that a number never comes to name
 * something else.
 *
 * libykpiv only carries commands (ykpiv_transfer_data): it would replay a PIN
 * by itself.  A burst of commands has a PC/SC context, a connection and a
 * transaction of its own; it ends within two seconds after the last use by
 * letting go of the card, which is reset if a PIN was sent meanwhile, so that
 * a verified PIN always implies a held transaction.
 *
 * Locks, outermost first, and what they are held across:
 *	piv->scan	looking which card is in which reader
 *	card->lock	commands to the card, and the burst
 *	card->mu	what is known of the card; never across a command, so
 *			that a PIN can be wiped while the card waits for a touch
 */
#ifndef PKCS11_PIV_H
#define PKCS11_PIV_H

#include <pthread.h>
#include <stdatomic.h>
#include <winscard.h>
#include <ykpiv.h>

#include "format/pubkey.h"
#include "keeper.h"
#include "pin.h"
#include "token.h"
#include "wire/buf.h"

#define PIV_CARDS_MAX 64	/* in the life of the process */
#define PIV_KEYS_MAX 256	/* on one card, likewise */
#define PIV_SLOTS 24		/* 9a 9c 9d 9e 82-95 */
#define PIV_READERS_MAX 16
#define PIV_HOLD_MS 1500	/* how long a card is kept after its last use */
#define PIV_ALONE_MS 10000	/* no other program is thought of so soon,
				   unless it is seen */
#define PIV_HUNG_MS 20000	/* without an answer; a touch may take 15 s */
#define PIV_MUTE_MS 4000	/* the same, of who has yet to say what it is */
#define PIV_REPLY_MAX 4096	/* bytes of one answer, all parts */
#define PIV_PIN_LEN 8
#define PIV_MGM_MAX 32
#define PIV_MGM_3DES 3

/* Status words that are acted upon. */
enum piv_sw {
	SW_OK = 0x9000,
	SW_SECURITY = 0x6982,	/* a PIN, the management key, or a touch */
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_DATA = 0x6a80,
	SW_NO_FILE = 0x6a82,
	SW_NO_KEY = 0x6a88,
	SW_INS = 0x6d00,	/* the firmware has no such command */
};

/* 63Cx: x tries are left. */
static inline bool
piv_sw_is_tries(int sw)
{
	return (sw & 0xfff0) == 0x63c0;
}

struct piv_key {
	uint32_t number;	/* token_key.key */
	uint8_t slot;
	uint8_t pin_policy, touch_policy, origin;	/* 0: not known */
	struct pubkey *pub;	/* never changes */
	uint32_t created;	/* of its certificate; 0: it has none */
	uint32_t expires;
	char name[64];		/* the certificate's common name, or "" */
	bool here;
	bool made;		/* by this process */
};

/* A command burst: from connecting to letting go. */
struct piv_burst {
	SCARDCONTEXT context;
	SCARDHANDLE handle;
	ykpiv_state *yk;	/* NULL: the card is not held */
	bool verified;		/* the PIN was */
	bool fresh;		/* and no key was used since */
	bool managed;		/* the management key was */
	bool dirty;		/* a secret was sent, whatever came back */
};

struct piv_card {
	uint32_t number;	/* token_slot.slot */
	uint32_t serial;	/* both never change */

	pthread_mutex_t lock;
	struct piv_burst burst;
	atomic_ullong asked_ms;	/* since when it owes an answer; 0: it does not */
	atomic_bool shared;	/* somebody else may have used it since */

	pthread_mutex_t mu;
	bool present, known;	/* known: its keys were read */
	bool asking;		/* a person is */
	bool doubled;		/* another says that it is this one */
	char reader[MAX_READERNAME];
	uint32_t events;	/* the reader's counter when it was seen */
	uint64_t let_go_ms;	/* when a burst is to end; 0: there is none */
	uint64_t used_ms;	/* when the last one ended */
	uint8_t firmware[3];	/* 0.0.0: not known */
	bool blind;		/* it has no metadata: firmware before 5.3 */
	uint32_t tries;		/* or PIN_TRIES_UNKNOWN */
	uint32_t flags;		/* TOKEN_DEFAULT_…, _PROTECTED_MGM, … */
	uint8_t mgm_algorithm;
	bool mgm_noted;		/* the card notes who keeps the key */
	struct piv_key *keys[PIV_KEYS_MAX];
	unsigned key_count;
	struct pin *pin, *mgm;	/* empty when none is held */
	uint64_t pin_until, mgm_until;	/* keeper's clock */
	bool once;		/* the PIN is for one signature only */
};

/* What was found in a reader that is no card of ours. */
struct piv_other {
	char reader[MAX_READERNAME];
	uint32_t events;
	uint32_t claims;	/* the serial number of a card that is in
				   another; 0: none */
};

struct piv {
	char *reader;		/* part of a name, or NULL */
	uint32_t pin_ttl_ms;
	struct keeper *keeper;	/* wipes PINs; never waits for a card */
	struct keeper *parter;	/* lets go of cards */
	SCARDCONTEXT look;	/* the parter's; 0: none */
	struct piv_watch *watch;
	struct piv_door *door;	/* what waits for cards */
	pthread_mutex_t scan;
	struct piv_other others[PIV_READERS_MAX];
	unsigned other_count;
	struct piv_card *cards[PIV_CARDS_MAX];
	atomic_uint card_count;
	struct token_ear ear;	/* set before there are events */
};

/* ---- commands and TLVs (piv-apdu.c) ---- */

/*
 * One command, chained if need be; the answer, of at most PIV_REPLY_MAX
 * bytes, in `reply` (or NULL).  Errors are those of the connection only; what
 * the card answers is *sw.
 */
struct piv_command {
	uint8_t ins, p1, p2;
	struct view data;
};
gpg_error_t piv_send(struct piv_card *, const struct piv_command *,
    struct buf *reply, int *sw);

/* Takes a TLV with this tag (of one or two bytes) off the front. */
gpg_error_t tlv_get(struct view *, unsigned tag, struct view *value);
/* The first with this tag among several. */
gpg_error_t tlv_find(struct view, unsigned tag, struct view *value);
gpg_error_t tlv_put(struct buf *, unsigned tag, struct view value);

/* GET DATA and PUT DATA without the outer 53; GPG_ERR_NOT_FOUND. */
gpg_error_t piv_object_get(struct piv_card *, uint32_t id, struct buf *,
    struct view *value, struct problem *);
gpg_error_t piv_object_put(struct piv_card *, uint32_t id, struct view value,
    int *sw, struct problem *);

/* An answer that is no success, as an error with a text. */
gpg_error_t piv_problem(struct problem *, const struct piv_card *, int sw,
    const char *what);

/* ---- bursts (piv-burst.c) ---- */

/*
 * Connects and begins a transaction; SCARD_E_SHARING_VIOLATION after about a
 * second in which another program had the card.
 */
LONG piv_burst_begin(struct piv *, struct piv_burst *, const char *reader);

/*
 * Has it asked who it is, and lets go.  SCARD_E_TIMEOUT where it does not
 * answer: it is not asked again until it is gone, which the ear is told.
 */
typedef gpg_error_t piv_who(struct piv_burst *, uint32_t *serial);
LONG piv_burst_ask(struct piv *, const char *reader, piv_who *,
    uint32_t *serial, gpg_error_t *);

/* A card that something was proved to is reset before others can have it. */
void piv_burst_end(struct piv_burst *);

/* Whether nobody reset the card and it is still there. */
bool piv_burst_is_good(struct piv_burst *);

/* Why there is none, as an error with a text: GPG_ERR_LOCKED, and who may
 * have it; else as piv_pcsc_problem(). */
gpg_error_t piv_burst_problem(struct problem *, LONG rv, const char *what);

gpg_error_t piv_door_new(struct piv *);
void piv_door_free(struct piv *);

/* ---- cards (piv-card.c) ---- */

struct piv_title {
	char text[48];		/* "YubiKey 12345678" */
};
struct piv_title piv_card_title(const struct piv_card *);
struct piv_card *piv_card_get(struct piv *, uint32_t number);
struct piv_card *piv_card_by_serial(struct piv *, uint32_t serial);
gpg_error_t piv_card_add(struct piv *, uint32_t serial, struct piv_card **);
void piv_card_free(struct piv_card *);

/*
 * card->lock.  GPG_ERR_TIMEOUT where who has it waits for a card that answers
 * no more: it keeps its thread until it is taken out, and no other.
 */
gpg_error_t piv_card_lock(struct piv_card *, struct problem *);
void piv_card_unlock(struct piv_card *);

/*
 * Holds the card, connecting if need be; PIV is selected, and it is this
 * card.  With card->lock held.  GPG_ERR_CARD_NOT_PRESENT if it is not there,
 * GPG_ERR_LOCKED if another program keeps it, GPG_ERR_CARD if two
 * cards say that they are it.
 */
gpg_error_t piv_card_hold(struct piv *, struct piv_card *, struct problem *);

/* The same to read what everybody may, even if there are two such cards. */
gpg_error_t piv_card_reach(struct piv *, struct piv_card *, struct problem *);

/* The operation ended: the card is let go soon. */
void piv_card_used(struct piv *, struct piv_card *);

/* Lets it go now; with card->lock held. */
void piv_card_let_go(struct piv_card *);

/*
 * After a failure of the connection: lets go, and tells whether the card was
 * taken out (GPG_ERR_CARD_REMOVED, its PIN wiped) or only failed.
 */
gpg_error_t piv_card_lost(struct piv *, struct piv_card *, struct problem *);

/* It left; its PIN is wiped. */
void piv_card_left(struct piv_card *);

/* Connects to what is in a reader and asks who it is; 0: no YubiKey. */
gpg_error_t piv_identify(struct piv *, const char *reader, uint32_t *serial,
    struct problem *);

/* Sends SELECT; a SW other than SW_OK means no PIV. */
gpg_error_t piv_select(struct piv_card *, int *sw);
gpg_error_t piv_serial(struct piv_card *, uint32_t *serial);

/* ---- readers (piv-list.c) ---- */

/* Looks which cards are where; their PINs are wiped if they left. */
gpg_error_t piv_scan(struct piv *, struct problem *);

/* A PC/SC error that concerns pcscd, as an error with a text. */
gpg_error_t piv_pcsc_problem(struct problem *, LONG rv);

/* Readers with their states; at most PIV_READERS_MAX. */
struct piv_readers {
	char *names;		/* what the states point into */
	SCARD_READERSTATE states[PIV_READERS_MAX + 1];
	unsigned count;
};
LONG piv_readers_get(SCARDCONTEXT, struct piv_readers *);
void piv_readers_free(struct piv_readers *);

/* Whether it may be one of our cards: reader's name, ATR, there at all. */
bool piv_reader_fits(const struct piv *, const SCARD_READERSTATE *);

gpg_error_t piv_list(void *state, unsigned worker, bool anew,
    struct buf *slot_buf, struct msg_list *slots, struct buf *key_buf,
    struct msg_list *keys, struct problem *);

/* ---- what is on a card (piv-keys.c, piv-cert.c) ---- */

/* Reads slots, metadata, certificates; with card->lock held. */
gpg_error_t piv_keys_read(struct piv *, struct piv_card *, struct problem *);
void piv_keys_put(struct piv_card *, uint8_t slot, struct buf *,
    struct msg_list *);

/* What a signature needs to know of a key; false: it is not here. */
struct piv_use {
	struct piv_card *card;
	uint8_t slot, pin_policy, touch_policy;
	enum key_algorithm algorithm;
	unsigned bits;
	const struct pubkey *pub;	/* as long as the process lives */
};
bool piv_key_use(struct piv *, uint32_t number, struct piv_use *);

/* Slots by their place, and names: "9a". */
uint8_t piv_slot_at(unsigned i);
uint8_t piv_slot_by_name(struct view);	/* 0: there is none */
void piv_slot_name(uint8_t slot, char name[3]);
uint32_t piv_slot_object(uint8_t slot);

/* PIV's number of an algorithm; 0: it has none. */
uint8_t piv_algorithm(enum key_algorithm);
enum key_algorithm piv_algorithm_key(uint8_t);
/* 7F49's or the metadata's inside. */
gpg_error_t piv_public(uint8_t algorithm, struct view, struct pubkey **);

struct piv_certificate {
	struct pubkey *pub;
	uint32_t created, expires;
	uint8_t pin_policy, touch_policy;	/* if it attests; else 0 */
	char name[64];
};
/* Of the DER; free pub.  GPG_ERR_BAD_CERT. */
gpg_error_t piv_certificate(struct view der, struct piv_certificate *);

/* What one slot has. */
struct piv_found {
	uint8_t slot, pin_policy, touch_policy, origin;
	struct pubkey *pub;
	struct piv_certificate certificate;
};

/* ---- what firmware has (piv-firmware.c) ---- */

/* Whether its firmware is that or later, or not known. */
bool piv_since(struct piv_card *, uint8_t major, uint8_t minor);

/* GPG_ERR_NOT_SUPPORTED, with a text that tells which firmware can. */
gpg_error_t piv_can_make(struct piv_card *, uint8_t slot,
    const struct msg_token_make *, struct problem *);
gpg_error_t piv_can_manage(struct piv_card *, uint8_t algorithm,
    struct problem *);
gpg_error_t piv_can_attest(struct piv_card *, struct problem *);

/* Yubico's, of a key for which none was chosen. */
uint8_t piv_default_pin_policy(uint8_t slot);

/*
 * For cards without metadata: the key of f->slot and its policies as the card
 * attests them, if it does; what this process knows of the key that it made
 * there.  The error is one of the connection.
 */
gpg_error_t piv_attested_key(struct piv_card *, struct buf *reply,
    struct piv_found *);
void piv_made_key(struct piv_card *, struct piv_found *);

/* A key was made here; takes f->pub over. */
void piv_key_note(struct piv_card *, struct piv_found *f);

/* ---- PIN (piv-pin.c) ---- */

/*
 * Sees to it that a key with this policy can be used: sends the PIN that is
 * held, if need be.  GPG_ERR_PIN_NOT_SYNCED if a person must be asked,
 * GPG_ERR_PIN_BLOCKED.  In a burst.
 */
gpg_error_t piv_pin_need(struct piv *, struct piv_card *, uint8_t pin_policy,
    struct problem *);

/* An empty VERIFY: whether the PIN is verified, else the tries left. */
gpg_error_t piv_pin_tries(struct piv_card *, bool *verified, uint32_t *tries,
    struct problem *);

/* One VERIFY with this PIN. */
gpg_error_t piv_pin_verify(struct piv_card *, struct pin *, int *sw);

/* Holds a PIN that was good, or a management key. */
void piv_pin_hold(struct piv *, struct piv_card *, const struct pin *);
void piv_mgm_hold(struct piv *, struct piv_card *, const struct pin *);

/* Wipes what is held, at once. */
void piv_pin_drop(struct piv_card *);

/* A copy of what is held; false: nothing is. */
bool piv_pin_copy(struct piv_card *, struct pin *);
bool piv_mgm_copy(struct piv_card *, struct pin *);

/* A key was used: a PIN for one signature only goes. */
void piv_pin_spent(struct piv_card *);

/* The keeper's call, and the parter's. */
void piv_expire(void *piv);
void piv_part(void *piv);

gpg_error_t piv_blocked(struct problem *, const struct piv_card *);
gpg_error_t piv_no_memory(struct problem *);

/* ---- a person is asked (piv-ask.c, piv-change.c) ---- */

gpg_error_t piv_login(void *state, uint32_t slot, enum token_secret, int fd,
    struct problem *);
gpg_error_t piv_change(void *state, uint32_t slot, enum token_change,
    const char *algorithm, int fd, struct problem *);
gpg_error_t piv_ask_begin(struct piv *, uint32_t slot, struct piv_card **,
    struct problem *);
void piv_ask_end(struct piv_card *);
struct piv_word {
	enum pin_verdict verdict;
	const char *problem;	/* or NULL */
	uint32_t tries, min, max;
};
gpg_error_t piv_say(int fd, const struct piv_word *);

/* ---- the rest ---- */

gpg_error_t piv_sign(void *state, unsigned worker,
    const struct token_signing *, uint8_t *signature, size_t *len,
    struct problem *);

/*
 * Logs in with the management key: held, kept behind the PIN, or the one that
 * cards are sold with where the card says that it has it.
 * GPG_ERR_NO_PASSPHRASE if a person must be asked.  In a burst.
 */
gpg_error_t piv_manage(struct piv *, struct piv_card *, struct problem *);
/* Tries one; *good tells. */
gpg_error_t piv_manage_try(struct piv_card *, struct view key, bool *good,
    struct problem *);
/* Bytes of a management key; 0: no such algorithm. */
size_t piv_mgm_len(uint8_t algorithm);
/* "AES-192"; 0: unknown. */
uint8_t piv_mgm_by_name(const char *);
/* From the hex that was typed, in place, to so many bytes. */
gpg_error_t piv_mgm_decode(struct pin *, size_t want);

gpg_error_t piv_make(void *state, unsigned worker,
    const struct msg_token_make *, struct buf *key_buf, struct msg_list *keys,
    struct problem *);
gpg_error_t piv_store(void *state, unsigned worker,
    const struct msg_token_store *, struct problem *);
gpg_error_t piv_attest(void *state, unsigned worker, uint32_t key,
    struct buf *certificate, struct buf *intermediate, struct problem *);

/* Since firmware 5.7 (piv-move.c). */
gpg_error_t piv_move(void *state, unsigned worker,
    const struct msg_token_move *, struct problem *);
gpg_error_t piv_remove(void *state, unsigned worker, uint32_t key,
    struct problem *);

/* ---- who else uses a card (piv-look.c) ---- */

/* Looks, in the parter's thread; when to look again, 0: not at all. */
uint64_t piv_look(struct piv *);
void piv_look_end(struct piv *);

/* Notices what is plugged in and out (watch.c). */
gpg_error_t piv_watch_new(struct piv *);
void piv_watch_free(struct piv *);

#endif
