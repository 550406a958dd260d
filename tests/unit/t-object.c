/*
 * Git's objects: what git writes is read and named, what it would not is
 * refused, and the id is the one that git finds.  The vectors are what git
 * 2.39 gave to its gpg.program, with the ids that it then had.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "object/object.h"
#include "wire/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define TREE "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n"
#define PARENT "parent 586058acb196054938a55d7d061b58d1acae03c0\n"
#define AUTHOR "author Alice <a@x> 1795321907 +0000\n"
#define COMMITTER "committer Alice <a@x> 1795321907 +0000\n"
#define COMMIT TREE PARENT AUTHOR COMMITTER "\nFix parser\n"

#define TAG "object 61f36e7cf6c489f455ca885ba40a0f935faebc63\n" \
	"type commit\ntag v1\n" \
	"tagger Alice <a@x> 1795321907 +0000\n\nv1\n"

#define ZERO "0000000000000000000000000000000000000000"
#define SOME "8bced3726a0873b69e6fde480c97a8a3188896be"
#define PUSH "certificate version 0.1\n" \
	"pusher K 1795321907 +0000\n" \
	"pushee ../srv.git\n" \
	"nonce 1795321907-0c93f84ae55f95db4283e67cc966b59c421a7e9a\n" \
	"push-option ci.skip\npush-option x y\n\n" \
	ZERO " " SOME " refs/heads/main\n"

static const char signature[] = "-----BEGIN PGP SIGNATURE-----\n\n"
    "iHUEABYKAB0WIQTest\n=abcd\n-----END PGP SIGNATURE-----\n";

static gpg_error_t
read_bytes(const void *bytes, size_t len, struct object *o)
{
	struct view v;
	char *copy = malloc(len);	/* so that a sanitizer sees its end */
	const char *why;
	gpg_error_t err;

	memcpy(copy, bytes, len);
	v = view_of(copy, len);
	err = object_read(v, o, &why);
	assert_true(text_is_clean(view_str(o->summary)));
	if (err) {
		assert_non_null(why);
		assert_true(text_is_clean(view_str(why)));
		assert_string_equal(o->summary, "");
	} else {
		assert_null(why);
		assert_true(view_eq(o->bytes, v));
	}
	o->bytes = view_of(bytes, len);
	free(copy);
	return err;
}

static void
assert_named(const char *text, enum object_kind kind, const char *summary)
{
	struct object o;

	assert_int_equal(read_bytes(text, strlen(text), &o), 0);
	assert_int_equal(o.kind, kind);
	assert_string_equal(o.summary, summary);
}

static void
assert_refused(const char *text, gpg_err_code_t code)
{
	struct object o;
	gpg_error_t err = read_bytes(text, strlen(text), &o);

	if (gpg_err_code(err) != code)
		print_error("# read: %s\n", text);
	assert_int_equal(gpg_err_code(err), code);
}

/* The text with the first `from` in it made `to`. */
static char *
with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	assert_non_null(at);
	sprintf(out, "%.*s%s%s", (int)(at - text), text, to,
	    at + strlen(from));
	return out;
}

struct change {
	const char *from, *to;
};

static void
assert_all_refused(const char *text, const struct change *c, size_t n)
{
	struct object o;

	assert_int_equal(read_bytes(text, strlen(text), &o), 0);
	for (; n > 0; n--, c++) {
		char *changed = with(text, c->from, c->to);

		assert_refused(changed, GPG_ERR_BAD_DATA);
		free(changed);
	}
}

static void
assert_all_read(const char *text, const struct change *c, size_t n,
    enum object_kind kind)
{
	for (; n > 0; n--, c++) {
		char *changed = with(text, c->from, c->to);
		struct object o;

		if (read_bytes(changed, strlen(changed), &o))
			print_error("# refused: %s\n", changed);
		assert_int_equal(read_bytes(changed, strlen(changed), &o), 0);
		assert_int_equal(o.kind, kind);
		free(changed);
	}
}

