/* Who asks, and where a prompt for them appears, as /proc tells it. */
#include <config.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "place.h"
#include "wire/text.h"

#define ENVIRON_MAX (1024 * 1024)	/* beyond: as if it were empty */
#define ANCESTORS_MAX 4

/* What is needed of /proc/PID/stat (proc(5)). */
struct proc_stat {
	char comm[64];
	pid_t parent;
	dev_t tty;
	uint64_t start;
};

enum value_kind {
	VALUE_ANY,
	VALUE_PATH,	/* absolute */
	VALUE_NAME,	/* of a locale or terminal type: never a path */
	VALUE_TTY,	/* kept only if it is the terminal that was chosen */
};

static const struct {
	const char *name;
	enum value_kind kind;
	size_t max;
} allowed[] = {
	{ "DISPLAY", VALUE_ANY, 256 },
	{ "WAYLAND_DISPLAY", VALUE_ANY, 256 },
	{ "XAUTHORITY", VALUE_PATH, 1024 },
	{ "DBUS_SESSION_BUS_ADDRESS", VALUE_ANY, 1024 },
	{ "GPG_TTY", VALUE_TTY, 255 },
	{ "TERM", VALUE_NAME, 64 },
	{ "LANG", VALUE_NAME, 64 },
	{ "LC_ALL", VALUE_NAME, 64 },
	{ "LC_ADDRESS", VALUE_NAME, 64 },
	{ "LC_COLLATE", VALUE_NAME, 64 },
	{ "LC_CTYPE", VALUE_NAME, 64 },
	{ "LC_IDENTIFICATION", VALUE_NAME, 64 },
	{ "LC_MEASUREMENT", VALUE_NAME, 64 },
	{ "LC_MESSAGES", VALUE_NAME, 64 },
	{ "LC_MONETARY", VALUE_NAME, 64 },
	{ "LC_NAME", VALUE_NAME, 64 },
	{ "LC_NUMERIC", VALUE_NAME, 64 },
	{ "LC_PAPER", VALUE_NAME, 64 },
	{ "LC_TELEPHONE", VALUE_NAME, 64 },
	{ "LC_TIME", VALUE_NAME, 64 },
	{ "XDG_RUNTIME_DIR", VALUE_PATH, 1024 },
	{ "HOME", VALUE_PATH, 1024 },
};
#define ALLOWED (sizeof(allowed) / sizeof(allowed[0]))

/* Reads to the file's end, at most size bytes: TOO_LARGE if there is more. */
static gpg_error_t
read_at(int dir, const char *name, char *dst, size_t size, size_t *len)
{
	gpg_error_t err = 0;
	ssize_t n = 0;
	int fd;

	*len = 0;
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return gpg_error_from_syserror();
	while (*len < size) {
		n = read(fd, dst + *len, size - *len);
		if (n <= 0 && !(n < 0 && errno == EINTR))
			break;
		if (n > 0)
			*len += (size_t)n;
	}
	if (n < 0)
		err = gpg_error_from_syserror();
	else if (*len == size)
		err = gpg_error(GPG_ERR_TOO_LARGE);
	close(fd);
	return err;
}

/* The folder stays that process's, whoever gets its number later. */
static int
open_proc(pid_t pid)
{
	char path[32];

	if (pid <= 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	return open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* The kernel's number of a terminal; its minor is in two pieces. */
static dev_t
decode_tty(int nr)
{
	uint32_t n = (uint32_t)nr;

	return makedev(n >> 8 & 0xfff, (n & 0xff) | (n >> 12 & 0xfff00));
}

static gpg_error_t
parse_stat(char *line, struct proc_stat *out)
{
	char *open = strchr(line, '('), *close = strrchr(line, ')');
	int parent, tty;
	char state;

	/* The name may hold parentheses: it ends at the last one. */
	if (!open || !close || close < open)
		return gpg_error(GPG_ERR_BAD_DATA);
	*close = 0;
	snprintf(out->comm, sizeof(out->comm), "%s", open + 1);
	if (sscanf(close + 1, " %c %d %*d %*d %d %*d %*u %*u %*u %*u %*u %*u "
	    "%*u %*d %*d %*d %*d %*d %*d %" SCNu64, &state, &parent, &tty,
	    &out->start) != 4)
		return gpg_error(GPG_ERR_BAD_DATA);
	if (state == 'Z' || state == 'X')
		return gpg_error(GPG_ERR_NOT_FOUND);
	out->parent = parent;
	out->tty = tty ? decode_tty(tty) : 0;
	return 0;
}

static gpg_error_t
get_stat(int dir, struct proc_stat *out)
{
	char line[1024];
	size_t len;

	if (read_at(dir, "stat", line, sizeof(line) - 1, &len) || len == 0)
		return gpg_error(GPG_ERR_NOT_FOUND);
	line[len] = 0;
	return parse_stat(line, out);
}

gpg_error_t
place_start_time(pid_t pid, uint64_t *start)
{
	struct proc_stat ps;
	gpg_error_t err;
	int dir;

	*start = 0;
	if ((dir = open_proc(pid)) < 0)
		return gpg_error(GPG_ERR_NOT_FOUND);
	if (!(err = get_stat(dir, &ps)))
		*start = ps.start;
	close(dir);
	return err;
}

/* A device of ours that we may read and write; any number if want is 0. */
static bool
is_our_tty(const char *path, dev_t want)
{
	struct stat st;

	if (lstat(path, &st) || !S_ISCHR(st.st_mode) ||
	    st.st_uid != geteuid() || (want && st.st_rdev != want))
		return false;
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) == 0;
}

/* Names as the kernel gives them to terminals, each straight in its folder. */
static bool
is_tty_name(const char *path)
{
	static const char *const folders[] = {
		"/dev/pts/", "/dev/tty", "/dev/hvc", "/dev/console",
	};

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t n = strlen(folders[i]);

		if (!strncmp(path, folders[i], n) && !strchr(path + n, '/'))
			return strcmp(path, "/dev/tty") &&
			    strcmp(path, "/dev/pts/ptmx");
	}
	return false;
}

