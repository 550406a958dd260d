/* What a YubiKey keeps without power, and the file that it is in. */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "state.h"

#define LINE_LEN_MAX (2 * OUT_MAX + 64)

static const uint8_t slots[KEYS_MAX] = {
	0x9a, 0x9c, 0x9d, 0x9e,
	0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b,
	0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95,
	SLOT_ATTEST,
};

static const uint8_t default_mgm[24] = {
	1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8,
	1, 2, 3, 4, 5, 6, 7, 8,
};

static const uint8_t default_pin[PIN_LEN + 1] = "123456\xff\xff";
static const uint8_t default_puk[PIN_LEN + 1] = "12345678";

bool
state_is_at_least(const struct state *st, int major, int minor)
{
	return st->firmware[0] > major ||
	    (st->firmware[0] == major && st->firmware[1] >= minor);
}

void
state_pins_default(struct state *st, uint8_t pin, uint8_t puk)
{
	memcpy(st->pin.value, default_pin, PIN_LEN);
	memcpy(st->puk.value, default_puk, PIN_LEN);
	st->pin.left = st->pin.max = pin;
	st->puk.left = st->puk.max = puk;
}

bool
pin_is_default(const struct pin *p, bool puk)
{
	return !memcmp(p->value, puk ? default_puk : default_pin, PIN_LEN);
}

bool
mgm_is_default(const struct mgm *m)
{
	return m->len == sizeof(default_mgm) &&
	    !memcmp(m->key, default_mgm, sizeof(default_mgm));
}

static void
mgm_default(struct state *st)
{
	memset(&st->mgm, 0, sizeof(st->mgm));
	st->mgm.alg = state_is_at_least(st, 5, 7) ? ALG_AES192 : ALG_3DES;
	st->mgm.touch = TOUCH_NEVER;
	st->mgm.len = sizeof(default_mgm);
	memcpy(st->mgm.key, default_mgm, sizeof(default_mgm));
}

void
state_init(struct state *st)
{
	state_pins_default(st, 3, 3);
	mgm_default(st);
}

void
state_reset(struct state *st)
{
	size_t i;

	for (i = 0; i < KEYS_MAX; i++) {
		if (slots[i] != SLOT_ATTEST)
			key_clear(&st->keys[i]);
	}
	for (i = 0; i < OBJECTS_MAX; i++) {
		if (st->objects[i].id != OBJECT_ATTEST)
			state_object_put(st, st->objects[i].id,
			    bytes_of(NULL, 0));
	}
	state_init(st);
}

void
state_free(struct state *st)
{
	size_t i;

	for (i = 0; i < KEYS_MAX; i++)
		key_clear(&st->keys[i]);
	for (i = 0; i < OBJECTS_MAX; i++)
		free(st->objects[i].data);
	memset(st->objects, 0, sizeof(st->objects));
}

struct key *
state_key(struct state *st, uint8_t slot)
{
	size_t i;

	for (i = 0; i < KEYS_MAX; i++) {
		if (slots[i] == slot)
			return &st->keys[i];
	}
	return NULL;
}

uint8_t
state_slot(size_t i)
{
	return slots[i];
}

void
key_clear(struct key *k)
{
	EVP_PKEY_free(k->pkey);
	memset(k, 0, sizeof(*k));
}

struct object *
state_object(struct state *st, uint32_t id)
{
	size_t i;

	for (i = 0; id != 0 && i < OBJECTS_MAX; i++) {
		if (st->objects[i].id == id)
			return &st->objects[i];
	}
	return NULL;
}

bool
state_object_put(struct state *st, uint32_t id, struct bytes data)
{
	struct object *o = state_object(st, id);
	size_t i;

	for (i = 0; o == NULL && i < OBJECTS_MAX; i++) {
		if (st->objects[i].id == 0)
			o = &st->objects[i];
	}
	if (o == NULL || data.len > OBJECT_MAX)
		return false;
	free(o->data);
	memset(o, 0, sizeof(*o));
	if (data.len == 0)
		return true;
	o->data = malloc(data.len);
	if (o->data == NULL)
		return false;
	memcpy(o->data, data.p, data.len);
	o->id = id;
	o->len = data.len;
	return true;
}

static bool
load_pin(const char *rest, struct pin *p)
{
	unsigned int left, max;
	char hex[2 * PIN_LEN + 1];
	size_t len;

	if (sscanf(rest, "%u %u %16s", &left, &max, hex) != 3 ||
	    left > max || max > 255 ||
	    !hex_decode(hex, p->value, PIN_LEN, &len) || len != PIN_LEN)
		return false;
	p->left = left;
	p->max = max;
	return true;
}

static bool
load_mgm(const char *rest, struct mgm *m)
{
	unsigned int alg, touch;
	char hex[2 * MGM_MAX + 1];
	size_t len;

	if (sscanf(rest, "%x %u %64s", &alg, &touch, hex) != 3 ||
	    !hex_decode(hex, m->key, MGM_MAX, &len))
		return false;
	m->alg = alg;
	m->touch = touch;
	m->len = len;
	return true;
}

