/* Drafts the next version of a role. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/draft.h"
#include "client/trust/edit.h"
#include "wire/base64.h"

#define FIRST_CHUNK 131072	/* the bound of sign-trust-v1 */
#define SIGNATURES_MAX 65536

void
draft_init(struct draft *d, const char *name)
{
	memset(d, 0, sizeof(*d));
	snprintf(d->name, sizeof(d->name), "%s", name);
	buf_init(&d->before, TUF_ROLE_MAX);
	buf_init(&d->after, TUF_ROLE_MAX);
	buf_init(&d->signatures, SIGNATURES_MAX);
	buf_init(&d->file, TUF_ROLE_MAX + SIGNATURES_MAX);
}

void
draft_free(struct draft *d)
{
	tuf_role_free(&d->role);
	buf_free(&d->before);
	buf_free(&d->after);
	buf_free(&d->signatures);
	buf_free(&d->file);
	json_decref(d->ids);
	d->ids = NULL;
}

gpg_error_t
draft_make(struct draft *d, json_t *j, const struct trust_role *was,
    bool fresh, int64_t now, struct problem *why)
{
	const char *words = "";
	gpg_error_t err;

	if (!j || !(d->ids = json_array())) {
		err = problem_set(why, GPG_ERR_ENOMEM, "out of memory");
	} else if (!(err = edit_finish(j, was, now, &d->after, why))) {
		if ((err = tuf_role_from(&d->role, j, &words)) ||
		    (!fresh && (err = edit_before(was, &d->before))))
			problem_set(why, err, "\"%s\": %s", d->name,
			    words[0] ? words : gpg_strerror(err));
	}
	json_decref(j);
	return err;
}

/* ---- signatures ---- */

const char *
draft_key_id(const struct tuf_role *by, const char *role,
    const struct pubkey *own)
{
	struct tuf_signer s;
	struct pubkey *key;
	struct tuf_key entry;
	bool same;

	if (!tuf_signers_find(by, role, &s))
		return NULL;
	for (size_t i = 0; i < s.key_count; i++) {
		if (!tuf_keys_find(by, tuf_signer_id(&s, i), &entry) ||
		    tufsig_get_key(&entry, &key))
			continue;
		same = view_eq(pubkey_id(key), pubkey_id(own));
		pubkey_free(&key);
		if (same)
			return tuf_signer_id(&s, i);
	}
	return NULL;
}

static bool
has_signed(const struct draft *d, const char *id)
{
	json_t *one;
	size_t i;

	json_array_foreach(d->ids, i, one)
		if (!strcmp(json_string_value(one), id))
			return true;
	return false;
}

static gpg_error_t
ask(struct draft *d, struct call *c, const char *gun, const char *key,
    struct msg_progress *done)
{
	struct msg_sign_trust in = {
		.key = view_str(key),
		.repository = view_str(gun),
		.role = view_str(d->name),
		.before = buf_len(&d->before),
		.size = buf_len(&d->before) + buf_len(&d->after),
	};
	struct view rest;
	struct buf all;
	gpg_error_t err;

	buf_init(&all, 2 * TUF_ROLE_MAX);
	buf_put_view(&all, buf_view(&d->before));
	if (!(err = buf_put_view(&all, buf_view(&d->after)))) {
		rest = buf_view(&all);
		in.chunk = view_of(rest.p, rest.len < FIRST_CHUNK ? rest.len :
		    FIRST_CHUNK);
		rest = view_of(rest.p + in.chunk.len, rest.len - in.chunk.len);
		err = talk_follow(&c->talk, MSG_sign_trust, &in, rest, done);
	}
	buf_free(&all);
	if (err) {
		err = call_problem(c, err, "%s", c->talk.said[0] ?
		    c->talk.said : gpg_strerror(err));
		c->told = c->talk.told;
	}
	return err;
}

gpg_error_t
draft_sign(struct draft *d, struct call *c, const char *gun,
    const struct key_info *k, const char *id)
{
	struct msg_progress done;
	gpg_error_t err;

	if (has_signed(d, id))
		return 0;
	if ((err = ask(d, c, gun, k->hex, &done)))
		return err;
	buf_putf(&d->signatures, "%s{\"keyid\":\"%s\",\"method\":\"%.*s\","
	    "\"sig\":\"", buf_len(&d->signatures) ? "," : "", id,
	    (int)done.status.len, (const char *)done.status.p);
	if (!buf_error(&d->signatures))
		base64_put(&d->signatures, done.result);
	err = buf_put_text(&d->signatures, "\"}");
	if (!err && json_array_append_new(d->ids, json_string(id)))
		err = gpg_error(GPG_ERR_ENOMEM);
	return err ? call_problem(c, err, "the agent's signature cannot be "
	    "used: %s", gpg_strerror(err)) : 0;
}

gpg_error_t
draft_finish(struct draft *d, struct problem *why)
{
	struct trust_role now;
	gpg_error_t err;

	buf_reset(&d->file);
	buf_put_text(&d->file, "{\"signed\":");
	buf_put_view(&d->file, buf_view(&d->after));
	buf_put_text(&d->file, ",\"signatures\":[");
	buf_put_view(&d->file, buf_view(&d->signatures));
	if ((err = buf_put_text(&d->file, "]}")))
		return problem_set(why, err, "\"%s\": %s", d->name,
		    gpg_strerror(err));
	role_init(&now, d->name);
	if (!(err = buf_put_view(&now.bytes, buf_view(&d->file))))
		err = role_read(&now, why);
	for (size_t i = 0; i < 2 && d->by[i] && !err; i++)
		err = role_check_signed(&now, d->by[i], why);
	role_free(&now);
	return err;
}

gpg_error_t
draft_post(const struct draft *d, size_t count, struct remote *remote)
{
	struct remote_file files[DRAFTS_MAX];

	for (size_t i = 0; i < count; i++)
		files[i] = (struct remote_file){ d[i].name,
		    buf_view(&d[i].file) };
	return remote_post(remote, files, count);
}

static const struct trust_role *
find_role(const struct trust *t, const char *name)
{
	return !strcmp(name, "root") ? &t->root : trust_find_role(t, name);
}

gpg_error_t
draft_confirm(struct session *s, const struct draft *d, size_t count)
{
	const struct trust_role *r;
	gpg_error_t err = session_update(s);

	for (size_t i = 0; i < count && !err; i++) {
		uint32_t version = d[i].role.version;

		r = find_role(&s->trust, d[i].name);
		if (!r || !r->there || r->env.role.version < version ||
		    (r->env.role.version == version &&
		    !view_eq(buf_view(&r->bytes), buf_view(&d[i].file))))
			err = call_problem(s->call, GPG_ERR_SERVER_FAILED,
			    "the server took version %u of \"%s\", but does "
			    "not give it out", version, d[i].name);
	}
	return err;
}
