/*
 * One question to a web server, asked again while it makes sense: everything
 * bounded, in bytes, in tries and in time, and no redirect followed unseen.
 */
#ifndef CLIENT_REGISTRY_HTTP_H
#define CLIENT_REGISTRY_HTTP_H

#include "client/registry/problem.h"

/*
 * Told of what takes long: `done` of `total` bytes (0: not known) of a
 * transfer, or with both 0 a wait.  `what` is clean.
 */
typedef void http_progress(void *arg, const char *what, uint64_t done,
    uint64_t total);

/* What holds for all questions; strings are the caller's. */
struct http_options {
	bool plain;		/* http also to other machines */
	const char *ca;		/* PEM, beside the system's; NULL */
	const char *cert, *key;	/* PEM; NULL */
	int64_t limit_ms;	/* for one question with all its tries */
	int64_t idle_ms;	/* without a byte */
	unsigned tries;
	http_progress *progress;
	void *arg;
};

void http_options_default(struct http_options *);

struct http;

/* *why is used, not owned. */
gpg_error_t http_open(struct http **, const struct http_options *,
    struct problem *why);
void http_close(struct http **);

/* The server's authorities and our certificate, in place of the options'. */
struct http_trust {
	struct buf ca;		/* PEM */
	char *cert, *key;	/* files, or NULL */
};

struct http_request {
	const char *method;
	const char *url;
	const char *what;	/* for people: "the manifest of x" */
	const char *accept;
	const char *type;	/* of the body */
	const char *if_match;	/* an entity tag; "*": it must be new */
	const char *authorization;	/* goes to the first host only */
	const struct http_trust *trust;	/* goes with that host too; or NULL */
	struct view body;
	int fd;			/* -1, or the body, read from its start */
	uint64_t fd_len;
	size_t max;		/* of the reply's body */
	bool follow;		/* redirects */
	bool stranger;		/* the first host gets neither of those */
};

#define HTTP_CHALLENGES 4

struct http_reply {
	long status;
	bool away;		/* a stranger said it, or after a redirect */
	struct buf body;
	int64_t length;		/* as declared; -1 */
	char type[256];
	char digest[136];	/* Docker-Content-Digest */
	char etag[256];
	char subject[136];	/* OCI-Subject */
	char next[2048];	/* Link, rel="next" */
	char location[4096];
	char challenge[HTTP_CHALLENGES][2048];
	unsigned challenges;
	unsigned retry_after;	/* seconds; 0 if not said */
};

/*
 * Any final status is success here, for the caller to judge: 429 and 5xx are
 * final when time or tries are up.  Free the reply with http_reply_free(),
 * also after an error.
 */
gpg_error_t http_ask(struct http *, const struct http_request *,
    struct http_reply *);
void http_reply_free(struct http_reply *);

/* Whether something speaks TLS there at all; asked once. */
gpg_error_t http_probe(struct http *, const struct http_request *,
    bool *tls);

/* What the other side says of an error, for people; "" if nothing. */
void http_reply_words(const struct http_reply *, char *dst, size_t size);

int64_t http_now_ms(void);
void http_sleep_ms(int64_t);

/* The absolute form of a reference that a reply to `base` has. */
gpg_error_t http_resolve(const char *base, const char *reference, char *dst,
    size_t size);

#endif
