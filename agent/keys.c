/* The keyring: keys by record and by token, and how they are found. */
#include <config.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "format/openpgp.h"
#include "format/ssh.h"
#include "local/keyfile.h"
#include "keys.h"
#include "module.h"
#include "uri.h"

struct keyring {
	struct key **keys;
	size_t count;
};

gpg_error_t
keyring_new(struct keyring **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? 0 : gpg_error(GPG_ERR_ENOMEM);
}

struct key *
key_ref(struct key *k)
{
	k->refs++;
	return k;
}

static void
key_clear_names(struct key *k)
{
	for (size_t i = 0; i < k->user_id_count; i++)
		free(k->user_ids[i]);
	free(k->user_ids);
	k->user_ids = NULL;
	k->user_id_count = 0;
	k->recorded = false;
}

void
key_unref(struct key **kp)
{
	struct key *k = *kp;

	*kp = NULL;
	if (!k || --k->refs > 0)
		return;
	key_drop_holders(k, NULL);
	free(k->holders);
	key_clear_names(k);
	free(k->name);
	free(k->label);
	free(k->last_module);
	pubkey_free(&k->pub);
	free(k);
}

void
keyring_free(struct keyring **rp)
{
	if (!*rp)
		return;
	for (size_t i = 0; i < (*rp)->count; i++)
		key_unref(&(*rp)->keys[i]);
	free((*rp)->keys);
	free(*rp);
	*rp = NULL;
}

size_t
keyring_count(const struct keyring *r)
{
	return r->count;
}

struct key *
keyring_at(const struct keyring *r, size_t i)
{
	return r->keys[i];
}

/* The time of creation makes the OpenPGP fingerprint. */
static void
key_set_created(struct key *k, uint32_t created)
{
	struct openpgp_key pgp = { k->pub, created };
	uint8_t fpr[OPENPGP_FPR_LEN];

	k->created = created;
	k->fpr[0] = 0;
	if (created == 0 || openpgp_fingerprint(&pgp, fpr))
		return;
	for (size_t i = 0; i < sizeof(fpr); i++) {
		k->fpr[2 * i] = "0123456789ABCDEF"[fpr[i] >> 4];
		k->fpr[2 * i + 1] = "0123456789ABCDEF"[fpr[i] & 15];
	}
	k->fpr[2 * sizeof(fpr)] = 0;
}

/* Takes over *pub in any case. */
static struct key *
keyring_add(struct keyring *r, struct pubkey **pub)
{
	struct view id = pubkey_id(*pub);
	struct key **keys, *k;
	struct buf hex;

	for (size_t i = 0; i < r->count; i++)
		if (view_eq(pubkey_id(r->keys[i]->pub), id)) {
			pubkey_free(pub);
			return r->keys[i];
		}
	keys = realloc(r->keys, (r->count + 1) * sizeof(*keys));
	if (keys)
		r->keys = keys;
	if (!keys || !(k = calloc(1, sizeof(*k)))) {
		pubkey_free(pub);
		return NULL;
	}
	k->refs = 1;
	k->pub = *pub;
	*pub = NULL;
	buf_init(&hex, sizeof(k->id));
	if (!buf_put_hex(&hex, id))
		memcpy(k->id, buf_view(&hex).p, buf_len(&hex));
	buf_free(&hex);
	ssh_fingerprint(k->pub, k->ssh);
	k->name = calloc(1, 1);
	k->label = calloc(1, 1);
	r->keys[r->count++] = k;
	if (!k->name || !k->label) {
		r->count--;
		key_unref(&k);
		return NULL;
	}
	return k;
}

/*
 * Removes what neither a record nor a token knows any more, unless a request
 * still waits for its token.
 */
static bool
is_known(const struct key *k)
{
	return k->recorded || k->holder_count > 0 || k->refs > 1;
}

static void
keyring_sweep(struct keyring *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (is_known(r->keys[i]))
			r->keys[kept++] = r->keys[i];
		else
			key_unref(&r->keys[i]);
	}
	r->count = kept;
}

