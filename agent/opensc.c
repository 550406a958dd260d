/* The configuration that keeps OpenSC's module off the YubiKeys. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "module.h"
#include "opensc.h"

#define SYSTEM_CONF "/etc/opensc/opensc.conf"
#define VARIABLE "OPENSC_CONF="
#define CONF_MAX (64 * 1024)
#define OUT_MAX (1024 * 1024)
#define READERS_MAX 64
#define YUBIKEY "Yubi"		/* in the reader's name of each of them */

/* ---- what is written ---- */

/*
 * OpenSC looks for the texts in the names of readers.  Its strings have no
 * escapes, so of a text with quotes only a part can be looked for.
 */
static void
put_ignored(struct buf *b, const char *const *readers, size_t count)
{
	buf_put_text(b, " ignored_readers = ");
	for (size_t i = 0; i < count; i++) {
		const char *s = readers[i] + strspn(readers[i], "\"");

		buf_put_text(b, i > 0 ? ", \"" : "\"");
		buf_put(b, s, strcspn(s, "\""));
		buf_put_text(b, "\"");
	}
	buf_put_text(b, "; ");
}

/* The length of the next token, cut as OpenSC's own lexer does. */
static size_t
token_len(struct view v)
{
	const char *ends = v.p[0] == '#' ? "\r\n" : v.p[0] == '"' ? "\"\r\n" :
	    ";, \t\r\n";
	size_t n = 1;

	if (memchr(",{}=; \t\r\n", v.p[0], 9))
		return 1;
	while (n < v.len && !strchr(ends, v.p[n]))
		n++;
	return v.p[0] == '"' && n < v.len ? n + 1 : n;
}

/*
 * Settings of one name add up within a block, but only the first block of a
 * name counts: so it goes into all of them, and into one for where there is
 * none.
 */
gpg_error_t
opensc_rewrite(struct view conf, const char *const *readers, size_t count,
    struct buf *out)
{
	unsigned depth = 0;

	if (conf.len > 0 && memchr(conf.p, 0, conf.len))
		return gpg_error(GPG_ERR_INV_VALUE);
	while (conf.len > 0) {
		size_t n = token_len(conf);

		buf_put(out, conf.p, n);
		if (conf.p[0] == '{' && depth++ == 0)
			put_ignored(out, readers, count);
		else if (conf.p[0] == '}' && depth > 0)
			depth--;
		conf = view_of(conf.p + n, conf.len - n);
	}
	buf_put_text(out, "\napp default {");
	put_ignored(out, readers, count);
	buf_put_text(out, "}\n");
	return buf_error(out);
}

/* ---- for one module ---- */

bool
opensc_concerns(const struct module_config *m)
{
	char *real;
	bool it;

	if (m->type != MODULE_PKCS11)
		return false;
	real = realpath(m->path, NULL);
	it = strstr(m->path, "opensc") || strstr(m->path, "p11-kit") ||
	    (real && (strstr(real, "opensc") || strstr(real, "p11-kit")));
	free(real);
	return it;
}

static size_t
served_readers(struct agent *a, const char *readers[READERS_MAX])
{
	struct module *m;
	size_t n = 0;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!m->retired && m->config.type == MODULE_PIV &&
		    n < READERS_MAX)
			readers[n++] = m->config.reader ? m->config.reader :
			    YUBIKEY;
	return n;
}

static char *const *
find_variable(char *const *env)
{
	while (*env && strncmp(*env, VARIABLE, strlen(VARIABLE)))
		env++;
	return *env ? env : NULL;
}

/* What the module would have read; missing, it is empty. */
static gpg_error_t
write_conf(const struct module_config *m, const char *file,
    const char *const *readers, size_t count)
{
	char *const *own = find_variable(m->env);
	struct buf in, out;
	gpg_error_t err;

	buf_init(&in, CONF_MAX);
	buf_init(&out, OUT_MAX);
	err = paths_read(own ? *own + strlen(VARIABLE) : SYSTEM_CONF, CONF_MAX,
	    &in);
	if (gpg_err_code(err) == GPG_ERR_ENOENT)
		err = 0;
	if (!err && !(err = opensc_rewrite(buf_view(&in), readers, count,
	    &out)))
		err = paths_write(file, buf_view(&out));
	buf_free(&in);
	buf_free(&out);
	return err;
}

static gpg_error_t
copy_env(const struct module_config *m, const char *file, char ***out)
{
	size_t n = 0, i = 0;
	char **env;

	while (m->env[n])
		n++;
	if (!(env = calloc(n + 2, sizeof(*env))))
		return gpg_error(GPG_ERR_ENOMEM);
	*out = env;
	if (asprintf(&env[i++], VARIABLE "%s", file) < 0) {
		env[0] = NULL;
		return gpg_error(GPG_ERR_ENOMEM);
	}
	for (char *const *e = m->env; *e; e++)
		if (strncmp(*e, VARIABLE, strlen(VARIABLE)) &&
		    !(env[i++] = strdup(*e)))
			return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

void
opensc_env_free(char ***env)
{
	for (char **e = *env; e && *e; e++)
		free(*e);
	free(*env);
	*env = NULL;
}

gpg_error_t
opensc_env(struct agent *a, const struct module_config *m, char ***env)
{
	const char *readers[READERS_MAX];
	size_t count = served_readers(a, readers);
	char *file;
	gpg_error_t err;

	*env = NULL;
	if (count == 0 || !opensc_concerns(m))
		return 0;
	if (asprintf(&file, "%s/opensc-%s.conf", a->paths.runtime,
	    m->name) < 0)
		return gpg_error(GPG_ERR_ENOMEM);
	if ((err = write_conf(m, file, readers, count)) ||
	    (err = copy_env(m, file, env)))
		opensc_env_free(env);
	free(file);
	return err;
}
