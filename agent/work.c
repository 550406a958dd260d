/* What all signatures with a key have in common: the key, and the token. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "added.h"
#include "card.h"
#include "work.h"

/* A touch is waited for 15 s, and once more. */
#define TOUCH_MS (2 * 16 * 1000)

gpg_error_t
work_locate_key(struct request *r)
{
	const struct holder *h;
	char *problem = NULL;
	gpg_error_t err = 0;

	if (!r->key && r->work == &work_ssh) {
		r->key = added_find_key(r->agent, buf_view(&r->ssh_key));
		if (!r->key)
			r->key = card_find_key(r->agent,
			    buf_view(&r->ssh_key));
	} else if (!r->key) {
		err = keyring_find(r->agent->keyring, view_str(r->key_text),
		    &r->key, &problem);
		if (problem)
			request_problem(r, gpg_err_code(err), "%s", problem);
		free(problem);
	}
	if (gpg_err_code(err) == GPG_ERR_AMBIGUOUS_NAME)
		return err;
	if (!r->key) {
		request_problem(r, GPG_ERR_NO_SECKEY, "no key of yours is "
		    "meant by \"%s\": see `touchstone keys`",
		    r->key_text ? r->key_text : "this public key");
		return gpg_error(GPG_ERR_EAGAIN);
	}
	if (!(h = key_holder(r->key)))
		return gpg_error(GPG_ERR_CARD_NOT_PRESENT);
	r->module = h->module;
	r->slot = h->slot;
	r->token_key = h->key;
	r->touch = h->flags & KEY_TOUCH;
	return 0;
}

struct call *
work_ask_sign(struct request *r, call_done *done)
{
	struct msg_token_sign in = {
		.key = r->token_key,
		.mechanism = r->signing.mechanism,
		.data = buf_view(&r->signing.data),
	};

	return module_call(r->module, MSG_token_sign, &in, -1,
	    r->module->config.deadline_s * 1000 + (r->touch ? TOUCH_MS : 0),
	    done, r);
}

struct pin_wait *
work_ask_login(struct request *r, const char *description, call_done *done)
{
	struct msg_token_login in = { .slot = r->slot,
		.secret = r->secret };

	/* Who waits for the PIN does not wait for the management key. */
	return pin_ask(r->module, r->slot |
	    (r->secret == SECRET_MANAGEMENT ? 1u << 31 : 0),
	    MSG_token_login, &in,
	    request_where(r), description, done, r);
}
