/*
 * Asks an SSH agent, ours or another, for signatures or listings as fast as
 * it answers, over N connections at once.
 *
 *	sign-load SOCKET sign KEY-COMMENT CONNECTIONS SECONDS [PID ...]
 *	sign-load SOCKET list - CONNECTIONS SECONDS [PID ...]
 *
 * Prints: count seconds per-second p50-ms p99-ms, and the CPU seconds that
 * each PID used meanwhile.  A failure ends it with status 1.  What is signed
 * is a userauth request of the key (RFC 4252, section 7), each a new one.
 */
#include <config.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <err.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/frame.h"
#include "load.h"

#define CONNECTIONS_MAX 64
#define SAMPLES_MAX 2000000

struct client {
	int fd;
	struct buf in;
	double asked;
};

struct load {
	struct client clients[CONNECTIONS_MAX];
	int count;
	int listing;
	uint8_t key[8192];
	struct view blob;
	uint32_t flags;
	uint64_t serial;
	double *samples;
	size_t done;
};

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
send_all(int fd, struct view v)
{
	while (v.len > 0) {
		ssize_t n = send(fd, v.p, v.len, MSG_NOSIGNAL);

		if (n <= 0)
			err(1, "send");
		v.p += n;
		v.len -= (size_t)n;
	}
}

/* Returns a whole frame once it is there; consumed by the next call. */
static int
receive(struct client *c, struct view *frame)
{
	uint8_t *p;
	ssize_t n;

	if (buf_reserve(&c->in, 16384, &p))
		errx(1, "a frame is too large");
	n = recv(c->fd, p, 16384, 0);
	if (n <= 0)
		errx(1, "the agent closed the connection");
	buf_filled(&c->in, (size_t)n);
	return frame_peek(&c->in, frame) == 0;
}

static void
put_userauth(struct load *l, struct buf *b)
{
	char session[32];

	memset(session, 's', sizeof(session));
	memcpy(session, &l->serial, sizeof(l->serial));
	l->serial++;
	buf_put_string(b, view_of(session, sizeof(session)));
	buf_put_u8(b, 50);
	buf_put_cstring(b, "user");
	buf_put_cstring(b, "ssh-connection");
	buf_put_cstring(b, "publickey");
	buf_put_u8(b, 1);
	if (l->flags)
		buf_put_cstring(b, "rsa-sha2-256");
	else {
		struct view blob = l->blob, type;

		view_get_string(&blob, 64, &type);
		buf_put_string(b, type);
	}
	buf_put_string(b, l->blob);
}

static void
ask(struct load *l, struct client *c)
{
	struct buf out, data;

	buf_init(&out, FRAME_MAX);
	buf_init(&data, 16384);
	if (l->listing) {
		frame_put_bare(&out, SSH_AGENTC_REQUEST_IDENTITIES);
	} else {
		struct msg_ssh_sign_request in = { l->blob, { NULL, 0 },
			l->flags };

		put_userauth(l, &data);
		in.data = buf_view(&data);
		frame_put(&out, SSH_AGENTC_SIGN_REQUEST,
		    MSG_ssh_sign_request, &in);
	}
	c->asked = load_now();
	send_all(c->fd, buf_view(&out));
	buf_free(&data);
	buf_free(&out);
}

static void
take(struct load *l, struct client *c, struct view frame)
{
	uint8_t want = l->listing ? SSH_AGENT_IDENTITIES_ANSWER :
	    SSH_AGENT_SIGN_RESPONSE;

	if (frame.p[0] != want)
		errx(1, "the agent refused (type %u)", frame.p[0]);
	if (l->done < SAMPLES_MAX)
		l->samples[l->done] = load_now() - c->asked;
	l->done++;
	buf_consume(&c->in, frame_size(frame));
}

static void
find_key(struct load *l, const char *comment)
{
	struct msg_ssh_identities_answer answer;
	struct msg_ssh_identity one;
	struct client *c = &l->clients[0];
	struct buf out;
	struct view frame;

	buf_init(&out, 64);
	frame_put_bare(&out, SSH_AGENTC_REQUEST_IDENTITIES);
	send_all(c->fd, buf_view(&out));
	buf_free(&out);
	while (!receive(c, &frame))
		;
	frame.p++;
	frame.len--;
	if (msg_decode(MSG_ssh_identities_answer, frame, &answer))
		errx(1, "the agent's list cannot be read");
	while (msg_list_next(&answer.keys, MSG_ssh_identity, &one))
		if (one.key.len <= sizeof(l->key) &&
		    view_eq_str(one.comment, comment)) {
			memcpy(l->key, one.key.p, one.key.len);
			l->blob = view_of(l->key, one.key.len);
		}
	if (l->blob.len == 0)
		errx(1, "the agent has no key \"%s\"", comment);
	l->flags = memmem(l->key, 32, "ssh-rsa", 7) ? 2 : 0;
	buf_reset(&c->in);
}

static void
run(struct load *l, double seconds)
{
	struct pollfd fds[CONNECTIONS_MAX];
	double end = load_now() + seconds;
	struct view frame;
	int pending = l->count;

	for (int i = 0; i < l->count; i++) {
		fds[i] = (struct pollfd){ l->clients[i].fd, POLLIN, 0 };
		ask(l, &l->clients[i]);
	}
	while (pending > 0) {
		if (poll(fds, (nfds_t)l->count, -1) < 0)
			err(1, "poll");
		for (int i = 0; i < l->count; i++) {
			struct client *c = &l->clients[i];

			if (!fds[i].revents || !receive(c, &frame))
				continue;
			take(l, c, frame);
			if (load_now() < end)
				ask(l, c);
			else
				pending--;
		}
	}
}

int
main(int argc, char **argv)
{
	static struct load l;
	double start, seconds, cpu[8] = { 0 };

	if (argc < 6 || argc > 14)
		errx(2, "usage: sign-load SOCKET sign|list KEY CONNECTIONS "
		    "SECONDS [PID ...]");
	l.count = atoi(argv[4]);
	l.listing = !strcmp(argv[2], "list");
	if (l.count < 1 || l.count > CONNECTIONS_MAX)
		errx(2, "CONNECTIONS: 1 to %d", CONNECTIONS_MAX);
	if (!(l.samples = calloc(SAMPLES_MAX, sizeof(*l.samples))))
		err(1, "calloc");
	for (int i = 0; i < l.count; i++) {
		buf_init(&l.clients[i].in, FRAME_MAX + 4);
		l.clients[i].fd = dial(argv[1]);
	}
	if (!l.listing)
		find_key(&l, argv[3]);
	for (int i = 6; i < argc; i++)
		cpu[i - 6] = load_cpu(atoi(argv[i]));
	start = load_now();
	run(&l, atof(argv[5]));
	seconds = load_now() - start;
	printf("%zu %.3f %.1f", l.done, seconds, (double)l.done / seconds);
	if (l.done > SAMPLES_MAX)
		l.done = SAMPLES_MAX;
	printf(" %.4f %.4f", 1e3 * load_percentile(l.samples, l.done, 0.5),
	    1e3 * load_percentile(l.samples, l.done, 0.99));
	for (int i = 6; i < argc; i++)
		printf(" %.4f", load_cpu(atoi(argv[i])) - cpu[i - 6]);
	putchar('\n');
	return 0;
}
