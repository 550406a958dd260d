/* Answers the challenges of registries. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <curl/curl.h>
#include <jansson.h>

#include "client/registry/auth.h"
#include "client/registry/headers.h"
#include "wire/base64.h"

#define HEADER_MAX 65536
#define REPLY_MAX 262144
#define TOKEN_SECONDS 60		/* where the server does not say */
#define ROUNDS 3		/* challenges to one set of actions in a row */

#define PASSES 3

/* A header for one set of actions: pull, pull and push, or all. */
struct pass {
	char actions[16];
	struct buf header;	/* with a NUL */
	time_t until;		/* monotonic; 0: for ever */
	unsigned rounds;	/* since one was of use */
};

struct auth {
	struct http *http;
	struct problem *why;
	const struct http_trust *trust;
	struct reference image;
	char scope[256];	/* the repository that tokens are for */
	struct credentials known;
	bool looked;
	struct pass passes[PASSES];
};

static time_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + 1;
}

gpg_error_t
auth_new(struct auth **out, struct http *http, const struct reference *image,
    const struct http_trust *trust, struct problem *why)
{
	struct auth *a = calloc(1, sizeof(*a));

	*out = a;
	if (!a)
		return gpg_error_from_syserror();
	a->http = http;
	a->why = why;
	a->trust = trust;
	a->image = *image;
	auth_scope(a, image->repository);
	for (size_t i = 0; i < PASSES; i++)
		buf_init(&a->passes[i].header, HEADER_MAX);
	return 0;
}

void
auth_free(struct auth **auth)
{
	struct auth *a = *auth;

	if (!a)
		return;
	for (size_t i = 0; i < PASSES; i++)
		buf_free(&a->passes[i].header);
	credentials_free(&a->known);
	free(a);
	*auth = NULL;
}

void
auth_scope(struct auth *a, const char *repository)
{
	snprintf(a->scope, sizeof(a->scope), "%s", repository);
}

static struct pass *
pass_for(struct auth *a, const char *actions)
{
	struct pass *p = &a->passes[!strcmp(actions, "pull") ? 0 :
	    strcmp(actions, "*") ? 1 : 2];

	snprintf(p->actions, sizeof(p->actions), "%s", actions);
	return p;
}

/* NULL if nothing is known yet; valid until the next. */
static const char *
header(struct auth *a, const char *actions)
{
	struct pass *p = pass_for(a, actions);

	if (buf_len(&p->header) == 0 || (p->until && now() >= p->until))
		return NULL;
	return (const char *)buf_view(&p->header).p;
}

static gpg_error_t
look(struct auth *a)
{
	gpg_error_t err = 0;

	if (!a->looked)
		err = credentials_find(&a->image, &a->known, a->why);
	a->looked = !err;
	return err;
}

static gpg_error_t
put_basic(const struct credentials *c, struct buf *header)
{
	struct buf both;

	buf_init(&both, HEADER_MAX);
	buf_lock(&both);
	buf_putf(&both, "%s:", c->user);
	buf_put_text(&both, c->secret);
	buf_reset(header);
	buf_lock(header);
	buf_put_text(header, "Basic ");
	if (!buf_error(&both))
		base64_put(header, buf_view(&both));
	buf_put_u8(header, 0);
	gpg_error_t err = buf_error(&both) ? buf_error(&both) :
	    buf_error(header);
	buf_free(&both);
	return err;
}

/* ---- tokens ---- */

struct challenge {
	char realm[1024], service[512];
};

static bool
put_escaped(struct buf *b, const char *name, const char *value)
{
	char *text = curl_easy_escape(NULL, value, 0);

	if (text)
		buf_putf(b, "%s=%s", name, text);
	if (text)
		explicit_bzero(text, strlen(text));
	curl_free(text);
	return text && !buf_error(b);
}

static bool
put_question(struct auth *a, const struct challenge *ch, const char *actions,
    struct buf *b)
{
	char scope[400];

	snprintf(scope, sizeof(scope), "repository:%s:%s", a->scope,
	    actions);
	return put_escaped(b, "service", ch->service) &&
	    put_escaped(b, "&scope", scope);
}

/* OAuth2, where the secret is an identity token; Docker's own way else. */
static gpg_error_t
ask_token(struct auth *a, const struct challenge *ch, const char *actions,
    struct http_reply *reply)
{
	bool oauth = a->known.user && a->known.is_token;
	struct http_request ask = { .method = oauth ? "POST" : "GET",
	    .what = "the registry's token server", .fd = -1,
	    .max = REPLY_MAX, .follow = !oauth, .trust = a->trust,
	    .accept = "application/json" };
	struct buf url, form, basic;
	gpg_error_t err = 0;
	bool ok;

	buf_init(&url, 8000);
	buf_init(&form, HEADER_MAX);
	buf_init(&basic, HEADER_MAX);
	ok = !buf_lock(&form) && !buf_put_text(&url, ch->realm);
	if (oauth) {
		ok = ok && put_escaped(&form, "grant_type", "refresh_token") &&
		    put_escaped(&form, "&client_id", "touchstone") &&
		    put_escaped(&form, "&refresh_token", a->known.secret) &&
		    !buf_put_u8(&form, '&') &&
		    put_question(a, ch, actions, &form);
		ask.type = "application/x-www-form-urlencoded";
		ask.body = buf_view(&form);
	} else {
		ok = ok && !buf_put_u8(&url, strchr(ch->realm, '?') ? '&' :
		    '?') && put_question(a, ch, actions, &url);
		if (ok && a->known.user) {
			ok = !put_basic(&a->known, &basic);
			ask.authorization = (const char *)buf_view(&basic).p;
		}
	}
	ok = ok && !buf_put_u8(&url, 0);
	ask.url = (const char *)buf_view(&url).p;
	if (ok)
		err = http_ask(a->http, &ask, reply);
	else
		err = gpg_error(GPG_ERR_TOO_LARGE);
	buf_free(&basic);
	buf_free(&form);
	buf_free(&url);
	return err;
}

