/* The key in a slot of a YubiKey: the one that is there, or a new one. */
#ifndef CLIENT_SLOT_H
#define CLIENT_SLOT_H

#include "client/key.h"
#include "client/make.h"
#include "client/yubikey.h"

#define SLOT_DEFAULT "9c"

/* What is wanted; NULL and 0 where it does not matter. */
struct slot_wish {
	const char *name;	/* the key's nickname */
	bool named;		/* by the user: no other will do */
	const char *slot;
	const char *algorithm;
	uint8_t pin_policy, touch_policy;
	const char *overwrite;	/* --overwrite SLOT@SERIAL */
	const char *user_id;	/* who is to be named by a new certificate */
};

/*
 * The key that has the name, else the one that is in the slot, if they are as
 * wished for, else a new one; a key or certificate in a slot goes only where
 * `overwrite` or, typed at the terminal, its owner says so.  A key without a
 * certificate then gets one.  *made and *certified tell what was done;
 * call->why.  Free with keys_free(.., 1).
 */
gpg_error_t slot_key(struct call *, const struct yubikey *,
    const struct slot_wish *, struct key_info **, bool *made,
    bool *certified);

/* Where a YubiKey has a key: in that slot, or else in any; NULL: nowhere. */
const struct key_holder *slot_of(const struct key_info *,
    const struct yubikey *, const char *slot);

/*
 * The slot that SLOT@SERIAL names, which must be of this YubiKey, and the
 * slot that --slot names, if it does; call->why.
 */
gpg_error_t slot_overwritten(struct call *, const char *text,
    const char *serial, const char *wanted, char slot[3]);

/*
 * Asks at the terminal for the consent that names a slot in use; `what` is
 * there.  call->why.
 */
gpg_error_t slot_consent(struct call *, const char *serial, const char *slot,
    const char *what);

/*
 * Gives a key without a date a certificate of its own, for `user_id` (NULL: as
 * git has it), and reads the key anew.
 */
gpg_error_t slot_certify(struct call *, const char *user_id,
    struct key_info **, bool *certified);

#endif
