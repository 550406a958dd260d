/* Speaking with the agent. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "client/say.h"
#include "client/talk.h"
#include "wire/frame.h"

#define CHUNK 245760		/* the bound of sign-v1 and more-v1 */
#define ASK_MS 60000		/* what takes no person's time */

int64_t
talk_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
talk_init(struct talk *t, int fd)
{
	*t = (struct talk){ .fd = fd };
	buf_init(&t->in, FRAME_MAX + 4);
	buf_init(&t->out, FRAME_MAX + 4);
}

void
talk_release(struct talk *t)
{
	buf_free(&t->in);
	buf_free(&t->out);
	t->fd = -1;
}

gpg_error_t
talk_open(struct talk *t, const struct paths *paths, unsigned flags)
{
	gpg_error_t err;
	int fd;

	talk_init(t, -1);
	err = connect_agent(paths, flags, &fd, &t->way, t->said,
	    sizeof(t->said));
	if (!err)
		t->fd = fd;
	return err;
}

void
talk_close(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	talk_release(t);
}

static gpg_error_t
send_out(struct talk *t)
{
	struct view v;
	ssize_t n;

	if (buf_error(&t->out))
		return buf_error(&t->out);
	while ((v = buf_view(&t->out)).len > 0) {
		n = send(t->fd, v.p, v.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gpg_error_from_syserror();
		buf_consume(&t->out, (size_t)n);
	}
	return 0;
}

/* Reads what is there, when something is. */
static gpg_error_t
fill(struct talk *t, int64_t deadline)
{
	struct pollfd p = { .fd = t->fd, .events = POLLIN };
	int64_t left = deadline < 0 ? -1 : deadline - talk_now_ms();
	size_t room = t->in.max - buf_len(&t->in);
	uint8_t *to;
	gpg_error_t err;
	ssize_t n;

	if (deadline >= 0 && left <= 0)
		return gpg_error(GPG_ERR_TIMEOUT);
	if (deadline >= 0 && poll(&p, 1, (int)left) <= 0)
		return 0;
	room = room < 16384 ? room : 16384;
	if ((err = buf_reserve(&t->in, room, &to)))
		return err;
	n = recv(t->fd, to, room, 0);
	if (n < 0)
		return errno == EINTR ? 0 : gpg_error_from_syserror();
	if (n == 0)
		return gpg_error(GPG_ERR_EPIPE);
	buf_filled(&t->in, (size_t)n);
	return 0;
}

gpg_error_t
talk_exchange(struct talk *t, int timeout_ms, struct view *frame)
{
	int64_t deadline = timeout_ms < 0 ? -1 : talk_now_ms() + timeout_ms;
	gpg_error_t err;

	buf_reset(&t->in);
	if ((err = send_out(t)))
		return err;
	while (gpg_err_code(err = frame_peek(&t->in, frame)) ==
	    GPG_ERR_INCOMPLETE_LINE)
		if ((err = fill(t, deadline)))
			return err;
	/* One request, one reply: nothing may follow it unasked. */
	if (!err && frame_size(*frame) != buf_len(&t->in))
		err = gpg_error(GPG_ERR_BAD_DATA);
	return err;
}

/* What a broken connection means, in words. */
static void
explain(struct talk *t, gpg_error_t err)
{
	switch (gpg_err_code(err)) {
	case GPG_ERR_EPIPE:
	case GPG_ERR_ECONNRESET:
		snprintf(t->said, sizeof(t->said),
		    "the agent closed the connection");
		break;
	case GPG_ERR_TIMEOUT:
		snprintf(t->said, sizeof(t->said), "the agent did not answer");
		break;
	case GPG_ERR_NOT_SUPPORTED:
		snprintf(t->said, sizeof(t->said),
		    "the agent does not know this request");
		break;
	default:
		snprintf(t->said, sizeof(t->said),
		    "speaking with the agent failed: %s", gpg_strerror(err));
	}
}

static gpg_error_t
ask(struct talk *t, enum msg_id id, const void *in, int timeout_ms,
    void *reply)
{
	struct view frame, text;
	gpg_error_t err, code = 0;

	t->said[0] = 0;
	t->told = false;
	buf_reset(&t->out);
	if ((err = frame_put_request(&t->out, id, in)))
		return err;
	if ((err = talk_exchange(t, timeout_ms, &frame)) ||
	    (err = frame_get_reply(frame, id, &code, &text, reply))) {
		explain(t, err);
		return err;
	}
	if (code)
		snprintf(t->said, sizeof(t->said), "%.*s", (int)text.len,
		    (const char *)text.p);
	t->told = code && text.len > 0;
	return code;
}

gpg_error_t
talk_ask(struct talk *t, enum msg_id id, const void *in, void *reply)
{
	return ask(t, id, in, ASK_MS, reply);
}

/* Takes the next chunk off the front. */
static struct view
next_chunk(struct view *rest)
{
	struct view chunk = { rest->p, rest->len < CHUNK ? rest->len : CHUNK };

	if (chunk.len > 0)
		rest->p += chunk.len;
	rest->len -= chunk.len;
	return chunk;
}

/* Each thing to do is said once, also when the agent says it again. */
static void
tell(const struct talk *t, const struct msg_progress *now, char *last,
    size_t size)
{
	bool dialogue = now->state == STATE_PIN || now->state == STATE_CONSENT;

	if (now->notice.len == 0 || now->notice.len >= size ||
	    view_eq_str(now->notice, last))
		return;
	/* A pinentry on the terminal must not be written over. */
	if (!t->silent)
		say_notice(now->notice, !dialogue);
	else if (!dialogue)
		say_terminal(now->notice);
	memcpy(last, now->notice.p, now->notice.len);
	last[now->notice.len] = 0;
}

gpg_error_t
talk_follow(struct talk *t, enum msg_id id, const void *in, struct view rest,
    struct msg_progress *done)
{
	struct msg_more more;
	char last[1025] = "";
	gpg_error_t err;

	err = ask(t, id, in, -1, done);
	while (!err && done->state != STATE_DONE) {
		if (done->state != STATE_MORE) {
			tell(t, done, last, sizeof(last));
			err = ask(t, MSG_wait, NULL, -1, done);
			continue;
		}
		more.chunk = next_chunk(&rest);
		if (more.chunk.len == 0) {
			err = gpg_error(GPG_ERR_BAD_DATA);
			explain(t, err);
		} else {
			err = ask(t, MSG_more, &more, -1, done);
		}
	}
	if (!err && rest.len > 0) {
		/* Signed before it was seen whole: not what was asked for. */
		err = gpg_error(GPG_ERR_BAD_DATA);
		explain(t, err);
	}
	return err;
}

gpg_error_t
talk_sign(struct talk *t, const char *key, const char *format,
    struct view object, struct msg_progress *done)
{
	struct msg_sign sign = {
		.key = view_str(key),
		.format = view_str(format),
		.size = object.len,
	};

	sign.chunk = next_chunk(&object);
	return talk_follow(t, MSG_sign, &sign, object, done);
}
