/* What a subcommand gives out: to stdout, or whole to a file. */
#ifndef CLIENT_OUTPUT_H
#define CLIENT_OUTPUT_H

#include "client/cmd.h"

/*
 * Writes the text where --output says, or to stdout; with --json as the
 * member `name` of an object.  Returns the exit status.
 */
int output_text(struct call *, const char *name, struct view);

/* The same in PEM, under that label: "PUBLIC KEY". */
int output_pem(struct call *, const char *name, const char *label,
    struct view der);

#endif
