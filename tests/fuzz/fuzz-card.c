/*
 * The part of the token process that is for YubiKeys, with cards that lie:
 * whatever they answer, every request ends in an answer or an error that says
 * what is wrong; no PIN is sent more often than it was entered once it was
 * not taken, none to another card than the one it is for, and one that is for
 * one signature is held no longer; no card is let go with a PIN verified; no
 * key is lost that nobody gave up; nothing is kept open.
 *
 * The input is
 *
 *	6 bytes of what the first card is, 6 of the second (card_new),
 *	u8 n, n times u8 what is asked and u8 how,
 *	what is spoilt (reader.c)
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "keeper.h"
#include "piv.h"
#include "reader.h"
#include "token.h"
#include "wire/frame.h"

#define ENTRIES_MAX 3
#define CARD_BYTES 6
#define SLOTS 64

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* One input's run. */
struct run {
	void *state;
	unsigned typed;		/* PINs that were, and those that replaced */
	unsigned given_up;	/* keys that may be gone */
	uint8_t how;
	uint32_t serials[SLOTS];	/* as they were listed; 0: not yet */
	bool for_one;		/* a PIN is for one signature */
	bool spent[SLOTS];
};

/* ---- a keeper without a thread ---- */

struct keeper {
	void (*fire)(void *);
	void *arg;
	uint64_t at_ms;
};

static struct keeper keepers[2];	/* of PINs, of cards */

uint64_t
keeper_now(void)
{
	return world.now_ms;
}

void
keeper_set(struct keeper *k, uint64_t at_ms)
{
	k->at_ms = at_ms;
}

gpg_error_t
keeper_new(struct keeper **out, void (*fire)(void *), void *arg)
{
	struct keeper *k = keepers;

	while (k->fire)
		must(++k < keepers + 2);
	*k = (struct keeper){ fire, arg, 0 };
	*out = k;
	return 0;
}

void
keeper_free(struct keeper **k)
{
	(*k)->fire = NULL;
	*k = NULL;
}

static void
keeper_run(struct keeper *k)
{
	for (int i = 0; i < 8 && k->at_ms && k->at_ms <= world.now_ms; i++) {
		k->at_ms = 0;
		k->fire(k->arg);
	}
}

/* Nobody watches: what happens to readers is found by asking. */
gpg_error_t
piv_watch_new(struct piv *p)
{
	return 0;
}

void
piv_watch_free(struct piv *p)
{
}

/* ---- a person at a prompter ---- */

static const char *const words[] = {
	"123456", "654321", "12345678", "0000", "123456789",
	"010203040506070801020304050607080102030405060708",
	"01020304050607080102030405060708",
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7", "xyz", "",
};

#define WORDS (sizeof(words) / sizeof(words[0]))

static void
type_word(int fd, const char *word)
{
	struct msg_pin_entry entry = { .pin = view_str(word) };
	struct view v;
	struct buf b;

	buf_init(&b, 1024);
	must(!datagram_put(&b, 0, MSG_pin_entry, &entry));
	v = buf_view(&b);
	must(send(fd, v.p, v.len, MSG_NOSIGNAL) == (ssize_t)v.len);
	buf_free(&b);
}

/* All that the person will type, and then goes; `how` chooses. */
static void
type(int fd, const char *first, uint8_t how)
{
	if (first)
		type_word(fd, first);
	for (unsigned i = first != NULL; i < how % (ENTRIES_MAX + 1); i++)
		type_word(fd, words[spoil_next() % WORDS]);
	shutdown(fd, SHUT_WR);
}

/* How many of them were not read. */
static unsigned
left(int fd)
{
	char room[1024];
	unsigned n = 0;

	while (recv(fd, room, sizeof(room), MSG_DONTWAIT) > 0)
		n++;
	return n;
}

