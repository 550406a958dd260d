/*
 * Roles of Docker Content Trust as objects: what claims to be one is one or
 * refused, and what it changes is told.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "object/object.h"
#include "object/tuf.h"
#include "wire/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define REPOSITORY "registry.example/app"
#define EXPIRES "2029-11-22T00:00:00Z"
#define ONE "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b" \
	"7852b855"
#define TWO "sha256:6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a306" \
	"17afa01d"
#define HASH_ONE "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define HASH_TWO "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0="
#define TAG(name, hash) "\"" name "\":{\"hashes\":{\"sha256\":\"" hash \
	"\"},\"length\":7}"

#define TARGETS(rest, version) \
	"{\"_type\":\"Targets\",\"delegations\":{\"keys\":{},\"roles\":[]}," \
	"\"expires\":\"" EXPIRES "\",\"targets\":{" rest "},\"version\":" \
	version "}"

static gpg_error_t
read_text(const char *text, struct object *o)
{
	const char *why;
	gpg_error_t err = object_read_raw(view_str(text), o, &why);

	assert_int_equal(!err, !why);
	assert_true(text_is_clean(view_str(o->summary)));
	return err;
}

static void
claims(const char *text, enum object_kind kind, gpg_err_code_t code)
{
	struct object o;
	gpg_error_t err = read_text(text, &o);

	if (gpg_err_code(err) != code || o.kind != kind)
		fail_msg("%s: %s as %s", text, gpg_strerror(err),
		    object_rule(o.kind)->name);
}

static void
roles_are_never_blobs(void **state)
{
	static const struct {
		const char *text;
		enum object_kind kind;
		gpg_err_code_t code;
	} c[] = {
		{ TARGETS("", "1"), OBJECT_TRUST_TARGETS, 0 },
		{ " " TARGETS("", "1") "\n", OBJECT_TRUST_TARGETS, 0 },
		{ "{\"_type\":\"Targets\"}", OBJECT_TRUST_TARGETS,
		    GPG_ERR_BAD_DATA },
		{ "{\"_TYPE\":\"tARGETS\"}", OBJECT_TRUST_TARGETS,
		    GPG_ERR_BAD_DATA },
		{ "{\"\\u005ftype\":\"T\\u0061rgets\"}", OBJECT_TRUST_TARGETS,
		    GPG_ERR_BAD_DATA },
		{ "{\"_type\":1,\"_type\":\"root\"}", OBJECT_TRUST_ROOT,
		    GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"x\",\"_type\" : \"Targets\"}",
		    OBJECT_TRUST_TARGETS, GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"Root\"", OBJECT_TRUST_ROOT,
		    GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"Snapshot\"}", OBJECT_TRUST_TARGETS,
		    GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"Timestamp\"}", OBJECT_TRUST_TARGETS,
		    GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"layout\",\"expires\":\"x\"}",
		    OBJECT_TRUST_TARGETS, GPG_ERR_BAD_DATA },
		{ "{\"_type\":\"Targets of\"}", OBJECT_BLOB,
		    GPG_ERR_FORBIDDEN },
		{ "{\"type\":\"Targets\"}", OBJECT_BLOB, 0 },
		{ "{\"a\":{\"_type\":\"Targets\"}}", OBJECT_BLOB, 0 },
		{ "[{\"_type\":\"Targets\"}]", OBJECT_BLOB, 0 },
		{ "something about the _type of all the Targets",
		    OBJECT_BLOB, 0 },
	};

	for (size_t i = 0; i < COUNT(c); i++)
		claims(c[i].text, c[i].kind, c[i].code);
}

#define MIXED(member) "{\"_type\":\"Targets\"," member ",\"expires\":\"" \
	EXPIRES "\",\"targets\":{},\"version\":1}"

static void
roles_are_nothing_else(void **state)
{
	claims(MIXED("\"other\":{\"a\":1}"), OBJECT_TRUST_TARGETS, 0);
	claims(MIXED("\"critical\":{\"a\":1}"), OBJECT_TRUST_TARGETS,
	    GPG_ERR_BAD_DATA);
	claims(MIXED("\"Criti\\u0063al\":{\"a\":1}"), OBJECT_TRUST_TARGETS,
	    GPG_ERR_BAD_DATA);
	claims(MIXED("\"predicateType\":\"a\""), OBJECT_TRUST_TARGETS,
	    GPG_ERR_BAD_DATA);
	claims(MIXED("\"subject\":[]"), OBJECT_TRUST_TARGETS,
	    GPG_ERR_BAD_DATA);
	claims(MIXED("\"targetArtifact\":{}"), OBJECT_TRUST_TARGETS,
	    GPG_ERR_BAD_DATA);
	claims(MIXED("\"layers\":[],\"schemaVersion\":2"),
	    OBJECT_TRUST_TARGETS, GPG_ERR_BAD_DATA);
	claims(MIXED("\"_type\":\"Root\""), OBJECT_TRUST_ROOT,
	    GPG_ERR_BAD_DATA);
	/* What others are stays theirs. */
	claims("{\"_type\":\"https://in-toto.io/Statement/v1\","
	    "\"expires\":\"x\",\"predicateType\":\"x\"}", OBJECT_STATEMENT,
	    GPG_ERR_BAD_DATA);
}

