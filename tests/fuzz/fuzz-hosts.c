/*
 * The names of a host, out of whatever ssh's files hold: known_hosts, a NUL,
 * the system's, a NUL, the configuration.  The first byte chooses between the
 * host's key and its certificate.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent/hosts.h"
#include "wire/base64.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* As the inputs of the corpus know it. */
static const char key_text[] = "AAAAC3NzaC1lZDI1NTE5AAAAIC/4WJ8pqDmiWhGdiKY"
    "sO4dKp9DNHPHyC0hW1K98OAJN";

static const char *const tried[] = { "gate.example", "[gate.example]:2222",
	"10.0.0.1" };
#define TRIED (sizeof(tried) / sizeof(tried[0]))

static void
must(bool condition)
{
	if (!condition)
		abort();
}

static struct view
next_text(struct view *v)
{
	const uint8_t *end = memchr(v->p, 0, v->len);
	struct view text = view_of(v->p, end ? (size_t)(end - v->p) : v->len);

	v->p += text.len + (end != NULL);
	v->len -= text.len + (end != NULL);
	return text;
}

/* What the certificate is good for, which nobody signed here. */
static void
certify(struct ssh_cert *c, const struct pubkey *key, struct view blob)
{
	static const uint8_t names[] = "\0\0\0\x0cgate.example"
	    "\0\0\0\x06*.else\0\0\0\x09not a name";

	memset(c, 0, sizeof(*c));
	c->host = true;
	c->before = UINT64_MAX;
	c->key = (struct pubkey *)(uintptr_t)key;
	c->signer = blob;
	c->principals = view_of(names, sizeof(names) - 1);
}

/* Each is a name, and there once. */
static void
check(const struct names *names)
{
	must(names->count <= NAMES_MAX);
	for (size_t i = 0; i < names->count; i++) {
		const char *name = names->list[i];

		must(name[0] && strlen(name) <= NAME_LEN);
		must(!strpbrk(name, " \t\r\n*?!,|@#\"\\/"));
		for (size_t j = 0; j < i; j++)
			must(strcmp(names->list[j], name));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct names *try = names_new(), *found = names_new();
	struct view v = view_of(data, size);
	struct hosts_texts in;
	struct ssh_cert cert;
	struct pubkey *key;
	struct buf blob;
	uint8_t what;

	buf_init(&blob, 256);
	must(try && found && !base64_get(view_str(key_text), &blob) &&
	    !pubkey_from_ssh(&key, buf_view(&blob)));
	certify(&cert, key, buf_view(&blob));
	for (size_t i = 0; i < TRIED; i++)
		names_add(try, view_str(tried[i]));
	if (!view_get_u8(&v, &what)) {
		in.known = next_text(&v);
		in.system = next_text(&v);
		in.config = v;
		hosts_search(&in, buf_view(&blob), what & 1 ? &cert : NULL, try,
		    found);
		check(found);
	}
	pubkey_free(&key);
	buf_free(&blob);
	names_free(&try);
	names_free(&found);
	return 0;
}