/* The device's name in /dev, as its driver announced it. */
static bool
name_from_sysfs(dev_t tty, char *dst, size_t size)
{
	char path[64], text[512], *name;
	size_t len;

	snprintf(path, sizeof(path), "/sys/dev/char/%u:%u/uevent",
	    major(tty), minor(tty));
	if (read_at(AT_FDCWD, path, text, sizeof(text) - 1, &len))
		return false;
	text[len] = 0;
	if (!(name = strstr(text, "DEVNAME=")))
		return false;
	name += strlen("DEVNAME=");
	name[strcspn(name, "\n")] = 0;
	return (size_t)snprintf(dst, size, "/dev/%s", name) < size;
}

static gpg_error_t
find_tty(dev_t tty, const char *gpg_tty, char **out)
{
	char path[256];
	bool found = false;

	if (gpg_tty && is_tty_name(gpg_tty) && is_our_tty(gpg_tty, 0)) {
		snprintf(path, sizeof(path), "%s", gpg_tty);
		found = true;
	} else if (tty) {
		if (major(tty) >= 136 && major(tty) <= 143)	/* Unix98 */
			found = (size_t)snprintf(path, sizeof(path),
			    "/dev/pts/%u", minor(tty)) < sizeof(path);
		else
			found = name_from_sysfs(tty, path, sizeof(path));
		found = found && is_tty_name(path) && is_our_tty(path, tty);
	}
	if (found && !(*out = strdup(path)))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

static bool
is_value_good(size_t i, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len > allowed[i].max ||
	    !text_is_clean(view_str(value)))
		return false;
	if (allowed[i].kind == VALUE_PATH)
		return value[0] == '/';
	if (allowed[i].kind == VALUE_NAME)
		return !strchr(value, '/');
	return true;
}

/* Notes where the first good value of each allowed name is, as getenv(). */
static void
pick_values(char *environ_text, size_t len, const char *values[ALLOWED])
{
	char *p = environ_text, *end;

	/* An entry without its NUL was cut, by its process or by its end. */
	for (; (end = memchr(p, 0, len)); len -= (size_t)(end + 1 - p),
	    p = end + 1) {
		char *eq = strchr(p, '=');

		for (size_t i = 0; eq && i < ALLOWED; i++) {
			size_t n = strlen(allowed[i].name);

			if (!values[i] && n == (size_t)(eq - p) &&
			    !memcmp(p, allowed[i].name, n) &&
			    is_value_good(i, eq + 1))
				values[i] = eq + 1;
		}
	}
}

static const char *
value_of(const char *values[ALLOWED], const char *name)
{
	for (size_t i = 0; i < ALLOWED; i++)
		if (!strcmp(allowed[i].name, name))
			return values[i];
	return NULL;
}

/* What setlocale() would take for a category. */
static const char *
locale_of(const char *values[ALLOWED], const char *category)
{
	const char *s;

	if ((s = value_of(values, "LC_ALL")) ||
	    (s = value_of(values, category)))
		return s;
	return value_of(values, "LANG");
}

