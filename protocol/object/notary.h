/*
 * The Notary Project's signatures (its signature specification 1.1): the
 * payload, and the protected headers that JWS and COSE sign with it.
 */
#ifndef OBJECT_NOTARY_H
#define OBJECT_NOTARY_H

#include "wire/buf.h"

#define NOTARY_PAYLOAD "application/vnd.cncf.notary.payload.v1+json"
#define NOTARY_SCHEME "notary.x509"
#define NOTARY_KEY(name) "io.cncf.notary." name

#define NOTARY_HEADER_MAX 4096		/* bytes */
#define NOTARY_PAYLOAD_MAX (256 * 1024)

struct notary_header {
	char algorithm[8];	/* "PS256" to "ES512" */
	int64_t signed_at;	/* seconds since 1970 */
	int64_t expires;	/* 0: never */
};

/*
 * Reads a protected header, JSON or CBOR: the scheme notary.x509, a content
 * type, nothing critical that is not known here.  GPG_ERR_BAD_DATA and *why
 * (a constant).
 */
gpg_error_t notary_read_json(struct view, struct notary_header *,
    const char **why);
gpg_error_t notary_read_cbor(struct view, struct notary_header *,
    const char **why);

/* COSE's number of an algorithm, NULL if it is none of the Notary's. */
const char *notary_by_cose(int64_t number);
int64_t notary_to_cose(const char *algorithm);

/* RFC 3339, as seconds since 1970 UTC, whole ones. */
bool notary_time_read(struct view, int64_t *);

#endif