static void
take_record(struct keyring *r, struct keyfile *f)
{
	struct pubkey *pub = NULL;
	struct key *k;

	if (pubkey_from_spki(&pub, buf_view(&f->spki)) ||
	    !view_eq(pubkey_id(pub), view_of(f->id, sizeof(f->id)))) {
		agent_log("key record %s: its id is not that of its key",
		    f->name);
		pubkey_free(&pub);
		return;
	}
	if (!(k = keyring_add(r, &pub)))
		return;
	if (k->recorded) {
		agent_log("key record %s: %s names the same key; ignored",
		    f->name, k->name);
		return;
	}
	free(k->name);
	k->name = f->name;
	f->name = NULL;
	k->user_ids = f->user_ids;
	k->user_id_count = f->user_id_count;
	f->user_ids = NULL;
	f->user_id_count = 0;
	k->expires = f->expires;
	k->recorded = true;
	if (f->created != 0)
		key_set_created(k, f->created);
}

static void
on_broken_record(void *arg, const char *problem)
{
	agent_log("%s", problem);
}

gpg_error_t
keyring_load(struct keyring *r, const char *dir)
{
	struct keyfile **files;
	size_t count;
	gpg_error_t err;

	err = keyfile_load_all(dir, &files, &count, on_broken_record, NULL);
	if (err)
		return err;
	for (size_t i = 0; i < r->count; i++) {
		key_clear_names(r->keys[i]);
		r->keys[i]->name[0] = 0;
		r->keys[i]->expires = 0;
	}
	for (size_t i = 0; i < count; i++) {
		take_record(r, files[i]);
		keyfile_free(&files[i]);
	}
	free(files);
	keyring_sweep(r);
	return 0;
}

void
keyring_drop(struct keyring *r, struct module *m)
{
	for (size_t i = 0; i < r->count; i++)
		key_drop_holders(r->keys[i], m);
	keyring_sweep(r);
}

/* What a token calls it, and when it was made. */
static void
key_take_names(struct key *k, const struct msg_token_key *t)
{
	if (t->label.len > 0 && !k->label[0]) {
		free(k->label);
		k->label = view_strdup(t->label);
		if (!k->label)
			k->label = calloc(1, 1);
	}
	/* A record may have the time of a certificate that was there first. */
	if (t->created != 0 && (!k->recorded || k->created == 0))
		key_set_created(k, t->created);
}

static void
take_token_key(struct keyring *r, struct module *m,
    const struct msg_token_key *t)
{
	struct pubkey *pub = NULL;
	struct key *k;
	gpg_error_t err;

	err = pubkey_new(&pub, t->algorithm, t->public, t->exponent);
	if (err) {
		agent_log("module %s: a key is left out: %s", m->config.name,
		    gpg_strerror(err));
		return;
	}
	if (!(k = keyring_add(r, &pub)))
		return;
	key_add_holder(k, m, t);
	key_take_names(k, t);
}

void
keyring_set(struct keyring *r, struct module *m,
    struct msg_token_listing *listing)
{
	struct msg_token_key t;

	for (size_t i = 0; i < r->count; i++)
		key_drop_holders(r->keys[i], m);
	while (msg_list_next(&listing->keys, MSG_token_key, &t))
		take_token_key(r, m, &t);
	keyring_sweep(r);
}

uint32_t
keyring_held(const struct keyring *r, const struct module *m, uint32_t slot)
{
	uint32_t n = 0;

	for (size_t i = 0; i < r->count; i++)
		for (size_t j = 0; j < r->keys[i]->holder_count; j++)
			n += r->keys[i]->holders[j].module == m &&
			    r->keys[i]->holders[j].slot == slot;
	return n;
}

static bool
same_nocase(struct view v, const char *s)
{
	return v.len == strlen(s) && v.len > 0 &&
	    !strncasecmp((const char *)v.p, s, v.len);
}

