/* From a key on a token to a key that gpg and git know. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/enrol.h"
#include "client/keyring.h"
#include "client/run.h"
#include "format/openpgp.h"
#include "wire/text.h"

#define ARMOR_MAX (48 * 1024)	/* so that a record stays within its bound */

void
enrol_free(struct enrolment *e)
{
	keyfile_free(&e->record);
	memset(e, 0, sizeof(*e));
}

char *
enrol_folder(const struct call *c)
{
	struct buf b;
	char *s = NULL;

	buf_init(&b, 8192);
	if (!buf_putf(&b, "%s/keys", c->paths.data))
		s = view_strdup(buf_view(&b));
	buf_free(&b);
	return s;
}

/* One value of git's; "" if it has none. */
static gpg_error_t
git_value(const char *name, struct buf *out)
{
	const char *argv[] = { "git", "config", "--get", name, NULL };
	gpg_error_t err;
	int status;

	if ((err = run_program(argv, view_of(NULL, 0), out, &status)))
		return err;
	if (status != 0)
		buf_reset(out);
	while (buf_len(out) > 0 &&
	    buf_view(out).p[buf_len(out) - 1] == '\n')
		buf_truncate(out, buf_len(out) - 1);
	return 0;
}

/* "Name <address>" as git has it. */
static gpg_error_t
git_user_id(struct call *c, char **user_id)
{
	struct buf name, mail, all;

	*user_id = NULL;
	buf_init(&name, 4096);
	buf_init(&mail, 4096);
	buf_init(&all, 16384);
	if (!git_value("user.name", &name) && buf_len(&name) > 0 &&
	    !git_value("user.email", &mail) && buf_len(&mail) > 0) {
		buf_put_view(&all, buf_view(&name));
		buf_put_text(&all, " <");
		buf_put_view(&all, buf_view(&mail));
		buf_put_text(&all, ">");
		if (!buf_error(&all))
			*user_id = view_strdup(buf_view(&all));
	}
	buf_free(&name);
	buf_free(&mail);
	buf_free(&all);
	if (*user_id)
		return 0;
	return call_problem(c, GPG_ERR_NO_USER_ID, "whose key it is, is not "
	    "known: give --user-id \"Your Name <you@example.org>\", or set "
	    "git's user.name and user.email");
}

static gpg_error_t
name_fingerprint(struct call *c, const struct key_info *k,
    struct enrolment *e)
{
	struct openpgp_key key = { .pub = k->pub,
		.created = e->record->created };
	uint8_t raw[OPENPGP_FPR_LEN];
	gpg_error_t err;

	if ((err = openpgp_fingerprint(&key, raw)))
		return call_problem(c, err, "the key has no OpenPGP "
		    "fingerprint: %s", gpg_strerror(err));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(e->fingerprint + 2 * i, 3, "%02X", raw[i]);
	return 0;
}

gpg_error_t
enrol_find(struct call *c, const struct key_info *k, struct enrolment *e)
{
	struct keyfile **all = NULL;
	char *dir = enrol_folder(c);
	size_t count = 0;
	gpg_error_t err;

	memset(e, 0, sizeof(*e));
	if (!dir)
		return call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	if ((err = keyfile_load_all(dir, &all, &count, NULL, NULL)))
		call_problem(c, err, "%s cannot be read: %s", dir,
		    gpg_strerror(err));
	for (size_t i = 0; i < count && !e->record; i++) {
		if (memcmp(all[i]->id, k->id, sizeof(k->id)))
			continue;
		e->record = all[i];
		all[i] = all[count - 1];
		count--;
	}
	keyfile_free_all(&all, count);
	free(dir);
	if (!err && !e->record)
		return call_problem(c, GPG_ERR_NOT_FOUND, "the key has no "
		    "record");
	return err ? err : name_fingerprint(c, k, e);
}

static gpg_error_t
save(struct call *c, const struct key_info *k, struct enrolment *e)
{
	char *dir = enrol_folder(c);
	struct msg_empty empty;
	gpg_error_t err;

	if (!dir)
		return call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	if ((err = keyfile_save(dir, e->record)))
		call_problem(c, err, "the record of the key \"%s\" cannot be "
		    "written to %s: %s", e->record->name, dir,
		    gpg_strerror(err));
	free(dir);
	if (err || (err = name_fingerprint(c, k, e)))
		return err;
	return call_ask(c, MSG_reload, NULL, &empty);
}

static gpg_error_t
new_record(const struct key_info *k, const char *name, uint32_t created,
    struct keyfile **out)
{
	struct keyfile *f = calloc(1, sizeof(*f));

