/* What may be signed: the kinds, and which kind some bytes are of. */
#include "config.h"

#include <string.h>

#include "object/read.h"
#include "object/tuf.h"

#define KIB (size_t)1024
#define MIB (1024 * KIB)

static const struct object_rule rules[OBJECT_KINDS] = {
	[OBJECT_COMMIT] = { .name = "commit", .limit = MIB,
	    .forwarded = true },
	[OBJECT_TAG] = { .name = "tag", .limit = MIB, .forwarded = true },
	[OBJECT_PUSH] = { .name = "push", .limit = 4 * MIB,
	    .forwarded = true },
	[OBJECT_CERTIFICATION] = { .name = "certification", .built = true },
	[OBJECT_REVOCATION] = { .name = "revocation", .built = true },
	[OBJECT_SSH_USERAUTH] = { .name = "ssh-login", .limit = 64 * KIB,
	    .forwarded = true },
	[OBJECT_SSHSIG] = { .name = "sshsig", .limit = 4 * KIB,
	    .forwarded = true },
	[OBJECT_SSH_HASH] = { .name = "hash", .limit = 64,
	    .by_policy = true },
	[OBJECT_BLOB] = { .name = "blob", .limit = 16 * MIB,
	    .by_policy = true },
	/* Registries take no larger ones. */
	[OBJECT_MANIFEST] = { .name = "manifest", .limit = 4 * MIB,
	    .forwarded = true },
	[OBJECT_INDEX] = { .name = "index", .limit = 4 * MIB,
	    .forwarded = true },
	[OBJECT_STATEMENT] = { .name = "statement", .limit = 16 * MIB,
	    .forwarded = true },
	[OBJECT_SIMPLE] = { .name = "simple-signing", .limit = MIB,
	    .forwarded = true },
	[OBJECT_NOTATION] = { .name = "notation", .limit = MIB,
	    .forwarded = true },
	[OBJECT_TRUST_TARGETS] = { .name = "trust-targets", .limit = 4 * MIB,
	    .forwarded = true },
	[OBJECT_TRUST_ROOT] = { .name = "trust-root", .limit = 4 * MIB },
};

const struct object_rule *
object_rule(enum object_kind kind)
{
	return &rules[kind];
}

size_t
object_limit(void)
{
	size_t limit = 0;

	for (int i = 0; i < OBJECT_KINDS; i++)
		if (rules[i].limit > limit)
			limit = rules[i].limit;
	return limit;
}

/*
 * Whether git could read the bytes as an object that begins with the word, or
 * whoever wrote them meant it to: an id follows, or a line that is hex but
 * no id.  A text that begins with "tree house" claims nothing.
 */
static bool
claims_id(struct view v, const char *word)
{
	size_t n;

	if (!scan_word(&v, word))
		return false;
	n = git_hex_run(v);
	return n >= 40 || (n > 0 && (n == v.len || v.p[n] < ' '));
}

static enum object_kind
claimed_kind(struct view v)
{
	if (claims_id(v, "tree "))
		return OBJECT_COMMIT;
	if (claims_id(v, "object "))
		return OBJECT_TAG;
	if (view_starts(v, "certificate version "))
		return OBJECT_PUSH;
	if (dsse_claimed(v))
		return OBJECT_STATEMENT;
	if (notation_claimed(v))
		return OBJECT_NOTATION;
	return image_claimed(v);
}

static enum object_kind
claimed_ssh_kind(struct view v)
{
	if (sshsig_claimed(v))
		return OBJECT_SSHSIG;
	if (userauth_claimed(v))
		return OBJECT_SSH_USERAUTH;
	return v.len == 32 || v.len == 48 || v.len == 64 ? OBJECT_SSH_HASH :
	    OBJECT_BLOB;
}

