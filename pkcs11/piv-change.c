/*
 * Changes of a card's secrets, in one dialogue: the old one, then the new
 * one.  Each entry costs one try at most, and the last is never used unless
 * it was said that it is the last.
 */
#include "config.h"

#include <string.h>

#include <openssl/rand.h>

#include "piv.h"
#include "talk.h"

#define OBJECT_PRINTED 0x5fc109
#define OBJECT_ADMIN 0x5fff00
#define MGM_PROTECTED 2		/* in the admin object's flags */

struct change {
	struct piv *p;
	struct piv_card *card;
	enum token_change what;
	uint8_t algorithm;	/* of the new management key */
	int fd;
	struct pin *old, *new;
	uint32_t tries;		/* of the old secret */
	bool again;		/* it was wrong */
	struct problem *pb;
};

static bool
by_puk(const struct change *ch)
{
	return ch->what == CHANGE_PUK || ch->what == CHANGE_UNBLOCK;
}

static gpg_error_t
hear(struct change *ch, const struct piv_word *w, struct pin *pin)
{
	gpg_error_t err;

	if ((err = piv_say(ch->fd, w)) || (err = talk_hear(ch->fd, pin)))
		return gpg_err_code(err) == GPG_ERR_CANCELED ?
		    problem_say(ch->pb, GPG_ERR_CANCELED,
		    "nothing was entered, and nothing was changed") :
		    problem_say(ch->pb, gpg_err_code(err),
		    "the prompter sent what is no PIN");
	return 0;
}

/* ---- PIN and PUK ---- */

/* The metadata has the PUK's tries; before firmware 5.3 nothing does. */
static gpg_error_t
puk_tries(struct change *ch)
{
	struct view v, value;
	struct buf reply;
	gpg_error_t err;
	int sw;

	buf_init(&reply, PIV_REPLY_MAX);
	err = piv_send(ch->card, &(struct piv_command){ 0xf7, 0, 0x81,
	    view_of(NULL, 0) }, &reply, &sw);
	v = buf_view(&reply);
	ch->tries = PIN_TRIES_UNKNOWN;
	if (!err && sw == SW_OK && !tlv_find(v, 6, &value) && value.len == 2)
		ch->tries = value.p[1];
	buf_free(&reply);
	return err;
}

static gpg_error_t
look(struct change *ch)
{
	bool verified;

	if (by_puk(ch))
		return puk_tries(ch);
	/* A verified PIN does not tell its tries. */
	piv_card_let_go(ch->card);
	return piv_card_hold(ch->p, ch->card, ch->pb) ?
	    gpg_error(GPG_ERR_CARD) :
	    piv_pin_tries(ch->card, &verified, &ch->tries, ch->pb);
}

static gpg_error_t
ask_old(struct change *ch)
{
	struct piv_word w = { .tries = ch->tries, .min = 6,
		.max = PIV_PIN_LEN };

	if (ch->tries == 0)
		return by_puk(ch) ? problem_say(ch->pb, GPG_ERR_PIN_BLOCKED,
		    "the PUK of %s is locked: only a reset of its PIV "
		    "application helps, which destroys the keys",
		    piv_card_title(ch->card).text) :
		    piv_blocked(ch->pb, ch->card);
	w.verdict = ch->tries == 1 ? PIN_LAST : ch->again ? PIN_WRONG :
	    PIN_ASK;
	w.problem = ch->again ? NULL : by_puk(ch) ? "PUK" : NULL;
	return hear(ch, &w, ch->old);
}

static gpg_error_t
ask_new(struct change *ch)
{
	return hear(ch, &(struct piv_word){ .verdict = PIN_ASK_NEW,
	    .problem = ch->what == CHANGE_PUK ? "PUK" : NULL,
	    .tries = PIN_TRIES_UNKNOWN, .min = 6, .max = PIV_PIN_LEN },
	    ch->new);
}

static bool
pad(uint8_t *to, struct view v)
{
	memset(to, 0xff, PIV_PIN_LEN);
	if (v.len == 0 || v.len > PIV_PIN_LEN)
		return false;
	memcpy(to, v.p, v.len);
	return true;
}

/* One command, at the cost of one try at most. */
static gpg_error_t
send_both(struct change *ch, int *sw)
{
	size_t size;
	uint8_t *room = pin_room(ch->old, &size);
	gpg_error_t err = 0;

	*sw = SW_CONDITIONS;
	ch->card->burst.dirty = true;
	if (pad(room, pin_view(ch->old)) &&
	    pad(room + PIV_PIN_LEN, pin_view(ch->new)))
		err = piv_send(ch->card, &(struct piv_command){
		    ch->what == CHANGE_UNBLOCK ? 0x2c : 0x24, 0,
		    ch->what == CHANGE_PUK ? 0x81 : 0x80,
		    view_of(room, 2 * PIV_PIN_LEN) }, NULL, sw);
	pin_wipe_room(ch->old);
	return err;
}