static gpg_error_t
do_login(struct run *r, struct problem *pb)
{
	unsigned count = r->how % (ENTRIES_MAX + 1);
	enum token_secret secret = r->how & 0x40 ? SECRET_MANAGEMENT :
	    SECRET_PIN;
	gpg_error_t err;
	int fd[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
	r->spent[r->how >> 2 & 3] = false;
	world.asked = r->serials[r->how >> 2 & 3];
	type(fd[1], count == 0 || (r->how & 0x80) ? NULL :
	    secret == SECRET_PIN ? words[0] : words[5], r->how);
	err = token_ops.login(r->state, r->how >> 2 & 3, secret, fd[0], pb);
	if (secret == SECRET_PIN)
		r->typed += count - left(fd[0]);
	close(fd[0]);
	close(fd[1]);
	return err;
}

static gpg_error_t
do_change(struct run *r, struct problem *pb)
{
	static const char *const kinds[] = { "", "3DES", "AES-128", "AES-192",
		"AES-256", "ROT13" };
	enum token_change what = r->how >> 4 & 7;
	gpg_error_t err;
	int fd[2];

	must(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd));
	r->spent[r->how & 1] = false;
	type(fd[1], r->how & 4 ? NULL : what == CHANGE_PIN ? words[0] :
	    what <= CHANGE_UNBLOCK ? words[2] : words[5], r->how);
	err = token_ops.change(r->state, r->how & 1, what,
	    kinds[spoil_next() % 6], r->how & 8 ? -1 : fd[0], pb);
	r->typed += !err;	/* the new PIN may be sent once, too */
	close(fd[0]);
	close(fd[1]);
	return err;
}

/* ---- the other requests ---- */

static void
see_slot(struct run *r, const struct msg_token_slot *slot)
{
	char *serial = view_strdup(slot->serial);

	must(serial && slot->label.len > 0 && slot->slot < SLOTS);
	r->serials[slot->slot] = (uint32_t)strtoul(serial, NULL, 10);
	must(!r->spent[slot->slot] || !(slot->flags & TOKEN_LOGGED_IN));
	free(serial);
}

static gpg_error_t
do_list(struct run *r, struct problem *pb)
{
	struct msg_list slots = { 0 }, keys = { 0 };
	struct msg_token_slot slot;
	struct msg_token_key key;
	struct buf slot_buf, key_buf;
	gpg_error_t err;

	buf_init(&slot_buf, 32 * 1024);
	buf_init(&key_buf, 120 * 1024);
	err = token_ops.list(r->state, 0, r->how & 1, &slot_buf, &slots,
	    &key_buf, &keys, pb);
	while (!err && msg_list_next(&slots, MSG_token_slot, &slot))
		see_slot(r, &slot);
	while (!err && msg_list_next(&keys, MSG_token_key, &key))
		must(key.algorithm != ALGO_NONE);
	buf_free(&slot_buf);
	buf_free(&key_buf);
	return err;
}

static uint32_t
key_number(const struct run *r)
{
	return (r->how & 1u) * PIV_KEYS_MAX + (r->how >> 1 & 7);
}

static gpg_error_t
do_sign(struct run *r, struct problem *pb)
{
	static const uint8_t data[64] = { 0x30, 0x31 };
	uint8_t *signature = malloc(TOKEN_SIGNATURE_MAX);
	size_t len = 0;
	gpg_error_t err = 0;

	must(signature != NULL);
	world.asked = r->serials[r->how & 1];
	for (uint8_t m = MECH_RSA_PKCS1; m <= MECH_RSA_PSS; m++) {
		pb->text[0] = 0;
		err = token_ops.sign(r->state, 0, &(struct token_signing){
		    key_number(r), m, view_of(data, r->how & 0x80 ? 64 : 32),
		    1 }, signature, &len, pb);
		must(len <= TOKEN_SIGNATURE_MAX && !err == (len > 0));
		if (gpg_err_code(err) != GPG_ERR_UNUSABLE_SECKEY)
			break;
	}
	r->spent[r->how & 1] |= !err && r->for_one;
	free(signature);
	return err;
}

static const char *const slots[] = { "9a", "9c", "82", "95", "", "9b" };

static gpg_error_t
do_make(struct run *r, struct problem *pb)
{
	const char *slot = slots[r->how >> 1 & 7 ? (r->how >> 1 & 7) % 6 : 0];
	char agreed[16] = "overwrite ";
	struct msg_token_make in = { .slot = r->how & 1,
		.algorithm = (uint8_t)(spoil_next() % 8),
		.slot_name = view_str(slot),
		.pin_policy = r->how >> 5 & 3, .touch_policy = r->how >> 6 };
	struct msg_list keys = { 0 };
	struct buf b;
	gpg_error_t err;

	strcat(agreed, slot);
	if (r->how & 0x10)
		in.overwrite = view_str(agreed);
	buf_init(&b, TOKEN_MAKE_ROOM);
	err = token_ops.make(r->state, 0, &in, &b, &keys, pb);
	must(err || keys.count == 1);
	buf_free(&b);
	return err;
}

static gpg_error_t
do_store(struct run *r, struct problem *pb)
{
	static const uint8_t der[3072] = { 0x30, 0x82 };
	struct msg_token_store in = { .key = key_number(r),
		.certificate = view_of(der, r->how & 0x40 ? sizeof(der) :
		    300) };

	return token_ops.store(r->state, 0, &in, pb);
}

