/* Makes the files of the token in software. */
#include "config.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/soft.h"
#include "wire/text.h"

#define PIN_LEN 20
#define CONF_MAX (64 * 1024)

struct soft {
	char library[PATH_MAX];
	char folder[PATH_MAX];		/* XDG_DATA_HOME/touchstone/soft */
	char tokens[PATH_MAX];
	char hsm_conf[PATH_MAX];
	char modules[PATH_MAX];		/* XDG_CONFIG_HOME/…/modules.d */
	char module_conf[PATH_MAX];
	char pin_file[PATH_MAX];	/* "": none */
	bool changed;
};

/* Where the systems that have SoftHSM2 put it. */
static gpg_error_t
find_library(struct call *c, char out[PATH_MAX])
{
	static const char *const places[] = {
		"/usr/lib/softhsm/libsofthsm2.so",
		"/usr/lib/*/softhsm/libsofthsm2.so",
		"/usr/lib64/softhsm/libsofthsm2.so",
		"/usr/lib64/pkcs11/libsofthsm2.so",
		"/usr/lib64/libsofthsm2.so",
		"/usr/lib/pkcs11/libsofthsm2.so",
		"/usr/lib/libsofthsm2.so",
		"/usr/local/lib/softhsm/libsofthsm2.so",
	};
	glob_t found;

	out[0] = 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		if (glob(places[i], 0, NULL, &found) == 0)
			snprintf(out, PATH_MAX, "%s", found.gl_pathv[0]);
		globfree(&found);
		if (out[0])
			return 0;
	}
	return call_problem(c, GPG_ERR_NOT_FOUND, "SoftHSM2 is not "
	    "installed: install it (Debian: apt install softhsm2) and run "
	    "this again");
}

/* The absolute name of a file that need not be there yet. */
static gpg_error_t
absolute(struct call *c, const char *file, char out[PATH_MAX])
{
	char dir[PATH_MAX];
	const char *base = strrchr(file, '/');
	size_t len = base ? (size_t)(base - file) + 1 : 0;
	char *real;
	int n;

	base = base ? base + 1 : file;
	snprintf(dir, sizeof(dir), "%.*s", (int)len, file);
	real = len < sizeof(dir) ? realpath(len ? dir : ".", NULL) : NULL;
	if (!real || !*base)
		n = -1;
	else
		n = snprintf(out, PATH_MAX, "%s%s%s", real,
		    real[1] ? "/" : "", base);
	free(real);
	if (n < 0 || n >= PATH_MAX || !text_is_clean(view_str(out)))
		return call_problem(c, GPG_ERR_INV_NAME, "%s cannot be a PIN "
		    "file: its folder must exist, and its name be plain text",
		    file);
	return 0;
}

static bool
join(char out[PATH_MAX], const char *dir, const char *name)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX && text_is_clean(view_str(out));
}

static gpg_error_t
name_files(struct call *c, struct soft *s)
{
	if (join(s->folder, c->paths.data, "soft") &&
	    join(s->tokens, s->folder, "tokens") &&
	    join(s->hsm_conf, s->folder, "softhsm2.conf") &&
	    join(s->modules, c->paths.config, "modules.d") &&
	    join(s->module_conf, s->modules, SOFT_MODULE ".conf"))
		return 0;
	return call_problem(c, GPG_ERR_INV_NAME, "the folder %s cannot be "
	    "used: its name is too long, or not plain text", c->paths.data);
}

static gpg_error_t
make_folder(struct call *c, const char *dir, bool private)
{
	gpg_error_t err = paths_make(dir, private);

	if (err)
		return call_problem(c, err, "the folder %s cannot be used: "
		    "%s", dir, gpg_strerror(err));
	return 0;
}

/* Writes a file unless it is there. */
static gpg_error_t
write_missing(struct call *c, struct soft *s, const char *file,
    const struct buf *text)
{
	gpg_error_t err;

	if (access(file, F_OK) == 0)
		return 0;
	if (!(err = buf_error(text)))
		err = paths_write(file, buf_view(text));
	if (err)
		return call_problem(c, err, "%s cannot be written: %s", file,
		    gpg_strerror(err));
	s->changed = true;
	return 0;
}

static gpg_error_t
write_hsm_conf(struct call *c, struct soft *s)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, CONF_MAX);
	buf_putf(&b, "# SoftHSM2's configuration for touchstone's token.\n"
	    "directories.tokendir = %s\n"
	    "objectstore.backend = file\n"
	    "objectstore.umask = 0077\n"
	    "log.level = ERROR\n"
	    "slots.removable = false\n", s->tokens);
	err = write_missing(c, s, s->hsm_conf, &b);
	buf_free(&b);
	return err;
}

