/* What a module's tokens hold, as its process last listed it. */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "added.h"
#include "card.h"
#include "keys.h"
#include "listing.h"

void
listing_free(struct module *m)
{
	for (size_t i = 0; i < m->slot_count; i++) {
		free(m->slots[i].label);
		free(m->slots[i].serial);
		free(m->slots[i].manufacturer);
		free(m->slots[i].model);
		free(m->slots[i].firmware);
	}
	free(m->slots);
	m->slots = NULL;
	m->slot_count = 0;
}

static void
on_listed(void *arg, gpg_error_t err, const char *text, const void *reply)
{
	struct module *m = arg;
	struct msg_token_listing listing;
	struct msg_token_slot s;

	m->listed_ms = agent_now_ms();
	m->changed = false;
	m->held = gpg_err_code(err) == GPG_ERR_LOCKED;
	if (m->retired)
		return;
	if (err) {
		if (m->state == MODULE_READY)
			module_problem(m, text);
		/* What one token keeps others from telling still holds. */
		if (gpg_err_code(err) == GPG_ERR_TIMEOUT &&
		    m->state == MODULE_READY) {
			agent_changed(m->agent);
			return;
		}
		keyring_drop(m->agent->keyring, m);
		listing_free(m);
		agent_changed(m->agent);
		return;
	}
	listing = *(const struct msg_token_listing *)reply;
	m->problem[0] = 0;
	listing_free(m);
	m->slots = calloc(listing.slots.count ? listing.slots.count : 1,
	    sizeof(*m->slots));
	while (m->slots && msg_list_next(&listing.slots, MSG_token_slot, &s))
		m->slots[m->slot_count++] = (struct slot){
			.slot = s.slot, .flags = s.flags,
			.tries_left = s.tries_left,
			.firmware = view_strdup(s.firmware),
			.label = view_strdup(s.label),
			.serial = view_strdup(s.serial),
			.manufacturer = view_strdup(s.manufacturer),
			.model = view_strdup(s.model),
		};
	if (card_hides(m))
		keyring_drop(m->agent->keyring, m);
	else
		keyring_set(m->agent->keyring, m, &listing);
	if (m->config.type == MODULE_MEMORY)
		added_sweep(m->agent);
	agent_changed(m->agent);
}

/* Lists now; `anew` also what the process has looked at before. */
static void
list_now(struct module *m, bool anew)
{
	struct msg_token_list in = { .anew = anew };

	m->listing = module_call(m, MSG_token_list, &in, -1,
	    m->config.deadline_s * 1000, on_listed, m);
}

void
module_refresh(struct module *m, uint64_t max_age_ms)
{
	if (m->retired || m->listing)
		return;
	if (m->listed_ms && agent_now_ms() - m->listed_ms < max_age_ms)
		return;
	list_now(m, max_age_ms == 0);
}

/* What is being listed does not count any more. */
void
listing_again(struct module *m, bool anew)
{
	m->changed = true;
	if (m->listing)
		m->listing->done = NULL;
	m->listing = NULL;
	if (!m->retired)
		list_now(m, anew);
}

void
module_changed(struct module *m)
{
	listing_again(m, true);
}

bool
modules_refresh(struct agent *a, uint64_t max_age_ms)
{
	struct module *m, *next;
	bool settled = true;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next) {
		module_refresh(m, max_age_ms);
		settled &= !m->listing;
	}
	return settled;
}

bool
modules_retry(struct agent *a, uint64_t since_ms)
{
	struct module *m, *next;
	bool tried = false;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next) {
		if (m->retired || !m->problem[0] || m->listed_ms > since_ms)
			continue;
		module_refresh(m, 0);
		tried |= m->listing != NULL;
	}
	return tried;
}

bool
modules_any(const struct agent *a)
{
	const struct module *m;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!m->retired && m->config.type != MODULE_MEMORY)
			return true;
	return false;
}

const struct module *
modules_broken(const struct agent *a, const char *name)
{
	const struct module *m, *first = NULL;
	bool works = false;

	TAILQ_FOREACH(m, &a->modules, next) {
		/* That memory works does not tell that tokens do. */
		if (m->retired || (m->config.type == MODULE_MEMORY &&
		    (!name || strcmp(m->config.name, name))))
			continue;
		if (!m->problem[0])
			works = true;
		else if (name && !strcmp(m->config.name, name))
			return m;
		else if (!first)
			first = m;
	}
	return works ? NULL : first;
}

const struct slot *
module_slot(const struct module *m, uint32_t slot)
{
	for (size_t i = 0; i < m->slot_count; i++)
		if (m->slots[i].slot == slot)
			return &m->slots[i];
	return NULL;
}

void
module_learn(struct module *m, uint32_t slot, uint32_t set, uint32_t clear)
{
	for (size_t i = 0; i < m->slot_count; i++)
		if (m->slots[i].slot == slot)
			m->slots[i].flags = (m->slots[i].flags & ~clear) | set;
}