#define META "\"root\":{\"hashes\":{\"sha256\":\"" HASH_ONE "\"}," \
	"\"length\":1},\"snapshot\":{\"hashes\":{\"sha256\":\"" HASH_ONE \
	"\"},\"length\":1},\"targets\":{\"hashes\":{\"sha256\":\"" HASH_ONE \
	"\"},\"length\":1}"

static void
what_the_server_signs_is_refused(void **state)
{
	claims("{\"_type\":\"Snapshot\",\"expires\":\"" EXPIRES "\",\"meta\":{"
	    META "},\"version\":1}", OBJECT_TRUST_TARGETS, GPG_ERR_FORBIDDEN);
	claims("{\"_type\":\"Timestamp\",\"expires\":\"" EXPIRES "\",\"meta\":{"
	    META "},\"version\":1}", OBJECT_TRUST_TARGETS, GPG_ERR_FORBIDDEN);
}

static void
an_ssh_key_signs_none(void **state)
{
	static const char *const texts[] = {
		TARGETS("", "1"), "{\"_type\":\"Root\"}",
		"{\"_type\":\"x\",\"expires\":1}",
	};
	struct object o;
	const char *why;

	for (size_t i = 0; i < COUNT(texts); i++)
		assert_code(object_read_ssh(view_str(texts[i]),
		    view_str("key"), &o, &why), GPG_ERR_FORBIDDEN);
}

/* ---- names ---- */

static gpg_error_t
name_in(const char *repository, struct object *o, const char *before,
    const char *now, const char *role)
{
	struct tuf_role was = { 0 }, is;
	const char *why;
	gpg_error_t err;

	if (object_read_trust(view_str(now), o, &is, &why))
		fail_msg("refused: %s", now);
	if (*before && tuf_role_read(&was, view_str(before), &why))
		fail_msg("refused: %s", before);
	err = object_name_trust(o, &was, &is, repository, role, &why);
	tuf_role_free(&was);
	tuf_role_free(&is);
	assert_int_equal(!err, !why);
	assert_int_equal(!err, o->summary[0] != 0);
	assert_true(text_is_clean(view_str(o->summary)));
	return err;
}

static gpg_error_t
name(struct object *o, const char *before, const char *now, const char *role)
{
	return name_in(REPOSITORY, o, before, now, role);
}

static void
is_named(const char *before, const char *now, const char *role,
    const char *want)
{
	struct object o;

	assert_code(name(&o, before, now, role), 0);
	assert_string_equal(o.summary, want);
}

#define IN " in " REPOSITORY " by "
#define UNTIL ", until 2029-11-22"

