/*
 * Whatever a key's record holds: it is read whole or refused with a reason
 * that may be shown, and nothing that was read breaks its own rules.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "local/keyfile.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
check(const struct keyfile *k)
{
	must(!strcmp(k->name, "release"));
	must(k->user_id_count <= KEYFILE_USER_IDS);
	for (size_t i = 0; i < k->user_id_count; i++) {
		must(k->user_ids[i][0]);
		must(text_is_clean(view_str(k->user_ids[i])));
	}
	must(buf_len(&k->spki) > 0 && buf_len(&k->spki) <= KEYFILE_SPKI_MAX);
	must(!k->certificate || !strchr(k->certificate, '\x1b'));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keyfile *k;
	char *problem;
	gpg_error_t err = keyfile_parse("keys/release.json",
	    view_of(data, size), &k, &problem);

	must(!err == !problem && !err == !!k);
	if (k)
		check(k);
	else
		must(text_is_clean(view_str(problem)));
	keyfile_free(&k);
	free(problem);
	return 0;
}
