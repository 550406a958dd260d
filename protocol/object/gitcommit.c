/* Git commits as git signs them: without their own signature. */
#include "config.h"

#include <string.h>

#include "object/read.h"

/*
 * Names that no header behind the committer may have: the first four would be
 * said twice, and the others belong to a push certificate, which
 * git-receive-pack(1) knows by nothing else.
 */
static bool
is_misplaced(struct view name)
{
	static const char *const misplaced[] = {
		"tree", "parent", "author", "committer",
		"pusher", "pushee", "nonce", "push-option",
	};

	for (size_t i = 0; i < sizeof(misplaced) / sizeof(misplaced[0]); i++)
		if (view_eq_str(name, misplaced[i]))
			return true;
	return false;
}

/* What follows the committer: fields, each with lines that continue it. */
static gpg_error_t
check_extra(struct view header, const char **why)
{
	struct view line, name;
	bool first = true, encoded = false;

	for (; scan_line(&header, &line); first = false) {
		if (line.p[0] == ' ') {
			if (first)
				return object_bad(why,
				    "the commit's committer has two lines");
			continue;
		}
		if (!scan_until(&line, ' ', &name))
			name = line;
		/* Git cuts out whatever begins so before it verifies. */
		if (view_starts(name, "gpgsig"))
			return object_bad(why, "the commit is signed already");
		if (is_misplaced(name))
			return object_bad(why,
			    "the commit has a header that it must not have");
		if (view_eq_str(name, "encoding")) {
			if (encoded)
				return object_bad(why,
				    "the commit has two encodings");
			encoded = true;
		}
	}
	return 0;
}

/* The first line that is not blank. */
static struct view
subject(struct view message)
{
	struct view line;

	while (message.len > 0 && message.p[0] == '\n')
		scan_line(&message, &line);
	return scan_line(&message, &line) ? line : message;
}

static void
put_summary(struct object *o, struct view message,
    const struct git_person *author, const struct git_person *committer)
{
	bool same = view_eq(author->name, committer->name) &&
	    view_eq(author->mail, committer->mail);
	struct view line = subject(message);

	name_add(o, "commit ");
	if (line.len > 0)
		name_add_text(o, line, 88);
	else
		name_add(o, "without message");
	name_add(o, " by ");
	name_add_person(o, author, same ? 64 : 32);
	if (same)
		return;
	name_add(o, ", committed by ");
	name_add_person(o, committer, 32);
}

gpg_error_t
commit_read(struct object *o, const char **why)
{
	struct git_person author, committer;
	struct view header, message, value;
	gpg_error_t err;

	if (!git_header(o, &header))
		return object_bad(why, "the commit's header has no end");
	if (!git_field(&header, "tree ", &value) ||
	    !(o->hash_len = git_id_len(value)))
		return object_bad(why, "the commit names no tree");
	while (git_field(&header, "parent ", &value))
		if (git_id_len(value) != o->hash_len)
			return object_bad(why, "the commit's parent is no id");
	if (!git_field(&header, "author ", &value) ||
	    !git_person_read(value, false, &author))
		return object_bad(why, "the commit's author is malformed");
	if (!git_field(&header, "committer ", &value) ||
	    !git_person_read(value, true, &committer))
		return object_bad(why, "the commit's committer is malformed");
	if ((err = check_extra(header, why)))
		return err;
	message = view_of(o->bytes.p + o->header_end + 1,
	    o->bytes.len - o->header_end - 1);
	if (message.len > 0 && memchr(message.p, 0, message.len))
		return object_bad(why, "the commit's message has a NUL");
	if (git_reads_as_push(message))
		return object_bad(why, "the commit's message reads as a push");
	put_summary(o, message, &author, &committer);
	return 0;
}
