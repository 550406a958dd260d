/* The user's configuration, read by libconfig into one value or refused. */
#include <config.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libconfig.h>

#include "agent/config.h"
#include "agent/rules.h"
#include "local/keyfile.h"
#include "wire/text.h"

#define ENV_LIMIT 4096
#define READER_LIMIT 128
#define ENV_COUNT 64
#define MODULES 64
#define SUFFIX ".conf"

/* The length of NAME in a NAME=VALUE; 0 if it is none. */
static size_t
env_name(const char *text)
{
	size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789_");

	return text[n] != '=' || (text[0] >= '0' && text[0] <= '9') ? 0 : n;
}

static bool
env_has(char *const *env, const char *text)
{
	size_t n = env_name(text);

	for (; *env; env++)
		if (env_name(*env) == n && !memcmp(*env, text, n))
			return true;
	return false;
}

static void
get_env(struct source *s, const config_setting_t *group, char ***out)
{
	config_setting_t *e = config_setting_get_member(group, "env");
	int n = e ? config_setting_length(e) : 0;
	char **env = NULL;

	if (s->err)
		return;
	if (e && !config_setting_is_array(e) && !config_setting_is_list(e))
		source_complain_at(s, e, "is not a list");
	else if (n > ENV_COUNT)
		source_complain_at(s, e, "has more than 64 variables");
	else if (!(env = *out = calloc((size_t)n + 1, sizeof(*env))))
		source_complain_memory(s);
	for (int i = 0; i < n && !s->err; i++) {
		config_setting_t *one = config_setting_get_elem(e, (unsigned)i);
		char *text = source_text(s, one, ENV_LIMIT);

		if (text && env_name(text) == 0)
			source_complain_at(s, one,
			    "is not a list of NAME=VALUE");
		else if (text && env_has(env, text))
			source_complain_at(s, one, "sets a variable twice");
		if (s->err)
			free(text);
		else
			env[i] = text;
	}
}

static const char *const type_names[] = {
	[MODULE_PKCS11] = "pkcs11",
	[MODULE_PIV] = "piv",
	[MODULE_MEMORY] = "memory",
};

const char *
module_type_name(enum module_type type)
{
	return type_names[type];
}

static enum module_type
get_type(struct source *s, const config_setting_t *root)
{
	config_setting_t *e = config_setting_get_member(root, "type");
	const char *text = e ? config_setting_get_string(e) : NULL;

	if (s->err || !e || (text && !strcmp(text, "pkcs11")))
		return MODULE_PKCS11;
	if (!text || strcmp(text, "piv"))
		source_complain_at(s, e,
		    "is neither \"pkcs11\" nor \"piv\"");
	return MODULE_PIV;
}

/* What is there for the other type only. */
static void
check_type(struct source *s, const config_setting_t *root,
    enum module_type type)
{
	static const char *const not_piv[] = { "path", "env", "pin_source",
	    NULL };
	static const char *const not_pkcs11[] = { "reader", NULL };
	const char *const *n = type == MODULE_PIV ? not_piv : not_pkcs11;

	for (; *n && !s->err; n++) {
		config_setting_t *e = config_setting_get_member(root, *n);

		if (e)
			source_complain_at(s, e, type == MODULE_PIV ?
			    "is not for the type \"piv\"" :
			    "is only for the type \"piv\"");
	}
}

static void
read_module(struct source *s, struct module_config *m)
{
	static const char *const known[] = { "type", "path", "reader", "env",
	    "pin_source", "sessions", "pin_ttl", "deadline", NULL };
	const config_setting_t *root = config_root_setting(&s->tree);
	config_setting_t *reader = config_setting_get_member(root, "reader");

	source_names(s, root, known);
	m->type = get_type(s, root);
	check_type(s, root, m->type);
	if (!s->err && m->type == MODULE_PKCS11 &&
	    !config_setting_get_member(root, "path"))
		source_complain(s, GPG_ERR_CONFIGURATION, 0,
		    "\"path\" is missing");
	m->path = source_path(s, root, "path");
	m->reader = reader ? source_text(s, reader, READER_LIMIT) : NULL;
	m->pin_source = source_path(s, root, "pin_source");
	m->sessions = source_number(s, root, "sessions", 1, 16,
	    m->type == MODULE_PIV ? 4 : 1);
	m->pin_ttl_s = source_number(s, root, "pin_ttl", 0, 604800, 600);
	m->deadline_s = source_number(s, root, "deadline", 1, 600, 10);
	get_env(s, root, &m->env);
}

static void
read_main(struct source *s, struct config *c)
{
	static const char *const known[] = { "pinentry", "token_wait",
	    "prompt_timeout", "software_keys", "keys", "hosts", NULL };
	const config_setting_t *root = config_root_setting(&s->tree);

	source_names(s, root, known);
	c->pinentry = source_path(s, root, "pinentry");
	c->token_wait_s = source_number(s, root, "token_wait", 0, 3600, 60);
	c->prompt_timeout_s = source_number(s, root, "prompt_timeout", 1, 3600,
	    120);
	c->software_keys =
	    !config_setting_get_member(root, "software_keys") ||
	    source_bool(s, root, "software_keys");
	config_read_rules(s, c);
}