static void
test_commit_is_named(void **state)
{
	assert_named(COMMIT, OBJECT_COMMIT,
	    "commit \"Fix parser\" by Alice <a@x>");
	assert_named(TREE AUTHOR COMMITTER "\n", OBJECT_COMMIT,
	    "commit without message by Alice <a@x>");
	assert_named(TREE AUTHOR COMMITTER "\n\n\n", OBJECT_COMMIT,
	    "commit without message by Alice <a@x>");
	assert_named(TREE AUTHOR COMMITTER "\n\nLate subject", OBJECT_COMMIT,
	    "commit \"Late subject\" by Alice <a@x>");
	assert_named(TREE "author Bob <b@y> 1 +0000\n" COMMITTER "\nm\n",
	    OBJECT_COMMIT,
	    "commit \"m\" by Bob <b@y>, committed by Alice <a@x>");
}

/* What a commit says cannot pass for the rest of its summary. */
static void
test_commit_summary_cannot_be_imitated(void **state)
{
	assert_named(TREE AUTHOR COMMITTER "\nx\" by Root <r@x>\n",
	    OBJECT_COMMIT, "commit \"x' by Root <r@x>\" by Alice <a@x>");
	assert_named(TREE AUTHOR COMMITTER "\nx\xe2\x80\x9d by R\xef\xbc\x82\n",
	    OBJECT_COMMIT, "commit \"x' by R'\" by Alice <a@x>");
	assert_named(TREE AUTHOR COMMITTER "\n\x1b[2Jx\xe2\x80\xaey\x07\n",
	    OBJECT_COMMIT, "commit \"?[2Jx?y?\" by Alice <a@x>");
	assert_named(TREE "author A>B\" <a<x> 1 +0000\n" COMMITTER "\nm\n",
	    OBJECT_COMMIT,
	    "commit \"m\" by A?B' <a?x>, committed by Alice <a@x>");
	assert_named(TREE "author J\xe4n <a@x> 1 +0000\n"
	    "committer J\xe4n <a@x> 1 +0000\nencoding ISO-8859-1\n"
	    "\nK\xe4se\n", OBJECT_COMMIT, "commit \"K?se\" by J?n <a@x>");
}

/* However long its parts are, both people stay in sight. */
static void
test_commit_summary_is_cut_in_its_parts(void **state)
{
	char text[4096], want[OBJECT_SUMMARY];
	char subject[1001], bob[101], mail[101];
	int n;

	memset(subject, 's', 1000);
	memset(bob, 'b', 100);
	memset(mail, 'm', 100);
	subject[1000] = bob[100] = mail[100] = 0;
	snprintf(text, sizeof(text), TREE "author %s <%s> 1 +0000\n"
	    "committer %s2 <%s> 1 +0000\n\n%s\n", bob, mail, bob, mail,
	    subject);
	n = snprintf(want, sizeof(want), "commit \"%.85s...\" by %.29s... "
	    "<%.29s...>, committed by %.29s... <%.29s...>", subject, bob,
	    mail, bob, mail);
	assert_in_range(n, 1, OBJECT_SUMMARY - 1);
	assert_named(text, OBJECT_COMMIT, want);
}

