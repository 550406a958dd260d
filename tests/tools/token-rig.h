/*
 * A token process under test: a SoftHSM token in a folder of its own behind
 * tests/modules/fault.c, the agent's side of the socket, and a prompter that
 * types from a list.
 */
#ifndef TESTS_TOKEN_RIG_H
#define TESTS_TOKEN_RIG_H

#include <sys/types.h>

#include "wire/frame.h"

#define RIG_TALK_MAX 8		/* verdicts kept of one conversation */

struct rig {
	char dir[32];
	pid_t pid;		/* 0: not running */
	int fd;
	uint32_t serial;
	uint8_t *datagram;	/* the last reply; out's views point into it */
	char text[1025];	/* and its text */
};

struct rig_options {
	const char *module;	/* NULL: the fault module */
	const char *pin_source;
	uint32_t sessions;	/* 0: 1 */
	uint32_t ttl_ms;
	bool no_ttl;		/* ttl_ms of 0, where 0 means a minute */
};

/* What a prompter saw. */
struct rig_talk {
	unsigned count;
	struct msg_pin_verdict verdicts[RIG_TALK_MAX];
	char problems[RIG_TALK_MAX][256];
};

/* SoftHSM's module on this machine; NULL where there is none. */
const char *rig_softhsm(void);

/* The folder; false where it cannot be made.  rig_clear() ends all. */
bool rig_init(struct rig *);
void rig_clear(struct rig *);

/*
 * Runs the process and opens the module, for the reply's code.  GPG_ERR_EOF
 * where the process ends without a reply, here and below.
 */
gpg_error_t rig_start(struct rig *, const struct rig_options *);

/* Runs the process only. */
bool rig_spawn(struct rig *);

/* Closes the socket; the wait status, or -1 if it does not end in time. */
int rig_stop(struct rig *);

/* The wait status of a process that ends by itself; -1 in time. */
int rig_wait(struct rig *);

/* One request and its reply; `fd` goes along and is closed, unless -1. */
gpg_error_t rig_call(struct rig *, enum msg_id, const void *in, int fd,
    void *out);

/* The halves of it. */
bool rig_send(struct rig *, enum msg_id, const void *in, int fd);
bool rig_send_raw(struct rig *, const void *, size_t, const int *fds,
    size_t fd_count);
gpg_error_t rig_receive(struct rig *, enum msg_id, void *out);

/*
 * A login or prepare with a prompter that types `pins` (NULL-terminated) and
 * hangs up where it has none left.
 */
gpg_error_t rig_talk(struct rig *, enum msg_id, const void *in,
    const char *const *pins, struct rig_talk *);

/* Verdicts as letters: Ask New Good Wrong lasT Locked Failed. */
const char *rig_letters(const struct rig_talk *, char out[RIG_TALK_MAX + 1]);

/* What the fault module shall do; "" for nothing. */
void rig_fault(struct rig *, const char *script);

/* How often a call was made since rig_log_clear(). */
unsigned rig_count(struct rig *, const char *call);
void rig_log_clear(struct rig *);

/* A file in the rig's folder. */
const char *rig_path(struct rig *, const char *name, char out[64]);
bool rig_write(struct rig *, const char *name, const char *text, mode_t);

/*
 * Whether the bytes are anywhere in the process's memory; -1 where this user
 * may not look (or a sanitizer has made it too large).
 */
int rig_search(struct rig *, const char *text);

#endif
