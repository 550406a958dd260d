/*
 * Names of images, as people write them, by the grammar of the distribution
 * project: [HOST[:PORT]/]REPOSITORY[:TAG][@DIGEST], every part bounded.
 */
#ifndef CLIENT_REGISTRY_REFERENCE_H
#define CLIENT_REGISTRY_REFERENCE_H

#include "client/registry/problem.h"

#define DIGEST_SIZE 72		/* "sha256:", 64 hex digits, NUL */

struct reference {
	char registry[264];	/* "docker.io", "[::1]:5000" */
	char repository[256];	/* "library/debian" */
	char tag[129];		/* "" where there is a digest only */
	char digest[DIGEST_SIZE];	/* or "" */
};

/*
 * Without a host it is Docker's, without tag and digest it is "latest", as
 * docker and podman have it.  Only SHA-256 digests are taken.
 */
gpg_error_t reference_parse(struct reference *, const char *,
    struct problem *);

/* Whole and normal: "docker.io/library/debian:latest". */
gpg_error_t reference_text(const struct reference *, struct buf *);

/* The host that is asked, which for Docker's images has another name. */
const char *reference_host(const struct reference *);

/* Whether the host, with or without a port, can only be this machine. */
bool reference_is_loopback(const char *host);

bool reference_tag_ok(struct view);
bool digest_ok(const char *);

/* SHA-256, as "sha256:…". */
gpg_error_t digest_of(struct view, char out[DIGEST_SIZE]);

#endif
