/*
 * What a YubiKey keeps without power: PINs, the management key, keys, objects;
 * all of it in one text file that is rewritten whole at each change.
 */
#ifndef YUBIKEY_STATE_H
#define YUBIKEY_STATE_H

#include <openssl/evp.h>

#include "bytes.h"

#define PIN_LEN 8
#define MGM_MAX 32
#define KEYS_MAX 25
#define OBJECTS_MAX 64
#define OBJECT_MAX 3063	/* as libykpiv knows the YubiKey 5 */

enum algorithm {
	ALG_3DES = 0x03, ALG_AES128 = 0x08, ALG_AES192 = 0x0a,
	ALG_AES256 = 0x0c,
	ALG_RSA1024 = 0x06, ALG_RSA2048 = 0x07,
	ALG_RSA3072 = 0x05, ALG_RSA4096 = 0x16,
	ALG_P256 = 0x11, ALG_P384 = 0x14, ALG_ED25519 = 0xe0,
};

enum pin_policy { PIN_DEFAULT, PIN_NEVER, PIN_ONCE, PIN_ALWAYS };
enum touch_policy {
	TOUCH_DEFAULT, TOUCH_NEVER, TOUCH_ALWAYS, TOUCH_CACHED
};
enum origin { ORIGIN_GENERATED = 1, ORIGIN_IMPORTED };

#define SLOT_9C 0x9c
#define SLOT_9E 0x9e
#define SLOT_MGM 0x9b
#define SLOT_ATTEST 0xf9
#define OBJECT_ATTEST 0x5fff01

struct pin {
	uint8_t value[PIN_LEN];	/* padded with FF */
	uint8_t left, max;
};

struct mgm {
	uint8_t alg, touch, len;
	uint8_t key[MGM_MAX];
};

struct key {
	uint8_t alg, pin_policy, touch_policy, origin;
	EVP_PKEY *pkey;		/* NULL: the slot is empty */
};

struct object {
	uint32_t id;		/* 0: unused */
	size_t len;
	uint8_t *data;		/* owned */
};

struct state {
	const char *path;
	uint8_t firmware[3];
	uint8_t form_factor;
	uint32_t serial;
	struct pin pin, puk;
	struct mgm mgm;
	struct key keys[KEYS_MAX];
	struct object objects[OBJECTS_MAX];
};

/* As it leaves the factory, without the key of F9. */
void state_init(struct state *st);
/* What a reset brings back: F9, its certificate, and who it is, stay. */
void state_reset(struct state *st);
void state_pins_default(struct state *st, uint8_t pin, uint8_t puk);
void state_free(struct state *st);

/* Reads path; *found is false if there is no such file.  The return value is
 * false, with a message to stderr, if it cannot be read or understood. */
bool state_load(struct state *st, bool *found);
/* Writes it anew and puts it in the place of the old one.  Ends the program
 * if that fails: a card that forgets would make tests lie. */
void state_save(const struct state *st);

bool state_is_at_least(const struct state *st, int major, int minor);
bool pin_is_default(const struct pin *p, bool puk);
bool mgm_is_default(const struct mgm *m);

/* NULL if there is no such slot. */
struct key *state_key(struct state *st, uint8_t slot);
uint8_t state_slot(size_t i);
void key_clear(struct key *k);

/* NULL if there is no such object. */
struct object *state_object(struct state *st, uint32_t id);
/* Copies the data; without any, the object is gone.  False: no room. */
bool state_object_put(struct state *st, uint32_t id, struct bytes data);

#endif
