/*
 * Denials that are the same, counted: asking again and again must not fill
 * the disk.  In the loop's thread.
 */
#ifndef AGENT_DENIALS_H
#define AGENT_DENIALS_H

#include <event2/event.h>

#include "agent/audit.h"

#define DENIALS_KINDS 64	/* told apart at a time */

struct denials;

/* Called with a record to write: the first of a kind, or their count. */
typedef void denials_emit(void *arg, const struct audit_record *);

/*
 * Denials with the same kind, requester and verdict within `window_ms` of the
 * first are counted; when it is over, a record tells how many followed.
 * Beyond DENIALS_KINDS all others are counted as one.  NULL: out of memory.
 */
struct denials *denials_new(struct event_base *, unsigned window_ms,
    denials_emit *, void *arg);
void denials_add(struct denials *, const struct audit_record *);

/* Emits what is counted. */
void denials_free(struct denials **);

#endif