static gpg_error_t
take_token(struct view v, struct pass *p)
{
	json_t *j = json_loadb((const char *)v.p, v.len,
	    JSON_REJECT_DUPLICATES, NULL);
	const char *token = NULL, *access = NULL;
	json_int_t seconds = TOKEN_SECONDS;
	gpg_error_t err = 0;

	json_unpack(j, "{s?s,s?s}", "token", &token, "access_token", &access);
	json_unpack(j, "{s?I}", "expires_in", &seconds);
	if (!token || !*token)
		token = access;
	if (seconds < TOKEN_SECONDS || seconds > 86400)
		seconds = TOKEN_SECONDS;
	buf_reset(&p->header);
	buf_lock(&p->header);
	if (!token || !*token || strcspn(token, "\r\n \t") != strlen(token)) {
		err = gpg_error(GPG_ERR_BAD_DATA);
	} else {
		buf_put_text(&p->header, "Bearer ");
		buf_put_text(&p->header, token);
		err = buf_put_u8(&p->header, 0);
		p->until = now() + (time_t)seconds - 10;
	}
	json_decref(j);
	return err;
}

static gpg_error_t
refused(struct auth *a, const char *by)
{
	const char *host = a->image.registry;

	if (a->known.user)
		return problem_set(a->why, GPG_ERR_NO_AUTH, "%s refuses what "
		    "%s has for %s; log in again: podman login %s", by,
		    a->known.source, host, host);
	return problem_set(a->why, GPG_ERR_NO_AUTH, "%s wants to know who "
	    "asks; log in first: podman login %s", by, host);
}

static gpg_error_t
answer_bearer(struct auth *a, const struct challenge *ch, const char *actions)
{
	struct pass *p = pass_for(a, actions);
	struct http_reply reply = { .status = 0 };
	char words[300];
	gpg_error_t err;

	if ((err = ask_token(a, ch, actions, &reply)))
		goto out;
	if (reply.status == 401 || reply.status == 403)
		err = refused(a, "the registry's token server");
	else if (reply.status != 200) {
		http_reply_words(&reply, words, sizeof(words));
		err = problem_set(a->why, GPG_ERR_SERVER_FAILED, "the "
		    "registry's token server answers %ld %s; try again later",
		    reply.status, words);
	} else if ((err = take_token(buf_view(&reply.body), p)))
		problem_set(a->why, err, "the registry's token server answers "
		    "with what has no token");
out:
	http_reply_free(&reply);
	return err;
}

/* A token server without TLS only where the registry itself has none. */
static gpg_error_t
check_realm(struct auth *a, const struct challenge *ch, const char *url)
{
	if (!strncasecmp(ch->realm, "https://", 8) ||
	    (!strncasecmp(ch->realm, "http://", 7) &&
	    !strncmp(url, "http://", 7)))
		return 0;
	return problem_set(a->why, GPG_ERR_FORBIDDEN, "the registry sends us "
	    "for a token to %.200s, which has no TLS; that is not done",
	    ch->realm);
}

/* After a 401: makes the next header another. */
static gpg_error_t
answer(struct auth *a, const struct http_reply *reply, const char *url,
    const char *actions)
{
	struct pass *p = pass_for(a, actions);
	struct challenge ch = { .realm = "" };
	bool basic = false;
	gpg_error_t err;

	if (++p->rounds > ROUNDS)
		return refused(a, "the registry");
	if ((err = look(a)))
		return err;
	for (unsigned i = 0; i < reply->challenges; i++) {
		const char *c = reply->challenge[i];

		basic = basic || !strncasecmp(c, "Basic ", 6);
		if (!strncasecmp(c, "Bearer ", 7) && headers_parameter(c + 7,
		    "realm", ch.realm, sizeof(ch.realm)))
			headers_parameter(c + 7, "service", ch.service,
			    sizeof(ch.service));
	}
	if (ch.realm[0])
		return (err = check_realm(a, &ch, url)) ? err :
		    answer_bearer(a, &ch, actions);
	if (!basic)
		return problem_set(a->why, GPG_ERR_NO_AUTH, "the registry "
		    "wants a proof of who asks that is neither Basic nor "
		    "Bearer");
	/* The same words a second time would be refused again. */
	if (!a->known.user || a->known.is_token || p->rounds > 1)
		return refused(a, "the registry");
	return put_basic(&a->known, &p->header);
}

gpg_error_t
auth_ask(struct auth *a, struct http_request *q, const char *actions,
    struct http_reply *reply)
{
	gpg_error_t err;

	q->trust = a->trust;
	for (;;) {
		q->authorization = header(a, actions);
		if ((err = http_ask(a->http, q, reply)))
			return err;
		if (reply->status != 401 || reply->away)
			break;
		if ((err = answer(a, reply, q->url, actions)))
			return err;
		http_reply_free(reply);
	}
	pass_for(a, actions)->rounds = 0;
	return 0;
}
