/*
 * Whatever a registry, a layout or a person says: names of images, headers,
 * manifests, index.json and registries.d are read within their bounds or
 * refused with words that may be shown.  The first byte says which of them
 * follows.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "client/image/lookaside.h"
#include "client/registry/headers.h"
#include "client/registry/index.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

/* What is read as a name is written so that it reads as the same. */
static void
try_name(struct view v)
{
	struct problem why = { "" };
	struct reference r, again;
	char *text = view_strdup(v), *whole;
	struct buf b;

	buf_init(&b, 1024);
	if (text && !reference_parse(&r, text, &why)) {
		must(!reference_text(&r, &b));
		must((whole = view_strdup(buf_view(&b))) != NULL);
		must(!reference_parse(&again, whole, &why));
		must(!memcmp(&r, &again, sizeof(r)));
		must(!strpbrk(whole, " \"\\\r\n%?#&"));
		must(!strstr(r.repository, "..") && !strstr(r.registry, ".."));
		free(whole);
	} else {
		must(!text || (why.text[0] &&
		    text_is_clean(view_str(why.text))));
	}
	buf_free(&b);
	free(text);
}

static void
try_headers(struct view v)
{
	struct http_reply r = { .length = -1 };
	char value[64];

	while (v.len > 0) {
		const uint8_t *end = memchr(v.p, '\n', v.len);
		size_t n = end ? (size_t)(end - v.p) + 1 : v.len;

		headers_take(&r, view_of(v.p, n));
		v = view_of(v.p + n, v.len - n);
	}
	must(r.challenges <= HTTP_CHALLENGES && r.retry_after <= 3600);
	for (unsigned i = 0; i < r.challenges; i++)
		if (headers_parameter(r.challenge[i], "realm", value,
		    sizeof(value)))
			must(strlen(value) < sizeof(value));
	must(!strpbrk(r.next, "\r\n") && !strpbrk(r.location, "\r\n"));
}

static void
try_manifest(struct view v)
{
	struct problem why = { "" };
	struct descriptor d;
	struct manifest m;

	manifest_init(&m);
	if (!manifest_take(&m, v, "", &why)) {
		manifest_descriptor(&m, &d);
		must(digest_ok(d.digest) && d.size == v.len);
		must(!manifest_has(&m, "layers", "sha256:"));
	} else {
		must(why.text[0] && text_is_clean(view_str(why.text)));
	}
	manifest_free(&m);
}

static void
try_index(struct view v)
{
	struct problem why = { "" };
	struct descriptors all;
	struct descriptor d;
	json_t *index;

	if (index_parse(v, &index, &why)) {
		must(why.text[0] && !index);
		return;
	}
	if (!index_all(index, &all, &why) && all.count > 0) {
		must(!index_find(index, all.list[0].digest, &d, &why));
		must(!index_set(index, "t", &all.list[0]));
		must(!index_find(index, "t", &d, &why));
		must(!strcmp(d.digest, all.list[0].digest));
		descriptors_free(&all);
	}
	index_find(index, "", &d, &why);
	json_decref(index);
}

/* The name of an image is its first line. */
static void
try_lookaside(struct view v)
{
	const uint8_t *end = memchr(v.p, '\n', v.len);
	char *name = end ? view_strdup(view_of(v.p, (size_t)(end - v.p))) :
	    NULL;
	struct lookaside_scope s = { .name = name };
	const char *why = NULL;

	if (!name)
		return;
	if (registriesd_read(view_of(end + 1,
	    v.len - (size_t)(end - v.p) - 1), &s, &why))
		must(why && text_is_clean(view_str(why)));
	must(s.best > 0 || (!s.found.read[0] && !s.found.write[0]));
	must(s.best <= strlen(name) + 2);
	free(name);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(struct view) = { try_name, try_headers,
		try_manifest, try_index };

	if (size > 0 && data[0] == '8')
		try_lookaside(view_of(data + 1, size - 1));
	else if (size > 0)
		tries[data[0] % 4](view_of(data + 1, size - 1));
	return 0;
}
