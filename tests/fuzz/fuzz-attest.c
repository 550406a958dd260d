/*
 * Whatever a card or a file gives for an attestation: it is read or refused,
 * what was read is given out and read back, and what is said of it is clean.
 * Roots are in the same input, so that chains are followed too.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "format/attest.h"
#include "wire/text.h"

#define NOW 1795321624

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
verify(const struct attest_certs *chain, const struct attest_certs *roots)
{
	struct attestation a, again;
	char why[ATTEST_WHY];
	gpg_error_t err;

	err = attest_verify(chain, roots, NOW, NULL, &a, why);
	must(!err == !why[0] && text_is_clean(view_str(why)));
	must(!err == !!a.key && text_is_clean(view_str(a.root)));
	if (err)
		return;
	must(attest_certs_roots(roots) > 0);
	must(*attest_pin_words(a.pin) && *attest_touch_words(a.touch));
	must(!attest_verify(chain, roots, NOW, a.key, &again, why));
	must(again.serial == a.serial && again.slot == a.slot);
	attestation_free(&again);
	attestation_free(&a);
}

static void
check_again(const struct attest_certs *certs)
{
	struct attest_certs *again = NULL;
	struct buf pem;

	buf_init(&pem, 4 * ATTEST_FILE_MAX);
	must(!attest_certs_put(certs, &pem));
	if (buf_len(&pem) <= ATTEST_FILE_MAX) {
		must(!attest_certs_read(&again, buf_view(&pem)));
		must(attest_certs_count(again) == attest_certs_count(certs));
	}
	attest_certs_free(&again);
	buf_free(&pem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct attest_certs *certs = NULL, *one = NULL;
	struct view v = view_of(data, size);

	if (!attest_certs_add(&one, v))
		verify(one, one);
	attest_certs_free(&one);
	if (attest_certs_read(&certs, v)) {
		must(!certs);
		return 0;
	}
	must(attest_certs_count(certs) > 0 &&
	    attest_certs_count(certs) <= ATTEST_CERTS_MAX);
	check_again(certs);
	verify(certs, certs);
	attest_certs_free(&certs);
	return 0;
}
