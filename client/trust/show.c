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