static gpg_error_t
send_pins(struct change *ch, bool *done)
{
	uint32_t told = ch->tries;
	gpg_error_t err;
	int sw;

	if ((err = look(ch)))
		return err;
	if (ch->tries == 0 || (ch->tries == 1 && told != 1))
		return 0;	/* others used tries; say so first */
	if ((err = send_both(ch, &sw)))
		return err;
	if (sw == SW_OK) {
		*done = true;
		if (ch->what != CHANGE_PUK)
			piv_pin_hold(ch->p, ch->card, ch->new);
		return piv_keys_read(ch->p, ch->card, ch->pb);
	}
	if (piv_sw_is_tries(sw) || sw == SW_BLOCKED) {
		ch->again = true;
		ch->tries = sw == SW_BLOCKED ? 0 : (uint32_t)sw & 0xf;
		return 0;
	}
	return piv_problem(ch->pb, ch->card, sw, "changing it");
}

/* ---- the management key ---- */

static gpg_error_t
set_key(struct change *ch)
{
	struct view key = pin_view(ch->new);
	size_t size;
	uint8_t *room = pin_room(ch->new, &size);
	gpg_error_t err;
	int sw = 0;

	room[0] = ch->algorithm;
	room[1] = 0x9b;
	room[2] = (uint8_t)key.len;
	memcpy(room + 3, key.p, key.len);
	err = piv_send(ch->card, &(struct piv_command){ 0xff, 0xff, 0xff,
	    view_of(room, 3 + key.len) }, NULL, &sw);
	pin_wipe_room(ch->new);
	if (!err && sw != SW_OK)
		err = piv_problem(ch->pb, ch->card, sw,
		    "setting the management key");
	return err;
}

/*
 * Sets the bit in the admin object, or clears it; what else it tells (a salt,
 * the time of the last change) stays.
 */
static gpg_error_t
set_flag(struct change *ch, bool on)
{
	struct view object, inside = { NULL, 0 }, value;
	struct buf reply, fields, data;
	uint8_t flags = 0;
	gpg_error_t err;
	int sw;

	buf_init(&reply, PIV_REPLY_MAX);
	buf_init(&fields, 512);
	buf_init(&data, 512);
	err = piv_object_get(ch->card, OBJECT_ADMIN, &reply, &object, ch->pb);
	if (!err && !tlv_find(object, 0x80, &inside) &&
	    !tlv_find(inside, 0x81, &value) && value.len > 0)
		flags = value.p[0];
	if (gpg_err_code(err) == GPG_ERR_NOT_FOUND)
		err = 0;
	flags = (uint8_t)(on ? flags | MGM_PROTECTED :
	    flags & ~MGM_PROTECTED);
	tlv_put(&fields, 0x81, view_of(&flags, 1));
	if (!tlv_find(inside, 0x83, &value))
		tlv_put(&fields, 0x83, value);
	tlv_put(&data, 0x80, buf_view(&fields));
	if (!err && !(err = buf_error(&data)))
		err = piv_object_put(ch->card, OBJECT_ADMIN, buf_view(&data),
		    &sw, ch->pb);
	if (!err && sw != SW_OK)
		err = piv_problem(ch->pb, ch->card, sw, "noting it");
	buf_free(&reply);
	buf_free(&fields);
	buf_free(&data);
	return err;
}

/* 88 { 89 key }, as ykman keeps it; only who verified the PIN can read it. */
static gpg_error_t
keep_key(struct change *ch, bool keep)
{
	struct buf inside, data;
	gpg_error_t err;
	int sw = SW_OK;

	buf_init(&inside, 64);
	buf_init(&data, 64);
	if (keep) {
		tlv_put(&inside, 0x89, pin_view(ch->new));
		tlv_put(&data, 0x88, buf_view(&inside));
	}
	if (!(err = buf_error(&data)))
		err = piv_object_put(ch->card, OBJECT_PRINTED, buf_view(&data),
		    &sw, ch->pb);
	if (!err && sw != SW_OK)
		err = piv_problem(ch->pb, ch->card, sw, "keeping it");
	buf_free(&inside);
	buf_free(&data);
	return err;
}

/*
 * The copy and the note of it are on the card before the key is in force: a
 * card that is taken out in between has an old key, and a copy of a new one
 * that will not do.
 */
static gpg_error_t
change_key(struct change *ch)
{
	bool keep = ch->what == CHANGE_MANAGEMENT, had;
	gpg_error_t err;

	pthread_mutex_lock(&ch->card->mu);
	had = ch->card->flags & TOKEN_PROTECTED_MGM;
	pthread_mutex_unlock(&ch->card->mu);
	if (keep && (err = piv_pin_need(ch->p, ch->card, PIN_POLICY_ONCE,
	    ch->pb)))
		return err;
	if ((err = piv_manage(ch->p, ch->card, ch->pb)) ||
	    (keep && ((err = keep_key(ch, true)) ||
	    (err = set_flag(ch, true)))) ||
	    (err = set_key(ch)) ||
	    (!keep && had && ((err = set_flag(ch, false)) ||
	    (err = keep_key(ch, false)))))
		return err;
	piv_mgm_hold(ch->p, ch->card, ch->new);
	return piv_keys_read(ch->p, ch->card, ch->pb);
}

