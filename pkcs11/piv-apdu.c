/* Commands to a card, and the TLVs in them. */
#include "config.h"

#include <string.h>

#include "piv.h"

/* Commands have PINs and keys in them, and are composed on the stack below. */
static void __attribute__((noinline))
wipe_stack(void)
{
	uint8_t room[8192];

	explicit_bzero(room, sizeof(room));
}

gpg_error_t
piv_send(struct piv_card *c, const struct piv_command *cmd, struct buf *reply,
    int *sw)
{
	const unsigned char head[4] = { 0, cmd->ins, cmd->p1, cmd->p2 };
	unsigned char none[256];
	unsigned char *room = none;
	unsigned long len = sizeof(none);
	gpg_error_t err;
	bool sent;

	*sw = 0;
	if (reply) {
		buf_reset(reply);
		if ((err = buf_reserve(reply, PIV_REPLY_MAX, &room)))
			return err;
		len = PIV_REPLY_MAX;
	}
	atomic_store(&c->asked_ms, keeper_now());
	sent = ykpiv_transfer_data(c->burst.yk, head, cmd->data.p,
	    (long)cmd->data.len, room, &len, sw) == YKPIV_OK;
	wipe_stack();
	if (!sent)
		return gpg_error(GPG_ERR_CARD);
	if (reply && len <= PIV_REPLY_MAX)
		buf_filled(reply, len);
	return *sw ? 0 : gpg_error(GPG_ERR_CARD);
}

/* ---- TLVs: tags of one or two bytes, lengths of at most three ---- */

static gpg_error_t
get_number(struct view *v, size_t bytes, size_t *out)
{
	uint8_t b = 0;
	gpg_error_t err = 0;

	for (*out = 0; bytes > 0 && !err; bytes--) {
		err = view_get_u8(v, &b);
		*out = *out << 8 | b;
	}
	return err;
}

static gpg_error_t
get_any(struct view *v, unsigned *tag, struct view *value)
{
	struct view in = *v;
	size_t first, len, rest;
	gpg_error_t err;

	if ((err = get_number(&in, 1, &first)))
		return err;
	*tag = (unsigned)first;
	if ((first & 0x1f) == 0x1f) {
		if ((err = get_number(&in, 1, &rest)))
			return err;
		*tag = *tag << 8 | (unsigned)rest;
	}
	if ((err = get_number(&in, 1, &len)))
		return err;
	if (len >= 0x80) {
		if (len != 0x81 && len != 0x82)
			return gpg_error(GPG_ERR_INV_OBJ);
		if ((err = get_number(&in, len - 0x80, &len)))
			return err;
	}
	if ((err = view_get_bytes(&in, len, value)))
		return err;
	*v = in;
	return 0;
}

gpg_error_t
tlv_get(struct view *v, unsigned tag, struct view *value)
{
	struct view in = *v;
	unsigned found;
	gpg_error_t err;

	if ((err = get_any(&in, &found, value)))
		return err;
	if (found != tag)
		return gpg_error(GPG_ERR_NOT_FOUND);
	*v = in;
	return 0;
}

gpg_error_t
tlv_find(struct view v, unsigned tag, struct view *value)
{
	unsigned found;
	gpg_error_t err;

	while (v.len > 0) {
		if ((err = get_any(&v, &found, value)))
			return err;
		if (found == tag)
			return 0;
	}
	return gpg_error(GPG_ERR_NOT_FOUND);
}

gpg_error_t
tlv_put(struct buf *b, unsigned tag, struct view value)
{
	if (tag > 0xff)
		buf_put_u8(b, (uint8_t)(tag >> 8));
	buf_put_u8(b, (uint8_t)tag);
	if (value.len > 0xff)
		buf_put_u8(b, 0x82);
	else if (value.len >= 0x80)
		buf_put_u8(b, 0x81);
	if (value.len > 0xff)
		buf_put_u16(b, (uint16_t)value.len);
	else
		buf_put_u8(b, (uint8_t)value.len);
	return buf_put_view(b, value);
}

/* ---- data objects ---- */

static void
put_id(struct buf *b, uint32_t id)
{
	const uint8_t bytes[3] = { (uint8_t)(id >> 16), (uint8_t)(id >> 8),
		(uint8_t)id };

	tlv_put(b, 0x5c, view_of(bytes, sizeof(bytes)));
}

gpg_error_t
piv_object_get(struct piv_card *c, uint32_t id, struct buf *reply,
    struct view *value, struct problem *pb)
{
	struct piv_command cmd = { .ins = 0xcb, .p1 = 0x3f, .p2 = 0xff };
	struct view v;
	struct buf data;
	gpg_error_t err;
	int sw;

	buf_init(&data, 16);
	put_id(&data, id);
	cmd.data = buf_view(&data);
	err = piv_send(c, &cmd, reply, &sw);
	buf_free(&data);
	if (err)
		return err;
	if (sw == SW_NO_FILE)
		return gpg_error(GPG_ERR_NOT_FOUND);
	if (sw != SW_OK)
		return piv_problem(pb, c, sw, "reading an object");
	v = buf_view(reply);
	if (tlv_get(&v, 0x53, value))
		return problem_say(pb, GPG_ERR_INV_OBJ,
		    "%s has a data object that cannot be read",
		    piv_card_title(c).text);
	return value->len > 0 ? 0 : gpg_error(GPG_ERR_NOT_FOUND);
}

gpg_error_t
piv_object_put(struct piv_card *c, uint32_t id, struct view value, int *sw,
    struct problem *pb)
{
	struct piv_command cmd = { .ins = 0xdb, .p1 = 0x3f, .p2 = 0xff };
	struct buf data;
	gpg_error_t err;

	buf_init(&data, PIV_REPLY_MAX);
	put_id(&data, id);
	tlv_put(&data, 0x53, value);
	cmd.data = buf_view(&data);
	if (!(err = buf_error(&data)))
		err = piv_send(c, &cmd, NULL, sw);
	buf_free(&data);
	if (!err && *sw != SW_OK && *sw != SW_SECURITY)
		err = piv_problem(pb, c, *sw, "writing an object");
	return err;
}

gpg_error_t
piv_problem(struct problem *pb, const struct piv_card *c, int sw,
    const char *what)
{
	struct piv_title t = piv_card_title(c);

	switch (sw) {
	case SW_BLOCKED:
		return piv_blocked(pb, c);
	case 0x6a84:
		return problem_say(pb, GPG_ERR_TOO_LARGE,
		    "%s has no room left (%s)", t.text, what);
	case SW_SECURITY:
		return problem_say(pb, GPG_ERR_BAD_PIN,
		    "%s refuses it without a PIN or a touch (%s)", t.text,
		    what);
	case SW_CONDITIONS:
		return problem_say(pb, GPG_ERR_USE_CONDITIONS,
		    "%s refuses it as it is (%s)", t.text, what);
	default:
		return problem_say(pb, GPG_ERR_CARD, "%s failed with status "
		    "%04x (%s)", t.text, sw & 0xffff, what);
	}
}
