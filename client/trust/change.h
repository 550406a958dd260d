/*
 * A change of trust data, by a delegate: signed by the agent, posted
 * whole, and made again upon what another signer posted meanwhile.
 */
#ifndef CLIENT_TRUST_CHANGE_H
#define CLIENT_TRUST_CHANGE_H

#include "client/image/image.h"
#include "client/key.h"
#include "client/trust/edit.h"
#include "client/trust/session.h"

#define CHANGE_ROLES 16		/* that list one key */

#define CHANGE_RENEW_DAYS 180	/* before it expires, a role may be renewed */

enum change_kind {
	CHANGE_ADD,
	CHANGE_REMOVE,
	CHANGE_RENEW,		/* of what expires soon, or has */
};

/* One role that is to get a next version. */
struct changed_role {
	char name[TUF_NAME_MAX + 1];
	char keyid[TUF_ID_LEN + 1];	/* ours, as the role lists it */
	uint32_t version;		/* the next */
	struct buf before, after;	/* canonical */
	struct buf file;
};

struct change {
	struct session *session;
	struct key_info *key;
	enum change_kind kind;
	const char *tag;	/* NULL: none is changed */
	char digest[DIGEST_SIZE];	/* of what is added */
	uint64_t size;
	struct image *image;	/* looked at again before posting; or NULL */
	struct changed_role roles[CHANGE_ROLES];
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
