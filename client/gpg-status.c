/* Reads what git will believe before git does. */
#include "config.h"

#include <string.h>

#include "client/gpg-status.h"

#define HEAD "-----BEGIN PGP SIGNATURE-----\n"
#define TAIL "-----END PGP SIGNATURE-----\n"

/* Takes a field of `least` to `most` of these characters. */
static bool
take(struct view *v, const char *set, size_t least, size_t most,
    struct view *field)
{
	size_t n = 0;

	while (n < v->len && n < most && v->p[n] && strchr(set, v->p[n]))
		n++;
	return n >= least && !view_get_bytes(v, n, field);
}

static bool
blank(struct view *v)
{
	struct view f;

	return take(v, " ", 1, 1, &f);
}

gpg_error_t
gpg_status_lines(struct view status, struct buf *lines)
{
	static const char digits[] = "0123456789";
	struct view v = status, f, hash;

	if (!take(&v, "D", 1, 1, &f) || !blank(&v) ||
	    !take(&v, digits, 1, 3, &f) || !blank(&v) ||
	    !take(&v, digits, 1, 3, &hash) || !blank(&v) ||
	    !take(&v, "0123456789abcdef", 2, 2, &f) || !blank(&v) ||
	    !take(&v, digits, 1, 10, &f) || !blank(&v) ||
	    !take(&v, "0123456789ABCDEF", 40, 40, &f) || v.len > 0)
		return gpg_error(GPG_ERR_INV_VALUE);
	buf_put_text(lines, "\n[GNUPG:] BEGIN_SIGNING H");
	buf_put_view(lines, hash);
	buf_put_text(lines, "\n[GNUPG:] SIG_CREATED ");
	buf_put_view(lines, status);
	return buf_put_text(lines, "\n");
}

bool
gpg_armor_ok(struct view v)
{
	const size_t head = sizeof(HEAD) - 1, tail = sizeof(TAIL) - 1;

	if (v.len < head + tail || memcmp(v.p, HEAD, head) ||
	    memcmp(v.p + v.len - tail, TAIL, tail))
		return false;
	v = view_of(v.p + head, v.len - head - tail);
	if (v.len == 0 || v.p[v.len - 1] != '\n')
		return false;
	for (size_t i = 0; i < v.len; i++) {
		if (v.p[i] == '-' && (i == 0 || v.p[i - 1] == '\n'))
			return false;
		if (v.p[i] != '\n' && (v.p[i] < ' ' || v.p[i] > '~'))
			return false;
	}
	return true;
}
