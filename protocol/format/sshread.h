/*
 * Pieces of SSH's keys, for the files of this folder that read them.
 */
#ifndef FORMAT_SSHREAD_H
#define FORMAT_SSHREAD_H

#include "format/pubkey.h"

/* A positive mpint, without leading zeros. */
gpg_error_t sshread_number(struct view *, struct view *number);

/* The numbers of a key whose type's name was read. */
gpg_error_t sshread_public(struct view *, struct view type, struct pubkey **);

/* "ssh-ed25519-cert-v01@openssh.com" to "ssh-ed25519"; false if it is none. */
bool sshread_cert_type(struct view name, struct view *type);

#endif
