/* The user's GnuPG keyring. */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gpgme.h>

#include "client/handover.h"
#include "client/keyring.h"
#include "client/run.h"
#include "format/openpgp.h"
#include "wire/text.h"

struct keyring {
	gpgme_ctx_t ctx;
	const char *gpg;
};

gpg_error_t
keyring_open(struct keyring **out)
{
	struct keyring *k;
	gpg_error_t err;

	*out = NULL;
	if (!(k = calloc(1, sizeof(*k))))
		return gpg_error_from_syserror();
	gpgme_check_version(NULL);
	if (!(k->gpg = handover_gpg())) {
		err = gpg_error(GPG_ERR_INV_ARG);
		goto fail;
	}
	if ((err = gpgme_new(&k->ctx)) ||
	    (err = gpgme_set_protocol(k->ctx, GPGME_PROTOCOL_OpenPGP)) ||
	    (err = gpgme_ctx_set_engine_info(k->ctx, GPGME_PROTOCOL_OpenPGP,
	    k->gpg, NULL)))
		goto fail;
	gpgme_set_offline(k->ctx, 1);
	*out = k;
	return 0;
fail:
	keyring_close(&k);
	return err;
}

void
keyring_close(struct keyring **k)
{
	if (*k && (*k)->ctx)
		gpgme_release((*k)->ctx);
	free(*k);
	*k = NULL;
}

static gpg_error_t
fingerprint(const struct pubkey *pub, uint32_t created, char out[41])
{
	struct openpgp_key key = { .pub = pub, .created = created };
	uint8_t raw[OPENPGP_FPR_LEN];
	gpg_error_t err;

	if ((err = openpgp_fingerprint(&key, raw)))
		return err;
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(out + 2 * i, 3, "%02X", raw[i]);
	return 0;
}

/* Whether this (sub)key is ours: its fingerprint made from our public key. */
static bool
is_key(gpgme_subkey_t sub, const struct pubkey *pub)
{
	char fpr[41];

	return sub->timestamp > 0 && sub->timestamp <= UINT32_MAX &&
	    sub->fpr && strlen(sub->fpr) == 40 &&
	    !fingerprint(pub, (uint32_t)sub->timestamp, fpr) &&
	    !strcmp(fpr, sub->fpr);
}

static gpg_error_t
take_user_ids(gpgme_key_t key, struct keyring_entry *e)
{
	gpgme_user_id_t u;

	for (u = key->uids; u; u = u->next) {
		if (e->user_id_count == KEYRING_USER_IDS)
			return 0;
		if (u->revoked || u->invalid || !u->uid[0] ||
		    strlen(u->uid) > 1024 || !text_is_clean(view_str(u->uid)))
			continue;
		if (!(e->user_ids[e->user_id_count++] = strdup(u->uid)))
			return gpg_error_from_syserror();
	}
	return 0;
}

static gpg_error_t
take_entry(gpgme_key_t key, gpgme_subkey_t sub, struct keyring_entry *e)
{
	e->created = (uint32_t)sub->timestamp;
	if (sub->expires > 0 && sub->expires <= UINT32_MAX)
		e->expires = (uint32_t)sub->expires;
	snprintf(e->fingerprint, sizeof(e->fingerprint), "%s",
	    key->subkeys->fpr);
	return take_user_ids(key, e);
}

