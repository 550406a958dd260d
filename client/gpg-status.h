/*
 * What git believes of its signing program: the status lines and the armour.
 * Both come from the agent, and neither is passed on unread.
 */
#ifndef CLIENT_GPG_STATUS_H
#define CLIENT_GPG_STATUS_H

#include "wire/buf.h"

/*
 * Puts BEGIN_SIGNING and SIG_CREATED, made from what the agent says of the
 * signature: "D pkalgo hash class time FPR" and nothing but
 * (GPG_ERR_INV_VALUE).
 */
gpg_error_t gpg_status_lines(struct view status, struct buf *lines);

/* Whether these bytes are one ASCII-armoured signature (RFC 4880, 6.2). */
bool gpg_armor_ok(struct view);

#endif