static gpg_error_t
random_key(struct change *ch)
{
	size_t size;
	uint8_t *room = pin_room(ch->new, &size);
	gpg_error_t err;

	if (RAND_priv_bytes(room, (int)piv_mgm_len(ch->algorithm)) != 1)
		return problem_say(ch->pb, GPG_ERR_GENERAL,
		    "there are no random numbers");
	err = pin_set(ch->new, view_of(room, piv_mgm_len(ch->algorithm)));
	pin_wipe_room(ch->new);
	return err;
}

static gpg_error_t
typed_key(struct change *ch)
{
	uint32_t digits = 2 * (uint32_t)piv_mgm_len(ch->algorithm);
	gpg_error_t err;

	if ((err = hear(ch, &(struct piv_word){ .verdict = PIN_ASK_NEW,
	    .problem = "management key", .tries = PIN_TRIES_UNKNOWN,
	    .min = digits, .max = digits }, ch->new)))
		return err;
	if (piv_mgm_decode(ch->new, digits / 2))
		return problem_say(ch->pb, GPG_ERR_INV_VALUE, "a management "
		    "key is %u hexadecimal digits", (unsigned)digits);
	return 0;
}

/* ---- the whole ---- */

typedef gpg_error_t step(struct change *, bool *done);

static gpg_error_t
held(struct change *ch, step *do_it, bool *done)
{
	gpg_error_t err;

	if ((err = piv_card_lock(ch->card, ch->pb)))
		return err;
	if (!(err = piv_card_hold(ch->p, ch->card, ch->pb)) &&
	    (err = do_it(ch, done)) && !ch->pb->text[0])
		err = piv_card_lost(ch->p, ch->card, ch->pb);
	piv_card_used(ch->p, ch->card);
	piv_card_unlock(ch->card);
	return err;
}

static gpg_error_t
look_step(struct change *ch, bool *done)
{
	return look(ch);
}

static gpg_error_t
key_step(struct change *ch, bool *done)
{
	return change_key(ch);
}

static gpg_error_t
login_step(struct change *ch, bool *done)
{
	return piv_manage(ch->p, ch->card, ch->pb);
}

static gpg_error_t
converse(struct change *ch)
{
	gpg_error_t err;
	bool done = false;

	if (ch->what == CHANGE_MANAGEMENT)
		return (err = random_key(ch)) ? err :
		    held(ch, key_step, &done);
	if (ch->fd == -1)
		return ch->what == CHANGE_MANAGEMENT_TO &&
		    (err = held(ch, login_step, &done)) ? err :
		    problem_say(ch->pb, GPG_ERR_NO_PIN, "it must be asked for");
	if (ch->what == CHANGE_MANAGEMENT_TO)
		return (err = typed_key(ch)) ? err :
		    held(ch, key_step, &done);
	if ((err = held(ch, look_step, &done)))
		return err;
	while (!done)
		if ((err = ask_old(ch)) || (err = ask_new(ch)) ||
		    (err = held(ch, send_pins, &done)))
			return err;
	return 0;
}

static gpg_error_t
check(struct change *ch, const char *algorithm)
{
	if (ch->what < CHANGE_PIN || ch->what > CHANGE_MANAGEMENT_TO)
		return problem_say(ch->pb, GPG_ERR_INV_VALUE,
		    "there is no such secret");
	ch->algorithm = algorithm[0] ? piv_mgm_by_name(algorithm) :
	    ch->card->mgm_algorithm;
	if (!piv_mgm_len(ch->algorithm))
		return problem_say(ch->pb, GPG_ERR_INV_VALUE, "a management "
		    "key is 3DES, AES-128, AES-192 or AES-256");
	return ch->what < CHANGE_MANAGEMENT ? 0 :
	    piv_can_manage(ch->card, ch->algorithm, ch->pb);
}

gpg_error_t
piv_change(void *state, uint32_t slot, enum token_change what,
    const char *algorithm, int fd, struct problem *pb)
{
	struct change ch = { .p = state, .what = what, .fd = fd, .pb = pb };
	struct piv_word last = { .verdict = PIN_GOOD };
	gpg_error_t err;

	if ((err = piv_ask_begin(ch.p, slot, &ch.card, pb)))
		return err;
	if (pin_new(&ch.old) || pin_new(&ch.new))
		err = piv_no_memory(pb);
	else if (!(err = check(&ch, algorithm)))
		err = converse(&ch);
	pin_free(&ch.old);
	pin_free(&ch.new);
	piv_ask_end(ch.card);
	if (err) {
		last.verdict = gpg_err_code(err) == GPG_ERR_PIN_BLOCKED ?
		    PIN_LOCKED : PIN_FAILED;
		last.problem = pb->text;
	}
	if (fd != -1 && gpg_err_code(err) != GPG_ERR_CANCELED)
		piv_say(fd, &last);
	return err;
}