static gpg_error_t
do_move(struct run *r, struct problem *pb)
{
	const char *slot = slots[(r->how >> 4 & 7) % 6];
	char agreed[16] = "overwrite ";
	struct msg_token_move in = { .key = key_number(r),
		.slot_name = view_str(slot) };

	strcat(agreed, slot);
	if (r->how & 0x80) {
		in.overwrite = view_str(agreed);
		r->given_up++;
	}
	return token_ops.move(r->state, 0, &in, pb);
}

static gpg_error_t
do_remove(struct run *r, struct problem *pb)
{
	r->given_up++;
	return token_ops.remove(r->state, 0, key_number(r), pb);
}

static gpg_error_t
do_attest(struct run *r, struct problem *pb)
{
	struct buf leaf, middle;
	gpg_error_t err;

	buf_init(&leaf, 4096);
	buf_init(&middle, 4096);
	err = token_ops.attest(r->state, 0, key_number(r), &leaf, &middle,
	    pb);
	buf_free(&leaf);
	buf_free(&middle);
	return err;
}

/* ---- what happens without being asked for ---- */

static gpg_error_t
do_wait(struct run *r, struct problem *pb)
{
	world.now_ms += r->how & 0x80 ? (r->how & 0x7fu) * 1000 : r->how * 20;
	return 0;
}

static gpg_error_t
do_plug(struct run *r, struct problem *pb)
{
	struct card *c = &world.cards[r->how & 1];

	c->plugged = r->how & 2;
	card_changes(c);
	if (r->how & 4)
		c->serial ^= r->how >> 3;
	return 0;
}

static gpg_error_t
do_forget(struct run *r, struct problem *pb)
{
	if (r->how & 1)
		token_ops.wipe(r->state);
	else
		token_ops.forget(r->state, TOKEN_ALL_SLOTS, pb);
	return 0;
}

typedef gpg_error_t operation(struct run *, struct problem *);

static operation *const operations[] = { do_list, do_sign, do_login, do_make,
	do_store, do_attest, do_change, do_wait, do_plug, do_forget, do_move,
	do_remove };

#define OPERATIONS (sizeof(operations) / sizeof(operations[0]))

static unsigned
refused(void)
{
	return world.cards[0].refused + world.cards[1].refused;
}

static unsigned
keys(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CARDS * CARD_KEYS; i++)
		n += world.cards[i / CARD_KEYS].keys[i % CARD_KEYS].slot != 0;
	return n;
}

static void
do_one(struct run *r, uint8_t what)
{
	struct problem pb = { "" };
	unsigned had = keys();
	gpg_error_t err;

	err = operations[what % OPERATIONS](r, &pb);
	world.asked = 0;
	must(!err || pb.text[0]);
	keeper_run(&keepers[0]);
	keeper_run(&keepers[1]);
	must(refused() <= r->typed);
	must(keys() + r->given_up >= had);
	r->given_up = 0;
}

static void
run(struct view v)
{
	struct msg_token_open in = { .sessions = 1, .path = view_str("") };
	char description[256];
	struct run r = { 0 };
	struct problem pb = { "" };
	struct view ops = { NULL, 0 };
	uint8_t n = 0, what = 0;

	view_get_u8(&v, &n);
	in.pin_ttl_ms = n & 0x80 ? 0 : 600000;
	r.for_one = n & 0x80;
	n &= 0x1f;
	view_get_bytes(&v, 2u * n < v.len ? 2u * n : v.len, &ops);
	world.spoil = v;
	world.skip = spoil_next();
	must(!token_ops.open(&in, &r.state, description, sizeof(description),
	    &pb));
	while (!view_get_u8(&ops, &what) && !view_get_u8(&ops, &r.how))
		do_one(&r, what);
	token_ops.close(r.state);
	must(!world.contexts);
	for (size_t i = 0; i < HANDLES; i++)
		must(!world.handles[i].open);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t how[CARDS * CARD_BYTES] = { 0 };
	size_t n = size < sizeof(how) ? size : sizeof(how);

	if (n > 0)
		memcpy(how, data, n);
	memset(&world, 0, sizeof(world));
	world.now_ms = 1000000;
	for (unsigned i = 0; i < CARDS; i++)
		card_new(&world.cards[i], 10000001 + i, how + CARD_BYTES * i);
	run(view_of(data + n, size - n));
	return 0;
}
