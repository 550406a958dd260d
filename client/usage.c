/* Reads command lines, and prints help, from the rows of the subcommands. */
#include "config.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cmd.h"

enum { OPT_JSON = 1000, OPT_HELP, OPT_FIRST };

static bool
same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static bool
is_group(const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (same(commands[i]->group, name))
			return true;
	return false;
}

static const struct command *
find(const char *group, const char *name)
{
	for (size_t i = 0; commands[i]; i++)
		if (same(commands[i]->group, group) &&
		    !strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* "keys" and "keys --json" mean "keys list". */
static const struct command *
first_of(const char *group)
{
	for (size_t i = 0; commands[i]; i++)
		if (same(commands[i]->group, group) &&
		    commands[i]->min_args == 0)
			return commands[i];
	return NULL;
}

const struct command *
usage_find(int argc, char **argv, int *used)
{
	*used = 1;
	if (argc < 1)
		return NULL;
	if (!is_group(argv[0]))
		return find(NULL, argv[0]);
	if (argc > 1 && argv[1][0] != '-') {
		*used = 2;
		return find(argv[0], argv[1]);
	}
	return first_of(argv[0]);
}

static size_t
option_count(const struct command *cmd)
{
	size_t n = 0;

	while (cmd->options && cmd->options[n].name)
		n++;
	return n;
}

static const char *
title(const struct command *cmd, char *out, size_t size)
{
	snprintf(out, size, "touchstone %s%s%s", cmd->group ? cmd->group : "",
	    cmd->group ? " " : "", cmd->name);
	return out;
}

static void
fill_options(const struct command *cmd, struct option *out, char *letters)
{
	size_t n = option_count(cmd);

	*letters++ = 'h';
	for (size_t i = 0; i < n; i++) {
		const struct option_row *row = &cmd->options[i];

		out[i] = (struct option){ row->name, row->metavar ?
		    required_argument : no_argument, NULL, OPT_FIRST + (int)i };
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->metavar)
			*letters++ = ':';
	}
	*letters = 0;
	out[n] = (struct option){ "json", no_argument, NULL, OPT_JSON };
	out[n + 1] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	out[n + 2] = (struct option){ 0 };
}

static bool
store(struct call *c, int got)
{
	const struct option_row *o = c->command->options;

	while (got != o->letter &&
	    got != OPT_FIRST + (int)(o - c->command->options))
		o++;
	if (c->given_count == CALL_GIVEN)
		return false;
	c->given[c->given_count++] = (struct given){ o,
	    o->metavar ? optarg : "" };
	return true;
}

static int
misused(const struct call *c, const char *what, const char *arg)
{
	char name[64];

	title(c->command, name, sizeof(name));
	say("%s%s%s: \"%s --help\" tells how it is called", what,
	    arg ? " " : "", arg ? arg : "", name);
	return STATUS_USAGE;
}

/* Returns a status to end with, or -1 to go on. */
int
usage_parse(struct call *c, int argc, char **argv)
{
	struct option options[CALL_OPTIONS + 3];
	char letters[2 * CALL_OPTIONS + 2];
	int got;

	if (option_count(c->command) > CALL_OPTIONS)
		return STATUS_FAILED;
	fill_options(c->command, options, letters);
	opterr = 0;
	optind = 1;
	while ((got = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (got == OPT_HELP || got == 'h') {
			usage_help(c->command);
			return STATUS_OK;
		}
		if (got == '?')
			return misused(c, "unknown, ambiguous or incomplete "
			    "option", argv[optind > 1 ? optind - 1 : 1]);
		if (got == OPT_JSON)
			c->json = true;
		else if (!store(c, got))
			return misused(c, "too many options", NULL);
	}
	c->args = argv + optind;
	c->arg_count = argc - optind;
	if (c->arg_count < c->command->min_args)
		return misused(c, "an argument is missing:", c->command->args);
	if (c->arg_count > c->command->max_args)
		return misused(c, "one argument too many:",
		    argv[optind + c->command->max_args]);
	return -1;
}

static void
print_option(char letter, const char *name, const char *metavar,
    const char *what)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%s--%s%s%s", letter ? '-' : ' ',
	    letter ? letter : ' ', letter ? ", " : "  ", name,
	    metavar ? " " : "", metavar ? metavar : "");
	printf("  %-28s %s\n", left, what);
}

