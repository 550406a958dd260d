/* Whose PINs are wiped on demand: a token's, those of removed tokens, all. */
#include <config.h>

#include <string.h>

#include "conn.h"
#include "listing.h"
#include "serve.h"

#define FORGET_MS 2000

static void
on_forgotten(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct module *m = arg;

	m->agent->forgetting--;
	agent_changed(m->agent);
}

/* A process that does not answer in time is ended, and its PINs with it. */
static void
forget_slot(struct module *m, uint32_t slot)
{
	struct msg_token_forget in = { .slot = slot };

	if (m->state != MODULE_READY)
		return;
	for (size_t i = 0; i < m->slot_count; i++)
		if (slot == TOKEN_ALL_SLOTS || slot == m->slots[i].slot)
			module_learn(m, m->slots[i].slot, 0, TOKEN_LOGGED_IN);
	if (module_call(m, MSG_token_forget, &in, -1, FORGET_MS, on_forgotten,
	    m))
		m->agent->forgetting++;
}

/* Looking made it forget those that left; one that cannot see knows none. */
static void
on_looked(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct module *m = arg;

	if (err)
		forget_slot(m, TOKEN_ALL_SLOTS);
	else
		module_refresh(m, 0);
	on_forgotten(m, 0, text, NULL);
}

static void
forget_removed(struct module *m)
{
	struct msg_token_list in = { .anew = 1 };

	if (m->state != MODULE_READY)
		return;
	if (module_call(m, MSG_token_list, &in, -1,
	    m->config.deadline_s * 1000, on_looked, m))
		m->agent->forgetting++;
	else
		forget_slot(m, TOKEN_ALL_SLOTS);
}

/* Whether the module, or a token of it, has that name. */
static bool
forget_named(struct module *m, struct view name)
{
	bool found = false;

	if (view_eq_str(name, m->config.name)) {
		forget_slot(m, TOKEN_ALL_SLOTS);
		return true;
	}
	for (size_t i = 0; i < m->slot_count; i++) {
		const struct slot *s = &m->slots[i];

		if (!view_eq_str(name, s->label) &&
		    !view_eq_str(name, s->serial))
			continue;
		forget_slot(m, s->slot);
		found = true;
	}
	return found;
}

void
forget_module(struct module *m)
{
	forget_slot(m, TOKEN_ALL_SLOTS);
}

void
forget_pins(struct agent *a)
{
	struct module *m, *next;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		forget_slot(m, TOKEN_ALL_SLOTS);
}

void
serve_forget(struct conn *c, struct view body)
{
	struct agent *a = c->agent;
	struct module *m, *next;
	struct msg_forget in;
	bool found = false;

	if (msg_decode(MSG_forget, body, &in) || in.removed > 1 ||
	    (in.removed && in.token.len > 0)) {
		serve_malformed(c);
		return;
	}
	TAILQ_FOREACH_SAFE(m, &a->modules, next, next) {
		if (in.removed)
			forget_removed(m);
		else if (in.token.len > 0)
			found |= forget_named(m, in.token);
	}
	if (!in.removed && in.token.len == 0)
		forget_pins(a);
	serve_note(c, "forget");
	if (in.token.len > 0 && !found)
		conn_fail(c, gpg_error(GPG_ERR_NOT_FOUND), "no token that is "
		    "here, and no module, has that name, label or serial "
		    "number: see `touchstone status`");
	else
		serve_forgotten(c);
}
