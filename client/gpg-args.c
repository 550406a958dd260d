/* Recognises git's signing command line among all that gpg understands. */
#include "config.h"

#include <stddef.h>
#include <string.h>

#include "client/gpg-args.h"

struct seen {
	bool detach;
	bool sign;
	bool armor;
	const char *key;
	const char *status;
};

/* Where the value of an option goes; one that comes twice is not ours. */
static bool
set(const char **place, const char *value)
{
	if (*place || !value || !*value)
		return false;
	*place = value;
	return true;
}

/*
 * The value of "--NAME=VALUE" or of "--NAME VALUE", NULL if `arg` is another
 * option.  Steps over what it took.
 */
static const char *
long_value(char *const **next, const char *name)
{
	const char *arg = **next;
	size_t len = strlen(name);

	if (strncmp(arg, name, len))
		return NULL;
	if (arg[len] == '=')
		return arg + len + 1;
	if (arg[len] || !(*next)[1])
		return NULL;
	return *++*next;
}

static bool
take_long(struct seen *s, char *const **next)
{
	const char *value;

	if (!strcmp(**next, "--detach-sign"))
		return s->detach = true;
	if (!strcmp(**next, "--sign"))
		return s->sign = true;
	if (!strcmp(**next, "--armor") || !strcmp(**next, "--armour"))
		return s->armor = true;
	if ((value = long_value(next, "--status-fd")))
		return set(&s->status, value);
	if ((value = long_value(next, "--local-user")))
		return set(&s->key, value);
	return false;
}

/* "-bsau KEY", in any order and grouping; u takes the rest or what follows. */
static bool
take_short(struct seen *s, char *const **next)
{
	const char *c;

	for (c = **next + 1; *c; c++) {
		switch (*c) {
		case 'b':
			s->detach = true;
			break;
		case 's':
			s->sign = true;
			break;
		case 'a':
			s->armor = true;
			break;
		case 'u':
			return set(&s->key, c[1] ? c + 1 : *++*next);
		default:
			return false;
		}
	}
	return true;
}

bool
gpg_args_sign(int argc, char *const *argv, const char **key)
{
	struct seen s = { 0 };
	char *const *next;
	bool ok;

	*key = NULL;
	if (argc < 2)
		return false;
	for (next = argv + 1; *next; next++) {
		if (!strncmp(*next, "--", 2))
			ok = take_long(&s, &next);
		else
			ok = (*next)[0] == '-' && (*next)[1] &&
			    take_short(&s, &next);
		if (!ok)
			return false;
	}
	if (!s.detach || !s.armor || !s.key || !s.status ||
	    strcmp(s.status, "2"))
		return false;
	*key = s.key;
	return true;
}