static bool
load_key(const char *rest, struct state *st)
{
	unsigned int slot, alg, pin, touch, origin;
	uint8_t der[OUT_MAX];
	const uint8_t *p = der;
	struct key *k;
	size_t len;
	int at = 0;

	if (sscanf(rest, "%x %x %u %u %u %n", &slot, &alg, &pin, &touch,
	    &origin, &at) != 5 || at == 0 ||
	    (k = state_key(st, slot)) == NULL ||
	    !hex_decode(rest + at, der, sizeof(der), &len))
		return false;
	key_clear(k);
	k->alg = alg;
	k->pin_policy = pin;
	k->touch_policy = touch;
	k->origin = origin;
	k->pkey = d2i_AutoPrivateKey(NULL, &p, len);
	OPENSSL_cleanse(der, sizeof(der));
	return k->pkey != NULL;
}

static bool
load_object(const char *rest, struct state *st)
{
	uint8_t data[OUT_MAX];
	unsigned int id;
	size_t len;
	int at = 0;

	return sscanf(rest, "%x %n", &id, &at) == 1 && at > 0 && id != 0 &&
	    hex_decode(rest + at, data, sizeof(data), &len) &&
	    state_object_put(st, id, bytes_of(data, len));
}

static bool
load_firmware(const char *rest, struct state *st)
{
	return sscanf(rest, "%hhu.%hhu.%hhu", &st->firmware[0],
	    &st->firmware[1], &st->firmware[2]) == 3;
}

static bool
load_line(struct state *st, const char *word, const char *rest)
{
	if (!strcmp(word, "firmware"))
		return load_firmware(rest, st);
	if (!strcmp(word, "serial"))
		return sscanf(rest, "%u %hhu", &st->serial,
		    &st->form_factor) == 2;
	if (!strcmp(word, "pin"))
		return load_pin(rest, &st->pin);
	if (!strcmp(word, "puk"))
		return load_pin(rest, &st->puk);
	if (!strcmp(word, "mgm"))
		return load_mgm(rest, &st->mgm);
	if (!strcmp(word, "key"))
		return load_key(rest, st);
	if (!strcmp(word, "object"))
		return load_object(rest, st);
	return false;
}

bool
state_load(struct state *st, bool *found)
{
	char line[LINE_LEN_MAX], *rest;
	FILE *f = fopen(st->path, "re");
	bool ok = true;

	*found = f != NULL;
	if (f == NULL) {
		if (errno == ENOENT)
			return true;
		fprintf(stderr, "yubikey: %s: %s\n", st->path,
		    strerror(errno));
		return false;
	}
	while (ok && fgets(line, sizeof(line), f) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		rest = line + strcspn(line, " ");
		if (*rest != '\0')
			*rest++ = '\0';
		ok = load_line(st, line, rest);
		if (!ok)
			fprintf(stderr, "yubikey: %s: a bad line: %s\n",
			    st->path, line);
	}
	OPENSSL_cleanse(line, sizeof(line));
	fclose(f);
	return ok;
}

static void
save_hex(FILE *f, const void *p, size_t len)
{
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < len; i++)
		fprintf(f, "%02x", b[i]);
	fputc('\n', f);
}

static bool
save_key(FILE *f, uint8_t slot, const struct key *k)
{
	uint8_t *der = NULL;
	int len;

	if (k->pkey == NULL)
		return true;
	len = i2d_PrivateKey(k->pkey, &der);
	if (len <= 0)
		return false;
	fprintf(f, "key %02x %02x %u %u %u ", slot, k->alg, k->pin_policy,
	    k->touch_policy, k->origin);
	save_hex(f, der, len);
	OPENSSL_clear_free(der, len);
	return true;
}

static bool
save_all(FILE *f, const struct state *st)
{
	const struct object *o;
	bool ok = true;
	size_t i;

	fprintf(f, "firmware %u.%u.%u\nserial %u %u\n", st->firmware[0],
	    st->firmware[1], st->firmware[2], st->serial, st->form_factor);
	fprintf(f, "pin %u %u ", st->pin.left, st->pin.max);
	save_hex(f, st->pin.value, PIN_LEN);
	fprintf(f, "puk %u %u ", st->puk.left, st->puk.max);
	save_hex(f, st->puk.value, PIN_LEN);
	fprintf(f, "mgm %02x %u ", st->mgm.alg, st->mgm.touch);
	save_hex(f, st->mgm.key, st->mgm.len);
	for (i = 0; ok && i < KEYS_MAX; i++)
		ok = save_key(f, slots[i], &st->keys[i]);
	for (i = 0; ok && i < OBJECTS_MAX; i++) {
		o = &st->objects[i];
		if (o->id == 0)
			continue;
		fprintf(f, "object %06x ", o->id);
		save_hex(f, o->data, o->len);
	}
	return ok && fflush(f) == 0 && !ferror(f);
}

void
state_save(const struct state *st)
{
	char *path = NULL;
	FILE *f = NULL;
	bool ok;

	ok = asprintf(&path, "%s.new", st->path) > 0 &&
	    (f = fopen(path, "we")) != NULL && save_all(f, st);
	if (f != NULL && fclose(f) != 0)
		ok = false;
	if (!ok || rename(path, st->path) != 0) {
		fprintf(stderr, "yubikey: %s: %s\n", st->path,
		    strerror(errno));
		exit(1);
	}
	free(path);
}
