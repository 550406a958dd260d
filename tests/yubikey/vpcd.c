/*
 * The reader's side: vsmartcard's vpcd protocol over TCP.
 *
 * A frame is a length of two bytes, big-endian, and that many bytes.  A frame
 * of one byte is a control code, all else is a command APDU.  The reader
 * writes length and body apart: without TCP_QUICKACK each APDU would wait
 * for a delayed acknowledgement, 40 ms and more.
 */
#include <config.h>

#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "card.h"

enum control_code { VPCD_OFF = 0, VPCD_ON = 1, VPCD_RESET = 2, VPCD_ATR = 4 };

#define FRAME_MAX 65535

/* A YubiKey 5 over USB: T=1, and "YubiKey" among its historical bytes. */
static const uint8_t atr[] = {
	0x3b, 0xfd, 0x13, 0x00, 0x00, 0x81, 0x31, 0xfe, 0x15, 0x80, 0x73,
	0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75, 0x62, 0x69, 0x4b, 0x65, 0x79,
	0x40,
};

static void
set_option(int fd, int option)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, option, &on, sizeof(on));
}

bool
vpcd_connect(struct card *c)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(c->port),
	};
	int fd;

	if (inet_pton(AF_INET, c->host, &a.sin_addr) != 1)
		return false;
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0) {
		close(fd);
		return false;
	}
	set_option(fd, TCP_NODELAY);
	card_power(c);
	c->reader = fd;
	card_log(c, "plugged");
	return true;
}

static bool
get_all(int fd, uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		set_option(fd, TCP_QUICKACK);
		n = recv(fd, p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

static bool
put_all(int fd, const uint8_t *p, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

/* In one piece, for the same reason. */
static bool
put_frame(int fd, struct bytes b)
{
	uint8_t frame[2 + OUT_MAX + 2];

	if (b.len > sizeof(frame) - 2)
		return false;
	frame[0] = b.len >> 8;
	frame[1] = b.len & 0xff;
	if (b.len > 0)
		memcpy(frame + 2, b.p, b.len);
	return put_all(fd, frame, b.len + 2);
}

static bool
obey(struct card *c, uint8_t code)
{
	switch (code) {
	case VPCD_OFF:
	case VPCD_ON:
	case VPCD_RESET:
		c->counts.resets += code == VPCD_RESET;
		card_log(c, "%s", code == VPCD_OFF ? "off" :
		    code == VPCD_ON ? "on" : "reset");
		card_power(c);
		return true;
	case VPCD_ATR:
		return put_frame(c->reader, bytes_of(atr, sizeof(atr)));
	}
	return true;
}

static bool
serve_one(struct card *c)
{
	uint8_t head[2], body[FRAME_MAX];
	struct out answer = { .len = 0 };
	size_t len;

	if (!get_all(c->reader, head, 2))
		return false;
	len = head[0] << 8 | head[1];
	if (!get_all(c->reader, body, len))
		return false;
	if (len == 1)
		return obey(c, body[0]);
	if (!apdu_answer(c, bytes_of(body, len), &answer))
		return true;
	return put_frame(c->reader, out_bytes(&answer));
}

void
vpcd_serve(struct card *c)
{
	if (serve_one(c) || c->reader < 0)
		return;
	card_log(c, "the reader is gone");
	close(c->reader);
	c->reader = -1;
	card_power(c);
}
