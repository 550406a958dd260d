/*
 * One signature of an image, judged: what it says, and which of the signers
 * made it.
 */
#ifndef CLIENT_IMAGE_JUDGE_H
#define CLIENT_IMAGE_JUDGE_H

#include "client/image/image.h"
#include "client/image/signers.h"

enum form {
	FORM_SIGSTORE,		/* cosign's ".sig" */
	FORM_BUNDLE,
	FORM_JWS,
	FORM_COSE,
	FORM_SIMPLE,
};
#define FORMS (FORM_SIMPLE + 1)

const char *form_name(enum form);

/* As it was found; views are the finder's. */
struct found {
	enum form form;
	char place[512];	/* for people, clean */
	struct view bytes;
	/* Of ".sig" alone, or NULL: base64; and in PEM, its signer's. */
	const char *note, *certificate, *chain;
};

struct verdict {
	gpg_error_t err;	/* 0: it counts */
	enum form form;
	char place[512];
	char why[300];		/* clean */
	char signer[256];	/* label of whose it is; clean */
	char key[65];		/* hex: SHA-256 of the SPKI, or a fingerprint */
	char reference[256];	/* that it tells; clean */
	char digest[136];
	int64_t when;		/* since 1970; 0: not told */
	json_t *notes;		/* annotations; NULL: none */
};

/*
 * GPG_ERR_BAD_SIGNATURE (of none of the signers), and whatever is wrong with
 * what it says; a digest or name that is not the image's is an error too.
 */
void judge(const struct image *, const struct signers *,
    const struct found *, struct verdict *);

/* A simple signature by an OpenPGP certificate, by the real gpg. */
gpg_error_t judge_openpgp(const struct signer *, struct view message,
    struct buf *document, struct verdict *);

#endif
