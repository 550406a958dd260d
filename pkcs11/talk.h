/*
 * The conversation with a prompter on the PIN socket: a datagram with a
 * verdict goes out, a datagram with a PIN comes in, straight into locked
 * memory (../protocol/PROTOCOL, "The PIN socket").
 */
#ifndef PKCS11_TALK_H
#define PKCS11_TALK_H

#include "pin.h"
#include "wire/msg.h"

/* GPG_ERR_CANCELED when the prompter is gone. */
gpg_error_t talk_say(int fd, const struct msg_pin_verdict *);

/*
 * Waits for one PIN.  GPG_ERR_CANCELED when the prompter closed;
 * GPG_ERR_BAD_DATA for anything but one whole pin_entry without descriptors.
 */
gpg_error_t talk_hear(int fd, struct pin *);

#endif