static const struct change commit_bad[] = {
	{ TREE, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee490\n" },
	{ TREE, "tree 4B825DC642CB6EB9A060E54BF8D69288FBEE4904\n" },
	{ TREE, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904 \n" },
	{ TREE, "tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\r\n" },
	{ TREE, TREE TREE },
	{ PARENT, "parent 4b825dc642cb6eb9a060e54bf8d69288fbee490\n" },
	{ PARENT, "parent 85f7e1bcb9e87d3069c201a2c9a2fe304917fa2466cd047b"
	    "3babf520c634844f\n" },		/* SHA-256 amid SHA-1 */
	{ PARENT, "parent \n" },
	{ PARENT, "Parent 586058acb196054938a55d7d061b58d1acae03c0\n" },
	{ AUTHOR, "" },
	{ AUTHOR, AUTHOR AUTHOR },
	{ AUTHOR, "author Alice 1 +0000\n" },
	{ AUTHOR, "author Alice <a@x 1 +0000\n" },
	{ AUTHOR, " " AUTHOR },
	{ AUTHOR COMMITTER, COMMITTER AUTHOR },
	{ COMMITTER, "" },
	{ COMMITTER, COMMITTER COMMITTER },
	{ COMMITTER, COMMITTER PARENT },
	{ COMMITTER, COMMITTER TREE },
	{ COMMITTER, COMMITTER AUTHOR },
	{ COMMITTER, COMMITTER " more\n" },
	{ COMMITTER, COMMITTER "gpgsig x\n y\n" },
	{ COMMITTER, COMMITTER "gpgsig-sha256 x\n y\n" },
	{ COMMITTER, COMMITTER "gpgsigs x\n" },
	{ COMMITTER, COMMITTER "a b\ngpgsig x\n y\n" },
	{ COMMITTER, COMMITTER "encoding a\nencoding b\n" },
	{ COMMITTER, COMMITTER "nonce 1\n" },
	{ COMMITTER, COMMITTER "pusher K 1 +0000\n" },
	{ COMMITTER, COMMITTER "push-option x\n" },
	{ "committer Alice <", "committer <" },
	{ "committer Alice <", "committer Alice<" },
	{ "committer Alice <", "committer Al>ice <" },
	{ "committer Alice <a@x", "committer Alice <a<x" },
	{ COMMITTER, "committer Alice <a@x>1 +0000\n" },
	{ COMMITTER, "committer Alice <a@x>\n" },
	{ COMMITTER, "committer Alice <a@x> +0000\n" },
	{ COMMITTER, "committer Alice <a@x>  +0000\n" },
	{ COMMITTER, "committer Alice <a@x> 01 +0000\n" },
	{ COMMITTER, "committer Alice <a@x> -1 +0000\n" },
	{ COMMITTER, "committer Alice <a@x> 9223372036854775807 +0000\n" },
	{ COMMITTER, "committer Alice <a@x> 18446744073709551617 +0000\n" },
	{ COMMITTER, "committer Alice <a@x> 1\n" },
	{ COMMITTER, "committer Alice <a@x> 1 0000\n" },
	{ COMMITTER, "committer Alice <a@x> 1 +000\n" },
	{ COMMITTER, "committer Alice <a@x> 1 +00000\n" },
	{ COMMITTER, "committer Alice <a@x> 1 +00x0\n" },
	{ "\n\n", "\n" },
	{ "Fix parser", ZERO " " SOME " refs/heads/main" },
	{ "Fix parser", ZERO " 8BCED3726A0873B69E6FDE480C97A8A3188896BE a" },
};

static const struct change commit_good[] = {
	{ PARENT, "" },
	{ PARENT, PARENT PARENT PARENT },
	{ "Fix parser\n", "" },
	{ "Fix parser\n", "no newline" },
	{ "Fix parser", "x\n\n" ZERO " " SOME " refs/heads/main" },
	{ "Fix parser", ZERO " is not " SOME },
	{ "Fix parser", ZERO " " SOME },
	{ "Alice <a@x> 1795321907", " <> 0" },
	{ COMMITTER, "committer Alice <> 0 -1234\n" },
	{ COMMITTER, "committer Alice <a@x> 99999999999 +1400\n" },
	{ COMMITTER, "committer Alice <a@x> 9223372036854775806 +0000\n" },
	{ COMMITTER, "committer A \"B\" (c), \xff\x01 <\xfe> 1 +0000\n" },
	{ COMMITTER, "committer  <> 1 +0000\n" },
	{ COMMITTER, COMMITTER "encoding ISO-8859-1\n" },
	{ COMMITTER, COMMITTER "HG:extra a b\nempty\nmulti a\n \n  b\n" },
	{ COMMITTER, COMMITTER "mergetag object 0ff7e369\n type commit\n" },
	{ COMMITTER, COMMITTER "mergetag a\n gpgsig b\nmergetag c\n d\n" },
	/* What a rebase copies from old commits. */
	{ AUTHOR, "author A <a@x> 1 +051800\n" },
	{ AUTHOR, "author A<b@x> 2 +0000\n" },
	{ AUTHOR, "author <c@x> 3 +0000\n" },
	{ AUTHOR, "author A <d@x> 0005 +00000\n" },
	{ AUTHOR, "author A <f@x>\n" },
	{ AUTHOR, "author A <g@x> 99999999999999999999999 +0000\n" },
	{ AUTHOR, "author A <i<j@x> -8 +0000\n" },
};

static void
test_commit_is_read_as_git_writes_it(void **state)
{
	assert_all_read(COMMIT, commit_good, COUNT(commit_good),
	    OBJECT_COMMIT);
}

static void
test_commit_that_git_would_not_write_is_refused(void **state)
{
	assert_all_refused(COMMIT, commit_bad, COUNT(commit_bad));
}

static const struct change tag_bad[] = {
	{ "object 61", "object 6" },
	{ "object 61f36", "object 61F36" },
	{ "type commit", "type branch" },
	{ "type commit\n", "" },
	{ "type commit", "type " },
	{ "tag v1\n", "" },
	{ "tag v1", "tag " },
	{ "tag v1", "tag -v1" },
	{ "tag v1", "tag v 1" },
	{ "tag v1", "tag v..1" },
	{ "tag v1", "tag .v1" },
	{ "tag v1", "tag v1." },
	{ "tag v1", "tag v1.lock" },
	{ "tag v1", "tag v1.lock/x" },
	{ "tag v1", "tag a//b" },
	{ "tag v1", "tag a/" },
	{ "tag v1", "tag /a" },
	{ "tag v1", "tag a/.b" },
	{ "tag v1", "tag @" },
	{ "tag v1", "tag a@{b" },
	{ "tag v1", "tag a\\b" },
	{ "tag v1", "tag a~" },
	{ "tag v1", "tag a^" },
	{ "tag v1", "tag a:" },
	{ "tag v1", "tag a?" },
	{ "tag v1", "tag a*" },
	{ "tag v1", "tag a[" },
	{ "tag v1", "tag a\x7f" },
	{ "tag v1", "tag a\x1b" },
	{ "tagger Alice <a@x> 1795321907 +0000\n", "" },
	{ "tagger Alice <a@x>", "tagger Alice" },
	{ "tagger Alice", "tagger Alice <" },
	{ "+0000", "+00000" },
	{ "+0000\n", "+0000\ngpgsig x\n" },
	{ "+0000\n", "+0000\nextra x\n" },
	{ "\n\nv1\n", "\n" },
	{ "\n\nv1", "\n\n" ZERO " " SOME " refs/heads/main" },
};

static const struct change tag_good[] = {
	{ "type commit", "type tree" },
	{ "type commit", "type blob" },
	{ "type commit", "type tag" },
	{ "tag v1", "tag a/b.c/d-e_f@g" },
	{ "tag v1", "tag v1.lockx" },
	{ "tag v1", "tag \xc3\xa4\xff" },
	{ "\n\nv1\n", "\n\n" },
	{ "\n\nv1\n", "\n\n\xff\xfe" },
	{ "Alice", "" },
};

static void
test_tag_is_named(void **state)
{
	assert_named(TAG, OBJECT_TAG,
	    "tag v1 of commit 61f36e7c, tagger Alice <a@x>");
}

/* A no-break space is allowed in a tag's name, so the name gets quotes. */
static void
test_tag_summary_cannot_be_imitated(void **state)
{
	char *tag = with(TAG, "tag v1", "tag v1\xc2\xa0of\xc2\xa0tree,\"");

	assert_named(tag, OBJECT_TAG, "tag \"v1\xc2\xa0of\xc2\xa0tree,'\" "
	    "of commit 61f36e7c, tagger Alice <a@x>");
	free(tag);
}

static void
test_tag_is_read_as_git_writes_it(void **state)
{
	assert_all_read(TAG, tag_good, COUNT(tag_good), OBJECT_TAG);
}

static void
test_tag_that_git_would_not_write_is_refused(void **state)
{
	assert_all_refused(TAG, tag_bad, COUNT(tag_bad));
}

static const struct change push_bad[] = {
	{ "version 0.1", "version 0.2" },
	{ "version 0.1", "version 0.1 " },
	{ "pusher K 1795321907 +0000\n", "" },
	{ "pusher K 1795321907", "pusher K" },
	{ "pusher K 1795321907 +0000", "pusher K" },
	{ "pusher K 1795321907 +0000", "pusher 1795321907 +0000" },
	{ "nonce", "nonsense" },
	{ "push-option x y\n", "push-option x y\nmore z\n" },
	{ "push-option x y\n", "push-option x y\nnonce z\n" },
	{ "\n\n", "\n" },
	{ ZERO " ", "000000000000000000000000000000000000000 " },
	{ ZERO " " SOME, ZERO "  " SOME },
	{ SOME, SOME "000000000000000000000000" },
	{ SOME, "8BCED3726A0873B69E6FDE480C97A8A3188896BE" },
	{ " refs/heads/main", "" },
	{ " refs/heads/main", " main" },
	{ " refs/heads/main", " refs/heads/ma in" },
	{ " refs/heads/main", " refs/heads/../x" },
	{ "main\n", "main" },
	{ "main\n", "main\nx" },
	{ "main\n", "main\n\n" },
	{ ZERO " " SOME " refs/heads/main\n", "" },
	{ "main\n", "main\n" ZERO "000000000000000000000000 " ZERO
	    "000000000000000000000000 refs/heads/b\n" },
};

static const struct change push_good[] = {
	{ "pushee ../srv.git\n", "" },
	{ "nonce 1795321907-0c93f84ae55f95db4283e67cc966b59c421a7e9a\n", "" },
	{ "push-option ci.skip\npush-option x y\n", "" },
	{ "pusher K ", "pusher Alice <a@x> " },
	{ "main\n", "main\n" SOME " " ZERO " refs/tags/v1\n" },
};

static void
test_push_is_named(void **state)
{
	char *more = with(PUSH, "main\n", "main\n" SOME " " ZERO
	    " refs/tags/v1\n" SOME " " SOME " refs/heads/dev\n");

	assert_named(PUSH, OBJECT_PUSH, "push of main to ../srv.git by K");
	assert_named(more, OBJECT_PUSH, "push of main, deletion of tags/v1, "
	    "... (3 refs) to ../srv.git by K");
	free(more);
	more = with(PUSH, "K 1795", "Alice <a@x> 1795");
	assert_named(more, OBJECT_PUSH,
	    "push of main to ../srv.git by \"Alice <a@x>\"");
	free(more);
	more = with(PUSH, "../srv.git", "x y \"by K");
	assert_named(more, OBJECT_PUSH,
	    "push of main to \"x y 'by K\" by K");
	free(more);
}

static void
test_push_is_read_as_git_writes_it(void **state)
{
	assert_all_read(PUSH, push_good, COUNT(push_good), OBJECT_PUSH);
}

static void
test_push_that_git_would_not_write_is_refused(void **state)
{
	assert_all_refused(PUSH, push_bad, COUNT(push_bad));
}

/* No part of a claim to be git's is ever taken for a blob. */
static void
test_every_truncation_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t claim;	/* from how many bytes on it claims */
	} cases[] = { { COMMIT, 6 }, { TAG, 8 }, { PUSH, 20 } };

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *text = cases[i].text;
		size_t whole = (size_t)(strstr(text, "\n\n") - text) + 2;
		struct object o;

		if (i == 2)	/* a push has a body, always */
			whole = strlen(text);
		assert_int_equal(read_bytes(text, whole, &o), 0);
		for (size_t n = cases[i].claim; n < whole; n++)
			assert_int_equal(gpg_err_code(read_bytes(text, n, &o)),
			    GPG_ERR_BAD_DATA);
	}
}