static void
tags_are_told(void **state)
{
	struct object o;

	is_named("", TARGETS("", "1"), "targets",
	    "no tags" IN "targets, new, version 1" UNTIL);
	is_named("", TARGETS(TAG("v1", HASH_ONE), "1"), "targets/releases",
	    "tag v1 = " ONE IN "targets/releases, new, version 1" UNTIL);
	is_named(TARGETS("", "2"), TARGETS(TAG("v1", HASH_ONE), "3"),
	    "targets", "tag v1 = " ONE IN "targets, version 3" UNTIL);
	is_named(TARGETS(TAG("v1", HASH_ONE), "2"),
	    TARGETS(TAG("v1", HASH_TWO), "3"), "targets",
	    "changed tag v1 = " TWO IN "targets, version 3" UNTIL);
	is_named(TARGETS(TAG("v1", HASH_ONE), "2"),
	    TARGETS(TAG("v1", HASH_ONE) "," TAG("v2", HASH_TWO), "3"),
	    "targets", "tag v2 = " TWO IN "targets, version 3" UNTIL
	    ", beside 1 tag said to be there already");
	is_named(TARGETS(TAG("v1", HASH_ONE) "," TAG("v2", HASH_TWO), "2"),
	    TARGETS("", "3"), "targets",
	    "without tag v1, without tag v2" IN "targets, version 3" UNTIL);
	is_named(TARGETS(TAG("v1", HASH_ONE) "," TAG("v2", HASH_TWO), "2"),
	    TARGETS(TAG("v1", HASH_ONE) "," TAG("v2", HASH_TWO), "3"),
	    "targets", "nothing new" IN "targets, version 3" UNTIL
	    ", beside 2 tags said to be there already");
	assert_code(name(&o, TARGETS(TAG("v0", HASH_ONE), "1"),
	    TARGETS(TAG("v1", HASH_TWO), "2"), "targets"), 0);
	assert_string_equal(o.image.digest, TWO);
	assert_code(name(&o, "", TARGETS(TAG("v1", HASH_TWO) ","
	    TAG("v2", HASH_TWO), "2"), "targets"), 0);
	assert_string_equal(o.image.digest, "");
}

static void
what_does_not_fit_is_counted(void **state)
{
	char now[8192] = "", *end = now, tag[256];
	struct object o;

	end = stpcpy(end, "{\"_type\":\"Targets\",\"expires\":\"" EXPIRES
	    "\",\"targets\":{");
	for (int i = 0; i < 40; i++) {
		snprintf(tag, sizeof(tag), "%s" "\"release-%02d\":{\"hashes\":"
		    "{\"sha256\":\"" HASH_ONE "\"},\"length\":7}",
		    i > 0 ? "," : "", i);
		end = stpcpy(end, tag);
	}
	strcpy(end, "},\"version\":1}");
	is_named("", now, "targets", "tag release-00 = " ONE
	    ", tag release-01 = " ONE ", tag release-02 = " ONE
	    " and 37 more changes" IN "targets, new, version 1" UNTIL);
	/* And so is nothing that is to be seen pushed out by a long name. */
	memset(tag, 'x', 200);
	tag[200] = 0;
	snprintf(now, sizeof(now), TARGETS("\"%s\":{\"hashes\":{\"sha256\":\""
	    HASH_TWO "\"},\"length\":7}", "1"), tag);
	assert_code(name(&o, "", now, "targets"), 0);
	assert_non_null(strstr(o.summary, "... = " TWO " in "));
	assert_non_null(strstr(o.summary, UNTIL));
}

static void
long_repositories_leave_room(void **state)
{
	char repository[256] = "h/";
	struct object o;

	memset(repository + 2, 'n', 250);
	assert_code(name_in(repository, &o, "", TARGETS(TAG("v1", HASH_ONE),
	    "1"), "targets"), 0);
	assert_non_null(strstr(o.summary, "tag v1 = " ONE " in h/nnnn"));
	assert_non_null(strstr(o.summary, "nnn... by targets, new, version 1"
	    UNTIL));
	assert_code(name_in(repository, &o, "", TARGETS("", "1"), "targets/"
	    "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"), 0);
	assert_non_null(strstr(o.summary, "rrr..., new, version 1" UNTIL));
}

static void
names_cannot_say_something_else(void **state)
{
	struct object o;

	assert_code(name(&o, "", TARGETS(TAG("a = sha256:00 in b", HASH_ONE),
	    "1"), "targets"), 0);
	assert_non_null(strstr(o.summary, "tag \"a = sha256:00 in b\" = "
	    ONE));
	assert_code(name(&o, "", TARGETS(TAG("a\\\" b", HASH_ONE), "1"),
	    "targets"), 0);
	assert_non_null(strstr(o.summary, "tag \"a' b\" = " ONE));
}

