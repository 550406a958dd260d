/* Choosing a key by a PKCS#11 URI (RFC 7512). */
#ifndef AGENT_URI_H
#define AGENT_URI_H

#include "wire/buf.h"

/*
 * Whether every path attribute of the URI stands with the same value (after
 * decoding) in the full URI of a key.  A URI that cannot be read matches
 * nothing; query attributes (a module's path, a PIN) are refused, since they
 * are not a client's to say.
 */
bool uri_matches(struct view uri, const char *full);

#endif
