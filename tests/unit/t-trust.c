/*
 * Trust data's names and memory: which server has what, that nothing seen is
 * forgotten, and that what changes a role changes nothing else.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "client/trust/edit.h"
#include "client/trust/gun.h"
#include "client/trust/state.h"

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"

/* ---- names ---- */

static void
gun_is(const char *text, const char *server, const char *name,
    const char *url, bool whole)
{
	struct problem why;
	struct gun g;

	assert_int_equal(gun_find(&g, text, server, &why), 0);
	assert_string_equal(g.name, name);
	assert_string_equal(g.server, url);
	assert_int_equal(g.whole, whole);
}

static void
gun_is_of_docker_or_the_registry(void **state)
{
	(void)state;
	unsetenv("DOCKER_CONTENT_TRUST_SERVER");
	gun_is("debian", NULL, "docker.io/library/debian",
	    "https://notary.docker.io", true);
	gun_is("a/b:1", NULL, "docker.io/a/b", "https://notary.docker.io",
	    false);
	gun_is("reg.example:5000/app", NULL, "reg.example:5000/app",
	    "https://reg.example:5000", true);
	gun_is("reg.example/app/x:v1", "https://n.example:4443/", "reg.example/app/x",
	    "https://n.example:4443", false);
	gun_is("reg.example/app", "HTTPS://N.Example:443//", "reg.example/app",
	    "https://n.example", true);
	gun_is("reg.example/app", "http://n.example:80/a/../T/",
	    "reg.example/app", "http://n.example/T", true);
	gun_is("reg.example/app@sha256:" HEX, "https://n.example/trust",
	    "reg.example/app", "https://n.example/trust", false);
}

static void
gun_server_is_the_option_then_the_variable(void **state)
{
	(void)state;
	setenv("DOCKER_CONTENT_TRUST_SERVER", "https://v.example", 1);
	gun_is("r.example/app", NULL, "r.example/app", "https://v.example",
	    true);
	gun_is("r.example/app", "https://o.example", "r.example/app",
	    "https://o.example", true);
	setenv("DOCKER_CONTENT_TRUST_SERVER", "", 1);
	gun_is("r.example/app", NULL, "r.example/app", "https://r.example",
	    true);
	unsetenv("DOCKER_CONTENT_TRUST_SERVER");
}

static void
gun_refuses_what_is_no_server(void **state)
{
	static const char *const bad[] = { "n.example", "ftp://n.example",
		"https://u:p@n.example", "https://n.example/?x",
		"https://n.example/#x", "https://n .example",
		"file:///etc/passwd", "https://" };
	struct problem why;
	struct gun g;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(gpg_err_code(gun_find(&g, "r.example/app",
		    bad[i], &why)), GPG_ERR_INV_ARG);
	assert_int_equal(gpg_err_code(gun_find(&g, "R/..", NULL, &why)),
	    GPG_ERR_INV_NAME);
}

/* ---- memory ---- */

struct fixture {
	char dir[64];
	struct paths paths;
	struct gun gun;
};

static int
set_up(void **state)
{
	static struct fixture f;
	struct problem why;

	strcpy(f.dir, "/tmp/t-trust.XXXXXX");
	if (!mkdtemp(f.dir))
		return -1;
	f.paths.state = f.dir;
	*state = &f;
	return gun_find(&f.gun, "r.example/app", "https://n.example", &why) ?
	    -1 : 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	return system(command);
}

static void
load(struct fixture *f, struct state *s, bool expect)
{
	struct problem why;
	bool first;

	assert_int_equal(state_load(s, &f->paths, &f->gun, &first, &why), 0);
	assert_int_equal(first, expect);
}

static void
put_mark(struct state *s, const char *role, uint32_t version)
{
	struct mark m = { version, HEX, json_pack("[s]", HEX) };

	assert_int_equal(state_set_mark(s, role, &m), 0);
	json_decref(m.keys);
}

static uint32_t
version_of(const struct state *s, const char *role)
{
	struct mark m;

	state_mark(s, role, &m);
	return m.version;
}

static void
save(struct state *s)
{
	struct problem why;

	assert_int_equal(state_save(s, &why), 0);
}

static void
state_survives(void **state)
{
	struct fixture *f = *state;
	struct state s;
	int64_t since;

	load(f, &s, true);
	put_mark(&s, "root", 3);
	put_mark(&s, "targets/releases", 7);
	assert_int_equal(state_set_root(&s, view_str("{\"x\":\"\\\\u00e9\"}")),
	    0);
	assert_int_equal(state_set_pinned(&s, "first use", 1000), 0);
	save(&s);
	state_free(&s);

	load(f, &s, false);
	assert_int_equal(version_of(&s, "root"), 3);
	assert_int_equal(version_of(&s, "targets/releases"), 7);
	assert_int_equal(version_of(&s, "targets"), 0);
	assert_true(view_eq_str(state_root(&s), "{\"x\":\"\\\\u00e9\"}"));
	assert_string_equal(state_pinned(&s, &since), "first use");
	assert_int_equal(since, 1000);
	state_free(&s);
}

