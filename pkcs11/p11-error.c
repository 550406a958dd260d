/* What a module answered, as an error that says what to do next. */
#include "config.h"

#include <stdio.h>

#include "p11.h"
#include "wire/text.h"

enum p11_cure
p11_cure(CK_RV rv)
{
	switch (rv) {
	case CKR_DEVICE_REMOVED:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_TOKEN_NOT_RECOGNIZED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_SESSION_CLOSED:
	case CKR_SLOT_ID_INVALID:
		return CURE_REOPEN;
	case CKR_OBJECT_HANDLE_INVALID:
	case CKR_KEY_HANDLE_INVALID:
		return CURE_FIND;
	case CKR_USER_NOT_LOGGED_IN:
		return CURE_LOGIN;
	default:
		return CURE_NONE;
	}
}

bool
p11_rv_is_wrong_pin(CK_RV rv)
{
	return rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID ||
	    rv == CKR_PIN_LEN_RANGE;
}

bool
p11_rv_is_local(CK_RV rv)
{
	return p11_cure(rv) != CURE_REOPEN && rv != CKR_DEVICE_ERROR &&
	    rv != CKR_HOST_MEMORY && rv != CKR_CRYPTOKI_NOT_INITIALIZED;
}

struct p11_title
p11_slot_title(const struct p11_slot *s)
{
	struct p11_title t;
	char label[64];

	if (s && s->name.label[0])
		snprintf(t.text, sizeof(t.text), "the token \"%s\"",
		    text_clean(label, sizeof(label),
		    view_str(s->name.label)));
	else
		snprintf(t.text, sizeof(t.text), "the token");
	return t;
}

gpg_error_t
p11_problem(struct problem *pb, const struct p11_slot *s, CK_RV rv,
    const char *what)
{
	struct p11_title t = p11_slot_title(s);

	switch (rv) {
	case CKR_PIN_LOCKED:
		return problem_say(pb, GPG_ERR_PIN_BLOCKED,
		    "%s is locked after too many wrong PINs: unlock it with "
		    "its PUK or SO PIN, for example by "
		    "\"pkcs11-tool --module MODULE --init-pin\"", t.text);
	case CKR_PIN_EXPIRED:
		return problem_say(pb, GPG_ERR_BAD_PIN,
		    "the PIN of %s has expired: set a new one, for example by "
		    "\"pkcs11-tool --module MODULE --change-pin\"", t.text);
	case CKR_USER_PIN_NOT_INITIALIZED:
		return problem_say(pb, GPG_ERR_CARD_NOT_INITIALIZED,
		    "%s has no user PIN yet: set one, for example by "
		    "\"pkcs11-tool --module MODULE --init-pin\"", t.text);
	case CKR_USER_NOT_LOGGED_IN:
		return problem_say(pb, GPG_ERR_PIN_NOT_SYNCED,
		    "%s wants its PIN", t.text);
	case CKR_TOKEN_WRITE_PROTECTED:
	case CKR_SESSION_READ_ONLY:
		return problem_say(pb, GPG_ERR_EROFS,
		    "%s cannot be written to (%s)", t.text, what);
	case CKR_DEVICE_MEMORY:
		return problem_say(pb, GPG_ERR_ENOSPC,
		    "%s has no room left (%s): delete what is not needed",
		    t.text, what);
	case CKR_SESSION_COUNT:
		return problem_say(pb, GPG_ERR_EMFILE,
		    "%s has no session left: lower \"sessions\" in the "
		    "module's configuration, or end other programs that use "
		    "the token", t.text);
	case CKR_MECHANISM_INVALID:
	case CKR_KEY_TYPE_INCONSISTENT:
	case CKR_CURVE_NOT_SUPPORTED:
	case CKR_KEY_SIZE_RANGE:
		return problem_say(pb, GPG_ERR_NOT_SUPPORTED,
		    "%s cannot do this (%s: %s): use a key of another kind",
		    t.text, what, p11_kit_strerror(rv));
	case CKR_KEY_FUNCTION_NOT_PERMITTED:
		return problem_say(pb, GPG_ERR_WRONG_KEY_USAGE,
		    "%s does not let this key sign: use another key", t.text);
	case CKR_FUNCTION_CANCELED:
	case CKR_FUNCTION_REJECTED:
		return problem_say(pb, GPG_ERR_CANCELED,
		    "it was refused at %s (%s)", t.text, what);
	default:
		break;
	}
	if (p11_cure(rv) == CURE_REOPEN)
		return problem_say(pb, GPG_ERR_CARD_NOT_PRESENT,
		    "%s is not there any more: insert it and try again",
		    t.text);
	return problem_say(pb, GPG_ERR_CARD,
	    "%s failed (%s: %s): try again; if it stays so, unplug and "
	    "insert the token, or look whether its module is the right one",
	    t.text, what, p11_kit_strerror(rv));
}