static gpg_error_t
begin(struct object *o, enum object_kind kind, struct view bytes,
    const char **why)
{
	*o = (struct object){ .kind = kind, .bytes = bytes };
	*why = NULL;
	if (bytes.len <= rules[kind].limit)
		return 0;
	*why = "there is more than may be signed at once";
	return gpg_error(GPG_ERR_TOO_LARGE);
}

/*
 * Leaves of an object that was refused only what it claims to be, and no
 * refusal unexplained.
 */
static gpg_error_t
end(struct object *o, gpg_error_t err, const char **why)
{
	if (err) {
		*o = (struct object){ .kind = o->kind, .bytes = o->bytes };
		if (!*why)
			*why = "the bytes could not be hashed";
	}
	return err;
}

static gpg_error_t
read_typed(struct view bytes, bool raw, struct object *o, const char **why)
{
	gpg_error_t err = begin(o, claimed_kind(bytes), bytes, why);

	if (err)
		return end(o, err, why);
	switch (o->kind) {
	case OBJECT_COMMIT:
		return end(o, commit_read(o, why), why);
	case OBJECT_TAG:
		return end(o, tag_read(o, why), why);
	case OBJECT_PUSH:
		return end(o, push_read(o, why), why);
	case OBJECT_MANIFEST:
		return end(o, manifest_read(o, why), why);
	case OBJECT_INDEX:
		return end(o, index_read(o, why), why);
	case OBJECT_STATEMENT:
		return end(o, statement_read(o, why), why);
	case OBJECT_SIMPLE:
		return end(o, simple_read(o, why), why);
	case OBJECT_NOTATION:
		return end(o, notation_read(o, why), why);
	case OBJECT_TRUST_TARGETS:
	case OBJECT_TRUST_ROOT:
		return end(o, trust_read(o, why), why);
	default:
		return end(o, blob_read(o, raw, why), why);
	}
}

gpg_error_t
object_read(struct view bytes, struct object *o, const char **why)
{
	return read_typed(bytes, false, o, why);
}

/* Ed25519 signs hashes as they are, in place of an OpenPGP document. */
static bool
is_hash(struct view v)
{
	return v.len == 20 || v.len == 28 || v.len == 32 || v.len == 48 ||
	    v.len == 64;
}

gpg_error_t
object_read_raw(struct view bytes, struct object *o, const char **why)
{
	gpg_error_t err = read_typed(bytes, true, o, why);

	if (err || o->kind != OBJECT_BLOB || !is_hash(bytes))
		return err;
	*why = "the bytes could be a hash of anything";
	return end(o, gpg_error(GPG_ERR_FORBIDDEN), why);
}

gpg_error_t
object_read_trust(struct view bytes, struct object *o, struct tuf_role *role,
    const char **why)
{
	gpg_error_t err = begin(o, claimed_kind(bytes), bytes, why);

	*role = (struct tuf_role){ 0 };
	if (!err && o->kind != OBJECT_TRUST_TARGETS &&
	    o->kind != OBJECT_TRUST_ROOT)
		err = object_bad(why, "this is no role of trust data");
	else if (!err)
		err = trust_read_role(o, role, why);
	return end(o, err, why);
}

gpg_error_t
object_read_ssh(struct view bytes, struct view key, struct object *o,
    const char **why)
{
	gpg_error_t err = begin(o, claimed_ssh_kind(bytes), bytes, why);

	if (err)
		return end(o, err, why);
	switch (o->kind) {
	case OBJECT_SSH_USERAUTH:
		return end(o, userauth_read(o, key, why), why);
	case OBJECT_SSHSIG:
		return end(o, sshsig_read(o, why), why);
	case OBJECT_SSH_HASH:
		return end(o, ssh_hash_read(o, why), why);
	default:
		return end(o, blob_read(o, true, why), why);
	}
}

void
object_name_built(struct object *o, enum object_kind kind, const char *what)
{
	*o = (struct object){ .kind = kind };
	name_add(o, rules[kind].name);
	name_add(o, kind == OBJECT_CERTIFICATION ? " of " : " ");
	name_add_text(o, view_str(what), 144);
}
