/*
 * The subcommands of touchstone: each is a row that says how it is called and
 * what it does, from which its arguments are read and its help is printed.
 */
#ifndef CLIENT_CMD_H
#define CLIENT_CMD_H

#include <jansson.h>

#include "client/say.h"
#include "client/talk.h"

/* Exit statuses, as touchstone(1) has them. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILED = 1,
	STATUS_USAGE = 2,
	STATUS_NO_AGENT = 3,
	STATUS_REFUSED = 4,	/* cancelled, denied, PIN wrong or locked */
	STATUS_NOT_FOUND = 5,	/* no such key, or several; token not there */
};

struct call;

struct option_row {
	const char *name;
	char letter;		/* 0: none */
	const char *metavar;	/* NULL: a flag */
	const char *what;
};

struct command {
	const char *group;	/* "keys"; NULL: none */
	const char *name;	/* "show" */
	const char *args;	/* "KEY"; "" */
	int min_args;
	int max_args;
	const char *what;	/* one line */
	const struct option_row *options;	/* up to a NULL name; may be
						   NULL */
	int (*run)(struct call *);	/* NULL: touchstone-GROUP has it */
};

/* Every subcommand, in the order of the help, up to NULL. */
extern const struct command *const commands[];

#define CALL_OPTIONS 24
#define CALL_GIVEN 256

/* An option as it was given. */
struct given {
	const struct option_row *row;
	const char *value;
};

/* One subcommand being carried out. */
struct call {
	const struct command *command;
	bool json;
	struct given given[CALL_GIVEN];	/* in their order */
	size_t given_count;
	char **args;
	int arg_count;
	struct paths paths;
	struct talk talk;
	char why[2200];		/* of the last call_problem() */
	bool told;		/* why is what the agent said */
};

/* The value of an option that was last given ("" of a flag), or NULL. */
const char *call_option(const struct call *, const char *name);

/* The i-th value of one that may be given again and again; NULL ends them. */
const char *call_each(const struct call *, const char *name, size_t i);

/* The i-th argument; NULL if there are fewer. */
const char *call_arg(const struct call *, int i);

/* Connects, with flags of client/connect.h. */
gpg_error_t call_connect(struct call *, unsigned flags);

/*
 * A request to the agent; its refusal is in call->why.  The reply's views
 * hold until the next.
 */
gpg_error_t call_ask(struct call *, enum msg_id, const void *in, void *reply);

/* The same, followed through all its states (talk_follow). */
gpg_error_t call_follow(struct call *, enum msg_id, const void *in,
    struct msg_progress *done);

/* Sets call->why, for people; returns gpg_error(code of err). */
gpg_error_t call_problem(struct call *, gpg_error_t err, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * Says what went wrong and what to do, also in JSON where that was asked
 * for; returns the exit status.
 */
int call_fail(struct call *, gpg_error_t err);

/* Prints a value, which it consumes (NULL: out of memory). */
int call_print(struct call *, json_t *);

/* stdout is complete: STATUS_OK, or a failure that it says. */
int call_done(struct call *);

/* Text of a decoded message; JSON's null where it is empty. */
json_t *json_view(struct view);
json_t *json_text(const char *);

/* Carries out a subcommand, by its row or else by `run`; an exit status. */
int call_run(const struct command *, int (*run)(struct call *), int argc,
    char **argv);

/* What main() of touchstone-GROUP does. */
int call_main(int (*run)(struct call *), int argc, char **argv);

/* Command lines and help (client/usage.c). */
const struct command *usage_find(int argc, char **argv, int *used);
int usage_parse(struct call *, int argc, char **argv);
void usage_help(const struct command *);
void usage_overview(const char *group);
int usage_unknown(int argc, char **argv);

#endif
