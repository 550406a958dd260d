/* Picks or makes the key in a slot. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/enrol.h"
#include "client/slot.h"

#define SUBJECT_MAX 64	/* of a common name (RFC 5280, appendix A) */

gpg_error_t
slot_overwritten(struct call *c, const char *text, const char *serial,
    const char *wanted, char slot[3])
{
	const char *at = strchr(text, '@');

	snprintf(slot, 3, "%.*s", at && at - text == 2 ? 2 : 0, text);
	if (!slot[0])
		return call_problem(c, GPG_ERR_INV_ARG, "--overwrite names a "
		    "slot and the YubiKey's serial, like " SLOT_DEFAULT
		    "@%s", serial);
	if (strcmp(at + 1, serial))
		return call_problem(c, GPG_ERR_INV_ARG, "--overwrite %s is of "
		    "another YubiKey; this one is %s", text, serial);
	if (wanted && strcmp(wanted, slot))
		return call_problem(c, GPG_ERR_INV_ARG, "--overwrite %s is of "
		    "another slot; --slot is %s", text, wanted);
	return make_check_slot(c, slot);
}

const struct key_holder *
slot_of(const struct key_info *k, const struct yubikey *y, const char *slot)
{
	const struct key_holder *h = key_on_card(k, y->module, y->serial,
	    slot);

	return h ? h : key_on_card(k, y->module, y->serial, NULL);
}

static gpg_error_t
differs(struct call *c, const char *what, const char *is, const char *wish)
{
	return call_problem(c, GPG_ERR_CONFLICT, "%s %s, not %s", what,
	    is ? is : "not known", wish);
}

/* Whether the key is as wished for, so far as wishes were spoken. */
static gpg_error_t
check_wish(struct call *c, const struct key_info *k,
    const struct key_holder *h, const struct slot_wish *w)
{
	struct key_holder wish = { .pin_policy = w->pin_policy,
		.touch_policy = w->touch_policy };

	if (w->slot && strcmp(h->slot, w->slot))
		return differs(c, "its key is in slot", h->slot, w->slot);
	if (w->algorithm && strcmp(k->algorithm, w->algorithm))
		return differs(c, "its key is", k->algorithm, w->algorithm);
	if (w->pin_policy && h->pin_policy != w->pin_policy)
		return differs(c, "its key's PIN policy is",
		    key_pin_words(h), key_pin_words(&wish));
	if (w->touch_policy && h->touch_policy != w->touch_policy)
		return differs(c, "its key's touch policy is",
		    key_touch_words(h), key_touch_words(&wish));
	return 0;
}

static gpg_error_t
check_named(struct call *c, const struct key_info *k, const struct yubikey *y,
    const struct slot_wish *w)
{
	const struct key_holder *h = slot_of(k, y, w->slot);
	gpg_error_t err;
	char why[512];

	if (!h)
		return call_problem(c, GPG_ERR_CONFLICT, "the key \"%s\" is "
		    "%s%s: give another --name", k->name,
		    k->holder_count ? "on the token " : "not here",
		    key_first(k)->token);
	if ((err = check_wish(c, k, h, w))) {
		snprintf(why, sizeof(why), "%.400s", c->why);
		call_problem(c, err, "\"%s\" is set up, but %s: give another "
		    "--name", k->name, why);
	}
	return err;
}

gpg_error_t
slot_consent(struct call *c, const char *serial, const char *slot,
    const char *what)
{
	char words[80], why[512];

	snprintf(words, sizeof(words), "%s@%s", slot, serial);
	snprintf(why, sizeof(why), "%.400s", what);
	if (!ask_possible())
		return call_problem(c, GPG_ERR_CONFLICT, "slot %s of YubiKey "
		    "%s is in use (%s): give another slot, or --overwrite "
		    "%s", slot, serial, why, words);
	if (ask_typed(words, "Slot %s of YubiKey %s is in use (%s).  Its key "
	    "can be overwritten; it is lost then, for ever, and what it alone "
	    "opens or signs.", slot, serial, why))
		return 0;
	return call_problem(c, GPG_ERR_NOT_CONFIRMED, "slot %s of YubiKey %s "
	    "stays as it was; give another slot", slot, serial);
}

/* What agents say of a slot with a certificate and no key that is seen. */
static bool
is_in_use(gpg_error_t err)
{
	return gpg_err_code(err) == GPG_ERR_EEXIST;
}