static gpg_error_t
read_with_nul(const char *text, const char *at)
{
	char *copy = strdup(text);
	struct object o;
	gpg_error_t err;

	copy[strstr(text, at) - text] = 0;
	err = read_bytes(copy, strlen(text), &o);
	free(copy);
	return gpg_err_code(err);
}

static void
test_nul_is_refused(void **state)
{
	assert_int_equal(read_with_nul(COMMIT, "lice"), GPG_ERR_BAD_DATA);
	assert_int_equal(read_with_nul(COMMIT, "parser"), GPG_ERR_BAD_DATA);
	assert_int_equal(read_with_nul(TAG, "lice"), GPG_ERR_BAD_DATA);
	assert_int_equal(read_with_nul(PUSH, "ci.skip"), GPG_ERR_BAD_DATA);
	assert_int_equal(read_with_nul(PUSH, "main"), GPG_ERR_BAD_DATA);
	/* Only a tag's message may have one, git tag -F takes anything. */
	assert_int_equal(read_with_nul(TAG "message", "message"), 0);
}

static void
test_only_what_git_could_read_claims_to_be_gits(void **state)
{
	static const char *const blobs[] = {
		"", "t", "tree ", "tree house\n", "tree bad idea\n",
		"treehouse", "tree g0\n", "object of desire\n", "objects: 3\n",
		"certificate of birth\n", " tree 00\n",
	};
	static const char *const claims[] = {
		"tree 0", "tree bad\n", "tree abc\r\n", "object abc\n",
		TREE, "tree 4B825DC642CB6EB9A060E54BF8D69288FBEE4904 x",
		"certificate version ", "certificate version 9\n",
	};
	struct object o;

	for (size_t i = 0; i < COUNT(blobs); i++) {
		assert_int_equal(read_bytes(blobs[i], strlen(blobs[i]), &o),
		    0);
		assert_int_equal(o.kind, OBJECT_BLOB);
	}
	for (size_t i = 0; i < COUNT(claims); i++)
		assert_refused(claims[i], GPG_ERR_BAD_DATA);
}

