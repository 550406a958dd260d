/*
 * known_hosts (sshd(8)), searched for a key: its lines are compared as text,
 * so that nothing of them is decoded but what is hashed.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "hosts.h"
#include "reader.h"
#include "wire/base64.h"

#define LINE_SIZE_MAX 16384
#define HASHES_MAX 2048		/* names tried, in one search */
#define LOOK_MS 1000		/* that a disk gets to answer */

enum { KNOWN, SYSTEM, CONFIG };

struct hosts {
	struct reader *files;
};

/* ---- files ---- */

struct hosts *
hosts_new(const char *dir, const char *system)
{
	struct hosts *h = calloc(1, sizeof(*h));
	const char *paths[READER_FILES] = { [SYSTEM] = system };
	char known[1024], config[1024];

	paths[KNOWN] = known;
	paths[CONFIG] = config;
	snprintf(known, sizeof(known), "%s/known_hosts", dir);
	snprintf(config, sizeof(config), "%s/config", dir);
	if (h && !(h->files = reader_new(paths)))
		hosts_free(&h);
	return h;
}

void
hosts_free(struct hosts **hp)
{
	struct hosts *h = *hp;

	*hp = NULL;
	if (!h)
		return;
	reader_free(&h->files);
	free(h);
}

/* ---- lines and words ---- */

/* The next line; what is too long for one is passed over. */
static bool
next_line(struct view *text, struct view *line)
{
	while (text->len > 0) {
		const uint8_t *nl = memchr(text->p, '\n', text->len);
		size_t len = nl ? (size_t)(nl - text->p) : text->len;

		*line = view_of(text->p, len);
		len += nl != NULL;
		text->p += len;
		text->len -= len;
		if (line->len <= LINE_SIZE_MAX)
			return true;
	}
	return false;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word, up to a blank or to `stop`; empty at the end. */
static struct view
next_word(struct view *v, uint8_t stop)
{
	struct view word;

	while (v->len > 0 && (is_blank(*v->p) || *v->p == stop)) {
		v->p++;
		v->len--;
	}
	word = view_of(v->p, 0);
	while (v->len > 0 && !is_blank(*v->p) && *v->p != stop) {
		v->p++;
		v->len--;
		word.len++;
	}
	return word;
}

/* ---- names to try ---- */

static bool
is_keyword(struct view word, const char *name)
{
	return word.len == strlen(name) &&
	    !strncasecmp((const char *)word.p, name, word.len);
}

/* Host, HostName and HostKeyAlias of ssh_config(5), and ports of blocks. */
static void
add_configured(struct view text, struct names *out)
{
	struct view line, word, hosts[8];
	char port[8];
	size_t n = 0;

	while (next_line(&text, &line)) {
		struct view key = next_word(&line, '=');
		bool block = is_keyword(key, "Host");

		if (block || is_keyword(key, "Match"))
			n = 0;
		if (is_keyword(key, "Port")) {
			word = next_word(&line, '=');
			snprintf(port, sizeof(port), "%.*s", (int)word.len,
			    (const char *)word.p);
			for (size_t i = 0; i < n; i++)
				names_add_host(out, hosts[i], port);
		}
		if (!block && !is_keyword(key, "HostName") &&
		    !is_keyword(key, "HostKeyAlias"))
			continue;
		while ((word = next_word(&line, '=')).len > 0) {
			names_add(out, word);
			if (n < sizeof(hosts) / sizeof(hosts[0]))
				hosts[n++] = word;
		}
	}
}

/* ---- one search ---- */

struct search {
	struct view key, certified, authority;	/* as text; or empty */
	const struct ssh_cert *cert;
	bool is_hosts;		/* the certificate is, and good now */
	const struct names *try;
	struct names *found;
	unsigned hashes;
	bool revoked;
};

/* "|1|SALT|HASH": HMAC-SHA1 by the salt of the name. */
static bool
is_hash_of(struct view hashed, const char *name)
{
	struct view v = view_of(hashed.p + 3, hashed.len - 3);
	struct view salt_text = next_word(&v, '|');
	struct view hash_text = next_word(&v, '|');
	uint8_t mac[EVP_MAX_MD_SIZE];
	struct buf salt, hash;
	unsigned len = 0;
	bool is = false;

	buf_init(&salt, 64);
	buf_init(&hash, 64);
	if (!base64_get(salt_text, &salt) && buf_len(&salt) > 0 &&
	    !base64_get(hash_text, &hash) &&
	    HMAC(EVP_sha1(), buf_view(&salt).p, (int)buf_len(&salt),
	    (const uint8_t *)name, strlen(name), mac, &len))
		is = view_eq(buf_view(&hash), view_of(mac, len));
	buf_free(&salt);
	buf_free(&hash);
	return is;
}

static bool
is_pattern(struct view v)
{
	return memchr(v.p, '*', v.len) || memchr(v.p, '?', v.len);
}

/* Whether a line's hosts fit a name and none excludes it. */
static bool
hosts_fit(struct view hosts, struct view name)
{
	struct view one;
	bool fits = false;

	while ((one = next_word(&hosts, ',')).len > 0) {
		if (one.p[0] == '!' && ssh_pattern_matches(
		    view_of(one.p + 1, one.len - 1), name))
			return false;
		fits = fits || ssh_pattern_matches(one, name);
	}
	return fits;
}

/* The key's line: names as they are, hashed, or by pattern. */
static void
take_names(struct search *s, struct view hosts)
{
	struct view all = hosts, one;
	bool pattern = false;

	if (hosts.len > 3 && !memcmp(hosts.p, "|1|", 3)) {
		for (size_t i = 0; i < s->try->count &&
		    s->hashes < HASHES_MAX; i++, s->hashes++)
			if (is_hash_of(hosts, s->try->list[i])) {
				names_add(s->found,
				    view_str(s->try->list[i]));
				break;
			}
		return;
	}
	while ((one = next_word(&all, ',')).len > 0) {
		pattern = pattern || is_pattern(one);
		if (one.p[0] != '!')
			names_add(s->found, one);
	}
	for (size_t i = 0; pattern && i < s->try->count; i++)
		if (hosts_fit(hosts, view_str(s->try->list[i])))
			names_add(s->found, view_str(s->try->list[i]));
}

/* An authority's line: those names of the certificate that it may give. */
static void
take_certified(struct search *s, struct view hosts)
{
	struct view list = s->cert->principals, one;

	while (!view_get_string(&list, list.len, &one))
		if (hosts_fit(hosts, one))
			names_add(s->found, one);
}

static void
take_line(struct search *s, struct view line)
{
	struct view marker = { NULL, 0 }, hosts = next_word(&line, ' '), key;

	if (hosts.len > 0 && hosts.p[0] == '#')
		return;
	if (hosts.len > 0 && hosts.p[0] == '@') {
		marker = hosts;
		hosts = next_word(&line, ' ');
	}
	next_word(&line, ' ');		/* the key's type is in the key */
	key = next_word(&line, ' ');
	if (key.len == 0)
		return;
	if (view_eq_str(marker, "@revoked"))
		s->revoked = s->revoked || view_eq(key, s->key) ||
		    view_eq(key, s->certified) || view_eq(key, s->authority);
	else if (view_eq_str(marker, "@cert-authority") &&
	    s->is_hosts && view_eq(key, s->authority))
		take_certified(s, hosts);
	else if (marker.len == 0 && (view_eq(key, s->key) ||
	    view_eq(key, s->certified)))
		take_names(s, hosts);
}

static void
search_text(struct search *s, struct view text)
{
	struct view line;

	while (next_line(&text, &line))
		take_line(s, line);
}

/* ---- the order ---- */

static bool
is_address(const char *name)
{
	return name[strspn(name, "0123456789abcdef:.[]%")] == 0 &&
	    (strchr(name, ':') || !strpbrk(name, "abcdef"));
}

static bool
is_tried(const struct names *try, const char *name)
{
	for (size_t i = 0; i < try->count; i++)
		if (!strcmp(try->list[i], name))
			return true;
	return false;
}

static void
put_in_order(const struct names *found, const struct names *try,
    struct names *out)
{
	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < found->count; i++) {
			const char *name = found->list[i];
			int its = is_address(name) ? 2 :
			    is_tried(try, name) ? 0 : 1;

			if (its == pass)
				names_add(out, view_str(name));
		}
}

