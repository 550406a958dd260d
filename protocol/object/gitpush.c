/* Git's push certificates (gitprotocol-pack(5), "Push Certificate"). */
#include "config.h"

#include <string.h>

#include "object/read.h"

#define REFS_SHOWN 2

struct push {
	struct view pusher, pushee;
	struct view updates;
	size_t count;
};

/* "K 1700000000 +0100": the key as the user configured it, and a date. */
static bool
read_pusher(struct view v, struct view *pusher)
{
	size_t n = v.len;

	for (int blanks = 0; n > 0; n--)
		if (v.p[n - 1] == ' ' && ++blanks == 2)
			break;
	if (n < 2)
		return false;
	*pusher = view_of(v.p, n - 1);
	return git_date_valid(view_of(v.p + n - 1, v.len - n + 1));
}

static gpg_error_t
read_header(struct view header, struct push *p, const char **why)
{
	struct view value;

	if (!git_field(&header, "certificate version ", &value) ||
	    !view_eq_str(value, "0.1"))
		return object_bad(why,
		    "the push certificate's version is unknown");
	if (!git_field(&header, "pusher ", &value) ||
	    !read_pusher(value, &p->pusher))
		return object_bad(why,
		    "the push certificate's pusher is malformed");
	git_field(&header, "pushee ", &p->pushee);
	git_field(&header, "nonce ", &value);
	while (git_field(&header, "push-option ", &value))
		;
	if (header.len > 0)
		return object_bad(why,
		    "the push certificate has an unknown header");
	return 0;
}

static gpg_error_t
check_updates(struct object *o, struct push *p, const char **why)
{
	struct view rest = p->updates, line, ref;
	size_t id_len;
	bool deletes;

	for (; scan_line(&rest, &line); p->count++) {
		if (!git_update_read(line, &id_len, &deletes, &ref) ||
		    !view_starts(ref, "refs/") || !git_ref_valid(ref) ||
		    (p->count > 0 && id_len != o->hash_len))
			return object_bad(why,
			    "the push certificate has a malformed update");
		o->hash_len = (unsigned)id_len;
	}
	if (rest.len > 0 || p->count == 0)
		return object_bad(why,
		    "the push certificate's updates are not whole");
	return 0;
}

static void
put_refs(struct object *o, const struct push *p)
{
	struct view rest = p->updates, line, ref;
	size_t id_len, i;
	bool deletes;

	for (i = 0; i < REFS_SHOWN && scan_line(&rest, &line) &&
	    git_update_read(line, &id_len, &deletes, &ref); i++) {
		if (!scan_word(&ref, "refs/heads/"))
			scan_word(&ref, "refs/");
		name_add(o, i ? ", " : "");
		name_add(o, deletes ? "deletion of " : "");
		name_add_word(o, ref, 28);
	}
	if (p->count > i) {
		name_add(o, ", ... (");
		name_add_number(o, p->count);
		name_add(o, " refs)");
	}
}

gpg_error_t
push_read(struct object *o, const char **why)
{
	struct push p = { .count = 0 };
	struct view header;
	gpg_error_t err;

	if (!git_header(o, &header))
		return object_bad(why,
		    "the push certificate's header has no end");
	p.updates = view_of(o->bytes.p + o->header_end + 1,
	    o->bytes.len - o->header_end - 1);
	if ((err = read_header(header, &p, why)) ||
	    (err = check_updates(o, &p, why)))
		return err;

	name_add(o, "push of ");
	put_refs(o, &p);
	if (p.pushee.len > 0) {
		name_add(o, " to ");
		name_add_word(o, p.pushee, 64);
	}
	name_add(o, " by ");
	name_add_word(o, p.pusher, 44);
	return 0;
}