static void
test_limits_hold(void **state)
{
	size_t limit = object_rule(OBJECT_COMMIT)->limit;
	char *big = malloc(limit + 1);
	struct object o;

	memset(big, 'x', limit + 1);
	memcpy(big, COMMIT, strlen(COMMIT));
	assert_int_equal(read_bytes(big, limit, &o), 0);
	assert_int_equal(gpg_err_code(read_bytes(big, limit + 1, &o)),
	    GPG_ERR_TOO_LARGE);
	assert_int_equal(o.kind, OBJECT_COMMIT);
	free(big);
	assert_int_equal(object_limit(), object_rule(OBJECT_BLOB)->limit);
}

static void
test_rules_keep_blobs_at_home(void **state)
{
	for (int i = 0; i < OBJECT_KINDS; i++) {
		const struct object_rule *r = object_rule(i);

		assert_non_null(r->name);
		assert_true(r->built ? r->limit == 0 : r->limit > 0);
		assert_false(r->forwarded && (r->built || r->by_policy));
	}
	assert_true(object_rule(OBJECT_COMMIT)->forwarded);
	assert_false(object_rule(OBJECT_BLOB)->forwarded);
	assert_true(object_rule(OBJECT_BLOB)->by_policy);
	assert_true(object_rule(OBJECT_CERTIFICATION)->built);
	assert_true(object_rule(OBJECT_REVOCATION)->built);
}