static void
state_is_of_one_repository_at_one_server(void **state)
{
	struct fixture *f = *state, other = *f;
	struct problem why;
	struct state s;

	load(f, &s, true);
	put_mark(&s, "root", 3);
	save(&s);
	state_free(&s);
	assert_int_equal(gun_find(&other.gun, "r.example/ap2",
	    "https://n.example", &why), 0);
	load(&other, &s, true);
	state_free(&s);
	assert_int_equal(gun_find(&other.gun, "r.example/app",
	    "https://n2.example", &why), 0);
	load(&other, &s, true);
	state_free(&s);
}

/* Two at once: neither takes the other back. */
static void
state_merges_to_the_higher_version(void **state)
{
	struct fixture *f = *state;
	struct state a, b;

	load(f, &a, true);
	load(f, &b, true);
	put_mark(&a, "root", 3);
	put_mark(&a, "timestamp", 9);
	assert_int_equal(state_set_root(&a, view_str("three")), 0);
	put_mark(&b, "root", 2);
	put_mark(&b, "targets", 5);
	put_mark(&b, "timestamp", 8);
	assert_int_equal(state_set_root(&b, view_str("two")), 0);
	save(&a);
	save(&b);
	state_free(&a);
	state_free(&b);

	load(f, &a, false);
	assert_int_equal(version_of(&a, "root"), 3);
	assert_true(view_eq_str(state_root(&a), "three"));
	assert_int_equal(version_of(&a, "timestamp"), 9);
	assert_int_equal(version_of(&a, "targets"), 5);
	state_free(&a);
}

/* Nor does one of two first roots silently win. */
static void
state_takes_one_root_of_a_version(void **state)
{
	struct fixture *f = *state;
	struct problem why;
	struct state a, b, c;

	load(f, &a, true);
	load(f, &b, true);
	load(f, &c, true);
	put_mark(&a, "root", 3);
	assert_int_equal(state_set_root(&a, view_str("three")), 0);
	put_mark(&b, "root", 3);
	assert_int_equal(state_set_root(&b, view_str("third")), 0);
	put_mark(&c, "root", 3);
	assert_int_equal(state_set_root(&c, view_str("three")), 0);
	save(&a);
	assert_int_equal(gpg_err_code(state_save(&b, &why)),
	    GPG_ERR_CONFLICT);
	save(&c);
	state_free(&a);
	state_free(&b);
	state_free(&c);

	load(f, &a, false);
	assert_true(view_eq_str(state_root(&a), "three"));
	state_free(&a);
}

static void
state_that_is_damaged_is_not_none(void **state)
{
	static const char *const bad[] = { "", "{", "[]", "{}",
		"{\"root\":\"\",\"pinned\":\"\",\"since\":0,\"roles\":"
		    "{\"root\":{\"version\":0,\"sha256\":\"" HEX
		    "\",\"keys\":[]}}}",
		"{\"root\":\"\",\"pinned\":\"\",\"since\":0,\"roles\":"
		    "{\"root\":{\"version\":2147483648,\"sha256\":\"" HEX
		    "\",\"keys\":[]}}}",
		"{\"root\":\"\",\"root\":\"\",\"pinned\":\"\",\"since\":0,"
		    "\"roles\":{}}" };
	static const char good[] = "{\"root\":\"\",\"pinned\":\"\",\"since\":"
	    "0,\"roles\":{\"root\":{\"version\":1,\"sha256\":\"" HEX
	    "\",\"keys\":[]}}}";
	struct fixture *f = *state;
	struct problem why;
	struct state s;
	bool first;

	load(f, &s, true);
	put_mark(&s, "root", 1);
	save(&s);
	state_free(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(paths_write(s.file, view_str(bad[i])), 0);
		assert_int_not_equal(state_load(&s, &f->paths, &f->gun,
		    &first, &why), 0);
		state_free(&s);
	}
	assert_int_equal(paths_write(s.file, view_str(good)), 0);
	load(f, &s, false);
	state_free(&s);
}

/* ---- the next version ---- */

#define B64 "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
#define ROLE_OF(version) "{\"_type\":\"Targets\",\"delegations\":{\"keys\":" \
	"{},\"roles\":[],\"x-more\":[1]},\"expires\":" \
	"\"2029-11-22T12:00:00Z\",\"targets\":{\"v1\":{\"custom\":{\"a\":" \
	"\"b\"},\"hashes\":{\"sha256\":\"" B64 "\"},\"length\":7}}," \
	"\"version\":" version ",\"x-new\":{\"y\":\"z\"}}"
#define NOW 1900000000		/* 2030-03-17 */

static void
have_role(struct trust_role *r, const char *text)
{
	const char *why = "";

	role_init(r, "targets/releases");
	assert_int_equal(tuf_role_read(&r->env.role, view_str(text), &why),
	    0);
	r->there = true;
}

