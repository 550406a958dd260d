/* Git's annotated tags, without their signature. */
#include "config.h"

#include <string.h>

#include "object/read.h"

struct tag {
	struct view target, type, name;
	struct git_person tagger;
};

static bool
type_valid(struct view type)
{
	return view_eq_str(type, "commit") || view_eq_str(type, "tree") ||
	    view_eq_str(type, "blob") || view_eq_str(type, "tag");
}

static gpg_error_t
read_header(struct object *o, struct view header, struct tag *t,
    const char **why)
{
	struct view value;

	if (!git_field(&header, "object ", &t->target) ||
	    !(o->hash_len = git_id_len(t->target)))
		return object_bad(why, "the tag names no object");
	if (!git_field(&header, "type ", &t->type) || !type_valid(t->type))
		return object_bad(why, "the tag's type is unknown");
	if (!git_field(&header, "tag ", &t->name) || !git_ref_valid(t->name) ||
	    t->name.p[0] == '-')
		return object_bad(why, "the tag's name is not allowed");
	if (!git_field(&header, "tagger ", &value) ||
	    !git_person_read(value, true, &t->tagger))
		return object_bad(why, "the tag's tagger is malformed");
	if (view_starts(header, "gpgsig"))
		return object_bad(why, "the tag is signed already");
	if (header.len > 0)
		return object_bad(why, "the tag has an unknown header");
	return 0;
}

gpg_error_t
tag_read(struct object *o, const char **why)
{
	struct view header, message;
	struct tag t;
	gpg_error_t err;

	if (!git_header(o, &header))
		return object_bad(why, "the tag's header has no end");
	if ((err = read_header(o, header, &t, why)))
		return err;
	message = view_of(o->bytes.p + o->header_end + 1,
	    o->bytes.len - o->header_end - 1);
	if (git_reads_as_push(message))
		return object_bad(why, "the tag's message reads as a push");

	name_add(o, "tag ");
	name_add_word(o, t.name, 60);
	name_add(o, " of ");
	name_add_word(o, t.type, 8);
	name_add(o, " ");
	name_add_word(o, view_of(t.target.p, 8), 8);
	name_add(o, ", tagger ");
	name_add_person(o, &t.tagger, 72);
	return 0;
}
