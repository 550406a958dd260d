/* Asks a web server: its redirects, and when to ask again. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "client/registry/memory.h"
#include "client/registry/reference.h"
#include "client/registry/transfer.h"

#define REDIRECTS 5
#define PAUSE_MS 500		/* before the second try; then twice that */
#define PAUSE_MAX_MS 30000

int64_t
http_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
http_sleep_ms(int64_t ms)
{
	struct timespec ts = { .tv_sec = ms / 1000,
	    .tv_nsec = ms % 1000 * 1000000 };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

void
http_options_default(struct http_options *o)
{
	*o = (struct http_options){ .limit_ms = 300000, .idle_ms = 30000,
	    .tries = 4 };
}

gpg_error_t
http_open(struct http **out, const struct http_options *options,
    struct problem *why)
{
	struct http *h;
	gpg_error_t err;

	*out = NULL;
	if ((err = memory_init()))
		return err;
	if (!(h = calloc(1, sizeof(*h))))
		return gpg_error_from_syserror();
	h->options = *options;
	h->why = why;
	if (!(h->curl = curl_easy_init())) {
		free(h);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	*out = h;
	return 0;
}

void
http_close(struct http **h)
{
	if (*h) {
		curl_easy_cleanup((*h)->curl);
		free(*h);
	}
	*h = NULL;
}

void
http_reply_free(struct http_reply *r)
{
	buf_free(&r->body);
	explicit_bzero(r, sizeof(*r));
}

/* ---- where to ---- */

static bool
parse_url(CURLU *u, char **scheme, char **host, char **port)
{
	return !curl_url_get(u, CURLUPART_SCHEME, scheme, 0) &&
	    !curl_url_get(u, CURLUPART_HOST, host, 0) &&
	    !curl_url_get(u, CURLUPART_PORT, port, CURLU_DEFAULT_PORT);
}

struct place {
	char host[300];		/* with the port */
	bool tls;
};

static gpg_error_t
place_of(struct http *h, const char *url, struct place *p)
{
	char *scheme = NULL, *host = NULL, *port = NULL, *user = NULL;
	CURLU *u = curl_url();
	gpg_error_t err = 0;

	if (!u || curl_url_set(u, CURLUPART_URL, url, 0) ||
	    !parse_url(u, &scheme, &host, &port) ||
	    !curl_url_get(u, CURLUPART_USER, &user, 0) ||
	    snprintf(p->host, sizeof(p->host), "%s:%s", host, port) >=
	    (int)sizeof(p->host))
		err = problem_set(h->why, GPG_ERR_INV_VALUE, "\"%.200s\" is no "
		    "address that is gone to", url);
	if (!err)
		p->tls = !strcasecmp(scheme, "https");
	if (!err && !p->tls && !h->options.plain &&
	    !reference_is_loopback(p->host))
		err = problem_set(h->why, GPG_ERR_NO_ENCRYPTION_SCHEME,
		    "%.250s is not asked without TLS: that is done for this "
		    "machine, or with --plain-http", p->host);
	curl_free(scheme);
	curl_free(host);
	curl_free(port);
	curl_free(user);
	curl_url_cleanup(u);
	return err;
}

gpg_error_t
http_resolve(const char *base, const char *reference, char *dst, size_t size)
{
	CURLU *u = curl_url();
	char *whole = NULL;
	int n = -1;

	if (u && !curl_url_set(u, CURLUPART_URL, base, 0) &&
	    !curl_url_set(u, CURLUPART_URL, reference, 0) &&
	    !curl_url_get(u, CURLUPART_URL, &whole, 0))
		n = snprintf(dst, size, "%s", whole);
	curl_free(whole);
	curl_url_cleanup(u);
	return n < 0 || (size_t)n >= size ? gpg_error(GPG_ERR_INV_VALUE) : 0;
}

static bool
is_redirect(const struct transfer *t)
{
	long s = t->reply->status;

	return t->ask->follow && t->reply->location[0] &&
	    (s == 301 || s == 302 || s == 303 || s == 307 || s == 308);
}

static void
reply_reset(struct transfer *t)
{
	buf_free(&t->reply->body);
	memset(t->reply, 0, sizeof(*t->reply));
	t->reply->length = -1;
	buf_init(&t->reply->body, t->ask->max > ERROR_BODY ? t->ask->max :
	    ERROR_BODY);
	t->sent = 0;
	t->told = http_now_ms();
	t->said[0] = 0;
}

/* One try, to the end of its redirects; credentials stay with the host. */
static gpg_error_t
try_once(struct transfer *t, int64_t end, CURLcode *rc)
{
	struct place from, to;
	char url[8192];
	bool home = !t->ask->stranger;
	gpg_error_t err;

	snprintf(url, sizeof(url), "%s", t->ask->url);
	if ((err = place_of(t->h, url, &from)))
		return err;
	for (unsigned i = 0; ; i++) {
		int64_t left = end - http_now_ms();

		reply_reset(t);
		t->near = reference_is_loopback(from.host);
		*rc = transfer_run(t, url, home, left > 1 ? left : 1);
		t->reply->away = !home;
		if (*rc || !is_redirect(t))
			return 0;
		if (i == REDIRECTS)
			return problem_set(t->h->why, GPG_ERR_SERVER_FAILED,
			    "%s: the server redirects in circles",
			    t->ask->what);
		if (http_resolve(url, t->reply->location, url, sizeof(url)))
			return problem_set(t->h->why, GPG_ERR_SERVER_FAILED,
			    "%s: the server redirects to what is no address",
			    t->ask->what);
		if ((err = place_of(t->h, url, &to)))
			return err;
		if (from.tls && !to.tls)
			return problem_set(t->h->why, GPG_ERR_FORBIDDEN,
			    "%s: %.200s redirects from TLS to plain http, to "
			    "%.200s; that is not followed", t->ask->what,
			    from.host, to.host);
		home = home && from.tls == to.tls &&
		    !strcasecmp(from.host, to.host);
		from = to;
	}
}

/* ---- again? ---- */

static bool
is_passing(CURLcode rc, long status)
{
	switch (rc) {
	case CURLE_OK:
		return status == 408 || status == 429 || status == 500 ||
		    status == 502 || status == 503 || status == 504;
	case CURLE_PARTIAL_FILE:
	case CURLE_OPERATION_TIMEDOUT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SSL_CONNECT_ERROR:
		return true;
	default:
		return false;
	}
}

/* What the server asks for, else longer each time; some of it by chance. */
static int64_t
pause_for(const struct http_reply *r, unsigned tried)
{
	int64_t ms = (int64_t)PAUSE_MS << (tried > 8 ? 8 : tried);

	if (r->retry_after > 0)
		return (int64_t)r->retry_after * 1000;
	if (ms > PAUSE_MAX_MS)
		ms = PAUSE_MAX_MS;
	return ms / 2 + http_now_ms() % (ms / 2 + 1);
}

static gpg_error_t
failed(struct transfer *t, CURLcode rc, unsigned tried)
{
	const char *said = t->said[0] ? t->said : curl_easy_strerror(rc);
	struct problem *why = t->h->why;

	if (t->err)
		return problem_set(why, t->err, "%s: %s", t->ask->what,
		    gpg_strerror(t->err));
	if (t->too_large)
		return problem_set(why, GPG_ERR_TOO_LARGE, "%s: the server "
		    "sends more than %zu bytes, which is the most that is "
		    "taken", t->ask->what, t->ask->max);
	switch (rc) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return problem_set(why, GPG_ERR_BAD_CERT, "%s: %s; if the "
		    "registry has an authority of its own, give it by --ca "
		    "FILE, or put it into certs.d", t->ask->what, said);
	case CURLE_SSL_CERTPROBLEM:
		return problem_set(why, GPG_ERR_BAD_CERT, "%s: our own "
		    "certificate or key cannot be used: %s", t->ask->what,
		    said);
	case CURLE_SSL_CONNECT_ERROR:
		return problem_set(why, GPG_ERR_SERVER_FAILED, "%s: no TLS "
		    "can be spoken (tries: %u): %s; where a registry has "
		    "none, give --plain-http", t->ask->what, tried, said);
	case CURLE_COULDNT_CONNECT:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return problem_set(why, GPG_ERR_ECONNREFUSED, "%s: %s",
		    t->ask->what, said);
	case CURLE_OPERATION_TIMEDOUT:
		return problem_set(why, GPG_ERR_TIMEOUT, "%s: the server does "
		    "not answer in time (tries: %u): %s; try again later",
		    t->ask->what, tried, said);
	case CURLE_PARTIAL_FILE:
		return problem_set(why, GPG_ERR_TRUNCATED, "%s: the reply ends "
		    "before its length (tries: %u): %s; try again later",
		    t->ask->what, tried, said);
	default:
		return problem_set(why, GPG_ERR_SERVER_FAILED,
		    "%s (tries: %u): %s", t->ask->what, tried, said);
	}
}

gpg_error_t
http_ask(struct http *h, const struct http_request *ask,
    struct http_reply *reply)
{
	struct transfer t = { .h = h, .ask = ask, .reply = reply };
	int64_t end = http_now_ms() + h->options.limit_ms, wait;
	CURLcode rc = CURLE_OK;
	unsigned tried = 0;
	gpg_error_t err;

	memset(reply, 0, sizeof(*reply));
	for (;;) {
		if ((err = try_once(&t, end, &rc)))
			return err;
		if (++tried >= h->options.tries ||
		    !is_passing(rc, reply->status))
			break;
		wait = pause_for(reply, tried - 1);
		if (http_now_ms() + wait >= end)
			break;
		if (h->options.progress)
			h->options.progress(h->options.arg, "waiting: the "
			    "registry is busy, or did not answer", 0, 0);
		http_sleep_ms(wait);
	}
	return rc ? failed(&t, rc, tried) : 0;
}

gpg_error_t
http_probe(struct http *h, const struct http_request *ask, bool *tls)
{
	struct http_reply reply = { .status = 0 };
	struct transfer t = { .h = h, .ask = ask, .reply = &reply };
	struct place p;
	CURLcode rc;
	gpg_error_t err;

	if ((err = place_of(h, ask->url, &p)))
		return err;
	t.near = reference_is_loopback(p.host);
	rc = transfer_probe(&t, ask->url, h->options.limit_ms);
	*tls = rc != CURLE_SSL_CONNECT_ERROR;
	return rc && *tls ? failed(&t, rc, 1) : 0;
}
