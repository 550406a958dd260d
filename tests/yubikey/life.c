/* What happens to a card while it lives: time, power, plugs, the test. */
#include <config.h>

#include <sys/socket.h>

#include <poll.h>
#include <stdarg.h>
#include <time.h>
#include <unistd.h>

#include "card.h"

#define RETRY_MS 50		/* to find the reader */

long long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

void
card_log(struct card *c, const char *fmt, ...)
{
	va_list ap;

	if (c->log == NULL)
		return;
	fprintf(c->log, "%lld ", now_ms());
	va_start(ap, fmt);
	vfprintf(c->log, fmt, ap);
	va_end(ap);
	fputc('\n', c->log);
}

void
card_power(struct card *c)
{
	OPENSSL_cleanse(&c->session, sizeof(c->session));
}

void
card_unplug(struct card *c, long again_ms)
{
	card_log(c, "unplugged");
	if (c->reader >= 0) {
		shutdown(c->reader, SHUT_RDWR);
		close(c->reader);
	}
	c->reader = -1;
	c->unplugged = true;
	c->plug_at = again_ms >= 0 ? now_ms() + again_ms : 0;
	card_power(c);
}

void
card_plug(struct card *c)
{
	c->unplugged = false;
	c->plug_at = 0;
}

void
card_wait(struct card *c, int ms, bool reader)
{
	struct pollfd p[] = {
		{ .fd = c->control, .events = POLLIN },
		{ .fd = c->reader, .events = reader ? POLLIN : POLLRDHUP },
		{ .fd = c->signals, .events = POLLIN },
	};

	if (poll(p, 3, ms) <= 0)
		return;
	if (p[1].revents != 0 && !reader)
		card_unplug(c, 0);
	if (p[0].revents & POLLIN)
		control_serve(c);
	if (p[2].revents & POLLIN)
		c->quit = true;
}

static bool
reader_has_something(struct card *c)
{
	struct pollfd p = { .fd = c->reader, .events = POLLIN };

	return c->reader >= 0 && poll(&p, 1, 0) == 1;
}

/* Until there is something to do that nobody tells. */
static int
patience(const struct card *c)
{
	if (c->reader >= 0 || (c->unplugged && c->plug_at == 0))
		return -1;
	return RETRY_MS;
}

void
card_live(struct card *c)
{
	while (!c->quit) {
		if (c->unplugged && c->plug_at != 0 && now_ms() >= c->plug_at)
			card_plug(c);
		if (c->reader < 0 && !c->unplugged)
			vpcd_connect(c);
		card_wait(c, patience(c), true);
		if (!c->quit && reader_has_something(c))
			vpcd_serve(c);
	}
}
