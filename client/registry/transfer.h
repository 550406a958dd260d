/* One transfer by libcurl, for http.c. */
#ifndef CLIENT_REGISTRY_TRANSFER_H
#define CLIENT_REGISTRY_TRANSFER_H

#include <curl/curl.h>

#include "client/registry/http.h"

#define ERROR_BODY 65536	/* of a reply that is none of success */

struct http {
	struct http_options options;
	struct problem *why;
	CURL *curl;
};

/* One transfer. */
struct transfer {
	struct http *h;
	const struct http_request *ask;
	struct http_reply *reply;
	uint64_t sent;
	bool too_large;
	bool near;		/* this machine: no proxy is asked for it */
	gpg_error_t err;
	int64_t told;		/* when progress was */
	char said[CURL_ERROR_SIZE];
};

/*
 * Asks at `url`, for at most `left` milliseconds.  At home credentials go
 * with it: it is the host that they are for.
 */
CURLcode transfer_run(struct transfer *, const char *url, bool home,
    int64_t left);

/*
 * Only a handshake of TLS with what is at `url`, whoever that is: nothing is
 * asked, and no authority read, which takes longer than all else.
 */
CURLcode transfer_probe(struct transfer *, const char *url, int64_t left);

#endif