static void
test_built_objects_are_named(void **state)
{
	struct object o;

	object_name_built(&o, OBJECT_CERTIFICATION, "Al\"ice\x1b <a@x>");
	assert_int_equal(o.kind, OBJECT_CERTIFICATION);
	assert_string_equal(o.summary, "certification of \"Al'ice? <a@x>\"");
	object_name_built(&o, OBJECT_REVOCATION, "lost");
	assert_string_equal(o.summary, "revocation \"lost\"");
}

#define SHA256_HEADER \
	"tree 6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321" \
	"\nauthor Alice <a@x> 1795321908 +0000\n" \
	"committer Alice <a@x> 1795321908 +0000\n"

static const struct {
	const char *payload, *id;
} signed_by_git[] = {
	{ TREE PARENT "author J\xe4n <a@x> 1795321907 +0000\n"
	    "committer J\xe4n <a@x> 1795321907 +0000\n"
	    "encoding ISO-8859-1\n\nK\xe4se\n",
	    "61f36e7cf6c489f455ca885ba40a0f935faebc63" },
	{ TAG, "6a2fbe1c2ced3a8d6a397b5b00b549208ac2d191" },
	{ TREE "parent 6e5a387f9eadb603885f2849eed11274517b6e27\n"
	    AUTHOR COMMITTER "\n",
	    "586058acb196054938a55d7d061b58d1acae03c0" },
	{ "tree a1dffc7a64c0b2d395484bf452e9aeb1da3a18f2\n"
	    "parent 61f36e7cf6c489f455ca885ba40a0f935faebc63\n"
	    "parent 0ff7e369f17fc16b997be1dbcb45457c63344601\n"
	    AUTHOR COMMITTER
	    "mergetag object 0ff7e369f17fc16b997be1dbcb45457c63344601\n"
	    " type commit\n tag sv\n"
	    " tagger Alice <a@x> 1795321907 +0000\n \n signed for merge\n"
	    " -----BEGIN PGP SIGNATURE-----\n \n iHUEABYKAB0WIQTest\n"
	    " =abcd\n -----END PGP SIGNATURE-----\n\n"
	    "Merge tag 'sv'\n\nsigned for merge\n\n"
	    "# -----BEGIN PGP SIGNATURE-----\n#\n# iHUEABYKAB0WIQTest\n"
	    "# =abcd\n# -----END PGP SIGNATURE-----\n#\n"
	    "# [GNUPG:] SIG_CREATED D 1 8 00 1 F\n",
	    "70c521848b23f3e80baced7abccb1a5a6cbb347a" },
	{ SHA256_HEADER "\nFix parser\n",
	    "85f7e1bcb9e87d3069c201a2c9a2fe30"
	    "4917fa2466cd047b3babf520c634844f" },
	{ "object 6a319c55b49ac630e3ec6e1d6b3ed21b"
	    "fbf080d1669f561b48a71e4b8b3da586\ntype commit\ntag v1\n"
	    "tagger Alice <a@x> 1795321908 +0000\n\nv1\n",
	    "738782f8a4618d70c40480cbcd0eb0db"
	    "faf2ebc4d16a58e8e462e8a96c8d818c" },
};

