/* Keys for certain hosts: what is shown and signed on which way. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/restrain.h"
#include "bound.h"

#define NOW 1000

static struct host gate, build, other, ca, certified;

static int
make_hosts(void **state)
{
	host_make(&gate);
	host_make(&build);
	host_make(&other);
	host_make(&ca);
	host_make(&certified);
	host_certify(&certified, &ca, "cert.example", NOW + 1);
	return 0;
}

static int
free_hosts(void **state)
{
	host_free(&gate);
	host_free(&build);
	host_free(&other);
	host_free(&ca);
	host_free(&certified);
	return 0;
}

/* ---- restrictions ---- */

struct step {
	const struct host *host;	/* NULL: from here */
	const char *name, *user;
	bool authority;
};

static void
put_hop(struct buf *b, const struct step *s)
{
	size_t hop = buf_open(b);

	buf_put_cstring(b, s->user ? s->user : "");
	buf_put_cstring(b, s->name ? s->name : "");
	buf_put_cstring(b, "");
	if (s->host) {
		buf_put_string(b, pubkey_ssh(s->host->pub));
		buf_put_u8(b, s->authority);
	}
	buf_close(b, hop);
}

static void
put_pair(struct buf *b, struct step from, struct step to)
{
	size_t pair = buf_open(b);

	put_hop(b, &from);
	put_hop(b, &to);
	buf_put_cstring(b, "");
	buf_close(b, pair);
}

static const struct step here = { NULL, NULL, NULL, false };

#define AT(h, user) ((struct step){ &(h), #h, user, false })

/* From here to gate, and from there as git to build. */
static void
gate_then_build(struct buf *b)
{
	struct ssh_hop_pair pair;
	struct view v;

	buf_init(b, 65536);
	put_pair(b, here, AT(gate, NULL));
	put_pair(b, AT(gate, NULL), AT(build, "git*"));
	v = buf_view(b);
	assert_true(ssh_hop_pair_next(&v, &pair));
	assert_true(ssh_hop_pair_next(&v, &pair));
	assert_int_equal(v.len, 0);
}

/* ---- ways ---- */

struct way {
	const struct host *host;
	bool forwarded;
};

#define WAY(...) (const struct way[]){ __VA_ARGS__, { NULL, false } }

static void
bind_way(struct bindings *b, const struct way *w)
{
	*b = (struct bindings){ .count = 0 };
	for (int i = 0; w[i].host; i++)
		assert_int_equal(bind_to(b, w[i].host, i, w[i].forwarded), 0);
}

static bool
permits(const struct buf *list, struct bindings *b, const struct object *what)
{
	const char *why = (const char *)1;
	bool yes = restrain_permits(buf_view(list), b, what, NOW, &why);

	assert_int_equal(yes, !why);
	bind_clear(b);
	return yes;
}

static bool
lists(const struct buf *list, const struct way *w)
{
	struct bindings b;

	bind_way(&b, w);
	return permits(list, &b, NULL);
}

/* A login in the session that was bound last, and to its host. */
static struct object
login_of(const struct bindings *b, const char *user)
{
	const struct binding *last = bind_last(b);

	return (struct object){ .kind = OBJECT_SSH_USERAUTH,
		.user = view_str(user), .session = last->session,
		.host_key = last->host_key };
}

static bool
signs(const struct buf *list, const struct way *w, const char *user)
{
	struct bindings b;
	struct object login;

	bind_way(&b, w);
	login = login_of(&b, user);
	return permits(list, &b, &login);
}

/* ---- tests ---- */

static void
test_unbound_lists_and_does_not_sign(void **state)
{
	struct object login = { .kind = OBJECT_SSH_USERAUTH,
		.user = view_str("git"), .session = view_str("s") };
	struct bindings none = { .count = 0 };
	struct buf list;

	gate_then_build(&list);
	assert_true(permits(&list, &none, NULL));
	assert_false(permits(&list, &none, &login));
	buf_free(&list);
}

static void
test_hops_are_followed(void **state)
{
	struct buf l;

	gate_then_build(&l);
	assert_true(signs(&l, WAY({ &gate, false }), "root"));
	assert_false(signs(&l, WAY({ &build, false }), "git"));
	assert_false(signs(&l, WAY({ &other, false }), "root"));
	assert_true(signs(&l, WAY({ &gate, true }, { &build, false }),
	    "git"));
	assert_false(signs(&l, WAY({ &gate, true }, { &other, false }),
	    "git"));
	assert_false(signs(&l, WAY({ &other, true }, { &build, false }),
	    "git"));
	assert_false(signs(&l, WAY({ &gate, true }, { &gate, false }),
	    "git"));
	assert_false(signs(&l, WAY({ &gate, true }, { &other, true },
	    { &build, false }), "git"));
	/* Beyond build there is no step. */
	assert_false(signs(&l, WAY({ &gate, true }, { &build, true },
	    { &gate, false }), "git"));
	buf_free(&l);
}

