/*
 * One file of the configuration: read by libconfig after what libconfig would
 * let pass was refused, and complained of by file and line.
 */
#ifndef AGENT_SOURCE_H
#define AGENT_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include <gpg-error.h>
#include <libconfig.h>

/* The first complaint stays; after it nothing is read. */
struct source {
	const char *file;
	char *problem;		/* clean; the caller's to free */
	gpg_error_t err;
	config_t tree;
};

/* "FILE:LINE: what", clean; line 0 is the file as a whole. */
void source_complain(struct source *, gpg_err_code_t, unsigned line,
    const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same of a setting, by its name. */
void source_complain_at(struct source *, const config_setting_t *,
    const char *what);
void source_complain_memory(struct source *);

/*
 * What others may write decides which modules run, so it is refused.  Returns
 * false also where nothing is there, which is no problem.
 */
bool source_check(struct source *, bool folder);

/*
 * Reads the file into the tree, which is initialized here (the caller
 * destroys it); a missing file is an empty one.
 */
void source_read(struct source *);

#define SOURCE_PATH_MAX 1024	/* as in the messages to the helpers */

/* Settings of a group; nothing is read after a complaint. */
void source_names(struct source *, const config_setting_t *group,
    const char *const *known);		/* others are refused */
uint32_t source_number(struct source *, const config_setting_t *group,
    const char *name, long long least, long long most, uint32_t otherwise);
bool source_bool(struct source *, const config_setting_t *group,
    const char *name);			/* false where it is not set */

/* A copy of the setting's text, not empty and clean; NULL: complained. */
char *source_text(struct source *, const config_setting_t *, size_t max);

/* An absolute path; NULL also where it is not set. */
char *source_path(struct source *, const config_setting_t *group,
    const char *name);

#endif
