/* Tokens: which are there, which is which, and the sessions with them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "p11.h"

struct p11_slot *
p11_slot_get(struct p11 *p, uint32_t number)
{
	if (number >= atomic_load(&p->slot_count))
		return NULL;
	return p->slots[number];
}

static void
take_name(char *dst, const unsigned char *src, size_t len)
{
	memcpy(dst, src, p11_kit_space_strlen(src, len));
}

static struct p11_name
name_of(const CK_TOKEN_INFO *info)
{
	struct p11_name n;

	memset(&n, 0, sizeof(n));
	take_name(n.label, info->label, sizeof(info->label));
	take_name(n.manufacturer, info->manufacturerID,
	    sizeof(info->manufacturerID));
	take_name(n.model, info->model, sizeof(info->model));
	take_name(n.serial, info->serialNumber, sizeof(info->serialNumber));
	return n;
}

static bool
is_empty(const CK_TOKEN_INFO *info)
{
	return !(info->flags & CKF_TOKEN_INITIALIZED);
}

static bool
is_this(const struct p11_slot *s, const CK_TOKEN_INFO *info)
{
	struct p11_name n = name_of(info);

	return s->empty == is_empty(info) && !memcmp(&n, &s->name, sizeof(n));
}

static struct p11_slot *
slot_new(CK_SLOT_ID id, const CK_TOKEN_INFO *info)
{
	pthread_rwlockattr_t attr;
	struct p11_slot *s;

	if (!(s = calloc(1, sizeof(*s))))
		return NULL;
	if (pin_new(&s->pin)) {
		free(s);
		return NULL;
	}
	s->name = name_of(info);
	s->empty = is_empty(info);
	s->id = id;
	s->info = *info;
	s->present = true;
	/* Who logs out must get a turn while signatures keep coming. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr,
	    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&s->mu, NULL);
	return s;
}

void
p11_slot_free(struct p11 *p, struct p11_slot *s)
{
	for (unsigned i = 0; i < s->key_count; i++)
		free(s->keys[i]);
	pin_free(&s->pin);
	pthread_rwlock_destroy(&s->lock);
	pthread_mutex_destroy(&s->mu);
	free(s);
}

/* Nothing that was known of sessions and objects holds.  Lock held alone. */
static void
forget_sessions(struct p11_slot *s)
{
	memset(s->sessions, 0, sizeof(s->sessions));
	s->logged_in = false;
	s->epoch++;
	pthread_mutex_lock(&s->mu);
	for (unsigned i = 0; i < s->key_count; i++)
		s->keys[i]->found.private = P11_NO_OBJECT;
	pthread_mutex_unlock(&s->mu);
}

static void
mark_gone(struct p11_slot *s)
{
	p11_pin_drop(s);
	pthread_mutex_lock(&s->mu);
	s->present = false;
	pthread_mutex_unlock(&s->mu);
}

static void
mark_here(struct p11_slot *s, CK_SLOT_ID id, const CK_TOKEN_INFO *info)
{
	bool same;

	pthread_rwlock_rdlock(&s->lock);
	pthread_mutex_lock(&s->mu);
	same = s->present && s->id == id;
	s->info = *info;
	s->present = true;
	pthread_mutex_unlock(&s->mu);
	pthread_rwlock_unlock(&s->lock);
	if (same)
		return;
	pthread_rwlock_wrlock(&s->lock);
	s->id = id;
	forget_sessions(s);
	pthread_rwlock_unlock(&s->lock);
}

/* Empty tokens are all alike: they are told apart by where they are. */
static struct p11_slot *
find_slot(struct p11 *p, CK_SLOT_ID id, const CK_TOKEN_INFO *info)
{
	unsigned n = atomic_load(&p->slot_count);

	for (unsigned i = 0; i < n; i++)
		if (is_this(p->slots[i], info) &&
		    (!p->slots[i]->empty || p->slots[i]->id == id))
			return p->slots[i];
	return NULL;
}

struct p11_slot *
p11_slot_note(struct p11 *p, CK_SLOT_ID id, const CK_TOKEN_INFO *info)
{
	struct p11_slot *s;
	unsigned n;

	pthread_mutex_lock(&p->mu);
	n = atomic_load(&p->slot_count);
	if (!(s = find_slot(p, id, info)) && n < P11_SLOTS_MAX &&
	    (s = slot_new(id, info))) {
		s->number = n;
		p->slots[n] = s;
		atomic_store(&p->slot_count, n + 1);
	}
	pthread_mutex_unlock(&p->mu);
	if (s)
		mark_here(s, id, info);
	return s;
}

CK_RV
p11_slot_ids(struct p11 *p, CK_SLOT_ID *ids, size_t max, size_t *count)
{
	CK_ULONG n = 0;
	CK_RV rv;

	*count = 0;
	/* Modules look for tokens only when asked how many there are. */
	if ((rv = p->f->C_GetSlotList(CK_TRUE, NULL, &n)) != CKR_OK)
		return rv;
	n = max;
	rv = p->f->C_GetSlotList(CK_TRUE, ids, &n);
	if (rv == CKR_OK && n > max)
		rv = CKR_BUFFER_TOO_SMALL;
	if (rv == CKR_OK)
		*count = n;
	return rv;
}