static gpg_error_t
put_keys(struct search *s, struct view host_key, struct buf text[3])
{
	gpg_error_t err = base64_put(&text[0], host_key);

	if (s->cert && !err)
		(void)((err = base64_put(&text[1],
		    pubkey_ssh(s->cert->key))) ||
		    (err = base64_put(&text[2], s->cert->signer)));
	s->key = buf_view(&text[0]);
	s->certified = buf_view(&text[1]);
	s->authority = buf_view(&text[2]);
	return err;
}

void
hosts_search(const struct hosts_texts *in, struct view host_key,
    const struct ssh_cert *cert, const struct names *try, struct names *out)
{
	struct names *found = names_new(), *all = names_new();
	struct search s = { .cert = cert, .try = all, .found = found };
	struct buf text[3];

	for (int i = 0; i < 3; i++)
		buf_init(&text[i], 2 * SSH_KEY_MAX);
	if (!found || !all || put_keys(&s, host_key, text))
		goto out;
	s.is_hosts = cert && ssh_cert_is_a_hosts(cert, (uint64_t)time(NULL));
	for (size_t i = 0; i < try->count; i++)
		names_add(all, view_str(try->list[i]));
	add_configured(in->config, all);
	search_text(&s, in->known);
	search_text(&s, in->system);
	if (!s.revoked)
		put_in_order(found, try, out);
out:
	for (int i = 0; i < 3; i++)
		buf_free(&text[i]);
	names_free(&found);
	names_free(&all);
}

void
hosts_find(struct hosts *h, struct view host_key,
    const struct ssh_cert *cert, const struct names *try, struct names *out)
{
	struct hosts_texts in;

	reader_look(h->files, LOOK_MS);
	in = (struct hosts_texts){ reader_text(h->files, KNOWN),
		reader_text(h->files, SYSTEM), reader_text(h->files, CONFIG) };
	hosts_search(&in, host_key, cert, try, out);
}
