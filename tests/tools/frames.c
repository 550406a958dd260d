/*
 * A client without manners, for tests: sends to an agent's socket just what
 * it is told, word by word, and says what comes back.
 *
 *	frames SOCKET WORD...
 *
 *	hex:BYTES		these bytes, in hex
 *	fill:COUNT		so many zero bytes
 *	bare:TYPE		a frame of this type without a body
 *	ext:NAME[:HEX]		an extension of ours and its fields
 *	sign:KEY:SIZE:FILE:LEN	sign-v1 that announces SIZE bytes ("-": all of
 *				the file) and has the file's first LEN
 *				("-": all that a chunk takes)
 *	more:FILE:LEN		more-v1 with the next LEN bytes of the file
 *	slow:MS			from here on byte by byte, with so long between
 *	flood:COUNT		so many of the last frame, as long as they are
 *				taken; nothing is read
 *	end			no more will be sent
 *	read			reads a frame and says what it is: "type N", and
 *				for replies to extensions "signed", "state N
 *				NOTICE" or "code N TEXT"
 *	done			waits (wait-v1) until the request has ended
 *	closed:SECONDS		"closed" or "open" after so long at most
 *	open:COUNT		so many connections more, which are kept; then
 *				"open N" that the agent did not close
 *	sleep:MS		nothing, for so long
 *	go:FILE			until the file is there
 *
 * What cannot be sent since the agent has closed ends it with "closed".
 */
#include <config.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wire/frame.h"

#define READ_MS 20000
#define CHUNK 245760

struct client {
	const char *path;
	int fd;
	long slow;		/* ms between bytes; -1: at once */
	struct buf in, last;
	size_t sent;		/* of the file */
};

static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void __attribute__((noreturn))
closed(void)
{
	puts("closed");
	exit(0);
}

static int
dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (strlen(path) >= sizeof(addr.sun_path))
		errx(2, "%s: too long", path);
	strcpy(addr.sun_path, path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		err(1, "%s", path);
	return fd;
}

static void
put(struct client *c, const uint8_t *p, size_t len)
{
	while (len > 0) {
		size_t most = c->slow < 0 ? len : 1;
		ssize_t n = send(c->fd, p, most, MSG_NOSIGNAL);

		if (n <= 0)
			closed();
		p += n;
		len -= (size_t)n;
		if (c->slow > 0)
			sleep_ms(c->slow);
	}
}

static void
put_last(struct client *c)
{
	struct view v = buf_view(&c->last);

	if (buf_error(&c->last))
		errx(2, "the frame cannot be made");
	put(c, v.p, v.len);
}

static void
put_request(struct client *c, enum msg_id id, const void *in)
{
	buf_reset(&c->last);
	if (frame_put_request(&c->last, id, in))
		errx(2, "the request cannot be made");
	put_last(c);
}

static void
put_hex(struct buf *b, const char *hex)
{
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1 && hex[1]; hex += 2)
		buf_put_u8(b, (uint8_t)byte);
	if (*hex)
		errx(2, "%s: not hex", hex);
}

/* The part of the file that comes next. */
static struct view
part(struct client *c, const char *file, const char *len, uint64_t *size)
{
	static uint8_t room[CHUNK];
	int fd = open(file, O_RDONLY);
	size_t want = strcmp(len, "-") ? (size_t)atol(len) : sizeof(room);
	struct stat st;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || want > sizeof(room) ||
	    (n = pread(fd, room, want, (off_t)c->sent)) < 0)
		err(2, "%s", file);
	close(fd);
	if (size)
		*size = (uint64_t)st.st_size;
	c->sent += (size_t)n;
	return view_of(room, (size_t)n);
}

static const char *
word(char **rest)
{
	const char *w = strsep(rest, ":");

	if (!w)
		errx(2, "a word is missing");
	return w;
}

static void
put_sign(struct client *c, char *rest)
{
	const char *key = word(&rest), *size = word(&rest);
	const char *file = word(&rest), *len = word(&rest);
	struct msg_sign in = { .key = view_str(key),
		.format = view_str("openpgp") };

	c->sent = 0;
	in.chunk = part(c, file, len, &in.size);
	if (strcmp(size, "-"))
		in.size = strtoull(size, NULL, 0);
	put_request(c, MSG_sign, &in);
}

static void
put_more(struct client *c, char *rest)
{
	const char *file = word(&rest), *len = word(&rest);
	struct msg_more in = { .chunk = part(c, file, len, NULL) };

	put_request(c, MSG_more, &in);
}

static void
put_extension(struct client *c, char *rest)
{
	char name[256];
	size_t place;

	snprintf(name, sizeof(name), "%s@" WIRE_DOMAIN, word(&rest));
	buf_reset(&c->last);
	place = buf_open(&c->last);
	buf_put_u8(&c->last, SSH_AGENTC_EXTENSION);
	buf_put_cstring(&c->last, name);
	if (rest)
		put_hex(&c->last, rest);
	buf_close(&c->last, place);
	put_last(c);
}

static void
put_bare(struct client *c, const char *type)
{
	buf_reset(&c->last);
	frame_put_bare(&c->last, (uint8_t)atoi(type));
	put_last(c);
}