static void
drop_role(struct trust_role *r)
{
	tuf_role_free(&r->env.role);
	buf_free(&r->bytes);
}

static void
finish_is(json_t *j, const struct trust_role *r, const char *expected)
{
	struct problem why;
	struct buf b;

	buf_init(&b, 4096);
	assert_int_equal(edit_finish(j, r, NOW, &b, &why), 0);
	buf_put_u8(&b, 0);
	assert_string_equal((const char *)buf_view(&b).p, expected);
	buf_free(&b);
}

static void
edit_keeps_what_it_does_not_know(void **state)
{
	struct trust_role r;
	bool changed;
	json_t *j;

	(void)state;
	have_role(&r, ROLE_OF("4"));
	assert_non_null(j = edit_begin(&r));
	/* It says so already, and more. */
	assert_int_equal(edit_add(j, "v1", "sha256:" HEX, 7, &changed), 0);
	assert_false(changed);
	assert_int_equal(edit_add(j, "v0", "sha256:" HEX, 7, &changed), 0);
	assert_true(changed);
	finish_is(j, &r, "{\"_type\":\"Targets\",\"delegations\":{\"keys\":"
	    "{},\"roles\":[],\"x-more\":[1]},\"expires\":"
	    "\"2033-03-16T17:46:40Z\",\"targets\":{\"v0\":{\"hashes\":"
	    "{\"sha256\":\"" B64 "\"},\"length\":7},\"v1\":{\"custom\":"
	    "{\"a\":\"b\"},\"hashes\":{\"sha256\":\"" B64 "\"},"
	    "\"length\":7}},\"version\":5,\"x-new\":{\"y\":\"z\"}}");
	json_decref(j);
	/* What it was made from is as it was. */
	assert_int_equal(json_integer_value(json_object_get(r.env.role.json,
	    "version")), 4);
	drop_role(&r);
}

static void
edit_replaces_and_removes(void **state)
{
	struct trust_role r;
	bool changed;
	json_t *j;

	(void)state;
	have_role(&r, ROLE_OF("4"));
	assert_non_null(j = edit_begin(&r));
	assert_int_equal(edit_add(j, "v1", "sha256:" HEX, 8, &changed), 0);
	assert_true(changed);
	assert_null(json_object_get(json_object_get(json_object_get(j,
	    "targets"), "v1"), "custom"));
	assert_int_equal(edit_remove(j, "v9", &changed), 0);
	assert_false(changed);
	assert_int_equal(edit_remove(j, "v1", &changed), 0);
	assert_true(changed);
	assert_int_equal(json_object_size(json_object_get(j, "targets")), 0);
	assert_int_not_equal(edit_add(j, "v1", "sha256:44", 8, &changed), 0);
	json_decref(j);
	drop_role(&r);
}

static void
edit_begins_with_version_one(void **state)
{
	struct trust_role r;
	json_t *j;

	(void)state;
	role_init(&r, "targets/me");
	assert_non_null(j = edit_begin(&r));
	finish_is(j, &r, "{\"_type\":\"Targets\",\"delegations\":{\"keys\":"
	    "{},\"roles\":[]},\"expires\":\"2033-03-16T17:46:40Z\","
	    "\"targets\":{},\"version\":1}");
	json_decref(j);
	role_free(&r);
}

static void
edit_ends_at_the_last_version(void **state)
{
	struct problem why;
	struct trust_role r;
	struct buf b;
	json_t *j;

	(void)state;
	buf_init(&b, 4096);
	have_role(&r, ROLE_OF("2147483647"));
	assert_non_null(j = edit_begin(&r));
	assert_int_equal(gpg_err_code(edit_finish(j, &r, NOW, &b, &why)),
	    GPG_ERR_TOO_LARGE);
	assert_int_equal(buf_len(&b), 0);
	json_decref(j);
	drop_role(&r);
	have_role(&r, ROLE_OF("2147483646"));
	assert_non_null(j = edit_begin(&r));
	assert_int_equal(edit_finish(j, &r, NOW, &b, &why), 0);
	json_decref(j);
	drop_role(&r);
	buf_free(&b);
}

#define WITH_FOLDER(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gun_is_of_docker_or_the_registry),
		cmocka_unit_test(gun_server_is_the_option_then_the_variable),
		cmocka_unit_test(gun_refuses_what_is_no_server),
		WITH_FOLDER(state_survives),
		WITH_FOLDER(state_is_of_one_repository_at_one_server),
		WITH_FOLDER(state_merges_to_the_higher_version),
		WITH_FOLDER(state_takes_one_root_of_a_version),
		WITH_FOLDER(state_that_is_damaged_is_not_none),
		cmocka_unit_test(edit_keeps_what_it_does_not_know),
		cmocka_unit_test(edit_replaces_and_removes),
		cmocka_unit_test(edit_begins_with_version_one),
		cmocka_unit_test(edit_ends_at_the_last_version),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
