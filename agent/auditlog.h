/*
 * The audit log's file: takes up its chain, appends batches of records, and
 * mends what a full disk, a crash or another program did to it.  All of it
 * may block; audit.c calls it from the thread that writes.
 *
 * What is found wrong is never passed over: the log says so itself, in a
 * record of its own (stage "event", kind "log"), before the next record.
 *
 *	an unfinished last line		is taken off
 *	a last line that is no record	the file is kept under another name
 *					and a new log begun
 *	a removed or replaced file	a new log, or the chain of the one that
 *					is there, goes on; the record names the
 *					last record of the former and its hash
 *	a file changed by another	the chain goes on where it ends now
 */
#ifndef AGENT_AUDITLOG_H
#define AGENT_AUDITLOG_H

#include <sys/types.h>

#include "format/chain.h"

#define AUDITLOG_BATCH (1024 * 1024)	/* bytes */

struct auditlog {
	char *dir;		/* of this machine's log */
	char *path;
	int fd;			/* -1 when it has to be opened */
	dev_t dev;
	ino_t ino;
	off_t size;		/* of the whole records in it */
	struct chain good;	/* behind them */
	bool opened;		/* once: `good` is of a log that was there */
	bool unsynced;
	bool unnamed;		/* its folder is not synced yet */
	struct buf batch;	/* records to be written */
	struct chain next;	/* behind them */
	char note[512];		/* what was found wrong; a record of it is due */
};

/*
 * Opens DIR/<machine>/log.jsonl, where <machine> is a hash of the machine's
 * id, so that a home folder may be shared.  GPG_ERR_EBUSY when another
 * process writes it.  `private`: the first of DIR/<machine>.private-N that no
 * other agent writes.  *problem is for people; free().
 */
gpg_error_t auditlog_open(struct auditlog **, const char *dir, bool private,
    char **problem);
void auditlog_close(struct auditlog **);

/*
 * A batch: begin, records (chain_begin(…, &log->batch, &log->next, …)) while
 * auditlog_full() is false, write.  Where begin or write fails, none of the
 * batch is in the file, and the next begin tries again.
 */
gpg_error_t auditlog_begin(struct auditlog *);
bool auditlog_full(const struct auditlog *);
gpg_error_t auditlog_write(struct auditlog *);

/* Puts on disk what was written. */
gpg_error_t auditlog_sync(struct auditlog *);

/* Milliseconds since 1970. */
uint64_t auditlog_now(void);

#endif
