/*
 * A change of tags in trust data, by a delegate: signed by the agent, posted
 * whole, and made again upon what another signer posted meanwhile.
 */
#ifndef CLIENT_TRUST_CHANGE_H
#define CLIENT_TRUST_CHANGE_H

#include "client/image/image.h"
#include "client/trust/draft.h"
#include "client/trust/session.h"

struct change {
	struct session *session;
	struct key_info *key;
	const char *tag;
	bool remove;
	char digest[DIGEST_SIZE];	/* of what is added */
	uint64_t size;
	struct image *image;	/* looked at again before posting; or NULL */
	struct draft drafts[DRAFTS_MAX];
	size_t count;		/* 0 after change_make(): all says so already */
};

/*
 * Has all roles that list the key changed.  The session has trust data, the
 * agent is connected; call->why.  GPG_ERR_NO_SECKEY where no role lists the
 * key, GPG_ERR_NOT_FOUND where there is nothing to remove.  Free with
 * change_free(), also after an error.
 */
gpg_error_t change_make(struct change *);
void change_free(struct change *);

#endif
