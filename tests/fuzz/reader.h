/*
 * A PC/SC service of two readers, each with a card that a YubiKey could be,
 * whose answers the input of a fuzzer spoils.  reader.c is what programs see
 * (SCardConnect and the like), card.c what is in the reader.
 */
#ifndef FUZZ_READER_H
#define FUZZ_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/buf.h"

#define CARDS 2
#define HANDLES 8
#define CARD_ROOM 4096		/* bytes of a command or an answer, all parts */
#define CARD_KEYS 24
#define CARD_OBJECTS 8

struct object {
	uint32_t id;
	size_t len;
	uint8_t bytes[1024];
};

struct key {
	uint8_t slot, algorithm, pin, touch, origin;	/* slot 0: none */
};

struct room {
	size_t len;
	uint8_t bytes[CARD_ROOM];
};

/* Whether a card told its serial number; DOUBTFUL: in an answer spoilt. */
enum told { TOLD_NOTHING, TOLD_DOUBTFUL, TOLD };

struct card {
	uint32_t serial;
	uint8_t firmware[3];
	bool plugged;
	uint32_t events;		/* of its reader */

	uint8_t pin[8], puk[8];
	unsigned tries, puk_tries;
	uint8_t mgm_algorithm, mgm[32];
	bool mgm_default, pin_default;
	struct key keys[CARD_KEYS];
	struct object objects[CARD_OBJECTS];

	/* until a reset */
	bool verified, managed, used;
	uint8_t witness[16];
	struct room in, out;		/* of what comes in parts */

	/* what happened to it, for the target to judge */
	unsigned refused;	/* VERIFYs with a PIN not answered by 9000 */
	unsigned changed_refused;	/* likewise, with two PINs */
	enum told told;		/* since it was put in */
	uint32_t told_serial;
	bool no_witness;	/* what it gave last was none */
};

struct handle {
	bool open;
	unsigned card;
	uint32_t events;	/* of the reader when it was opened */
	unsigned transactions;
};

/* What the input does, from its first byte to its last. */
struct world {
	struct card cards[CARDS];
	uint64_t now_ms;
	struct view spoil;	/* what is left of the input for that */
	unsigned skip;		/* answers until the next is spoilt */
	unsigned parts;		/* answers in parts without an end */
	unsigned contexts;	/* that are open */
	struct handle handles[HANDLES];
	uint32_t seed;		/* of what is random */
	uint32_t asked;		/* whose PIN may be sent; 0: not known */
};

/*
 * One for the process: PC/SC has no argument by which the functions could
 * find it.
 */
extern struct world world;

/* Aborts if it is not so. */
void must(bool);

/* A card as its first bytes have it. */
void card_new(struct card *, uint32_t serial, const uint8_t how[6]);
void card_reset(struct card *);

/* One whole command and its answer, without the status; returns that. */
uint16_t card_do(struct card *, struct view command, struct room *answer);

/* The card in its reader comes, goes or becomes another. */
void card_changes(struct card *);

/* The next byte for spoiling; 0 when there are no more. */
uint8_t spoil_next(void);

#endif
