/*
 * The prompter as it is run, for tests: they are its agent and its token
 * process, and pinentry-script is the user.  What fails here fails the test.
 */
#ifndef TESTS_PROMPTER_H
#define TESTS_PROMPTER_H

#include <sys/types.h>

#include "wire/frame.h"

#define PROMPTER BUILD "/touchstone-prompt"
#define SCRIPTED BUILD "/tests/tools/pinentry-script"
#define UNKNOWN PIN_TRIES_UNKNOWN

struct fixture {
	char dir[64];
	char pinentry[96];	/* pinentry-script, called by this name */
	const char *tty;	/* what the agent's question names */
	const char *lc_ctype;
	uid_t uid;		/* who runs the prompter; 0: as the test */
	bool no_lock;		/* may not lock memory; with a uid */
	pid_t pid;
	int control, pin;	/* the agent's end, the token process's end */
	gpg_err_code_t code;	/* of the reply */
	char text[1025];
	char log[65536];
};

int now_ms(void);

/* The file beside the scripted pinentry; valid until the next call. */
const char *path_of(struct fixture *f, const char *tail);
int set_up(void **state);
int tear_down(void **state);
void close_fd(int *fd);

/* The user's part, and what they were shown: lines, and how many match. */
void script(struct fixture *f, const char *text);
const char *read_log(struct fixture *f);
int logged(struct fixture *f, const char *line);
bool wait_logged(struct fixture *f, const char *line);
pid_t pinentry_pid(struct fixture *f);

/* Whether the process is gone, or a zombie, before so many milliseconds. */
bool is_gone(pid_t pid, int ms);

/* The agent's part. */
void spawn(struct fixture *f, bool with_pin);
void send_view(int fd, struct view v);
void send_ask(struct fixture *f, const struct msg_prompt_ask *ask);
void start_with(struct fixture *f, enum dialogue dialogue,
    const char *pinentry, const char *description, uint32_t timeout_s);
void start(struct fixture *f, enum dialogue dialogue);
ssize_t receive(int fd, uint8_t *raw, size_t size);

/* The one reply; then the prompter exits, and pinentry is gone. */
void assert_reply(struct fixture *f, gpg_err_code_t code, const char *text);

/* The token process's part. */
void say(struct fixture *f, enum pin_verdict verdict, uint32_t tries,
    const char *problem);
void assert_pin(struct fixture *f, const char *wanted);
void assert_no_pin(struct fixture *f);

#endif