static void
test_users_are_patterns_of_the_last_hop(void **state)
{
	struct buf l;

	gate_then_build(&l);
	assert_true(signs(&l, WAY({ &gate, true }, { &build, false }),
	    "github"));
	assert_false(signs(&l, WAY({ &gate, true }, { &build, false }),
	    "root"));
	assert_false(signs(&l, WAY({ &gate, true }, { &build, false }), ""));
	/* To gate there is no pattern. */
	assert_true(signs(&l, WAY({ &gate, false }), ""));
	buf_free(&l);
}

/* Who is on the way in between may be anybody, as with OpenSSH's agent. */
static void
test_users_of_other_hops_do_not_count(void **state)
{
	struct buf l;

	buf_init(&l, 65536);
	put_pair(&l, here, AT(gate, "jump"));
	put_pair(&l, AT(gate, NULL), AT(build, "git"));
	assert_true(signs(&l, WAY({ &gate, true }, { &build, false }),
	    "git"));
	assert_true(signs(&l, WAY({ &gate, false }), "jump"));
	assert_false(signs(&l, WAY({ &gate, false }), "git"));
	buf_free(&l);
}

/* A hop with a name and no keys is nowhere, and above all not here. */
static void
test_a_name_alone_is_no_beginning(void **state)
{
	const struct step named = { NULL, "gate.example", NULL, false };
	struct buf l;

	buf_init(&l, 65536);
	put_pair(&l, named, AT(gate, NULL));
	assert_false(signs(&l, WAY({ &gate, false }), "root"));
	assert_false(lists(&l, WAY({ &gate, false })));
	buf_free(&l);
}

static void
test_nothing_goes_on_from_a_login(void **state)
{
	struct bindings b;
	struct object login;
	struct buf l;

	gate_then_build(&l);
	bind_way(&b, WAY({ &gate, true }, { &build, false }));
	b.list[0]->forwarded = false;
	login = login_of(&b, "git");
	assert_false(permits(&l, &b, &login));
	buf_free(&l);
}

static void
test_forwarded_to_signs_no_login_there(void **state)
{
	struct buf l;

	gate_then_build(&l);
	assert_false(signs(&l, WAY({ &gate, true }), "root"));
	assert_false(signs(&l, WAY({ &gate, true }, { &build, true }),
	    "git"));
	buf_free(&l);
}

static void
test_listing_shows_what_can_go_on(void **state)
{
	struct buf l;

	gate_then_build(&l);
	assert_true(lists(&l, WAY({ &gate, false })));
	assert_true(lists(&l, WAY({ &gate, true })));
	assert_false(lists(&l, WAY({ &other, true })));
	assert_false(lists(&l, WAY({ &other, false })));
	assert_true(lists(&l, WAY({ &gate, true }, { &build, false })));
	assert_false(lists(&l, WAY({ &gate, true }, { &other, false })));
	/* At build it can log in; from there it goes nowhere. */
	assert_false(lists(&l, WAY({ &gate, true }, { &build, true })));
	buf_free(&l);
}

static void
test_the_session_is_the_last_that_was_bound(void **state)
{
	struct bindings b;
	struct object login;
	struct buf l;

	gate_then_build(&l);
	bind_way(&b, WAY({ &gate, true }, { &build, false }));
	login = login_of(&b, "git");
	login.session = b.list[0]->session;
	assert_false(permits(&l, &b, &login));
	bind_way(&b, WAY({ &gate, true }, { &build, false }));
	login = login_of(&b, "git");
	login.session.len--;
	assert_false(permits(&l, &b, &login));
	buf_free(&l);
}

static void
test_the_host_is_named_from_afar(void **state)
{
	struct bindings b;
	struct object login;
	struct buf l;

	gate_then_build(&l);
	bind_way(&b, WAY({ &gate, true }, { &build, false }));
	login = login_of(&b, "git");
	login.host_key.len = 0;
	assert_false(permits(&l, &b, &login));
	bind_way(&b, WAY({ &gate, true }, { &build, false }));
	login = login_of(&b, "git");
	login.host_key = host_blob(&other);
	assert_false(permits(&l, &b, &login));
	/* From here the older method will do, but not another's name. */
	bind_way(&b, WAY({ &gate, false }));
	login = login_of(&b, "git");
	login.host_key.len = 0;
	assert_true(permits(&l, &b, &login));
	bind_way(&b, WAY({ &gate, false }));
	login = login_of(&b, "git");
	login.host_key = host_blob(&build);
	assert_false(permits(&l, &b, &login));
	buf_free(&l);
}

