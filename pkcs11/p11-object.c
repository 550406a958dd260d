/* Objects on a token: attributes and searches, with every length checked. */
#include "config.h"

#include <string.h>

#include "p11.h"

CK_RV
p11_attr(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object,
    CK_ATTRIBUTE_TYPE type, void *out, size_t max, size_t *len)
{
	CK_ATTRIBUTE a = { type, out, max };
	CK_RV rv;

	*len = 0;
	rv = p->f->C_GetAttributeValue(session, object, &a, 1);
	if (rv != CKR_OK)
		return rv;
	if (a.ulValueLen > max)		/* also CK_UNAVAILABLE_INFORMATION */
		return CKR_ATTRIBUTE_TYPE_INVALID;
	*len = a.ulValueLen;
	return CKR_OK;
}

CK_RV
p11_attr_ulong(struct p11 *p, CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, CK_ULONG *out)
{
	size_t len;
	CK_RV rv;

	rv = p11_attr(p, session, object, type, out, sizeof(*out), &len);
	return rv == CKR_OK && len != sizeof(*out) ?
	    CKR_ATTRIBUTE_TYPE_INVALID : rv;
}

CK_RV
p11_attr_bool(struct p11 *p, CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type, bool *out)
{
	CK_BBOOL value = CK_FALSE;
	size_t len;
	CK_RV rv;

	rv = p11_attr(p, session, object, type, &value, sizeof(value), &len);
	if (rv == CKR_OK && len != sizeof(value))
		rv = CKR_ATTRIBUTE_TYPE_INVALID;
	*out = rv == CKR_OK && value != CK_FALSE;
	return rv;
}

CK_RV
p11_find(struct p11 *p, CK_SESSION_HANDLE session, CK_ATTRIBUTE *template,
    CK_ULONG n, CK_OBJECT_HANDLE *out, size_t max, size_t *count)
{
	CK_ULONG got;
	CK_RV rv, end;

	*count = 0;
	rv = p->f->C_FindObjectsInit(session, template, n);
	if (rv != CKR_OK)
		return rv;
	/* Some modules give fewer at a time than there are. */
	while (*count < max) {
		got = 0;
		rv = p->f->C_FindObjects(session, out + *count, max - *count,
		    &got);
		if (rv == CKR_OK && got > max - *count)
			rv = CKR_GENERAL_ERROR;
		if (rv != CKR_OK || got == 0)
			break;
		*count += got;
	}
	end = p->f->C_FindObjectsFinal(session);
	if (rv == CKR_OK)
		rv = end;
	if (rv != CKR_OK)
		*count = 0;
	return rv;
}

/* What the private half tells of itself must not speak against the match. */
static bool
private_fits(struct p11 *p, CK_SESSION_HANDLE session, CK_OBJECT_HANDLE o,
    const struct p11_found *found)
{
	bool rsa = p11_public_is_rsa(&found->public), sign;
	struct p11_public same;
	uint8_t value[520];
	CK_ULONG type;
	size_t len;

	if (p11_attr_ulong(p, session, o, CKA_KEY_TYPE, &type) != CKR_OK ||
	    (rsa ? type != CKK_RSA :
	    type != CKK_EC && type != CKK_EC_EDWARDS))
		return false;
	if (p11_attr_bool(p, session, o, CKA_SIGN, &sign) == CKR_OK && !sign)
		return false;
	if (p11_attr(p, session, o, rsa ? CKA_MODULUS : CKA_EC_PARAMS, value,
	    sizeof(value), &len) != CKR_OK || len == 0)
		return true;
	if (!rsa)
		return gpg_err_code(p11_public_ec(&same, view_of(value, len),
		    view_of(found->public.bytes, found->public.len))) == 0 &&
		    same.algorithm == found->public.algorithm;
	return gpg_err_code(p11_public_rsa(&same, view_of(value, len),
	    view_of(found->public.exponent, found->public.exponent_len))) ==
	    0 && p11_public_eq(&same, &found->public);
}

CK_RV
p11_find_private(struct p11 *p, CK_SESSION_HANDLE session,
    const struct p11_found *found, CK_OBJECT_HANDLE *out, bool *always_auth)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	struct p11_found key = *found;		/* templates are not const */
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, key.id, key.id_len },
	};
	CK_OBJECT_HANDLE o[8];
	size_t count;
	CK_RV rv;

	*out = P11_NO_OBJECT;
	*always_auth = false;
	if (key.id_len == 0)
		template[1] = (CK_ATTRIBUTE){ CKA_LABEL, key.label,
		    key.label_len };
	rv = p11_find(p, session, template, 2, o, 8, &count);
	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < count; i++) {
		if (!private_fits(p, session, o[i], found))
			continue;
		*out = o[i];
		p11_attr_bool(p, session, o[i], CKA_ALWAYS_AUTHENTICATE,
		    always_auth);
		break;
	}
	return CKR_OK;
}