static void
steps_are_checked(void **state)
{
	struct object o;
	struct tuf_role r;
	const char *why;

	assert_code(name(&o, TARGETS("", "1"), TARGETS("", "1"), "targets"),
	    GPG_ERR_BAD_DATA);
	assert_code(name(&o, TARGETS("", "1"), TARGETS("", "3"), "targets"),
	    GPG_ERR_BAD_DATA);
	assert_code(name(&o, TARGETS("", "2"), TARGETS("", "1"), "targets"),
	    GPG_ERR_BAD_DATA);
	assert_code(name(&o, TARGETS("", "2147483647"), TARGETS("", "1"),
	    "targets"), GPG_ERR_BAD_DATA);
	assert_code(name(&o, "{\"_type\":\"Timestamp\",\"expires\":\"" EXPIRES
	    "\",\"meta\":{" META "},\"version\":1}", TARGETS("", "2"),
	    "targets"), GPG_ERR_BAD_DATA);
	assert_code(name(&o, "", TARGETS("", "1"), "root"), GPG_ERR_BAD_DATA);
	assert_code(name_in("h", &o, "", TARGETS("", "1"), "targets"),
	    GPG_ERR_BAD_DATA);
	assert_code(object_read_trust(view_str("text"), &o, &r, &why),
	    GPG_ERR_BAD_DATA);
	assert_null(r.json);
	assert_code(name(&o, "", TARGETS("", "1"), "targets/A"),
	    GPG_ERR_BAD_DATA);
	assert_code(name(&o, "", TARGETS("", "1"), ""), GPG_ERR_BAD_DATA);
}

