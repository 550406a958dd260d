/* Asking the agent for signatures of an image. */
#ifndef CLIENT_IMAGE_REQUEST_H
#define CLIENT_IMAGE_REQUEST_H

#include "client/chainfile.h"
#include "client/image/judge.h"
#include "client/key.h"

/* With whom and how all images of a command are signed. */
struct signature_request {
	struct call *call;
	struct key_info *key;
	struct chainfile chain;		/* of none if the key has no file */
	struct buf note_bytes;
	struct msg_list notes;
};

/*
 * Finds the key: --key, else git's user.signingkey, else the only one; its
 * certificates, which `needed` wants; and the annotations.  call->why.  Free
 * with request_free(), also after an error.
 */
gpg_error_t request_begin(struct signature_request *, struct call *,
    bool needed);
void request_free(struct signature_request *);

/* Says "NAME=VALUE" too in what is signed from now on; call->why. */
gpg_error_t request_add_note(struct signature_request *, const char *text);
void request_drop_notes(struct signature_request *);

/*
 * Has the manifest signed in one form.  `text` gets what the agent says
 * beside it: for ".sig", the signature in base64.
 */
gpg_error_t request_sign(struct signature_request *, enum form,
    const char *reference, struct view manifest, struct buf *result,
    struct buf *text);

#endif
