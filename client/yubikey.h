/*
 * YubiKeys: that the agent looks for them, which one is meant, and whether
 * its secrets are those that everybody knows.
 */
#ifndef CLIENT_YUBIKEY_H
#define CLIENT_YUBIKEY_H

#include "client/cmd.h"

struct yubikey {
	char module[65];
	char label[129];
	char serial[65];
	uint32_t flags;		/* TOKEN_… */
};

/*
 * Lets the agent, which must be connected, look for YubiKeys: writes
 * modules.d/yubikey.conf unless a module of that type is there.  *changed
 * tells whether that was needed.  call->why.
 */
gpg_error_t yubikey_prepare(struct call *, bool *changed);

/*
 * The one with this serial, or with NULL the only one that is plugged in.
 * GPG_ERR_NOT_FOUND, GPG_ERR_AMBIGUOUS_NAME; call->why.
 */
gpg_error_t yubikey_find(struct call *, const char *serial,
    struct yubikey *);

/*
 * Where the PIN is locked, has a new one set by the PUK, under the conditions
 * of yubikey_change_defaults(), else fails (GPG_ERR_PIN_BLOCKED) and call->why
 * tells what to do.
 */
gpg_error_t yubikey_unlock(struct call *, struct yubikey *);

/*
 * Warns of a PIN, PUK and management key that are as they were sold, and lets
 * them be changed: with --change-defaults, or where somebody at the terminal
 * agrees, but not with --no-change.  The flags are those of afterwards.
 */
gpg_error_t yubikey_change_defaults(struct call *, struct yubikey *);

#endif
