/* Inline signed messages of OpenPGP, written. */
#include "config.h"

#include "format/opacket.h"
#include "format/opmessage.h"

gpg_error_t
opmessage_put(struct buf *b, const struct openpgp_sig *sig,
    struct view signature, struct view document)
{
	gpg_error_t err;

	if (document.len > OPMESSAGE_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	if ((err = openpgp_put_one_pass(sig, b)))
		return err;
	buf_put_u8(b, 0x80 | PACKET_LITERAL << 2 | 2);
	buf_put_u32(b, (uint32_t)document.len + 6);
	buf_put_u8(b, 'b');
	buf_put_u8(b, 0);	/* no file's name */
	buf_put_u32(b, 0);	/* nor date */
	buf_put_view(b, document);
	return openpgp_finish(sig, signature, b);
}