	*out = f;
	if (!f)
		return gpg_error_from_syserror();
	buf_init(&f->spki, KEYFILE_SPKI_MAX);
	memcpy(f->id, k->id, sizeof(f->id));
	f->created = created;
	if (!(f->name = strdup(name)) ||
	    !(f->user_ids = calloc(KEYFILE_USER_IDS, sizeof(char *))))
		return gpg_error_from_syserror();
	return buf_put_view(&f->spki, pubkey_spki(k->pub));
}

static gpg_error_t
add_user_id(struct keyfile *f, const char *user_id)
{
	if (f->user_id_count == KEYFILE_USER_IDS)
		return 0;
	if (!(f->user_ids[f->user_id_count] = strdup(user_id)))
		return gpg_error_from_syserror();
	f->user_id_count++;
	return 0;
}

/* Takes what the keyring's certificate says; it may be too large to keep. */
static gpg_error_t
adopt(struct call *c, struct keyring *ring, const struct keyring_entry *entry,
    struct keyfile *f)
{
	struct buf armor;
	gpg_error_t err = 0;

	f->created = entry->created;
	f->expires = entry->expires;
	for (size_t i = 0; !err && i < entry->user_id_count; i++)
		err = add_user_id(f, entry->user_ids[i]);
	buf_init(&armor, ARMOR_MAX);
	if (!err && !keyring_export(ring, entry->fingerprint, &armor) &&
	    !(f->certificate = view_strdup(buf_view(&armor))))
		err = gpg_error(GPG_ERR_ENOMEM);
	buf_free(&armor);
	return err ? call_problem(c, err, "the keyring's certificate cannot "
	    "be taken: %s", gpg_strerror(err)) : 0;
}

/* What the keyring has of this key, if there is a gpg at all. */
static gpg_error_t
look_in_keyring(struct call *c, const struct key_info *k, struct keyfile *f,
    bool *found)
{
	struct keyring_entry entry;
	struct keyring *ring;
	gpg_error_t err;

	*found = false;
	if (keyring_open(&ring))
		return 0;
	err = keyring_find(ring, k->pub, &entry);
	if (!err) {
		*found = true;
		err = adopt(c, ring, &entry, f);
		keyring_clear(&entry);
	} else if (gpg_err_code(err) == GPG_ERR_NOT_FOUND ||
	    gpg_err_code(err) == GPG_ERR_INV_ENGINE) {
		err = 0;
	} else {
		call_problem(c, err, "your GnuPG keyring cannot be read: %s",
		    gpg_strerror(err));
	}
	keyring_close(&ring);
	return err;
}

/* Lets the token certify one user id; the packets are put. */
static gpg_error_t
certify_one(struct call *c, const struct key_info *k, const struct keyfile *f,
    const char *user_id, struct buf *packets)
{
	struct msg_certify ask = {
		.key = view_str(k->hex),
		.user_id = view_str(user_id),
		.created = f->created,
		.expires_after = f->expires - f->created,
	};
	struct msg_progress done;
	gpg_error_t err;

	if ((err = call_follow(c, MSG_certify, &ask, &done)))
		return err;
	if ((err = buf_put_view(packets, done.result)))
		call_problem(c, err, "the certificate cannot be kept: %s",
		    gpg_strerror(err));
	return err;
}

/*
 * Certifies all user ids for the years to come and keeps the armour.  Each
 * brings the key's packet along, which readers of a keyring merge.
 */
static gpg_error_t
certify(struct call *c, const struct key_info *k, uint32_t lifetime,
    struct keyfile *f)
{
	struct buf packets, armor;
	gpg_error_t err = 0;

	buf_init(&packets, ARMOR_MAX);
	buf_init(&armor, ARMOR_MAX);
	f->expires = (uint32_t)time(NULL) + lifetime;
	for (size_t i = 0; i < f->user_id_count && !err; i++)
		err = certify_one(c, k, f, f->user_ids[i], &packets);
	if (err)
		goto out;
	free(f->certificate);
	f->certificate = NULL;
	if ((err = openpgp_armor(&armor, "PUBLIC KEY BLOCK",
	    buf_view(&packets))) ||
	    !(f->certificate = view_strdup(buf_view(&armor)))) {
		err = err ? err : gpg_error(GPG_ERR_ENOMEM);
		call_problem(c, err, "the certificate cannot be kept: %s",
		    gpg_strerror(err));
	}
out:
	buf_free(&packets);
	buf_free(&armor);
	return err;
}

