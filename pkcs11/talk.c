/* The conversation with a prompter on the PIN socket. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "talk.h"
#include "wire/frame.h"

gpg_error_t
talk_say(int fd, const struct msg_pin_verdict *v)
{
	struct buf b;
	struct view out;
	gpg_error_t err;

	buf_init(&b, 4096);
	if (!(err = datagram_put(&b, 0, MSG_pin_verdict, v))) {
		out = buf_view(&b);
		if (send(fd, out.p, out.len, MSG_NOSIGNAL) < 0)
			err = gpg_error(GPG_ERR_CANCELED);
	}
	buf_free(&b);
	return err;
}

static gpg_error_t
take_entry(struct pin *pin, struct view datagram)
{
	struct msg_pin_entry entry;
	enum msg_id id;
	struct view body;
	uint32_t serial;

	if (datagram_get(datagram, SCOPE_PIN, &id, &serial, &body) ||
	    id != MSG_pin_entry || msg_decode(id, body, &entry))
		return gpg_error(GPG_ERR_BAD_DATA);
	return pin_set(pin, entry.pin);
}

gpg_error_t
talk_hear(int fd, struct pin *pin)
{
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	gpg_error_t err;
	ssize_t n;

	iov.iov_base = pin_room(pin, &iov.iov_len);
	do
		n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		err = gpg_error(GPG_ERR_CANCELED);
	else if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		err = gpg_error(GPG_ERR_BAD_DATA);
	else
		err = take_entry(pin, view_of(iov.iov_base, (size_t)n));
	pin_wipe_room(pin);
	return err;
}
