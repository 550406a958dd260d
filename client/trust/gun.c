/* Names trust data, and finds its server. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <curl/curl.h>

#include "client/trust/gun.h"

#define DOCKER "docker.io"
#define DOCKER_SERVER "https://notary.docker.io"
#define SERVER_VARIABLE "DOCKER_CONTENT_TRUST_SERVER"

/* A colon behind the last slash is a tag's; before it, a port's. */
static bool
is_whole(const char *text)
{
	const char *slash = strrchr(text, '/');

	return !strchr(text, '@') && !strchr(slash ? slash : text, ':');
}

/* No user, no question: both would go into every address. */
static bool
server_ok(CURLU *u, const char *text)
{
	static const CURLUPart never[] = { CURLUPART_USER, CURLUPART_PASSWORD,
		CURLUPART_QUERY, CURLUPART_FRAGMENT };
	bool ok = !strncasecmp(text, "https://", 8) ||
	    !strncasecmp(text, "http://", 7);
	char *part;

	for (size_t i = 0; text[i] && ok; i++)
		ok = text[i] > 0x20 && text[i] < 0x7f;
	ok = ok && !curl_url_set(u, CURLUPART_URL, text, 0);
	for (size_t i = 0; i < sizeof(never) / sizeof(*never) && ok; i++) {
		part = NULL;
		ok = curl_url_get(u, never[i], &part, 0) != CURLUE_OK;
		curl_free(part);
	}
	return ok;
}

static void
lower(char *text)
{
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text += 'a' - 'A';
}

static bool
take_host(CURLU *u, unsigned flags, char *dst, size_t size)
{
	char *host = NULL, *port = NULL;
	int n = -1;

	if (!curl_url_get(u, CURLUPART_HOST, &host, 0)) {
		curl_url_get(u, CURLUPART_PORT, &port, flags);
		lower(host);
		n = snprintf(dst, size, "%s%s%s", host, port ? ":" : "",
		    port ? port : "");
	}
	curl_free(host);
	curl_free(port);
	return n > 0 && (size_t)n < size;
}

/* One server has one name, or its roots would be seen first more than once. */
static bool
take_name(struct gun *g, CURLU *u)
{
	char *scheme = NULL, *path = NULL, host[sizeof(g->host)];
	int n = -1;

	if (take_host(u, CURLU_NO_DEFAULT_PORT, host, sizeof(host)) &&
	    !curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) &&
	    !curl_url_get(u, CURLUPART_PATH, &path, 0)) {
		lower(scheme);
		n = snprintf(g->server, sizeof(g->server), "%s://%s%s", scheme,
		    host, path);
	}
	curl_free(scheme);
	curl_free(path);
	if (n < 0 || (size_t)n >= sizeof(g->server))
		return false;
	while (n > 0 && g->server[n - 1] == '/')
		g->server[--n] = 0;
	return take_host(u, 0, g->host, sizeof(g->host));
}

static gpg_error_t
take_server(struct gun *g, const char *text, const char *source,
    struct problem *why)
{
	CURLU *u = curl_url();
	gpg_error_t err = 0;

	if (!u || !server_ok(u, text) || !take_name(g, u))
		err = problem_set(why, GPG_ERR_INV_ARG, "%s: \"%.200s\" is no "
		    "address of a Notary server: https://HOST[:PORT] is",
		    source, text);
	curl_url_cleanup(u);
	return err;
}

gpg_error_t
gun_find(struct gun *g, const char *text, const char *server,
    struct problem *why)
{
	const char *variable = getenv(SERVER_VARIABLE);
	char own[300];
	gpg_error_t err;
	int n;

	memset(g, 0, sizeof(*g));
	if ((err = reference_parse(&g->image, text, why)))
		return err;
	g->whole = is_whole(text);
	n = snprintf(g->name, sizeof(g->name), "%s/%s", g->image.registry,
	    g->image.repository);
	if (n < 0 || (size_t)n >= sizeof(g->name))
		return problem_set(why, GPG_ERR_INV_NAME, "the name "
		    "\"%.100s…\" is too long for trust data", text);
	if (server)
		return take_server(g, server, "--server", why);
	if (variable && *variable)
		return take_server(g, variable, SERVER_VARIABLE, why);
	if (!strcmp(g->image.registry, DOCKER))
		return take_server(g, DOCKER_SERVER, DOCKER, why);
	snprintf(own, sizeof(own), "https://%s", g->image.registry);
	return take_server(g, own, g->image.registry, why);
}
