/* Data objects: certificates, CHUID, and whatever programs put beside. */
#include <config.h>

#include <string.h>

#include "card.h"

#define OBJECT_DISCOVERY 0x7e

/* The tag list 5C names one object. */
static bool
object_id(struct bytes *in, uint32_t *id)
{
	struct bytes name;
	unsigned int tag;
	size_t i;

	if (!tlv_next(in, &tag, &name) || tag != 0x5c || name.len < 1 ||
	    name.len > 3)
		return false;
	for (*id = 0, i = 0; i < name.len; i++)
		*id = *id << 8 | name.p[i];
	return true;
}

/* Fingerprints, facial image, printed information, iris images. */
static bool
is_private(uint32_t id)
{
	return id == 0x5fc103 || id == 0x5fc108 || id == 0x5fc109 ||
	    id == 0x5fc121;
}

/* SP 800-73-4 part 1, 3.3.2: PIV's AID, and that the PIN is PIV's own. */
static void
discovery(struct out *re)
{
	static const uint8_t value[] = {
		0x7e, 0x12, 0x4f, 0x0b, 0xa0, 0x00, 0x00, 0x03, 0x08, 0x00,
		0x00, 0x10, 0x00, 0x01, 0x00, 0x5f, 0x2f, 0x02, 0x40, 0x00,
	};

	out_put(re, bytes_of(value, sizeof(value)));
}

uint16_t
object_get(struct card *c, const struct apdu *a, struct out *re)
{
	struct bytes in = a->data;
	const struct object *o;
	uint32_t id;

	if (a->p1 != 0x3f || a->p2 != 0xff)
		return SW_P1P2;
	if (!object_id(&in, &id) || in.len != 0)
		return SW_DATA;
	if (id == OBJECT_DISCOVERY) {
		discovery(re);
		return SW_OK;
	}
	if (is_private(id) && !c->session.pin_ok)
		return SW_SECURITY;
	o = state_object(&c->state, id);
	if (o == NULL)
		return SW_NO_FILE;
	out_tlv(re, 0x53, bytes_of(o->data, o->len));
	return SW_OK;
}

uint16_t
object_put(struct card *c, const struct apdu *a, struct out *re)
{
	struct bytes in = a->data, data;
	unsigned int tag;
	uint32_t id;

	if (a->p1 != 0x3f || a->p2 != 0xff)
		return SW_P1P2;
	if (!object_id(&in, &id) || id >> 16 != 0x5f ||
	    !tlv_next(&in, &tag, &data) || tag != 0x53 || in.len != 0)
		return SW_DATA;
	if (data.len == 0 && state_object(&c->state, id) == NULL)
		return SW_OK;
	if (!state_object_put(&c->state, id, data))
		return SW_NO_SPACE;
	state_save(&c->state);
	return SW_OK;
}