gpg_error_t
enrol_user_id(struct call *c, const char *user_id, char **out)
{
	gpg_error_t err = 0;

	*out = NULL;
	if (!user_id)
		err = git_user_id(c, out);
	else if (!(*out = strdup(user_id)))
		err = call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	if (err || (**out && strlen(*out) <= KEYFILE_USER_ID_MAX &&
	    text_is_clean(view_str(*out))))
		return err;
	free(*out);
	*out = NULL;
	return call_problem(c, GPG_ERR_INV_USER_ID, "a user id is one line "
	    "of UTF-8, like \"Your Name <you@example.org>\"");
}

gpg_error_t
enrol_check_user_id(struct call *c, const char *user_id)
{
	gpg_error_t err;
	char *chosen;

	err = enrol_user_id(c, user_id, &chosen);
	free(chosen);
	return err;
}

static gpg_error_t
set_user_id(struct call *c, const char *user_id, struct keyfile *f)
{
	gpg_error_t err;
	char *chosen;

	if ((err = enrol_user_id(c, user_id, &chosen)))
		return err;
	if ((err = add_user_id(f, chosen)))
		call_problem(c, err, "out of memory");
	free(chosen);
	return err;
}

gpg_error_t
enrol_record(struct call *c, const struct key_info *k, const char *name,
    const char *user_id, struct enrolment *e)
{
	gpg_error_t err;
	bool found;

	err = enrol_find(c, k, e);
	if (gpg_err_code(err) != GPG_ERR_NOT_FOUND)
		return err;
	if ((err = new_record(k, name, k->created ? k->created :
	    (uint32_t)time(NULL), &e->record))) {
		call_problem(c, err, "out of memory");
		goto fail;
	}
	if ((err = look_in_keyring(c, k, e->record, &found)) ||
	    (!found && (err = set_user_id(c, user_id, e->record))) ||
	    (!found && (err = certify(c, k, ENROL_YEARS(3), e->record))) ||
	    (err = save(c, k, e)))
		goto fail;
	e->recorded = true;
	return 0;
fail:
	enrol_free(e);
	return err;
}

gpg_error_t
enrol_certify(struct call *c, const struct key_info *k, const char *user_id,
    struct enrolment *e)
{
	gpg_error_t err;

	if (user_id || e->record->user_id_count == 0) {
		while (e->record->user_id_count > 0)
			free(e->record->user_ids[--e->record->user_id_count]);
		if ((err = set_user_id(c, user_id, e->record)))
			return err;
	}
	if ((err = certify(c, k, ENROL_YEARS(3), e->record)))
		return err;
	return save(c, k, e);
}

static gpg_error_t
check_later(struct call *c, uint32_t lifetime, const struct keyfile *f)
{
	time_t until = f->expires;
	char date[16];
	struct tm tm;

	if (until && time(NULL) + (time_t)lifetime >= until)
		return 0;
	if (!until || !gmtime_r(&until, &tm) ||
	    !strftime(date, sizeof(date), "%Y-%m-%d", &tm))
		return call_problem(c, GPG_ERR_CONFLICT, "the certificate of "
		    "key %s does not expire, and is not shortened", f->name);
	return call_problem(c, GPG_ERR_CONFLICT, "the certificate of key %s "
	    "is valid until %s, and is not shortened: give more --years",
	    f->name, date);
}

gpg_error_t
enrol_extend(struct call *c, const struct key_info *k, uint32_t lifetime,
    struct enrolment *e)
{
	gpg_error_t err;

	if (!e->record->certificate)
		return call_problem(c, GPG_ERR_CONFLICT, "the certificate "
		    "of key %s was in your GnuPG keyring first and is renewed "
		    "there, by whoever certifies with its primary key",
		    e->record->name);
	if ((err = check_later(c, lifetime, e->record)) ||
	    (err = certify(c, k, lifetime, e->record)))
		return err;
	return save(c, k, e);
}

gpg_error_t
enrol_import(struct call *c, struct enrolment *e)
{
	struct keyring *ring = NULL;
	gpg_error_t err;

	if (!e->record->certificate)
		return 0;
	if (!(err = keyring_open(&ring)) &&
	    !(err = keyring_import(ring, view_str(e->record->certificate),
	    e->fingerprint, &e->imported)))
		err = keyring_trust(ring, e->fingerprint);
	keyring_close(&ring);
	if (err)
		call_problem(c, err, "the certificate cannot be imported into "
		    "your GnuPG keyring (%s): \"touchstone keys export %s "
		    "--openpgp --import\" tries again", gpg_strerror(err),
		    e->record->name);
	return err;
}
