/* What a client wants said of a container image. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "image.h"

/*
 * The repository is what comes before the tag; a port is followed by a slash.
 * A digest has no place here: the manifest's own is what counts.
 */
static gpg_error_t
read_reference(struct image *i, struct view text, const char **why)
{
	size_t len = text.len;

	if (memchr(text.p, '@', text.len)) {
		*why = "an image's reference is HOST/NAME or HOST/NAME:TAG, "
		    "without a digest";
		return gpg_error(GPG_ERR_INV_NAME);
	}
	while (len > 0 && text.p[len - 1] != ':' && text.p[len - 1] != '/')
		len--;
	len = len > 0 && text.p[len - 1] == ':' ? len - 1 : text.len;
	if (!(i->reference = view_strdup(text)) ||
	    !(i->repository = view_strdup(view_of(text.p, len))))
		return gpg_error(GPG_ERR_ENOMEM);
	return 0;
}

static gpg_error_t
read_notes(struct image *i, struct msg_list list)
{
	struct msg_note note;

	while (i->note_count < IMAGESIG_NOTES_MAX &&
	    msg_list_next(&list, MSG_note, &note)) {
		size_t n = i->note_count++;

		if (!(i->names[n] = view_strdup(note.name)) ||
		    !(i->values[n] = view_strdup(note.value)))
			return gpg_error(GPG_ERR_ENOMEM);
	}
	return 0;
}

gpg_error_t
image_new(struct image **out, const struct msg_sign_image *in,
    const char **why)
{
	struct image *i;
	gpg_error_t err;

	*out = NULL;
	*why = NULL;
	if (!(i = calloc(1, sizeof(*i))))
		return gpg_error(GPG_ERR_ENOMEM);
	buf_init(&i->payload, 262144);
	if ((err = read_reference(i, in->reference, why)) ||
	    (err = read_notes(i, in->notes)))
		goto out;
	if (in->chain.len > 0 && (err = attest_certs_add(&i->chain,
	    in->chain)))
		*why = "the key's certificates cannot be read";
out:
	if (err)
		image_free(&i);
	*out = i;
	return err;
}

void
image_free(struct image **ip)
{
	struct image *i = *ip;

	if (!i)
		return;
	for (size_t n = 0; n < i->note_count; n++) {
		free(i->names[n]);
		free(i->values[n]);
	}
	free(i->reference);
	free(i->repository);
	attest_certs_free(&i->chain);
	notaryenv_free(&i->notary);
	buf_free(&i->payload);
	free(i);
	*ip = NULL;
}
