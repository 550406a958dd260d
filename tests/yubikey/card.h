/*
 * A virtual YubiKey: one card, its reader, and the rooms that it is made of.
 *
 *	vpcd	frames to and from the reader
 *	apdu	commands parsed, chained, answered in parts
 *	applet	which application is selected
 *	piv	the table of PIV's instructions, with
 *	pin, mgm, slot, sign, object, attest
 *	openpgp	an OpenPGP card that nobody uses
 *	touch, fault, control	what a test decides
 *	life	time, power, plugs
 */
#ifndef YUBIKEY_CARD_H
#define YUBIKEY_CARD_H

#include <stdio.h>

#include "bytes.h"
#include "state.h"

/* Status words: ISO 7816-4, and how the YubiKey uses them. */
enum sw {
	SW_OK = 0x9000,
	SW_MORE = 0x6100,		/* low byte: how many, 0 is 256 */
	SW_TRIES = 0x63c0,		/* low digit: how many are left */
	SW_LENGTH = 0x6700,
	SW_CHAINING = 0x6884,
	SW_SECURITY = 0x6982,
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_DATA = 0x6a80,
	SW_NO_FILE = 0x6a82,
	SW_NO_SPACE = 0x6a84,
	SW_P1P2 = 0x6a86,
	SW_NO_KEY = 0x6a88,
	SW_SLOT = 0x6b00,
	SW_INS = 0x6d00,
	SW_CLA = 0x6e00,
	SW_BROKEN = 0x6f00,
	SW_NONE = 0,			/* the card is gone: no answer */
};

struct apdu {
	uint8_t cla, ins, p1, p2;
	struct bytes data;
	size_t le;			/* 0: all there is */
	bool extended;
};

enum applet { APPLET_NONE, APPLET_PIV, APPLET_MANAGEMENT, APPLET_OPENPGP,
	APPLET_OTP };

/* What is forgotten without power, and mostly by SELECT. */
struct session {
	enum applet applet;
	bool pin_ok;			/* verified */
	bool pin_fresh;			/* and not used up by a key */
	bool mgm_ok;
	uint8_t login_step;		/* 80: witness sent, 81: challenge */
	uint8_t nonce[16];
	long long touched_at;		/* ms; for the policy "cached" */
	struct out chain;		/* of a command, so far */
	uint8_t chain_ins;
	struct out rest;		/* of an answer, yet to be fetched */
	size_t rest_at;
	bool endless;			/* a fault: there is always more, */
	size_t endless_part;		/* so many bytes each time */
};

enum touch_mode { TOUCH_MODE_NOW, TOUCH_MODE_AFTER, TOUCH_MODE_WAIT,
	TOUCH_MODE_LEAVE };

struct touch {
	enum touch_mode mode;
	int after;			/* ms */
	int timeout;			/* ms, 15000 on hardware */
	bool waiting;			/* the light blinks */
	bool given;
	uint8_t slot;			/* that it blinks for */
};

enum fault_kind { FAULT_NONE, FAULT_UNPLUG, FAULT_SW, FAULT_SLOW,
	FAULT_GARBAGE, FAULT_EMPTY, FAULT_SHORT, FAULT_LONG, FAULT_LIE,
	FAULT_BARE, FAULT_ENDLESS, FAULT_WRONG_SIGNATURE,
	FAULT_EMPTY_SIGNATURE, FAULT_CHANGED_KEY };

struct fault {
	enum fault_kind kind;
	long arg;			/* -1: none given */
	int ins;			/* -1: any */
	unsigned int nth;		/* how many must come, 1: the next */
	bool stays;
};

#define FAULTS_MAX 16

struct counts {
	unsigned long apdus, selects, verifies, asks, logins, signs, touches,
	    resets;
};

struct card {
	struct state state;
	struct session session;
	struct touch touch;
	struct fault faults[FAULTS_MAX];
	struct counts counts;
	FILE *log;			/* NULL: none */
	const char *host;
	int port;
	int reader;			/* -1: not connected */
	bool unplugged;
	long long plug_at;		/* ms, 0: when told */
	const char *control_path;
	int control;			/* -1: none */
	int signals;			/* that end it; -1: none */
	bool quit;
};

