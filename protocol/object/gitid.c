/* The id that git will give to an object once the signature is in it. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "object/read.h"

static bool
feed(EVP_MD_CTX *ctx, struct view v)
{
	return v.len == 0 || EVP_DigestUpdate(ctx, v.p, v.len);
}

/* The header with its continuation lines, each behind a blank. */
static bool
feed_header(EVP_MD_CTX *ctx, const char *name, struct view signature)
{
	static const char newline = '\n', blank = ' ';
	struct view line;

	if (!feed(ctx, view_str(name)))
		return false;
	while (scan_line(&signature, &line))
		if (!feed(ctx, view_of(&blank, 1)) || !feed(ctx, line) ||
		    !feed(ctx, view_of(&newline, 1)))
			return false;
	return true;
}

static size_t
header_size(const char *name, struct view signature)
{
	size_t size = strlen(name) + signature.len;

	for (size_t i = 0; i < signature.len; i++)
		size += signature.p[i] == '\n';
	return size;
}

static bool
feed_object(EVP_MD_CTX *ctx, const struct object *o, struct view signature)
{
	bool is_commit = o->kind == OBJECT_COMMIT;
	const char *header = o->hash_len == 32 ? "gpgsig-sha256" : "gpgsig";
	size_t front = is_commit ? o->header_end : o->bytes.len, size;
	char start[48];
	int n;

	size = o->bytes.len +
	    (is_commit ? header_size(header, signature) : signature.len);
	n = snprintf(start, sizeof(start), "%s %zu",
	    is_commit ? "commit" : "tag", size);
	if (!feed(ctx, view_of(start, (size_t)n + 1)) ||	/* and its NUL */
	    !feed(ctx, view_of(o->bytes.p, front)))
		return false;
	if (is_commit ? !feed_header(ctx, header, signature) :
	    !feed(ctx, signature))
		return false;
	return feed(ctx, view_of(o->bytes.p + front, o->bytes.len - front));
}

gpg_error_t
object_signed_id(const struct object *o, struct view signature, char id[65])
{
	const EVP_MD *md = o->hash_len == 32 ? EVP_sha256() : EVP_sha1();
	uint8_t raw[EVP_MAX_MD_SIZE];
	gpg_error_t err = 0;
	EVP_MD_CTX *ctx;

	*id = 0;
	if (o->kind != OBJECT_COMMIT && o->kind != OBJECT_TAG)
		return gpg_error(GPG_ERR_NOT_SUPPORTED);
	/* Git drops carriage returns and stops at a NUL: have neither. */
	if (signature.len == 0 || signature.p[signature.len - 1] != '\n' ||
	    memchr(signature.p, '\r', signature.len) ||
	    memchr(signature.p, 0, signature.len))
		return gpg_error(GPG_ERR_INV_VALUE);
	if (!(ctx = EVP_MD_CTX_new()))
		return gpg_error(GPG_ERR_ENOMEM);
	if (!EVP_DigestInit_ex(ctx, md, NULL) ||
	    !feed_object(ctx, o, signature) ||
	    !EVP_DigestFinal_ex(ctx, raw, NULL))
		err = gpg_error(GPG_ERR_INTERNAL);
	for (unsigned i = 0; !err && i < o->hash_len; i++)
		snprintf(id + (size_t)2 * i, 3, "%02x", raw[i]);
	EVP_MD_CTX_free(ctx);
	return err;
}
