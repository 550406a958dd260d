/* Whether a module's keys are to be seen, and within which limits. */
#include <config.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "added.h"
#include "card.h"
#include "conn.h"
#include "keys.h"
#include "listing.h"
#include "restrain.h"
#include "serve.h"
#include "format/sshkey.h"

static bool
is_over(const struct card *d)
{
	return d->until_ms && d->until_ms <= added_now();
}

bool
card_hides(const struct module *m)
{
	return m->card && (m->card->hidden || is_over(m->card));
}

void
card_free(struct module *m)
{
	struct card *d = m->card;

	m->card = NULL;
	if (!d)
		return;
	event_del(&d->over);
	buf_free(&d->destinations);
	certs_clear(&d->certs);
	free(d);
}

static void
on_over(int fd, short what, void *arg)
{
	card_hide(arg);
}

static struct card *
card_new(struct module *m)
{
	struct card *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	buf_init(&d->destinations, FRAME_MAX);
	evtimer_assign(&d->over, m->agent->base, on_over, m);
	return d;
}

static gpg_error_t
take_certs(struct card *d, struct view certs)
{
	struct view blob;
	gpg_error_t err = 0;

	while (!err && certs.len > 0)
		if (!(err = view_get_string(&certs, 8192, &blob)))
			err = certs_add(&d->certs, blob, NULL);
	return err;
}

gpg_error_t
card_show(struct module *m, const struct ssh_constraints *limits)
{
	struct card *d = card_new(m), *old = m->card;
	struct timeval tv = { (time_t)limits->lifetime_s, 0 };
	gpg_error_t err;

	if (!d)
		return gpg_error(GPG_ERR_ENOMEM);
	d->confirm = limits->confirm;
	d->restricted = limits->restricted;
	d->certs_only = limits->certs_only;
	if ((err = buf_put_view(&d->destinations, limits->destinations)) ||
	    (err = take_certs(d, limits->certs))) {
		m->card = d;
		card_free(m);
		m->card = old;
		return err;
	}
	card_free(m);
	m->card = d;
	if (limits->lifetime_s) {
		d->until_ms = added_now() + (uint64_t)tv.tv_sec * 1000;
		event_add(&d->over, &tv);
	}
	module_changed(m);
	return 0;
}

void
card_hide(struct module *m)
{
	if (!m->card && !(m->card = card_new(m)))
		return;
	m->card->hidden = true;
	event_del(&m->card->over);
	forget_module(m);
	keyring_drop(m->agent->keyring, m);
	agent_changed(m->agent);
}

void
cards_reload(struct agent *a)
{
	struct module *m, *next;

	TAILQ_FOREACH_SAFE(m, &a->modules, next, next)
		if (!m->retired && card_hides(m)) {
			card_free(m);
			module_changed(m);
		}
}

/* ---- who may use and see a key ---- */

bool
card_permits(struct conn *c, const struct module *m, struct view blob,
    const struct object *what, bool *ask, const char **why)
{
	const struct card *d = m->card;

	*ask = d && d->confirm;
	*why = NULL;
	if (!d)
		return true;
	if (card_hides(m)) {
		*why = "the module's keys are hidden: show them with "
		    "ssh-add -s, or `touchstone reload`";
		return false;
	}
	if (d->certs_only && blob.len > 0 && !ssh_is_cert(blob)) {
		*why = "the module was added for its certificates only";
		return false;
	}
	return !d->restricted || restrain_permits(buf_view(&d->destinations),
	    &c->bindings, what, (uint64_t)time(NULL), why);
}

bool
card_shows(struct conn *c, const struct key *k, struct view blob)
{
	const char *why;
	bool ask;

	for (size_t i = 0; i < k->holder_count; i++)
		if (!(k->holders[i].flags & KEY_SOFTWARE) &&
		    card_permits(c, k->holders[i].module, blob, NULL, &ask,
		    &why))
			return true;
	return false;
}

struct key *
card_find_key(struct agent *a, struct view blob)
{
	const struct cert *cert = certs_find(&a->certs, blob);
	struct module *m;

	TAILQ_FOREACH(m, &a->modules, next)
		if (!cert && m->card && !m->retired)
			cert = certs_find(&m->card->certs, blob);
	return cert ? keyring_find_id(a->keyring,
	    view_of(cert->id, sizeof(cert->id))) : NULL;
}
