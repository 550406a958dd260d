/* touchstone trust inspect: who may sign what of a repository, and did. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "client/trust/rows.h"
#include "client/trust/show.h"

/* ---- what is shown ---- */

static json_t *
keys_json(const struct tuf_role *by, const struct tuf_signer *s)
{
	json_t *list = json_array();
	struct pubkey *pub;
	struct tuf_key k;
	char hex[65];

	for (size_t i = 0; i < s->key_count; i++) {
		json_t *one = json_pack("{s:s}", "id", tuf_signer_id(s, i));

		hex[0] = 0;
		if (tuf_keys_find(by, tuf_signer_id(s, i), &k)) {
			json_object_set_new(one, "type", json_string(
			    tuf_keytype_name(k.type)));
			pin_fingerprint(&k, hex);
			if (!tufsig_get_key(&k, &pub)) {
				json_object_set_new(one, "algorithm",
				    json_string(algorithm_name(
				    pubkey_algorithm(pub))));
				pubkey_free(&pub);
			}
		}
		json_object_set_new(one, "certificate", json_text(hex));
		json_array_append_new(list, one);
	}
	return list;
}

static json_t *
role_json(const struct trust *t, const struct trust_role *r)
{
	const struct tuf_role *by = !strchr(r->name, '/') ?
	    &t->root.env.role : trust_parent(t, r);
	json_t *j = json_pack("{s:s,s:o}", "name", r->name, "problem",
	    r->err ? json_text(r->why) : json_null());
	struct tuf_signer s;

	if (r->there) {
		json_object_set_new(j, "version",
		    json_integer(r->env.role.version));
		json_object_set_new(j, "expires",
		    show_time(r->env.role.expires));
		json_object_set_new(j, "signed_by", show_keys(r));
	}
	if (tuf_signers_find(by, r->name, &s)) {
		json_object_set_new(j, "threshold",
		    json_integer(s.threshold));
		json_object_set_new(j, "keys", keys_json(by, &s));
	}
	return j;
}

static json_t *
roles_json(const struct trust *t)
{
	json_t *list = json_array();

	json_array_append_new(list, role_json(t, &t->root));
	json_array_append_new(list, role_json(t, &t->timestamp));
	json_array_append_new(list, role_json(t, &t->snapshot));
	for (size_t i = 0; i < t->role_count; i++)
		json_array_append_new(list, role_json(t, &t->roles[i]));
	return list;
}

/* Each tag once, as it counts; of one tag where one is asked for. */
static json_t *
tags_json(struct session *s)
{
	struct trust *t = &s->trust;
	json_t *tags = json_object();
	struct answer a;
	struct tuf_iter it;
	struct tuf_file f;

	for (size_t i = 0; i < t->role_count; i++) {
		const struct trust_role *r = &t->roles[i];

		if (!r->there || r->err)
			continue;
		it = tuf_files(&r->env.role);
		while (tuf_files_next(&it, &f)) {
			if ((!s->gun.whole && s->gun.image.tag[0] &&
			    strcmp(f.name, s->gun.image.tag)) ||
			    json_object_get(tags, f.name) ||
			    trust_resolve(t, f.name, &a))
				continue;
			json_object_set_new(tags, f.name, json_pack(
			    "{s:s,s:I,s:s,s:o}", "digest", a.digest, "size",
			    (json_int_t)a.size, "role", a.role->name,
			    "signers", show_signers(t, &a)));
		}
	}
	return tags;
}

static json_t *
all_json(struct session *s)
{
	int64_t since;
	const char *how = state_pinned(&s->trust.state, &since);

	return json_pack("{s:s,s:s,s:{s:s,s:o},s:o,s:o}", "gun", s->gun.name,
	    "server", s->gun.server, "pinned", "by", how, "since",
	    show_time(since), "roles", roles_json(&s->trust), "tags",
	    tags_json(s));
}

/* ---- for people ---- */

static const char *
text(json_t *j, const char *name)
{
	const char *s = json_string_value(json_object_get(j, name));

	return s ? s : "";
}

static void
print_role(json_t *role)
{
	json_t *one;
	size_t i;

	printf("  %s", text(role, "name"));
	if (json_object_get(role, "version"))
		printf(": version %d, until %.10s", (int)json_integer_value(
		    json_object_get(role, "version")), text(role, "expires"));
	else
		printf(": nothing signed yet");
	printf("\n");
	if (text(role, "problem")[0])
		printf("    does not count: %s\n", text(role, "problem"));
	json_array_foreach(json_object_get(role, "keys"), i, one)
		printf("    key %s, %s%s%s\n", text(one, "id"),
		    text(one, "algorithm")[0] ? text(one, "algorithm") :
		    text(one, "type"), text(one, "certificate")[0] ?
		    ", certificate " : "", text(one, "certificate"));
}

static void
print_tag(const char *name, json_t *tag)
{
	json_t *one;
	size_t i;

	printf("  %s %s", name, text(tag, "digest"));
	if (json_array_size(json_object_get(tag, "signers")) == 0)
		printf(", by %s", text(tag, "role"));
	json_array_foreach(json_object_get(tag, "signers"), i, one)
		printf("%s%s", i ? ", " : ", by ", json_string_value(one));
	printf("\n");
}

static void
print_all(json_t *j)
{
	json_t *pinned = json_object_get(j, "pinned"), *one;
	const char *name;
	size_t i;

	printf("%s at %s\nroot trusted since %.10s, by %s\nroles:\n",
	    text(j, "gun"), text(j, "server"), text(pinned, "since"),
	    text(pinned, "by"));
	json_array_foreach(json_object_get(j, "roles"), i, one)
		print_role(one);
	printf("tags:\n");
	if (json_object_size(json_object_get(j, "tags")) == 0)
		printf("  none\n");
	json_object_foreach(json_object_get(j, "tags"), name, one)
		print_tag(name, one);
}

int
trust_inspect(struct call *c)
{
	struct session s;
	json_t *j;
	gpg_error_t err;
	int status;

	if (!(err = session_begin(&s, c, call_arg(c, 0),
	    call_option(c, "root"))))
		err = session_update(&s);
	if (err) {
		status = call_fail(c, err);
	} else if (c->json || !(j = all_json(&s))) {
		status = call_print(c, all_json(&s));
	} else {
		print_all(j);
		json_decref(j);
		status = call_done(c);
	}
	session_end(&s);
	return status;
}