/* A string of libconfig's. */
static void
put_quoted(struct buf *b, const char *s)
{
	buf_put_text(b, "\"");
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_put_text(b, "\\");
		buf_put(b, s, 1);
	}
	buf_put_text(b, "\"");
}

static void
put_module_conf(struct buf *b, const struct soft *s)
{
	char env[PATH_MAX + 16];

	snprintf(env, sizeof(env), "SOFTHSM2_CONF=%s", s->hsm_conf);
	buf_put_text(b, "# The token in software; touchstone.conf(5).\npath = ");
	put_quoted(b, s->library);
	buf_put_text(b, ";\nenv = [ ");
	put_quoted(b, env);
	buf_put_text(b, " ];\nsessions = 2;\n");
	if (s->pin_file[0]) {
		buf_put_text(b, "pin_source = ");
		put_quoted(b, s->pin_file);
		buf_put_text(b, ";\n");
	}
}

/* Whether a configuration that was kept reads the PIN from this file. */
static gpg_error_t
check_pin_source(struct call *c, const struct soft *s)
{
	struct buf text, quoted;
	gpg_error_t err;
	bool found = false;

	buf_init(&text, CONF_MAX);
	buf_init(&quoted, CONF_MAX);
	put_quoted(&quoted, s->pin_file);
	if (!(err = buf_error(&quoted)) &&
	    !(err = paths_read(s->module_conf, CONF_MAX, &text)))
		found = memmem(buf_view(&text).p, buf_len(&text),
		    buf_view(&quoted).p, buf_len(&quoted)) != NULL;
	buf_free(&text);
	buf_free(&quoted);
	if (err || found)
		return err ? call_problem(c, err, "%s cannot be read: %s",
		    s->module_conf, gpg_strerror(err)) : 0;
	return call_problem(c, GPG_ERR_CONFLICT, "%s is there and takes no "
	    "PIN from %s: set pin_source in it, or leave out --pin-file",
	    s->module_conf, s->pin_file);
}

static gpg_error_t
write_module_conf(struct call *c, struct soft *s)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, CONF_MAX);
	put_module_conf(&b, s);
	err = write_missing(c, s, s->module_conf, &b);
	buf_free(&b);
	if (!err && s->pin_file[0])
		err = check_pin_source(c, s);
	return err;
}

/* Digits and small letters without those that are read as another. */
static gpg_error_t
put_pin(struct buf *b)
{
	static const char set[] = "23456789abcdefghijkmnpqrstuvwxyz";
	uint8_t raw[PIN_LEN];
	gpg_error_t err = 0;

	_Static_assert(sizeof(set) - 1 == 32, "no letter is likelier");
	if (getrandom(raw, sizeof(raw), 0) != (ssize_t)sizeof(raw))
		return gpg_error_from_syserror();
	for (size_t i = 0; !err && i < sizeof(raw); i++)
		err = buf_put(b, &set[raw[i] & 31], 1);
	explicit_bzero(raw, sizeof(raw));
	return err ? err : buf_put_text(b, "\n");
}

static gpg_error_t
make_pin(struct call *c, struct soft *s)
{
	struct stat st;
	struct buf b;
	gpg_error_t err;

	if (lstat(s->pin_file, &st) == 0) {
		if (S_ISREG(st.st_mode) && st.st_uid == getuid() &&
		    !(st.st_mode & 077))
			return 0;
		return call_problem(c, GPG_ERR_EACCES, "the PIN file %s must "
		    "be a file of yours that nobody else may read: chmod 600",
		    s->pin_file);
	}
	buf_init(&b, 64);
	if ((err = put_pin(&b)))
		call_problem(c, err, "no PIN can be made: %s",
		    gpg_strerror(err));
	else
		err = write_missing(c, s, s->pin_file, &b);
	buf_free(&b);
	return err;
}

bool
soft_is_new(struct call *c)
{
	struct soft s;

	return !name_files(c, &s) && access(s.module_conf, F_OK);
}

gpg_error_t
soft_prepare(struct call *c, const char *pin_file, bool *changed)
{
	struct soft s = { .changed = false };
	gpg_error_t err;

	*changed = false;
	if ((err = find_library(c, s.library)) ||
	    (err = name_files(c, &s)) ||
	    (err = make_folder(c, s.folder, true)) ||
	    (err = make_folder(c, s.tokens, true)) ||
	    (err = make_folder(c, s.modules, false)) ||
	    (err = pin_file ? absolute(c, pin_file, s.pin_file) : 0) ||
	    (err = pin_file ? make_pin(c, &s) : 0) ||
	    (err = write_hsm_conf(c, &s)) ||
	    (err = write_module_conf(c, &s)))
		return err;
	*changed = s.changed;
	return 0;
}
