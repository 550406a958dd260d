/* Checks files of trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <openssl/evp.h>

#include "client/trust/role.h"

void
role_init(struct trust_role *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	snprintf(r->name, sizeof(r->name), "%s", name);
	buf_init(&r->bytes, TUF_ROLE_MAX);
}

void
role_free(struct trust_role *r)
{
	tuf_envelope_free(&r->env);
	buf_free(&r->bytes);
	r->there = false;
}

void
role_day(int64_t when, char out[16])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
		strcpy(out, "?");
}

gpg_error_t
role_read(struct trust_role *r, struct problem *why)
{
	const char *words = "";
	char digest[DIGEST_SIZE];
	gpg_error_t err;

	if ((err = digest_of(buf_view(&r->bytes), digest)))
		return problem_set(why, err, "%s: %s", r->name,
		    gpg_strerror(err));
	memcpy(r->sha256, digest + 7, sizeof(r->sha256));
	if ((err = tuf_envelope_read(&r->env, buf_view(&r->bytes), &words)))
		return problem_set(why, err, "the trust data \"%s\" cannot be "
		    "read: %s", r->name, words);
	r->there = true;
	if (!tuf_role_fits(&r->env.role, r->name))
		return problem_set(why, GPG_ERR_BAD_DATA, "what the server "
		    "has for \"%s\" is trust data of another role", r->name);
	return 0;
}

static bool
hash_is(const EVP_MD *md, struct view v, const uint8_t *expected)
{
	uint8_t is[EVP_MAX_MD_SIZE];
	unsigned len;

	return EVP_Digest(v.p, v.len, is, &len, md, NULL) == 1 &&
	    !memcmp(is, expected, len);
}

gpg_error_t
role_check_listed(const struct trust_role *r, const struct tuf_file *f,
    struct problem *why)
{
	struct view v = buf_view(&r->bytes);

	if (v.len != f->length)
		return problem_set(why, GPG_ERR_INV_LENGTH, "wrong length: the "
		    "trust data \"%s\" has %zu bytes, and should have %llu",
		    r->name, v.len, (unsigned long long)f->length);
	if (!hash_is(EVP_sha256(), v, f->sha256) ||
	    (f->has_sha512 && !hash_is(EVP_sha512(), v, f->sha512)))
		return problem_set(why, GPG_ERR_CHECKSUM, "wrong hash: the "
		    "trust data \"%s\" is not what is listed; the server mixes "
		    "what does not belong together, or it was changed on the "
		    "way", r->name);
	return 0;
}

gpg_error_t
role_check_signed(struct trust_role *r, const struct tuf_role *by,
    struct problem *why)
{
	gpg_error_t err = tufsig_verify(&r->env, by, r->name, &r->signed_by);

	if (gpg_err_code(err) == GPG_ERR_BAD_SIGNATURE)
		return problem_set(why, err, "threshold not met: %zu of the "
		    "keys that count for \"%s\" have signed its trust data, "
		    "and %u must", r->signed_by.count, r->name,
		    r->signed_by.threshold);
	if (err)
		return problem_set(why, err, "the signatures of the trust "
		    "data \"%s\" cannot be checked: %s", r->name,
		    gpg_strerror(err));
	return 0;
}

gpg_error_t
role_check_time(const struct trust_role *r, int64_t now, struct problem *why)
{
	char day[16];

	if (r->env.role.expires > now)
		return 0;
	role_day(r->env.role.expires, day);
	return problem_set(why, GPG_ERR_SIG_EXPIRED, "expired: the trust data "
	    "\"%s\" was good until %s; nobody renewed it, or the server keeps "
	    "back what is newer", r->name, day);
}

/* Whether all that signed it still may. */
static bool
may_still(const struct mark *m, const struct tuf_signer *s)
{
	json_t *id;
	size_t i;

	json_array_foreach(m->keys, i, id)
		if (!tuf_signer_has(s, json_string_value(id) ?
		    json_string_value(id) : ""))
			return false;
	return true;
}

gpg_error_t
role_check_mark(const struct trust_role *r, const struct state *s,
    const struct tuf_role *by, struct problem *why)
{
	uint32_t version = r->env.role.version;
	struct tuf_signer signer;
	struct mark m;

	state_mark(s, r->name, &m);
	if (m.version == 0 || !tuf_signers_find(by, r->name, &signer) ||
	    !may_still(&m, &signer))
		return 0;
	if (version < m.version)
		return problem_set(why, GPG_ERR_CONFLICT, "rollback: the "
		    "server has version %u of the trust data \"%s\", and "
		    "version %u was there before; do not use this image until "
		    "the server's owner has told why", version, r->name,
		    m.version);
	if (version == m.version && strcmp(m.sha256, r->sha256))
		return problem_set(why, GPG_ERR_CONFLICT, "two versions %u of "
		    "the trust data \"%s\": the server has another one now "
		    "than before; do not use this image until the server's "
		    "owner has told why", version, r->name);
	return 0;
}

gpg_error_t
role_check_missing(const struct trust_role *r, const struct state *s,
    const struct tuf_role *by, struct problem *why)
{
	struct tuf_signer signer;
	struct mark m;

	state_mark(s, r->name, &m);
	if (m.version == 0 || !tuf_signers_find(by, r->name, &signer) ||
	    !may_still(&m, &signer))
		return 0;
	return problem_set(why, GPG_ERR_CONFLICT, "rollback: the snapshot has "
	    "no \"%s\" any more, of which version %u was there before; do not "
	    "use this image until the server's owner has told why", r->name,
	    m.version);
}

gpg_error_t
role_keep_mark(const struct trust_role *r, struct state *s)
{
	struct mark m = { .version = r->env.role.version,
		.keys = json_array() };
	gpg_error_t err = m.keys ? 0 : gpg_error(GPG_ERR_ENOMEM);

	memcpy(m.sha256, r->sha256, sizeof(m.sha256));
	for (size_t i = 0; i < r->signed_by.count && !err; i++)
		if (json_array_append_new(m.keys,
		    json_string(r->signed_by.ids[i])))
			err = gpg_error(GPG_ERR_ENOMEM);
	if (!err)
		err = state_set_mark(s, r->name, &m);
	json_decref(m.keys);
	return err;
}