/* gpg makes an empty keyring just to list it; where none is, none is made. */
static bool
has_keyring(void)
{
	static const char *const files[] = {
		"pubring.kbx", "pubring.gpg", "public-keys.d", "gpg.conf",
		"common.conf",
	};
	const char *home = gpgme_get_dirinfo("homedir");
	char path[4096];

	for (size_t i = 0; home && i < sizeof(files) / sizeof(*files); i++) {
		snprintf(path, sizeof(path), "%s/%s", home, files[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

gpg_error_t
keyring_find(struct keyring *k, const struct pubkey *pub,
    struct keyring_entry *out)
{
	gpgme_key_t key;
	gpgme_subkey_t sub = NULL;
	gpg_error_t err;

	memset(out, 0, sizeof(*out));
	if (!has_keyring())
		return gpg_error(GPG_ERR_NOT_FOUND);
	if ((err = gpgme_op_keylist_start(k->ctx, NULL, 0)))
		return err;
	while (!(err = gpgme_op_keylist_next(k->ctx, &key))) {
		for (sub = key->subkeys; sub && !is_key(sub, pub);)
			sub = sub->next;
		if (sub)
			err = take_entry(key, sub, out);
		gpgme_key_unref(key);
		if (sub || err)
			break;
	}
	gpgme_op_keylist_end(k->ctx);
	if (err)
		keyring_clear(out);
	return gpg_err_code(err) == GPG_ERR_EOF ?
	    gpg_error(GPG_ERR_NOT_FOUND) : err;
}

void
keyring_clear(struct keyring_entry *e)
{
	for (size_t i = 0; i < e->user_id_count; i++)
		free(e->user_ids[i]);
	memset(e, 0, sizeof(*e));
}

gpg_error_t
keyring_export(struct keyring *k, const char *fpr, struct buf *armor)
{
	gpgme_data_t data = NULL;
	gpg_error_t err;
	uint8_t *to;
	ssize_t n;

	gpgme_set_armor(k->ctx, 1);
	if ((err = gpgme_data_new(&data)) ||
	    (err = gpgme_op_export(k->ctx, fpr, GPGME_EXPORT_MODE_MINIMAL,
	    data)))
		goto out;
	gpgme_data_seek(data, 0, SEEK_SET);
	for (;;) {
		if ((err = buf_reserve(armor, 4096, &to)))
			goto out;
		if ((n = gpgme_data_read(data, to, 4096)) <= 0)
			break;
		buf_filled(armor, (size_t)n);
	}
	if (n < 0)
		err = gpg_error_from_syserror();
	else if (buf_len(armor) == 0)
		err = gpg_error(GPG_ERR_NOT_FOUND);
out:
	gpgme_data_release(data);
	return err;
}

gpg_error_t
keyring_import(struct keyring *k, struct view certificate, const char *fpr,
    bool *changed)
{
	gpgme_import_result_t result;
	gpgme_data_t data = NULL;
	gpgme_key_t key = NULL;
	gpg_error_t err;

	*changed = false;
	if ((err = gpgme_data_new_from_mem(&data,
	    (const char *)certificate.p, certificate.len, 0)) ||
	    (err = gpgme_op_import(k->ctx, data)))
		goto out;
	result = gpgme_op_import_result(k->ctx);
	*changed = result && result->considered > 0 &&
	    result->unchanged < result->considered;
	err = gpgme_get_key(k->ctx, fpr, &key, 0);
	if (gpg_err_code(err) == GPG_ERR_EOF)
		err = gpg_error(GPG_ERR_NOT_FOUND);
	if (!err)
		gpgme_key_unref(key);
out:
	gpgme_data_release(data);
	return err;
}

/* GPGME can set it from 1.24 on; gpg always could. */
static gpg_error_t
set_trust(const char *gpg, const char *fpr)
{
	const char *argv[] = { gpg, "--batch", "--quiet",
		"--no-tty", "--import-ownertrust", NULL };
	char line[64];
	gpg_error_t err;
	int status;

	snprintf(line, sizeof(line), "%s:6:\n", fpr);
	err = run_program(argv, view_str(line), NULL, &status);
	if (!err && status)
		err = gpg_error(GPG_ERR_GENERAL);
	return err;
}

gpg_error_t
keyring_trust(struct keyring *k, const char *fpr)
{
	gpgme_key_t key;
	gpg_error_t err;
	bool open;

	if ((err = gpgme_get_key(k->ctx, fpr, &key, 0)))
		return err;
	open = (key->owner_trust == GPGME_VALIDITY_UNKNOWN ||
	    key->owner_trust == GPGME_VALIDITY_UNDEFINED) &&
	    !strcmp(key->subkeys->fpr, fpr);
	gpgme_key_unref(key);
	return open ? set_trust(k->gpg, fpr) : 0;
}