static gpg_error_t
make(struct call *c, const struct yubikey *y, const struct slot_wish *w,
    bool agreed, struct key_info **out)
{
	struct make_plan plan = {
		.module = y->module, .token = y->label, .name = w->name,
		.slot = w->slot,
		.algorithm = w->algorithm ? w->algorithm : "P-256",
		.pin_policy = w->pin_policy,
		.touch_policy = w->touch_policy,
		.overwrite = agreed ? w->slot : NULL,
	};
	gpg_error_t err;

	/* Rather no key than one that nobody can be named for. */
	if ((err = enrol_check_user_id(c, w->user_id)))
		return err;
	err = make_key(c, &plan, out);
	if (!is_in_use(err) || agreed)
		return err;
	if ((err = slot_consent(c, y->serial, w->slot, "with a certificate, "
	    "a key of another kind, or one that its firmware does not tell "
	    "of")))
		return err;
	plan.overwrite = w->slot;
	return make_key(c, &plan, out);
}

/* The key that is there does, or its owner lets it go. */
static gpg_error_t
pick(struct call *c, const struct yubikey *y, const struct key_info *k,
    const struct slot_wish *w, bool *pick)
{
	gpg_error_t err = 0;

	*pick = false;
	if (w->overwrite)
		return 0;
	if (w->named && k->name[0])
		err = differs(c, "its key is named", k->name, w->name);
	else
		err = check_wish(c, k, slot_of(k, y, w->slot), w);
	if (err)
		return slot_consent(c, y->serial, w->slot, c->why);
	*pick = true;
	say("slot %s of YubiKey %s has a key (%s), which is used", w->slot,
	    y->serial, k->algorithm);
	return 0;
}

static gpg_error_t
in_slot(struct call *c, const struct yubikey *y, const struct key_info *there,
    const struct slot_wish *w, struct key_info **out, bool *made)
{
	bool use = false;
	gpg_error_t err;

	if (there && (err = pick(c, y, there, w, &use)))
		return err;
	if (use)
		return keys_fetch_one(c, there->hex, false, out);
	if (!(err = make(c, y, w, there || w->overwrite, out)))
		*made = true;
	return err;
}

/* A key that has a name does where only the default one was looked for. */
static bool
will_do(struct call *c, const struct key_info *k, const struct yubikey *y,
    const struct slot_wish *w)
{
	return k && k->name[0] && !w->named && !w->overwrite &&
	    !check_wish(c, k, slot_of(k, y, w->slot), w);
}

static gpg_error_t
find(struct call *c, const struct yubikey *y, const struct slot_wish *w,
    const struct key_info *keys, size_t count, struct key_info **out,
    bool *made)
{
	const struct key_info *named = NULL, *there = NULL;
	struct slot_wish wish = *w;
	gpg_error_t err;

	wish.slot = w->slot ? w->slot : SLOT_DEFAULT;
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(keys[i].name, w->name))
			named = &keys[i];
		if (key_on_card(&keys[i], y->module, y->serial, wish.slot))
			there = &keys[i];
	}
	if (!named || will_do(c, there, y, &wish))
		return in_slot(c, y, there, &wish, out, made);
	if ((err = check_named(c, named, y, w)))
		return err;
	return keys_fetch_one(c, named->hex, false, out);
}

/* The name in a user id, cut between characters. */
static void
put_subject(const char *user_id, char out[SUBJECT_MAX + 1])
{
	size_t len = strcspn(user_id, "<");

	while (len > 0 && user_id[len - 1] == ' ')
		len--;
	if (len == 0)
		len = strlen(user_id);
	if (len > SUBJECT_MAX)
		len = SUBJECT_MAX;
	while (len > 0 && (user_id[len] & 0xc0) == 0x80)
		len--;
	memcpy(out, user_id, len);
	out[len] = 0;
}

/* Its own certificate, whose date is the key's from then on. */
gpg_error_t
slot_certify(struct call *c, const char *whose, struct key_info **k,
    bool *certified)
{
	char subject[SUBJECT_MAX + 1], *user_id, hex[sizeof((*k)->hex)];
	struct msg_certificate in;
	struct msg_progress done;
	gpg_error_t err;

	*certified = false;
	if ((*k)->created != 0)
		return 0;
	if ((err = enrol_user_id(c, whose, &user_id)))
		return err;
	put_subject(user_id, subject);
	free(user_id);
	memcpy(hex, (*k)->hex, sizeof(hex));
	in = (struct msg_certificate){ .key = view_str(hex),
		.subject = view_str(subject) };
	if ((err = call_follow(c, MSG_certificate, &in, &done)))
		return err;
	*certified = true;
	keys_free(k, 1);
	return keys_fetch_one(c, hex, true, k);
}

gpg_error_t
slot_key(struct call *c, const struct yubikey *y, const struct slot_wish *w,
    struct key_info **out, bool *made, bool *certified)
{
	struct key_info *keys;
	gpg_error_t err;
	size_t count;

	*out = NULL;
	*made = *certified = false;
	if ((err = keys_fetch(c, "", true, &keys, &count)))
		return err;
	err = find(c, y, w, keys, count, out, made);
	keys_free(&keys, count);
	if (!err)
		err = slot_certify(c, w->user_id, out, certified);
	if (err)
		keys_free(out, 1);
	return err;
}
