/* Puts the plugins where cosign and notation find them. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/images.h"

#define COSIGN_PLUGIN "sigstore-kms-touchstone"
#define NOTATION_PLUGIN "notation-touchstone"
#define FILE_MAX 4096

/*
 * notation takes regular files only, and a copy of the program would grow old
 * where it is: so this, which runs the one that is installed.
 */
#define MARK "#!/bin/sh\n# Written by \"touchstone setup --images\".\n"
#define LAUNCHER MARK "exec '" LIBEXECDIR "/" NOTATION_PLUGIN "' \"$@\"\n"

/* Whether cosign finds its plugin, as it looks for it. */
static bool
is_on_path(void)
{
	const char *path = getenv("PATH"), *end;
	char file[PATH_MAX];
	struct stat st;

	for (; path && *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, ':');
		if (*path != '/' || (size_t)snprintf(file, sizeof(file),
		    "%.*s/" COSIGN_PLUGIN, (int)(end - path), path) >=
		    sizeof(file))
			continue;
		if (!stat(file, &st) && S_ISREG(st.st_mode) &&
		    !access(file, X_OK))
			return true;
	}
	return false;
}

/* The folder of the plugin, beside our own configuration. */
static gpg_error_t
name_folder(struct call *c, struct images *i, char dir[PATH_MAX])
{
	const char *own = c->paths.config, *base = strrchr(own, '/');
	int n;

	*i = (struct images){ .on_path = is_on_path() };
	n = snprintf(dir, PATH_MAX, "%.*s/notation/plugins/" PACKAGE,
	    (int)(base ? base - own : 0), own);
	if (n > 0 && n < PATH_MAX)
		n = snprintf(i->notation, PATH_MAX, "%s/" NOTATION_PLUGIN,
		    dir);
	return n > 0 && n < PATH_MAX ? 0 : call_problem(c,
	    GPG_ERR_ENAMETOOLONG, "the name of notation's folder beside %s "
	    "is too long", own);
}

static gpg_error_t
failed(struct call *c, const struct images *i, gpg_error_t err)
{
	return call_problem(c, err, "notation's plugin %s cannot be put in "
	    "place or taken away: %s", i->notation, gpg_strerror(err));
}

/* What is in the plugin's place: nothing, ours, ours as it should be. */
static gpg_error_t
look(struct call *c, struct images *i, bool *ours)
{
	struct stat st;
	struct buf b;
	gpg_error_t err;

	*ours = i->there = false;
	if (lstat(i->notation, &st))
		return errno == ENOENT ? 0 : failed(c, i,
		    gpg_error_from_syserror());
	buf_init(&b, FILE_MAX);
	if (S_ISREG(st.st_mode) && !(err = paths_read(i->notation, FILE_MAX,
	    &b)))
		*ours = view_starts(buf_view(&b), MARK);
	i->there = *ours && view_eq_str(buf_view(&b), LAUNCHER) &&
	    (st.st_mode & 0777) == 0700;
	buf_free(&b);
	return *ours ? 0 : call_problem(c, GPG_ERR_CONFLICT, "%s is there and "
	    "not touchstone's: move it away and run this again", i->notation);
}

gpg_error_t
images_install(struct call *c, struct images *i)
{
	char dir[PATH_MAX];
	gpg_error_t err;
	bool ours;

	if ((err = name_folder(c, i, dir)) || (err = look(c, i, &ours)) ||
	    i->there)
		return err;
	if ((err = paths_make(dir, false)) ||
	    (err = paths_write_program(i->notation, view_str(LAUNCHER))))
		return failed(c, i, err);
	i->there = i->changed = true;
	return 0;
}

gpg_error_t
images_remove(struct call *c, struct images *i)
{
	char dir[PATH_MAX];
	gpg_error_t err;
	bool ours;

	if ((err = name_folder(c, i, dir)) || (err = look(c, i, &ours)) ||
	    !ours)
		return err;
	if (unlink(i->notation))
		return failed(c, i, gpg_error_from_syserror());
	rmdir(dir);
	i->there = false;
	i->changed = true;
	return 0;
}

json_t *
images_json(const struct images *i)
{
	return json_pack("{s:{s:s,s:b},s:{s:s,s:b},s:b}",
	    "cosign",
	    "plugin", BINDIR "/" COSIGN_PLUGIN,
	    "on_path", i->on_path,
	    "notation",
	    "plugin", i->notation,
	    "there", i->there,
	    "changed", i->changed);
}

void
images_print(const struct images *i)
{
	if (!i->there) {
		printf("notation no longer has the plugin%s.\n", i->changed ?
		    "" : "; nothing was changed");
		return;
	}
	printf("notation has the plugin%s:\n"
	    "  touchstone keys certify KEY\n"
	    "  notation sign --plugin touchstone --id KEY IMAGE\n",
	    i->changed ? "" : "; nothing was changed");
	if (i->on_path)
		printf("cosign has it too:\n");
	else
		printf("cosign has it where %s is in PATH:\n"
		    "  export PATH=%s:$PATH\n", BINDIR, BINDIR);
	printf("  cosign sign --key touchstone://KEY IMAGE\n");
}