static gpg_error_t
dup_text(const char *s, char **out)
{
	if (s && !(*out = strdup(s)))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

static gpg_error_t
fill_env(struct place *p, const char *values[ALLOWED])
{
	size_t n = 0;

	if (!(p->env = calloc(ALLOWED + 1, sizeof(*p->env))))
		return gpg_error(GPG_ERR_ENOMEM);
	for (size_t i = 0; i < ALLOWED; i++) {
		if (!values[i] || (allowed[i].kind == VALUE_TTY &&
		    (!p->ttyname || strcmp(values[i], p->ttyname))))
			continue;
		if (asprintf(&p->env[n], "%s=%s", allowed[i].name,
		    values[i]) < 0) {
			p->env[n] = NULL;
			return gpg_error(GPG_ERR_ENOMEM);
		}
		n++;
	}
	return 0;
}

/* Another user's process, or one that may not be looked into, has none. */
static gpg_error_t
read_environ(int dir, char **text, size_t *len)
{
	if (!(*text = malloc(ENVIRON_MAX)))
		return gpg_error(GPG_ERR_ENOMEM);
	if (read_at(dir, "environ", *text, ENVIRON_MAX, len)) {
		explicit_bzero(*text, *len);
		*len = 0;
	}
	return 0;
}

static gpg_error_t
fill_place(int dir, dev_t tty, struct place *p)
{
	const char *values[ALLOWED] = { NULL };
	char *text = NULL;
	size_t len;
	gpg_error_t err;

	if ((err = read_environ(dir, &text, &len)))
		return err;
	pick_values(text, len, values);
	if (!(err = find_tty(tty, value_of(values, "GPG_TTY"), &p->ttyname)) &&
	    !(err = dup_text(value_of(values, "TERM"), &p->ttytype)) &&
	    !(err = dup_text(locale_of(values, "LC_CTYPE"), &p->lc_ctype)) &&
	    !(err = dup_text(locale_of(values, "LC_MESSAGES"),
	    &p->lc_messages)))
		err = fill_env(p, values);
	p->tty_foreign = tty && !p->ttyname;
	/* It may hold what programs should not have put there. */
	explicit_bzero(text, len);
	free(text);
	return err;
}

gpg_error_t
place_of(pid_t pid, uint64_t start, struct place **out)
{
	struct place *p = NULL;
	struct proc_stat ps;
	struct stat st;
	gpg_error_t err;
	int dir;

	*out = NULL;
	if ((dir = open_proc(pid)) < 0)
		return gpg_error(GPG_ERR_NOT_FOUND);
	if ((err = get_stat(dir, &ps)))
		goto out;
	if (ps.start != start || fstat(dir, &st)) {
		err = gpg_error(GPG_ERR_NOT_FOUND);
		goto out;
	}
	if (st.st_uid != geteuid()) {
		err = gpg_error(GPG_ERR_EACCES);
		goto out;
	}
	if (!(p = calloc(1, sizeof(*p)))) {
		err = gpg_error(GPG_ERR_ENOMEM);
		goto out;
	}
	if (!(err = fill_place(dir, ps.tty, p))) {
		*out = p;
		p = NULL;
	}
out:
	place_free(&p);
	close(dir);
	return err;
}

void
place_free(struct place **place)
{
	struct place *p = *place;

	*place = NULL;
	if (!p)
		return;
	for (size_t i = 0; p->env && p->env[i]; i++)
		free(p->env[i]);
	free(p->env);
	free(p->ttyname);
	free(p->ttytype);
	free(p->lc_ctype);
	free(p->lc_messages);
	free(p);
}

static bool
copy_text(const char *from, char **to)
{
	return !from || (*to = strdup(from));
}

gpg_error_t
place_copy(const struct place *from, struct place **out)
{
	struct place *p;
	size_t n = 0;

	*out = NULL;
	while (from->env[n])
		n++;
	if (!(p = calloc(1, sizeof(*p))))
		goto fail;
	p->tty_foreign = from->tty_foreign;
	if (!(p->env = calloc(n + 1, sizeof(*p->env))))
		goto fail;
	for (size_t i = 0; i < n; i++)
		if (!copy_text(from->env[i], &p->env[i]))
			goto fail;
	if (!copy_text(from->ttyname, &p->ttyname) ||
	    !copy_text(from->ttytype, &p->ttytype) ||
	    !copy_text(from->lc_ctype, &p->lc_ctype) ||
	    !copy_text(from->lc_messages, &p->lc_messages))
		goto fail;
	*out = p;
	return 0;
fail:
	place_free(&p);
	return gpg_error(GPG_ERR_ENOMEM);
}

bool
place_usable(const struct place *p)
{
	if (!p)
		return false;
	if (p->ttyname)
		return true;
	for (size_t i = 0; p->env[i]; i++)
		if (view_starts(view_str(p->env[i]), "DISPLAY=") ||
		    view_starts(view_str(p->env[i]), "WAYLAND_DISPLAY="))
			return true;
	return false;
}

const char *
place_problem(const struct place *p)
{
	return p && p->tty_foreign ?
	    "the terminal is not yours, so no dialogue can be shown on it: log "
	    "in as yourself, or run `script /dev/null` first" :
	    "there is no terminal and no display to ask at: run it in a "
	    "terminal";
}

void
place_describe(pid_t pid, char *dst, size_t size)
{
	char chain[512] = "";
	size_t used = 0;
	struct proc_stat ps;
	int dir, bad;

	if (size < 4) {
		if (size > 0)
			dst[0] = 0;
		return;
	}
	/* Process 1 started everybody, so it tells nothing. */
	for (int i = 0; i < ANCESTORS_MAX && (pid > 1 || i == 0); i++) {
		if ((bad = (dir = open_proc(pid)) < 0) == 0) {
			bad = get_stat(dir, &ps) != 0;
			close(dir);
		}
		used += (size_t)snprintf(chain + used, sizeof(chain) - used,
		    "%s%s", i ? " ← " : "", bad ? "?" : ps.comm);
		if (bad)
			break;
		pid = ps.parent;
	}
	text_clean(dst, size, view_str(chain));
}