static void
repositories_are_checked(void **state)
{
	static const char *const good[] = { "localhost:5000/a/b",
		"docker.io/library/x", "h/n" };
	static const char *const bad[] = { "", "a", "/a", "a/", "h/n:v1",
		"h/n@sha256:00", "h/n m", "h/\xc3\xa9" };

	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(object_repository_valid(view_str(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(object_repository_valid(view_str(bad[i])));
}

/* ---- who signs ---- */

#define KEY(id, public) "\"" id "\":{\"keytype\":\"ecdsa\",\"keyval\":{" \
	"\"private\":null,\"public\":\"" public "\"}}"
/* sha256sum of the key in canonical JSON */
#define ID_1 "e46623230dd5a8f2e398e748c9a1b0e65077bf4cb2f5681030dd01f4a0b3d78a"
#define ID_2 "8cf9b368471b7cea6ece13bb0bb12789e27d0fe3bc5c9b7ea13bb7da0a023689"
#define S1 "e46623230dd5a8f2"
#define S2 "8cf9b368471b7cea"
#define KEYS KEY(ID_1, "QUFB") "," KEY(ID_2, "QkJC")
#define DELEGATED(roles, version) \
	"{\"_type\":\"Targets\",\"delegations\":{\"keys\":{" KEYS "}," \
	"\"roles\":[" roles "]},\"expires\":\"" EXPIRES "\",\"targets\":{}," \
	"\"version\":" version "}"
#define SIGNER(name, ids, threshold, paths) \
	"{\"keyids\":[" ids "],\"name\":\"" name "\",\"paths\":[" paths \
	"],\"threshold\":" threshold "}"
#define ALICE SIGNER("targets/alice", "\"" ID_1 "\"", "1", "\"\"")
#define BOTH SIGNER("targets/alice", "\"" ID_1 "\",\"" ID_2 "\"", "2", "\"\"")

static void
delegations_are_told(void **state)
{
	is_named(DELEGATED("", "1"), DELEGATED(ALICE, "2"), "targets",
	    "targets/alice by " S1 IN "targets, version 2" UNTIL);
	is_named(DELEGATED(ALICE, "1"), DELEGATED(BOTH, "2"), "targets",
	    "changed targets/alice by 2 of " S1 " " S2 IN
	    "targets, version 2" UNTIL);
	is_named(DELEGATED(ALICE, "1"), DELEGATED("", "2"), "targets",
	    "without role targets/alice" IN "targets, version 2" UNTIL);
	is_named("", DELEGATED(SIGNER("targets/bob", "", "1", "\"v\"") ","
	    SIGNER("targets/eve", "\"" ID_2 "\"", "1", ""), "1"), "targets",
	    "targets/bob by nobody for some tags, targets/eve by " S2 " "
	    "for no tags" IN "targets, new, version 1" UNTIL);
	is_named("", "{\"_type\":\"Targets\",\"delegations\":{\"keys\":{" KEYS
	    "},\"roles\":[" ALICE "]},\"expires\":\"" EXPIRES "\",\"targets\":{"
	    TAG("v1", HASH_ONE) "},\"version\":1}", "targets",
	    "targets/alice by " S1 ", tag v1 = " ONE IN
	    "targets, new, version 1" UNTIL);
	is_named(DELEGATED(ALICE, "1"), DELEGATED(BOTH, "2,\"x\":{}"),
	    "targets", "changed targets/alice by 2 of " S1 " " S2
	    ", other members changed" IN "targets, version 2" UNTIL);
	is_named(DELEGATED(ALICE, "1"), DELEGATED(ALICE, "2"), "targets",
	    "nothing new" IN "targets, version 2" UNTIL);
	is_named(DELEGATED(ALICE "," SIGNER("targets/bob", "", "1", ""), "1"),
	    DELEGATED(SIGNER("targets/bob", "", "1", "") "," ALICE, "2"),
	    "targets", "other members changed" IN "targets, version 2" UNTIL);
}

#define BY(name, ids, threshold) "\"" name "\":{\"keyids\":[" ids \
	"],\"threshold\":" threshold "}"
#define ROOT(by_root, by_targets, version) \
	"{\"_type\":\"Root\",\"consistent_snapshot\":false,\"expires\":\"" \
	EXPIRES "\",\"keys\":{" KEYS "},\"roles\":{" \
	BY("root", by_root, "1") "," BY("snapshot", "\"" ID_2 "\"", "1") "," \
	BY("targets", by_targets, "1") "," \
	BY("timestamp", "\"" ID_2 "\"", "1") "},\"version\":" version "}"
#define Q1 "\"" ID_1 "\""
#define Q2 "\"" ID_2 "\""

static void
roots_are_told(void **state)
{
	struct object o;

	claims(ROOT(Q1, Q2, "1"), OBJECT_TRUST_ROOT, 0);
	is_named("", ROOT(Q1, Q2, "1"), "root", "root by " S1 ", snapshot by "
	    S2 ", targets by " S2 ", timestamp by " S2 IN
	    "root, new, version 1" UNTIL);
	is_named(ROOT(Q1, Q2, "1"), ROOT(Q2, Q2, "2"), "root",
	    "changed root by " S2 IN "root, version 2" UNTIL);
	is_named(ROOT(Q1, Q2, "1"), ROOT(Q1, Q1 "," Q2, "2"), "root",
	    "changed targets by 1 of " S1 " " S2 IN "root, version 2"
	    UNTIL);
	assert_code(name(&o, "", ROOT(Q1, Q2, "1"), "targets"),
	    GPG_ERR_BAD_DATA);
	assert_code(name(&o, TARGETS("", "1"), ROOT(Q1, Q2, "2"), "root"),
	    GPG_ERR_BAD_DATA);
	assert_false(object_rule(OBJECT_TRUST_ROOT)->forwarded);
	assert_true(object_rule(OBJECT_TRUST_TARGETS)->forwarded);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_are_never_blobs),
		cmocka_unit_test(roles_are_nothing_else),
		cmocka_unit_test(what_the_server_signs_is_refused),
		cmocka_unit_test(an_ssh_key_signs_none),
		cmocka_unit_test(tags_are_told),
		cmocka_unit_test(what_does_not_fit_is_counted),
		cmocka_unit_test(long_repositories_leave_room),
		cmocka_unit_test(names_cannot_say_something_else),
		cmocka_unit_test(steps_are_checked),
		cmocka_unit_test(repositories_are_checked),
		cmocka_unit_test(delegations_are_told),
		cmocka_unit_test(roots_are_told),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