static void
test_id_is_the_one_that_git_finds(void **state)
{
	char other[sizeof(signature)], id[65];
	struct object o;

	strcpy(other, signature);
	other[40] ^= 1;
	for (size_t i = 0; i < COUNT(signed_by_git); i++) {
		const char *text = signed_by_git[i].payload;

		assert_int_equal(read_bytes(text, strlen(text), &o), 0);
		assert_int_equal(object_signed_id(&o, view_str(signature), id),
		    0);
		assert_string_equal(id, signed_by_git[i].id);
		assert_int_equal(object_signed_id(&o, view_str(other), id), 0);
		assert_string_not_equal(id, signed_by_git[i].id);
	}
}

static void
test_id_is_not_guessed(void **state)
{
	static const char *const bad[] = { "", "x", "x\ny", "x\r\n" };
	struct object o;
	char id[65];

	assert_int_equal(read_bytes(COMMIT, strlen(COMMIT), &o), 0);
	assert_int_equal(object_signed_id(&o, view_str("x\n"), id), 0);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(gpg_err_code(object_signed_id(&o,
		    view_str(bad[i]), id)), GPG_ERR_INV_VALUE);
	assert_int_equal(gpg_err_code(object_signed_id(&o,
	    view_of("x\0y\n", 4), id)), GPG_ERR_INV_VALUE);
	assert_string_equal(id, "");

	assert_int_equal(read_bytes(PUSH, strlen(PUSH), &o), 0);
	assert_int_equal(gpg_err_code(object_signed_id(&o,
	    view_str(signature), id)), GPG_ERR_NOT_SUPPORTED);
	assert_int_equal(read_bytes("x", 1, &o), 0);
	assert_int_equal(gpg_err_code(object_signed_id(&o,
	    view_str(signature), id)), GPG_ERR_NOT_SUPPORTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commit_is_named),
		cmocka_unit_test(test_commit_summary_cannot_be_imitated),
		cmocka_unit_test(test_commit_summary_is_cut_in_its_parts),
		cmocka_unit_test(test_commit_is_read_as_git_writes_it),
		cmocka_unit_test(
		    test_commit_that_git_would_not_write_is_refused),
		cmocka_unit_test(test_tag_is_named),
		cmocka_unit_test(test_tag_summary_cannot_be_imitated),
		cmocka_unit_test(test_tag_is_read_as_git_writes_it),
		cmocka_unit_test(test_tag_that_git_would_not_write_is_refused),
		cmocka_unit_test(test_push_is_named),
		cmocka_unit_test(test_push_is_read_as_git_writes_it),
		cmocka_unit_test(test_push_that_git_would_not_write_is_refused),
		cmocka_unit_test(test_every_truncation_is_refused),
		cmocka_unit_test(test_nul_is_refused),
		cmocka_unit_test(
		    test_only_what_git_could_read_claims_to_be_gits),
		cmocka_unit_test(test_limits_hold),
		cmocka_unit_test(test_rules_keep_blobs_at_home),
		cmocka_unit_test(test_built_objects_are_named),
		cmocka_unit_test(test_id_is_the_one_that_git_finds),
		cmocka_unit_test(test_id_is_not_guessed),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