/* Ends with a source; its problem and error become the caller's. */
static gpg_error_t
finish(struct source *s, char **problem)
{
	*problem = s->problem;
	return s->err;
}

static gpg_error_t
load_main(const char *dir, struct config *c, char **problem)
{
	struct source s = { 0 };
	char *file;

	if (asprintf(&file, "%s/config", dir) < 0)
		return gpg_error(GPG_ERR_ENOMEM);
	s.file = file;
	source_read(&s);
	if (!s.err)
		read_main(&s, c);
	config_destroy(&s.tree);
	free(file);
	return finish(&s, problem);
}

/* NAME of NAME.conf, or NULL after a complaint. */
static char *
module_name(struct source *s, const char *entry)
{
	size_t len = strlen(entry) - strlen(SUFFIX);
	size_t ok = strspn(entry, "abcdefghijklmnopqrstuvwxyz0123456789._-");
	char *name = NULL;

	if (ok < len || len > KEYFILE_NAME_MAX ||
	    entry[0] < 'a' || entry[0] > 'z')
		source_complain(s, GPG_ERR_CONFIGURATION, 0,
		    "a module's name is lower-case letters, digits and ._-");
	else if (view_eq_str(view_of(entry, len), MODULE_MEMORY_NAME))
		source_complain(s, GPG_ERR_CONFIGURATION, 0,
		    "\"memory\" is the name of the keys that ssh-add adds");
	else if (!(name = strndup(entry, len)))
		source_complain_memory(s);
	return name;
}

static gpg_error_t
load_module(const char *folder, const char *entry, struct config *c,
    char **problem)
{
	struct module_config *m = &c->modules[c->module_count++];
	struct source s = { 0 };
	char *file;

	if (asprintf(&file, "%s/%s", folder, entry) < 0)
		return gpg_error(GPG_ERR_ENOMEM);
	s.file = file;
	if ((m->name = module_name(&s, entry))) {
		source_read(&s);
		if (!s.err)
			read_module(&s, m);
		config_destroy(&s.tree);
	}
	free(file);
	return finish(&s, problem);
}

static int
is_module(const struct dirent *e)
{
	size_t len = strlen(e->d_name), tail = strlen(SUFFIX);

	return e->d_name[0] != '.' && len > tail &&
	    !strcmp(e->d_name + len - tail, SUFFIX);
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static gpg_error_t
load_entries(struct source *s, struct dirent **entries, size_t n,
    struct config *c)
{
	if (n > MODULES)
		source_complain(s, GPG_ERR_CONFIGURATION, 0,
		    "more than 64 modules");
	else if (n > 0 && !(c->modules = calloc(n, sizeof(*c->modules))))
		source_complain_memory(s);
	for (size_t i = 0; i < n && !s->err; i++)
		s->err = load_module(s->file, entries[i]->d_name, c,
		    &s->problem);
	return s->err;
}

static gpg_error_t
load_modules(const char *dir, struct config *c, char **problem)
{
	struct dirent **entries = NULL;
	struct source s = { 0 };
	char *folder;
	int n = 0;

	if (asprintf(&folder, "%s/modules.d", dir) < 0)
		return gpg_error(GPG_ERR_ENOMEM);
	s.file = folder;
	if (source_check(&s, true)) {
		n = scandir(folder, &entries, is_module, by_name);
		if (n < 0)
			source_complain(&s, gpg_err_code_from_errno(errno), 0,
			    "%s", strerror(errno));
		else
			load_entries(&s, entries, (size_t)n, c);
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	free(folder);
	return finish(&s, problem);
}

gpg_error_t
config_load(const char *dir, struct config **out, char **problem)
{
	struct source s = { .file = dir };
	struct config *c;
	gpg_error_t err;

	*out = NULL;
	*problem = NULL;
	source_check(&s, true);
	if ((err = finish(&s, problem)))
		return err;
	if (!(c = calloc(1, sizeof(*c))))
		return gpg_error(GPG_ERR_ENOMEM);
	if ((err = load_main(dir, c, problem)) ||
	    (err = load_modules(dir, c, problem)))
		config_free(&c);
	*out = c;
	return err;
}

void
module_config_clear(struct module_config *m)
{
	for (char **e = m->env; e && *e; e++)
		free(*e);
	free(m->env);
	free(m->name);
	free(m->path);
	free(m->reader);
	free(m->pin_source);
	memset(m, 0, sizeof(*m));
}

void
config_free(struct config **cp)
{
	struct config *c = *cp;

	*cp = NULL;
	if (!c)
		return;
	for (size_t i = 0; i < c->module_count; i++)
		module_config_clear(&c->modules[i]);
	config_clear_rules(c);
	free(c->modules);
	free(c->pinentry);
	free(c);
}
