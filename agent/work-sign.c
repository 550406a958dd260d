/* Signing what a client sends: OpenPGP documents, plain SSH signatures. */
#include <config.h>

#include <stdio.h>
#include <string.h>

#include "format/openpgp.h"
#include "format/ssh.h"
#include "added.h"
#include "reach.h"
#include "work.h"

static gpg_error_t
openpgp_parse(struct request *r)
{
	const char *why = NULL;
	gpg_error_t err;

	err = object_read(buf_view(&r->payload), &r->object, &why);
	if (err)
		return request_problem(r, gpg_err_code(err), "%s", why ? why :
		    gpg_strerror(err));
	if (r->object.image.wrapping != WRAP_NONE)
		return request_problem(r, GPG_ERR_FORBIDDEN, "this is what "
		    "signs a container image, and no OpenPGP document");
	if (r->object.kind == OBJECT_TRUST_TARGETS ||
	    r->object.kind == OBJECT_TRUST_ROOT)
		return request_problem(r, GPG_ERR_FORBIDDEN, "this is a role "
		    "of trust data, and no OpenPGP document");
	return 0;
}

/* The user id that signs: the one that was asked for, else the first. */
static const char *
signer(const struct request *r)
{
	const struct key *k = r->key;

	for (size_t i = 0; i < k->user_id_count; i++)
		if (!strcmp(k->user_ids[i], r->key_text))
			return k->user_ids[i];
	return k->user_id_count > 0 ? k->user_ids[0] : NULL;
}

gpg_error_t
work_begin_openpgp(struct request *r, struct view document)
{
	struct openpgp_key key = { r->key->pub, r->key->created };

	if (key.created == 0)
		return request_problem(r, GPG_ERR_UNUSABLE_SECKEY, "key %s has "
		    "no OpenPGP certificate: make one with `touchstone keys "
		    "export %s --openpgp --user-id 'NAME <EMAIL>'`",
		    key_title(r->key), key_title(r->key));
	if (r->key->expires != 0 && r->key->expires <= r->now)
		return request_problem(r, GPG_ERR_CERT_EXPIRED, "the OpenPGP "
		    "certificate of key %s (%s) has expired: renew it with "
		    "`touchstone keys extend %s`", key_title(r->key),
		    r->key->fpr, key_title(r->key));
	return openpgp_begin_document(&r->openpgp, &r->signing, &key,
	    document, signer(r), r->now);
}

static gpg_error_t
openpgp_begin(struct request *r)
{
	return work_begin_openpgp(r, buf_view(&r->payload));
}

static gpg_error_t
openpgp_finish_document(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;
	struct buf packet;
	gpg_error_t err;

	buf_init(&packet, 16384);
	(void)((err = openpgp_finish(r->openpgp, answer->signature, &packet)) ||
	    (err = openpgp_armor(&r->result, "SIGNATURE",
	    buf_view(&packet))) ||
	    (err = openpgp_status(r->openpgp, &r->status)));
	buf_free(&packet);
	if (!err && (r->object.kind == OBJECT_COMMIT ||
	    r->object.kind == OBJECT_TAG))
		err = object_signed_id(&r->object, buf_view(&r->result),
		    r->object_id);
	return err;
}

const struct work work_openpgp = {
	.format = "openpgp",
	.typed = true,
	.signs = true,
	.parse = openpgp_parse,
	.locate = work_locate_key,
	.begin = openpgp_begin,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = openpgp_finish_document,
};

static gpg_error_t
ssh_parse(struct request *r)
{
	const char *why = NULL;
	struct view blob = buf_view(&r->ssh_key);
	gpg_error_t err;

	/* Who asks by a certificate logs in by that one, not by the key. */
	r->key = added_find_key(r->agent, blob);
	err = object_read_ssh(buf_view(&r->payload), blob, &r->object, &why);
	if (err)
		return request_problem(r, gpg_err_code(err), "%s", why ? why :
		    gpg_strerror(err));
	if (r->object.kind == OBJECT_SSH_USERAUTH && r->conn)
		conn_name_login(r->conn, &r->object);
	return 0;
}

static gpg_error_t
ssh_prepare(struct request *r)
{
	return ssh_begin(&r->signing, r->key->pub, buf_view(&r->payload),
	    r->flags);
}

static gpg_error_t
ssh_make(struct request *r, const void *reply)
{
	const struct msg_token_signed *answer = reply;

	return ssh_finish(&r->signing, r->key->pub, answer->signature,
	    &r->result);
}

const struct work work_ssh = {
	.format = "ssh",
	.signs = true,
	.parse = ssh_parse,
	.locate = work_locate_key,
	.begin = ssh_prepare,
	.ask = work_ask_sign,
	.ask_pin = work_ask_login,
	.finish = ssh_make,
};
