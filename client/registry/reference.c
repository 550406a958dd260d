/* Reads names of images. */
#include "config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <openssl/evp.h>

#include "client/registry/reference.h"

#define DOCKER "docker.io"
#define DOCKER_HOST "registry-1.docker.io"
#define HEX 64

static bool
is_alnum(uint8_t c)
{
	return c < 0x80 && isalnum(c);
}

static bool
is_lower(uint8_t c)
{
	return is_alnum(c) && !isupper(c);
}

bool
digest_ok(const char *s)
{
	return !strncmp(s, "sha256:", 7) && strlen(s) == DIGEST_SIZE - 1 &&
	    strspn(s + 7, "0123456789abcdef") == HEX;
}

gpg_error_t
digest_of(struct view v, char out[DIGEST_SIZE])
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len;

	if (!EVP_Digest(v.p ? (const void *)v.p : "", v.len, md, &len,
	    EVP_sha256(), NULL))
		return gpg_error(GPG_ERR_DIGEST_ALGO);
	memcpy(out, "sha256:", 7);
	for (unsigned i = 0; i < HEX / 2; i++)
		snprintf(out + 7 + 2 * i, 3, "%02x", md[i]);
	return 0;
}

bool
reference_tag_ok(struct view v)
{
	if (v.len == 0 || v.len > 128 || !(is_alnum(v.p[0]) || v.p[0] == '_'))
		return false;
	for (size_t i = 1; i < v.len; i++)
		if (!is_alnum(v.p[i]) && !memchr("_.-", v.p[i], 3))
			return false;
	return true;
}

/* One part of a path: words of [a-z0-9] between ".", "_", "__" or dashes. */
static bool
component_ok(struct view v)
{
	size_t i = 0;

	while (i < v.len && is_lower(v.p[i])) {
		size_t from;

		while (i < v.len && is_lower(v.p[i]))
			i++;
		if (i == v.len)
			return true;
		from = i;
		if (v.p[i] == '.') {
			i++;
		} else if (v.p[i] == '_') {
			while (i < v.len && v.p[i] == '_' && i - from < 2)
				i++;
		} else {
			while (i < v.len && v.p[i] == '-')
				i++;
		}
	}
	return false;
}

static bool
repository_ok(struct view v)
{
	const uint8_t *slash;

	if (v.len == 0 || v.len > 255)
		return false;
	while ((slash = memchr(v.p, '/', v.len))) {
		size_t n = (size_t)(slash - v.p);

		if (!component_ok(view_of(v.p, n)))
			return false;
		v = view_of(slash + 1, v.len - n - 1);
	}
	return component_ok(v);
}

static bool
port_ok(struct view v)
{
	unsigned long n = 0;

	if (v.len == 0 || v.len > 5)
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
		n = 10 * n + (v.p[i] - '0');
	}
	return n > 0 && n < 65536;
}

static bool
ipv6_ok(struct view v)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr unused;

	if (v.len >= sizeof(text) || memchr(v.p, 0, v.len))
		return false;
	memcpy(text, v.p, v.len);
	text[v.len] = 0;
	return inet_pton(AF_INET6, text, &unused) == 1;
}

/* Labels of letters, digits and dashes within; or [IPv6]. */
static bool
name_ok(struct view v)
{
	if (v.len > 2 && v.p[0] == '[' && v.p[v.len - 1] == ']')
		return ipv6_ok(view_of(v.p + 1, v.len - 2));
	for (size_t i = 0; i < v.len; i++) {
		bool edge = i == 0 || i == v.len - 1 || v.p[i - 1] == '.' ||
		    v.p[i + 1] == '.';

		if (!is_alnum(v.p[i]) && (edge || !memchr(".-", v.p[i], 2)))
			return false;
	}
	return v.len > 0;
}

static bool
host_ok(struct view v)
{
	size_t n = v.len;

	if (v.len > 255)
		return false;
	while (n > 0 && v.p[n - 1] != ':' && v.p[n - 1] != ']')
		n--;
	if (n == 0 || v.p[n - 1] == ']')
		return name_ok(v);
	return name_ok(view_of(v.p, n - 1)) &&
	    port_ok(view_of(v.p + n, v.len - n));
}

static void
put(char *dst, size_t size, struct view v)
{
	snprintf(dst, size, "%.*s", (int)v.len, (const char *)v.p);
}