/* Sends and never reads: says how much of it was taken. */
static void
flood(struct client *c, long count)
{
	struct view v = buf_view(&c->last);
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };

	for (long i = 0; i < count; i++) {
		if (poll(&p, 1, 1000) <= 0) {
			puts("stuck");
			return;
		}
		if (send(c->fd, v.p, v.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
		    errno != EAGAIN)
			closed();
	}
	puts("taken");
}

/* 1: bytes came; 0: the agent has closed; -1: nothing in time. */
static int
receive(struct client *c, int ms)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	uint8_t *to;
	ssize_t n;

	if (poll(&p, 1, ms) <= 0)
		return -1;
	if (buf_reserve(&c->in, 8192, &to))
		errx(2, "the agent sends too much");
	if ((n = recv(c->fd, to, 8192, 0)) <= 0)
		return 0;
	buf_filled(&c->in, (size_t)n);
	return 1;
}

static void
say_progress(struct view frame, uint8_t *state)
{
	struct msg_progress reply;
	struct view name, text;
	uint32_t code;

	if (view_get_string(&frame, 256, &name) ||
	    view_get_u32(&frame, &code) ||
	    view_get_string(&frame, 1024, &text)) {
		puts("type 29, and not ours");
		return;
	}
	*state = STATE_DONE;
	if (code == 0 && !msg_decode(MSG_progress, frame, &reply)) {
		*state = reply.state;
		text = reply.notice;
		if (reply.state == STATE_DONE)
			printf("signed");
		else
			printf("state %u", reply.state);
	} else {
		printf("code %u", code);
	}
	printf("%s%.*s\n", text.len ? " " : "", (int)text.len,
	    text.len ? (const char *)text.p : "");
}

static uint8_t
read_frame(struct client *c)
{
	uint8_t state = STATE_DONE, type;
	struct view frame, body;
	int got = 1;

	while (frame_peek(&c->in, &frame) && got > 0)
		got = receive(c, READ_MS);
	if (got == 0)
		closed();
	if (got < 0) {
		puts("nothing");
		exit(0);
	}
	body = frame;
	view_get_u8(&body, &type);
	if (type == SSH_AGENT_EXTENSION_RESPONSE)
		say_progress(body, &state);
	else
		printf("type %u\n", type);
	buf_consume(&c->in, frame_size(frame));
	return state;
}

static void
wait_done(struct client *c)
{
	struct msg_wait in;

	memset(&in, 0, sizeof(in));
	while (read_frame(c) > STATE_MORE)
		put_request(c, MSG_wait, &in);
}

static void
say_closed(struct client *c, int seconds)
{
	int got;

	while ((got = receive(c, seconds * 1000)) > 0)
		buf_reset(&c->in);
	puts(got == 0 ? "closed" : "open");
}

static void
open_more(const char *path, long count)
{
	int *fds = calloc((size_t)count, sizeof(*fds)), alive = 0;

	for (long i = 0; i < count; i++)
		fds[i] = dial(path);
	sleep_ms(300);
	for (long i = 0; i < count; i++) {
		struct pollfd p = { .fd = fds[i], .events = POLLIN };

		alive += poll(&p, 1, 0) == 0;
	}
	printf("open %d\n", alive);
	free(fds);
}

static void
do_word(struct client *c, char *rest)
{
	const char *verb = word(&rest);
	const char *value = rest ? rest : "";

	if (!strcmp(verb, "hex") || !strcmp(verb, "fill")) {
		buf_reset(&c->last);
		for (long i = *verb == 'f' ? atol(value) : 0; i > 0; i--)
			buf_put_u8(&c->last, 0);
		if (*verb == 'h')
			put_hex(&c->last, value);
		put_last(c);
	} else if (!strcmp(verb, "bare"))
		put_bare(c, value);
	else if (!strcmp(verb, "ext"))
		put_extension(c, rest);
	else if (!strcmp(verb, "sign"))
		put_sign(c, rest);
	else if (!strcmp(verb, "more"))
		put_more(c, rest);
	else if (!strcmp(verb, "slow"))
		c->slow = atol(value);
	else if (!strcmp(verb, "flood"))
		flood(c, atol(value));
	else if (!strcmp(verb, "end"))
		shutdown(c->fd, SHUT_WR);
	else if (!strcmp(verb, "read"))
		read_frame(c);
	else if (!strcmp(verb, "done"))
		wait_done(c);
	else if (!strcmp(verb, "closed"))
		say_closed(c, atoi(value));
	else if (!strcmp(verb, "open"))
		open_more(c->path, atol(value));
	else if (!strcmp(verb, "sleep"))
		sleep_ms(atol(value));
	else if (!strcmp(verb, "go"))
		while (access(value, F_OK))
			sleep_ms(20);
	else
		errx(2, "%s: no such word", verb);
}

int
main(int argc, char **argv)
{
	struct client c = { .slow = -1 };

	if (argc < 3)
		errx(2, "usage: frames SOCKET WORD...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	c.path = argv[1];
	c.fd = dial(c.path);
	buf_init(&c.in, 4 * FRAME_MAX);
	buf_init(&c.last, 64 * FRAME_MAX);
	for (int i = 2; i < argc; i++)
		do_word(&c, argv[i]);
	buf_free(&c.in);
	buf_free(&c.last);
	return 0;
}
