/* The headers of a reply that are looked at, each bounded. */
#ifndef CLIENT_REGISTRY_HEADERS_H
#define CLIENT_REGISTRY_HEADERS_H

#include "client/registry/http.h"

/*
 * Takes one line.  What is too long or not printable is as if it were not
 * there; the first line of a reply forgets what came before it.
 */
void headers_take(struct http_reply *, struct view);

/*
 * A parameter of a header's value, NAME="value" or NAME=value, unquoted; false
 * if it is not there or does not fit.
 */
bool headers_parameter(const char *value, const char *name, char *dst,
    size_t size);

#endif