/* What is before the first slash is a host where it cannot be a path. */
static bool
split_host(struct view *v, struct view *host)
{
	const uint8_t *slash = memchr(v->p, '/', v->len);
	struct view first;

	if (!slash)
		return false;
	first = view_of(v->p, (size_t)(slash - v->p));
	if (!memchr(first.p, '.', first.len) &&
	    !memchr(first.p, ':', first.len) &&
	    !view_eq_str(first, "localhost"))
		return false;
	*host = first;
	*v = view_of(slash + 1, v->len - first.len - 1);
	return true;
}

static bool
take_digest(struct reference *r, struct view *v)
{
	const uint8_t *at = memchr(v->p, '@', v->len);
	size_t n;

	if (!at)
		return true;
	n = (size_t)(at - v->p);
	if (v->len - n - 1 != DIGEST_SIZE - 1)
		return false;
	put(r->digest, sizeof(r->digest), view_of(at + 1, v->len - n - 1));
	*v = view_of(v->p, n);
	return digest_ok(r->digest);
}

static bool
take_tag(struct reference *r, struct view *v)
{
	size_t n = v->len;
	struct view tag;

	while (n > 0 && v->p[n - 1] != ':' && v->p[n - 1] != '/')
		n--;
	if (n == 0 || v->p[n - 1] == '/')
		return true;
	tag = view_of(v->p + n, v->len - n);
	*v = view_of(v->p, n - 1);
	put(r->tag, sizeof(r->tag), tag);
	return reference_tag_ok(tag);
}

/* Docker's own names: two hosts, and "library" where there is no folder. */
static bool
take_docker(struct reference *r, struct view path)
{
	const char *folder = memchr(path.p, '/', path.len) ? "" : "library/";
	int n = snprintf(r->repository, sizeof(r->repository), "%s%.*s",
	    folder, (int)path.len, (const char *)path.p);

	strcpy(r->registry, DOCKER);
	return n > 0 && (size_t)n < sizeof(r->repository);
}

gpg_error_t
reference_parse(struct reference *r, const char *text, struct problem *why)
{
	struct view v = view_str(text), host = { 0 };
	bool ok;

	memset(r, 0, sizeof(*r));
	ok = v.len > 0 && v.len <= 800 && take_digest(r, &v) &&
	    (!split_host(&v, &host) || host_ok(host)) && take_tag(r, &v) &&
	    repository_ok(v);
	if (ok && (host.len == 0 || view_eq_str(host, DOCKER) ||
	    view_eq_str(host, "index.docker.io"))) {
		ok = take_docker(r, v);
	} else if (ok) {
		put(r->registry, sizeof(r->registry), host);
		put(r->repository, sizeof(r->repository), v);
	}
	if (!ok) {
		memset(r, 0, sizeof(*r));
		return problem_set(why, GPG_ERR_INV_NAME, "\"%.200s\" is no "
		    "name of an image: [HOST[:PORT]/]NAME[:TAG][@sha256:HEX] "
		    "is, in small letters", text);
	}
	if (!r->tag[0] && !r->digest[0])
		strcpy(r->tag, "latest");
	return 0;
}

gpg_error_t
reference_text(const struct reference *r, struct buf *b)
{
	buf_putf(b, "%s/%s", r->registry, r->repository);
	if (r->tag[0])
		buf_putf(b, ":%s", r->tag);
	if (r->digest[0])
		buf_putf(b, "@%s", r->digest);
	return buf_error(b);
}

const char *
reference_host(const struct reference *r)
{
	return strcmp(r->registry, DOCKER) ? r->registry : DOCKER_HOST;
}

bool
reference_is_loopback(const char *host)
{
	size_t len = strcspn(host, ":");
	unsigned a, b, c, d;
	char end = ':';

	if (!strncmp(host, "[::1]", 5))
		return host[5] == 0 || host[5] == ':';
	if (len == 9 && !strncasecmp(host, "localhost", 9))
		return true;
	return sscanf(host, "%3u.%3u.%3u.%3u%c", &a, &b, &c, &d, &end) >= 4 &&
	    end == ':' && a == 127 && b < 256 && c < 256 && d < 256 &&
	    strspn(host, "0123456789.") == len;
}