void
usage_help(const struct command *cmd)
{
	char name[64];

	title(cmd, name, sizeof(name));
	printf("usage: %s [options]%s%s\n\n%s.\n\noptions:\n", name,
	    cmd->args[0] ? " " : "", cmd->args, cmd->what);
	for (size_t i = 0; i < option_count(cmd); i++)
		print_option(cmd->options[i].letter, cmd->options[i].name,
		    cmd->options[i].metavar, cmd->options[i].what);
	print_option(0, "json", NULL, "print JSON");
	print_option('h', "help", NULL, "print this");
	if (cmd->group && cmd == first_of(cmd->group)) {
		putchar('\n');
		usage_overview(cmd->group);
	}
}

void
usage_overview(const char *group)
{
	char left[64];

	if (!group)
		printf("usage: touchstone COMMAND [options] [arguments]\n"
		    "       touchstone help COMMAND\n"
		    "       touchstone --version\n\n");
	printf("commands:\n");
	for (size_t i = 0; commands[i]; i++) {
		const struct command *cmd = commands[i];

		if (group && !same(cmd->group, group))
			continue;
		snprintf(left, sizeof(left), "%s%s%s%s%s",
		    cmd->group ? cmd->group : "", cmd->group ? " " : "",
		    cmd->name, cmd->args[0] ? " " : "", cmd->args);
		printf("  %-28s %s\n", left, cmd->what);
	}
}

static unsigned
least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* How many letters two words differ by (Levenshtein); 99 for long ones. */
static unsigned
distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t len = strlen(b);

	if (len >= 31 || strlen(a) >= 31)
		return 99;
	for (size_t i = 0; i <= len; i++)
		row[i] = (unsigned)i;
	for (size_t k = 0; a[k]; k++) {
		unsigned before = row[0];

		row[0] = (unsigned)k + 1;
		for (size_t i = 1; i <= len; i++) {
			unsigned here = row[i];

			row[i] = least(before + (a[k] != b[i - 1]),
			    least(row[i], row[i - 1]) + 1);
			before = here;
		}
	}
	return row[len];
}

/* The nearest word that stands at this place of a command line. */
static const char *
suggest(const char *group, const char *word)
{
	const char *best = NULL;
	unsigned near = 3, d;

	for (size_t i = 0; commands[i]; i++) {
		const struct command *cmd = commands[i];
		const char *name = group || !cmd->group ? cmd->name :
		    cmd->group;

		if (group && !same(cmd->group, group))
			continue;
		if ((d = distance(word, name)) < near &&
		    d < strlen(name)) {
			near = d;
			best = name;
		}
	}
	return best;
}

int
usage_unknown(int argc, char **argv)
{
	const char *group = argc > 1 && is_group(argv[0]) ? argv[0] : NULL;
	const char *word = group ? argv[1] : argv[0];
	const char *best = suggest(group, word);

	if (!group && !strcmp(word, "version"))
		best = "--version";
	/* A group whose commands all want arguments. */
	if (is_group(argv[0]) && (argc == 1 || argv[1][0] == '-')) {
		usage_overview(argv[0]);
		return STATUS_USAGE;
	}
	if (best)
		say("there is no command \"%s%s%s\"; did you mean "
		    "\"touchstone %s%s%s\"?", group ? group : "",
		    group ? " " : "", word, group ? group : "",
		    group ? " " : "", best);
	else
		say("there is no command \"%s%s%s\": \"touchstone help\" "
		    "lists them", group ? group : "", group ? " " : "", word);
	return STATUS_USAGE;
}
