/*
 * The record of what was asked and signed: append-only JSON lines, each with
 * the SHA-256 of the line before it (format/chain.h), written by a thread of
 * its own, so that a slow disk never stops the agent.
 *
 * The intent is written before the token is asked; the result is on disk
 * before the reply leaves.  One sync serves all records that wait.
 */
#ifndef AGENT_AUDIT_H
#define AGENT_AUDIT_H

#include <event2/event.h>

#include "wire/buf.h"

enum audit_stage {
	AUDIT_INTENT,
	AUDIT_SIGNED,		/* released to the client after this */
	AUDIT_FAILED,		/* after an intent: no signature was made */
	AUDIT_UNDELIVERED,	/* made, but the client was gone */
	AUDIT_DENIED,		/* by policy or by the user; no intent */
	AUDIT_EVENT,		/* agent started, PINs forgotten, key made … */
};

/* Copied when it is handed over.  Texts may be NULL and must be clean. */
struct audit_record {
	enum audit_stage stage;
	uint64_t request;	/* the agent's number for the request */
	const char *kind;	/* "commit", … */
	const char *format;	/* "openpgp", "ssh" */
	const char *summary;
	const uint8_t *payload;	/* SHA-256 of the payload, 32 bytes, or NULL */
	const uint8_t *key;	/* 32 bytes, or NULL */
	const char *key_name;
	const char *requester;	/* "git ← bash (pid 123), uid 1000" */
	const char *origin;	/* reach_name() */
	const char *object;	/* id of the signed commit or tag,
				   digest of the image */
	const char *verdict;	/* why not, or "ok" */
	uint64_t count;		/* of denials counted together; else 0 */
};

struct audit;
struct audit_wait;

/* Called in the loop's thread: the record is written (intent) or synced. */
typedef void audit_done(void *arg, gpg_error_t err);

/*
 * Opens DIR/<machine>/log.jsonl for appending, makes the folders, takes up the
 * chain where it ended (auditlog.h tells what is done with a log that was
 * damaged or removed) and starts the writer.  *problem is for people; free().
 */
gpg_error_t audit_open(struct audit **, struct event_base *, const char *dir,
    bool private, char **problem);

/*
 * Writes what is queued, syncs, ends the writer.  Callbacks still come, from
 * here; it may not be called from one.
 */
void audit_close(struct audit **);

/*
 * Queues a record; `done` (may be NULL, then nobody waits for a sync) is
 * called once: for an intent when it was written, for the others when it is
 * on disk, with the error if it could not be.  Returns a ticket for
 * audit_forget(), NULL when out of memory or
 * when too much is queued already (`done` is then not called).
 */
struct audit_wait *audit_put(struct audit *, const struct audit_record *,
    audit_done *done, void *arg);

/*
 * The caller is gone: the record stays, `done` is not called.  Only before
 * `done` was called, and where there was one.
 */
void audit_forget(struct audit_wait *);

/*
 * A denial: recorded at once when it is the first of its kind (same kind,
 * requester, verdict) within a minute, else counted; the count is recorded
 * when the minute is over.  Bounded memory, whoever asks.
 */
void audit_deny(struct audit *, const struct audit_record *);

/* The file that is written, for `touchstone status`. */
const char *audit_path(const struct audit *);

#endif
