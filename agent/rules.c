/* Rules for keys, and which keys ssh is offered at which host. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "agent/rules.h"
#include "local/keyfile.h"

#define RULES 1024
#define TEXT_LIMIT 1024
#define HOST_KEYS 64

/* The key of a rule; an id's hex digits become lower case. */
static char *
get_key(struct source *s, const config_setting_t *group)
{
	config_setting_t *e = config_setting_get_member(group, "key");
	char *key;
	size_t hex;

	if (!e) {
		source_complain(s, GPG_ERR_CONFIGURATION,
		    config_setting_source_line(group),
		    "a rule without \"key\"");
		return NULL;
	}
	if (!(key = source_text(s, e, KEYFILE_NAME_MAX)))
		return NULL;
	hex = strspn(key, "0123456789abcdefABCDEF");
	if (hex == 64 && !key[hex])
		for (char *p = key; *p; p++)
			*p |= *p >= 'A' && *p <= 'F' ? 'a' - 'A' : 0;
	else if (strcmp(key, "*") && !keyfile_name_ok(view_str(key)))
		source_complain_at(s, e, "is neither a nickname, an id in hex, "
		    "nor \"*\"");
	return key;
}

static enum forward_login
get_forward_login(struct source *s, const config_setting_t *group)
{
	static const char *const words[] = {
		[FORWARD_LOGIN_ALLOW] = "allow",
		[FORWARD_LOGIN_ASK] = "ask",
		[FORWARD_LOGIN_REFUSE] = "refuse",
	};
	config_setting_t *e = config_setting_get_member(group,
	    "forward_login");
	const char *text = e ? config_setting_get_string(e) : NULL;

	if (s->err || !e)
		return FORWARD_LOGIN_ALLOW;
	for (int i = 0; text && i <= FORWARD_LOGIN_REFUSE; i++)
		if (!strcmp(text, words[i]))
			return (enum forward_login)i;
	source_complain_at(s, e,
	    "is neither \"allow\", \"ask\" nor \"refuse\"");
	return FORWARD_LOGIN_REFUSE;
}

static void
read_rule(struct source *s, const config_setting_t *group, struct config *c)
{
	static const char *const known[] = { "key", "confirm", "blob",
	    "forward", "forward_login", "host_key", NULL };
	struct key_rule *r = &c->rules[c->rule_count++];

	if (!config_setting_is_group(group)) {
		source_complain_at(s, group, "has what is not in { }");
		return;
	}
	source_names(s, group, known);
	r->key = get_key(s, group);
	r->confirm = source_bool(s, group, "confirm");
	r->blob = source_bool(s, group, "blob");
	r->forward = source_bool(s, group, "forward");
	r->forward_login = get_forward_login(s, group);
	r->host_key = source_bool(s, group, "host_key");
	for (size_t i = 0; !s->err && i + 1 < c->rule_count; i++)
		if (!strcmp(c->rules[i].key, r->key))
			source_complain_at(s,
			    config_setting_get_member(group, "key"),
			    "has a rule already");
}

/* The keys of a row, each by what `touchstone keys` finds it by. */
static void
get_host_keys(struct source *s, const config_setting_t *group, char ***out)
{
	config_setting_t *e = config_setting_get_member(group, "keys");
	int n = e ? config_setting_length(e) : 0;

	if (s->err)
		return;
	if (!e)
		source_complain(s, GPG_ERR_CONFIGURATION,
		    config_setting_source_line(group),
		    "a row without \"keys\"");
	else if (!config_setting_is_array(e) && !config_setting_is_list(e))
		source_complain_at(s, e, "is not a list");
	else if (n > HOST_KEYS)
		source_complain_at(s, e, "has more than 64 keys");
	else if (!(*out = calloc((size_t)n + 1, sizeof(**out))))
		source_complain_memory(s);
	for (int i = 0; i < n && !s->err; i++)
		(*out)[i] = source_text(s, config_setting_get_elem(e,
		    (unsigned)i), TEXT_LIMIT);
}

static void
read_host(struct source *s, const config_setting_t *group, struct config *c)
{
	static const char *const known[] = { "match", "keys", NULL };
	struct host_row *r = &c->hosts[c->host_count++];
	config_setting_t *match;

	if (!config_setting_is_group(group)) {
		source_complain_at(s, group, "has what is not in { }");
		return;
	}
	source_names(s, group, known);
	if (s->err)
		return;
	if (!(match = config_setting_get_member(group, "match")))
		source_complain(s, GPG_ERR_CONFIGURATION,
		    config_setting_source_line(group),
		    "a row without \"match\"");
	else
		r->match = source_text(s, match, TEXT_LIMIT);
	get_host_keys(s, group, &r->keys);
}

/* A list of groups: makes room for all of them and reads each. */
static void
read_list(struct source *s, const char *name, struct config *c, void **room,
    size_t size, void (*read)(struct source *, const config_setting_t *,
    struct config *))
{
	config_setting_t *list = config_setting_get_member(
	    config_root_setting(&s->tree), name);
	int n = list ? config_setting_length(list) : 0;

	if (!s->err && list && !config_setting_is_list(list))
		source_complain_at(s, list, "is not a list in ( )");
	if (!s->err && n > RULES)
		source_complain_at(s, list, "has more than 1024 rules");
	if (s->err || n == 0)
		return;
	if (!(*room = calloc((size_t)n, size)))
		source_complain_memory(s);
	for (int i = 0; i < n && !s->err; i++)
		read(s, config_setting_get_elem(list, (unsigned)i), c);
}

void
config_read_rules(struct source *s, struct config *c)
{
	read_list(s, "keys", c, (void **)&c->rules, sizeof(*c->rules),
	    read_rule);
	read_list(s, "hosts", c, (void **)&c->hosts, sizeof(*c->hosts),
	    read_host);
}

void
config_clear_rules(struct config *c)
{
	for (size_t i = 0; i < c->rule_count; i++)
		free(c->rules[i].key);
	for (size_t i = 0; i < c->host_count; i++) {
		for (char **k = c->hosts[i].keys; k && *k; k++)
			free(*k);
		free(c->hosts[i].keys);
		free(c->hosts[i].match);
	}
	free(c->rules);
	free(c->hosts);
}

const struct key_rule *
config_rule(const struct config *c, const char *name, const char *id_hex)
{
	static const struct key_rule none = { .key = NULL };
	const struct key_rule *all = &none;

	for (size_t i = 0; i < c->rule_count; i++) {
		const char *key = c->rules[i].key;

		if (!strcmp(key, id_hex) || (name && !strcmp(key, name)))
			return &c->rules[i];
		if (!strcmp(key, "*"))
			all = &c->rules[i];
	}
	return all;
}