/* Beside what was refused, any binding may be that of another's login. */
static void
test_a_refused_binding_hides_the_way(void **state)
{
	const struct way *const ways[] = {
		WAY({ &gate, false }), WAY({ &gate, true }) };
	struct bindings b = { .refused = true };
	struct object login;
	struct buf l;

	gate_then_build(&l);
	assert_false(permits(&l, &b, NULL));
	for (size_t i = 0; i < 2; i++) {
		bind_way(&b, ways[i]);
		b.refused = true;
		assert_false(permits(&l, &b, NULL));
	}
	bind_way(&b, ways[0]);
	login = login_of(&b, "git");
	b.refused = true;
	assert_false(permits(&l, &b, &login));
	assert_true(lists(&l, ways[0]));
	assert_true(lists(&l, ways[1]));
	assert_true(signs(&l, ways[0], "git"));
	buf_free(&l);
}

static void
test_only_logins_are_signed(void **state)
{
	struct bindings b;
	struct object what;
	struct buf l;

	gate_then_build(&l);
	for (int kind = 0; kind < OBJECT_KINDS; kind++) {
		bind_way(&b, WAY({ &gate, false }));
		what = login_of(&b, "git");
		what.kind = (enum object_kind)kind;
		assert_int_equal(permits(&l, &b, &what),
		    kind == OBJECT_SSH_USERAUTH);
	}
	buf_free(&l);
}

/* An authority vouches for the names of its certificates, and not as a key. */
static void
test_authorities_vouch_for_names(void **state)
{
	static const struct {
		const char *name;
		bool authority, signs;
	} rows[] = {
		{ "cert.example", true, true },
		{ "other.example", true, false },
		{ "cert.example", false, false },
	};
	struct buf l;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct step to = { &ca, rows[i].name, NULL,
			rows[i].authority };

		buf_init(&l, 65536);
		put_pair(&l, here, to);
		assert_int_equal(signs(&l, WAY({ &certified, false }), "git"),
		    rows[i].signs);
		/* The authority's own key is no host's. */
		assert_int_equal(signs(&l, WAY({ &ca, false }), "git"),
		    !rows[i].authority);
		/* Nor is what another authority vouches for. */
		to.host = &other;
		buf_reset(&l);
		put_pair(&l, here, to);
		assert_false(signs(&l, WAY({ &certified, false }), "git"));
		buf_free(&l);
	}
}

static void
test_a_certificate_is_not_its_key(void **state)
{
	struct bindings b = { .count = 0 };
	struct object login;
	struct buf l;
	const char *why;

	buf_init(&l, 65536);
	put_pair(&l, here, AT(certified, NULL));
	assert_false(signs(&l, WAY({ &certified, false }), "git"));
	buf_free(&l);
	/* Nor is it good after its time. */
	buf_init(&l, 65536);
	put_pair(&l, here, (struct step){ &ca, "cert.example", NULL, true });
	assert_int_equal(bind_to(&b, &certified, 0, false), 0);
	login = login_of(&b, "git");
	assert_true(restrain_permits(buf_view(&l), &b, &login, NOW, &why));
	assert_false(restrain_permits(buf_view(&l), &b, &login, NOW + 1,
	    &why));
	bind_clear(&b);
	buf_free(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unbound_lists_and_does_not_sign),
		cmocka_unit_test(test_hops_are_followed),
		cmocka_unit_test(test_users_are_patterns_of_the_last_hop),
		cmocka_unit_test(test_users_of_other_hops_do_not_count),
		cmocka_unit_test(test_a_name_alone_is_no_beginning),
		cmocka_unit_test(test_nothing_goes_on_from_a_login),
		cmocka_unit_test(test_forwarded_to_signs_no_login_there),
		cmocka_unit_test(test_listing_shows_what_can_go_on),
		cmocka_unit_test(test_the_session_is_the_last_that_was_bound),
		cmocka_unit_test(test_the_host_is_named_from_afar),
		cmocka_unit_test(test_a_refused_binding_hides_the_way),
		cmocka_unit_test(test_only_logins_are_signed),
		cmocka_unit_test(test_authorities_vouch_for_names),
		cmocka_unit_test(test_a_certificate_is_not_its_key),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_hosts, free_hosts);
}