/* life.c.  Milliseconds that only count up. */
long long now_ms(void);

/* Lets the test have its say, for at most ms; returns early when the reader
 * has something, when the card was unplugged, touched, or is to end. */
void card_wait(struct card *c, int ms, bool reader);
/* Until it is told to quit. */
void card_live(struct card *c);
void card_unplug(struct card *c, long again_ms);
void card_plug(struct card *c);
void card_power(struct card *c);	/* all of the session is forgotten */
void card_log(struct card *c, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* vpcd.c: true if connected; serve answers what the reader has sent. */
bool vpcd_connect(struct card *c);
void vpcd_serve(struct card *c);

/* apdu.c: one command; false if there is no answer, the card being gone. */
bool apdu_answer(struct card *c, struct bytes raw, struct out *answer);
bool apdu_parse(struct bytes raw, struct apdu *a);

/* applet.c, piv.c, openpgp.c */
uint16_t applet_run(struct card *c, const struct apdu *a, struct out *re);
uint16_t piv_run(struct card *c, const struct apdu *a, struct out *re);
uint16_t openpgp_run(struct card *c, const struct apdu *a, struct out *re);

/* pin.c, mgm.c */
uint16_t pin_verify(struct card *c, const struct apdu *a, struct out *re);
uint16_t pin_change(struct card *c, const struct apdu *a, struct out *re);
uint16_t pin_unblock(struct card *c, const struct apdu *a, struct out *re);
uint16_t pin_set_tries(struct card *c, const struct apdu *a, struct out *re);
uint16_t pin_reset(struct card *c, const struct apdu *a, struct out *re);
uint16_t mgm_login(struct card *c, const struct apdu *a, struct out *re);
uint16_t mgm_set(struct card *c, const struct apdu *a, struct out *re);

/* slot.c */
uint16_t slot_generate(struct card *c, const struct apdu *a, struct out *re);
uint16_t slot_import(struct card *c, const struct apdu *a, struct out *re);
uint16_t slot_metadata(struct card *c, const struct apdu *a, struct out *re);
uint16_t slot_move(struct card *c, const struct apdu *a, struct out *re);
bool slot_renew(struct card *c, uint8_t slot);

/* keys.c: keys as libcrypto has them; NULL or false where that fails. */
bool key_alg_known(const struct state *st, uint8_t alg);
EVP_PKEY *key_generate(uint8_t alg);
EVP_PKEY *key_import(uint8_t alg, struct bytes tlvs);
bool key_public(const struct key *k, struct out *o);
bool key_sign(const struct key *k, struct bytes in, struct out *o);
bool key_agree(const struct key *k, struct bytes peer, struct out *o);

/* sign.c, object.c, attest.c */
uint16_t sign_run(struct card *c, const struct apdu *a, struct out *re);
uint16_t object_get(struct card *c, const struct apdu *a, struct out *re);
uint16_t object_put(struct card *c, const struct apdu *a, struct out *re);
uint16_t attest_run(struct card *c, const struct apdu *a, struct out *re);
/* Gives a new card its F9, signed by the root in that file (made, with the
 * key beside it, if there is none). */
bool attest_init(struct state *st, const char *root, const char *middle);

/* touch.c */
bool touch_mode_parse(struct touch *t, const char *word, const char *arg);
/* SW_OK: touched, or no touch needed. */
uint16_t touch_need(struct card *c, uint8_t policy, uint8_t slot);

/* fault.c */
bool fault_add(struct card *c, const char *spec);
void fault_list(const struct card *c, FILE *f);
/* What goes wrong with this command; its turn is then over. */
struct fault fault_take(struct card *c, int ins);
/* Before the command; anything but SW_OK is the answer. */
uint16_t fault_before(struct card *c, const struct fault *f,
    const struct apdu *a);
void fault_after(struct card *c, const struct fault *f, struct out *re);

/* control.c */
bool control_open(struct card *c);
void control_serve(struct card *c);
void control_close(struct card *c);
/* The other side: sends the words, prints the answer; an exit status. */
int control_tell(const char *path, int argc, char **argv);

#endif
