/* What all subcommands share: options, errors, output. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "client/cmd.h"
#include "wire/text.h"

const char *
call_option(const struct call *c, const char *name)
{
	for (size_t i = c->given_count; i > 0; i--)
		if (!strcmp(c->given[i - 1].row->name, name))
			return c->given[i - 1].value;
	return NULL;
}

const char *
call_each(const struct call *c, const char *name, size_t i)
{
	for (size_t k = 0; k < c->given_count; k++)
		if (!strcmp(c->given[k].row->name, name) && i-- == 0)
			return c->given[k].value;
	return NULL;
}

const char *
call_arg(const struct call *c, int i)
{
	return i < c->arg_count ? c->args[i] : NULL;
}

gpg_error_t
call_problem(struct call *c, gpg_error_t err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->why, sizeof(c->why), fmt, ap);
	va_end(ap);
	c->told = false;
	return gpg_error(gpg_err_code(err));
}

/* The agent's own words are better than the code's. */
static gpg_error_t
explain(struct call *c, gpg_error_t err)
{
	if (!err)
		return 0;
	err = call_problem(c, err, "%s", c->talk.said[0] ? c->talk.said :
	    gpg_strerror(err));
	c->told = c->talk.told;
	return err;
}

gpg_error_t
call_connect(struct call *c, unsigned flags)
{
	talk_close(&c->talk);
	return explain(c, talk_open(&c->talk, &c->paths, flags));
}

gpg_error_t
call_ask(struct call *c, enum msg_id id, const void *in, void *reply)
{
	return explain(c, talk_ask(&c->talk, id, in, reply));
}

gpg_error_t
call_follow(struct call *c, enum msg_id id, const void *in,
    struct msg_progress *done)
{
	return explain(c, talk_follow(&c->talk, id, in, view_of(NULL, 0),
	    done));
}

static int
status_of(gpg_error_t err)
{
	if (say_is_no(err))
		return STATUS_REFUSED;
	switch (gpg_err_code(err)) {
	case GPG_ERR_NO_AGENT:
		return STATUS_NO_AGENT;
	case GPG_ERR_USER_1:
	case GPG_ERR_INV_ARG:
		return STATUS_USAGE;
	case GPG_ERR_NO_SECKEY:
	case GPG_ERR_AMBIGUOUS_NAME:
	case GPG_ERR_NOT_FOUND:
	case GPG_ERR_CARD_NOT_PRESENT:
		return STATUS_NOT_FOUND;
	default:
		return STATUS_FAILED;
	}
}

int
call_fail(struct call *c, gpg_error_t err)
{
	const char *why = c->why[0] ? c->why : gpg_strerror(err);
	/* What the agent says tells what to do, where something can be done. */
	const char *hint = c->told ? "" : say_hint(err);
	char clean[2200];

	say("%s%s%s", why, hint[0] ? "; " : "", hint);
	if (c->json) {
		text_clean(clean, sizeof(clean), view_str(why));
		call_print(c, json_pack("{s:{s:i,s:s,s:s,s:s*}}", "error",
		    "code", (int)gpg_err_code(err), "name", gpg_strerror(err),
		    "message", clean, "hint", hint[0] ? hint : NULL));
	}
	return status_of(err);
}

int
call_done(struct call *c)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_OK;
	say("the output cannot be written");
	return STATUS_FAILED;
}

int
call_print(struct call *c, json_t *value)
{
	if (!value) {
		say("out of memory");
		return STATUS_FAILED;
	}
	json_dumpf(value, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(value);
	return call_done(c);
}

json_t *
json_view(struct view v)
{
	if (v.len == 0)
		return json_null();
	return json_stringn((const char *)v.p, v.len);
}

json_t *
json_text(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}

int
call_run(const struct command *cmd, int (*run)(struct call *), int argc,
    char **argv)
{
	struct call c = { .command = cmd };
	gpg_error_t err;
	int status;

	talk_init(&c.talk, -1);
	if ((status = usage_parse(&c, argc, argv)) >= 0)
		return status;
	if ((err = paths_init(&c.paths))) {
		call_problem(&c, err, "the home folder cannot be found: %s",
		    gpg_strerror(err));
		return call_fail(&c, err);
	}
	status = cmd->run ? cmd->run(&c) : run(&c);
	talk_close(&c.talk);
	paths_free(&c.paths);
	return status;
}

int
call_main(int (*run)(struct call *), int argc, char **argv)
{
	const struct command *cmd;
	int used;

	if (argc < 2) {
		usage_overview(NULL);
		return STATUS_USAGE;
	}
	if (!(cmd = usage_find(argc - 1, argv + 1, &used)))
		return usage_unknown(argc - 1, argv + 1);
	return call_run(cmd, run, argc - used, argv + used);
}
