/*
 * Frames: how messages travel.
 *
 * On the sockets of clients a frame is a 32-bit length, a type and a body
 * (RFC 9987, section 3); an extension's body is its name and its fields, and
 * its reply carries an error code and a text before them.  Between the agent
 * and its helpers a frame is one datagram of a SOCK_SEQPACKET socket: type,
 * serial, and the same.  ../PROTOCOL has the bytes.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "wire/msg.h"

#define FRAME_MAX (256 * 1024)		/* type and body, bytes */
#define DATAGRAM_MAX (160 * 1024)	/* between agent and helpers, bytes */

enum ssh_agent_type {
	SSH_AGENT_FAILURE = 5,
	SSH_AGENT_SUCCESS = 6,
	SSH_AGENTC_REQUEST_IDENTITIES = 11,
	SSH_AGENT_IDENTITIES_ANSWER = 12,
	SSH_AGENTC_SIGN_REQUEST = 13,
	SSH_AGENT_SIGN_RESPONSE = 14,
	SSH_AGENTC_EXTENSION = 27,
	SSH_AGENT_EXTENSION_FAILURE = 28,
	SSH_AGENT_EXTENSION_RESPONSE = 29,
};

/*
 * Looks for a whole frame at the front of what was read.  Returns 0 and the
 * frame (type and body, in the buffer) or GPG_ERR_INCOMPLETE_LINE when more
 * must be read, GPG_ERR_TOO_LARGE or GPG_ERR_INV_LENGTH from the four bytes
 * of length alone.  frame_size() then tells what to buf_consume().
 */
gpg_error_t frame_peek(const struct buf *, struct view *frame);
size_t frame_size(struct view frame);

/* A whole frame with a type and a body of the given message. */
gpg_error_t frame_put(struct buf *, uint8_t type, enum msg_id, const void *);
gpg_error_t frame_put_bare(struct buf *, uint8_t type);

/* Extensions: request, and reply to the request `id`. */
gpg_error_t frame_put_request(struct buf *, enum msg_id, const void *);
gpg_error_t frame_put_reply(struct buf *, enum msg_id id, gpg_error_t code,
    const char *text, const void *reply);

/*
 * Reads a request frame that a client sent: which message it is and its
 * body.  GPG_ERR_UNKNOWN_COMMAND for what is no message of ours.
 */
gpg_error_t frame_get_request(struct view frame, enum msg_id *,
    struct view *body);

/*
 * Reads the reply to the extension `id` into *reply.  *code and *text are the
 * agent's verdict; *reply is filled only where *code is 0.
 * GPG_ERR_NOT_SUPPORTED when the other side does not know the extension.
 */
gpg_error_t frame_get_reply(struct view frame, enum msg_id id,
    gpg_error_t *code, struct view *text, void *reply);

/* Datagrams between the agent and its helpers (types below 128 ask). */
gpg_error_t datagram_put(struct buf *, uint32_t serial, enum msg_id,
    const void *);
gpg_error_t datagram_put_reply(struct buf *, uint32_t serial, enum msg_id id,
    gpg_error_t code, const char *text, const void *reply);
gpg_error_t datagram_get(struct view datagram, enum msg_scope, enum msg_id *,
    uint32_t *serial, struct view *body);
/* *id is which request's reply is expected; the serial tells which. */
gpg_error_t datagram_get_serial(struct view datagram, bool *is_reply,
    uint32_t *serial);
gpg_error_t datagram_get_reply(struct view datagram, enum msg_id id,
    gpg_error_t *code, struct view *text, void *reply);

#endif