gpg_error_t
p11_slots_refresh(struct p11 *p, struct problem *pb)
{
	bool seen[P11_SLOTS_MAX] = { false };
	CK_SLOT_ID ids[P11_SLOTS_MAX];
	CK_TOKEN_INFO info;
	struct p11_slot *s;
	size_t count;
	CK_RV rv;

	if ((rv = p11_slot_ids(p, ids, P11_SLOTS_MAX, &count)) != CKR_OK)
		return p11_problem(pb, NULL, rv, "looking for tokens");
	for (size_t i = 0; i < count; i++) {
		if (p->f->C_GetTokenInfo(ids[i], &info) != CKR_OK)
			continue;	/* taken out since, or unreadable */
		if (!(s = p11_slot_note(p, ids[i], &info)))
			return problem_say(pb, GPG_ERR_TOO_MANY,
			    "more than %d tokens were seen: stop the agent "
			    "(touchstone stop), so that it starts anew",
			    P11_SLOTS_MAX);
		seen[s->number] = true;
	}
	for (unsigned i = 0; (s = p11_slot_get(p, i)); i++)
		if (!seen[i])
			mark_gone(s);
	return 0;
}

CK_RV
p11_session(struct p11 *p, struct p11_slot *s, unsigned worker,
    CK_SESSION_HANDLE *out)
{
	CK_RV rv = CKR_OK;

	if (s->sessions[worker] == P11_NO_SESSION)
		rv = p->f->C_OpenSession(s->id, CKF_SERIAL_SESSION, NULL, NULL,
		    &s->sessions[worker]);
	if (rv != CKR_OK)
		s->sessions[worker] = P11_NO_SESSION;
	else if (s->sessions[worker] == P11_NO_SESSION)
		rv = CKR_SESSION_HANDLE_INVALID;
	*out = s->sessions[worker];
	return rv;
}

void
p11_session_drop(struct p11 *p, struct p11_slot *s, unsigned worker)
{
	if (s->sessions[worker] != P11_NO_SESSION)
		p->f->C_CloseSession(s->sessions[worker]);
	s->sessions[worker] = P11_NO_SESSION;
}

/* Whether the token is in this slot of the module; notes it if so. */
static CK_RV
look_at(struct p11 *p, struct p11_slot *s, CK_SLOT_ID id, CK_TOKEN_INFO *info,
    bool *same)
{
	CK_RV rv;

	*same = false;
	if ((rv = p->f->C_GetTokenInfo(id, info)) != CKR_OK)
		return rv;
	if (!(*same = is_this(s, info)))
		return CKR_OK;
	pthread_mutex_lock(&s->mu);
	s->info = *info;
	s->present = true;
	pthread_mutex_unlock(&s->mu);
	return CKR_OK;
}

gpg_error_t
p11_slot_look(struct p11 *p, struct p11_slot *s, CK_TOKEN_INFO *info,
    struct problem *pb)
{
	struct p11_title t = p11_slot_title(s);
	bool same;
	CK_RV rv;

	rv = look_at(p, s, s->id, info, &same);
	if (rv == CKR_OK && same)
		return 0;
	if (rv == CKR_OK || p11_cure(rv) == CURE_REOPEN)
		mark_gone(s);
	if (rv != CKR_OK)
		return p11_problem(pb, s, rv, "looking at the token");
	return problem_say(pb, GPG_ERR_CARD_NOT_PRESENT,
	    "another token is where %s was: insert that one", t.text);
}

/* Looks for the token in every slot of the module. */
static bool
find_again(struct p11 *p, struct p11_slot *s)
{
	CK_SLOT_ID ids[P11_SLOTS_MAX];
	CK_TOKEN_INFO info;
	size_t count;
	bool same;

	look_at(p, s, s->id, &info, &same);
	if (same)
		p->f->C_CloseAllSessions(s->id);
	if (same || s->empty ||
	    p11_slot_ids(p, ids, P11_SLOTS_MAX, &count) != CKR_OK)
		return same;
	for (size_t i = 0; i < count; i++) {
		look_at(p, s, ids[i], &info, &same);
		if (!same)
			continue;
		s->id = ids[i];
		return true;
	}
	return false;
}

gpg_error_t
p11_slot_reopen(struct p11 *p, struct p11_slot *s, unsigned epoch,
    struct problem *pb)
{
	struct p11_title t = p11_slot_title(s);
	bool found = true;

	pthread_rwlock_wrlock(&s->lock);
	if (s->epoch == epoch) {
		forget_sessions(s);
		found = find_again(p, s);
	}
	pthread_rwlock_unlock(&s->lock);
	if (found)
		return 0;
	mark_gone(s);
	return problem_say(pb, GPG_ERR_CARD_NOT_PRESENT,
	    "%s is not there: insert it", t.text);
}