/* "fpr", its last 16 or 8 digits, with 0x before or ! behind. */
static bool
matches_fpr(const struct key *k, struct view v)
{
	size_t len = strlen(k->fpr);

	if (v.len > 2 && (view_starts(v, "0x") || view_starts(v, "0X"))) {
		v.p += 2;
		v.len -= 2;
	}
	if (v.len > 0 && v.p[v.len - 1] == '!')
		v.len--;
	if (len == 0 || (v.len != 8 && v.len != 16 && v.len != len))
		return false;
	return same_nocase(v, k->fpr + len - v.len);
}

/* The whole user id, or its address with or without the brackets. */
static bool
matches_user_id(const char *uid, struct view v)
{
	const char *open = strrchr(uid, '<'), *close;

	if (view_eq_str(v, uid))
		return true;
	if (!open || !(close = strchr(open, '>')))
		return false;
	if (v.len >= 2 && v.p[0] == '<' && v.p[v.len - 1] == '>') {
		v.p++;
		v.len -= 2;
	}
	return v.len > 0 && v.len == (size_t)(close - open - 1) &&
	    !strncasecmp((const char *)v.p, open + 1, v.len);
}

/* "9c@12345678" */
static bool
is_slot(const struct holder *h, struct view v)
{
	size_t len = h->slot_name ? strlen(h->slot_name) : 0;

	return len > 0 && h->serial && v.len > len + 1 && v.p[len] == '@' &&
	    view_eq_str(view_of(v.p, len), h->slot_name) &&
	    view_eq_str(view_of(v.p + len + 1, v.len - len - 1), h->serial);
}

bool
holder_matches(const struct holder *h, struct view v)
{
	return is_slot(h, v) || (h->uri && uri_matches(v, h->uri));
}

bool
key_matches(const struct key *k, struct view v)
{
	if (v.len == 0)
		return false;
	if ((k->name[0] && view_eq_str(v, k->name)) || view_eq_str(v, k->id) ||
	    view_eq_str(v, k->ssh) || matches_fpr(k, v))
		return true;
	for (size_t i = 0; i < k->user_id_count; i++)
		if (matches_user_id(k->user_ids[i], v))
			return true;
	for (size_t i = 0; i < k->holder_count; i++)
		if (holder_matches(&k->holders[i], v))
			return true;
	return false;
}

const char *
key_title(const struct key *k)
{
	return k->name[0] ? k->name : k->label[0] ? k->label : k->ssh;
}

static char *
candidates(const struct keyring *r, struct view text)
{
	struct buf b;
	char *s;

	buf_init(&b, 1000);
	buf_put_text(&b, "more than one key is meant; name one of:");
	for (size_t i = 0; i < r->count; i++)
		if (key_matches(r->keys[i], text))
			buf_putf(&b, " %s (%s)", key_title(r->keys[i]),
			    r->keys[i]->fpr[0] ? r->keys[i]->fpr :
			    r->keys[i]->id);
	s = view_strdup(buf_view(&b));
	buf_free(&b);
	return s;
}

gpg_error_t
keyring_find(const struct keyring *r, struct view text, struct key **out,
    char **problem)
{
	struct key *found = NULL;

	*out = NULL;
	*problem = NULL;
	for (size_t i = 0; i < r->count; i++) {
		if (!key_matches(r->keys[i], text))
			continue;
		/* A nickname is one key's own, whatever else it looks like. */
		if (view_eq_str(text, r->keys[i]->name)) {
			*out = key_ref(r->keys[i]);
			return 0;
		}
		if (found) {
			*problem = candidates(r, text);
			return gpg_error(GPG_ERR_AMBIGUOUS_NAME);
		}
		found = r->keys[i];
	}
	if (!found)
		return gpg_error(GPG_ERR_NO_SECKEY);
	*out = key_ref(found);
	return 0;
}

struct key *
keyring_find_id(const struct keyring *r, struct view id)
{
	for (size_t i = 0; i < r->count; i++)
		if (view_eq(pubkey_id(r->keys[i]->pub), id))
			return key_ref(r->keys[i]);
	return NULL;
}

struct key *
keyring_find_ssh(const struct keyring *r, struct view blob)
{
	for (size_t i = 0; i < r->count; i++)
		if (view_eq(pubkey_ssh(r->keys[i]->pub), blob))
			return key_ref(r->keys[i]);
	return NULL;
}
