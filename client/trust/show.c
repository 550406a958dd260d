/* Shows trust data. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "client/trust/show.h"

#define PREFIX "targets/"

json_t *
show_signers(const struct trust *t, const struct answer *a)
{
	json_t *list = json_array();
	struct answer other;

	for (size_t i = 0; i < t->role_count; i++) {
		const struct trust_role *r = &t->roles[i];

		if (strncmp(r->name, PREFIX, strlen(PREFIX)) ||
		    !strcmp(r->name, TRUST_RELEASES) ||
		    !trust_says(t, r, a->tag, &other) ||
		    strcmp(other.digest, a->digest))
			continue;
		json_array_append_new(list,
		    json_string(r->name + strlen(PREFIX)));
	}
	return list;
}

json_t *
show_keys(const struct trust_role *r)
{
	json_t *list = json_array();

	for (size_t i = 0; i < r->signed_by.count; i++)
		json_array_append_new(list, json_string(r->signed_by.ids[i]));
	return list;
}

json_t *
show_time(int64_t when)
{
	time_t t = (time_t)when;
	char text[32];
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return json_null();
	return json_string(text);
}

json_t *
show_answer(const struct trust *t, const struct answer *a)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:I,s:s,s:o,s:o,s:o}",
	    "gun", t->gun.name,
	    "server", t->gun.server,
	    "tag", a->tag,
	    "digest", a->digest,
	    "size", (json_int_t)a->size,
	    "role", a->role->name,
	    "keys", show_keys(a->role),
	    "signers", show_signers(t, a),
	    "expires", show_time(a->role->env.role.expires));
}

void
show_line(const struct trust *t, const struct answer *a)
{
	json_t *signers = show_signers(t, a), *one;
	char day[16];
	size_t i;

	role_day(a->role->env.role.expires, day);
	printf("  %s:%s by %s, key %.16s, until %s", t->gun.name, a->tag,
	    a->role->name, a->role->signed_by.ids[0], day);
	json_array_foreach(signers, i, one)
		printf("%s%s", i ? ", " : "; signers: ",
		    json_string_value(one));
	printf("\n");
	json_decref(signers);
}
