/*
 * PC/SC, and clocks that do not wait, for a process without pcscd; what
 * libykpiv calls comes here too.
 *
 * How answers are spoilt is a list in the input: how many commands are left
 * alone first, what is done (enum spoil), and its bytes.  Behind the end of
 * the input everything is well.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <winscard.h>

#include <openssl/rand.h>

#include "piv.h"
#include "reader.h"

#define PARTS_MAX 40		/* of an answer that never ends */

enum spoil {
	SPOIL_STATUS,		/* another status, without the answer */
	SPOIL_STATUS_ONLY,	/* another status behind the answer */
	SPOIL_BYTE,		/* one byte changes */
	SPOIL_SHORT,		/* the answer ends early */
	SPOIL_LONG,		/* more behind it */
	SPOIL_OTHER,		/* another answer */
	SPOIL_INSERT,		/* bytes within it */
	SPOIL_BARE,		/* fewer bytes than a status has */
	SPOIL_FAIL,		/* PC/SC fails, before or after the command */
	SPOIL_UNPLUG,		/* the card is gone, before or after it */
	SPOIL_ENDLESS,		/* 61xx, again and again */
	SPOIL_SWAP,		/* another card is in the reader */
	SPOIL_TRIES,		/* somebody else used up a try */
	SPOIL_RESET,		/* or reset the card */
	SPOIL_GROW,		/* a signature of up to 4080 bytes */
	SPOIL_KINDS,
};

struct world world;

static const char *const names[CARDS] = { "Yubico YubiKey 00 00",
	"A reader 01 00" };

static const LONG failures[] = { SCARD_E_SHARING_VIOLATION,
	SCARD_W_RESET_CARD, SCARD_E_NO_SMARTCARD, SCARD_W_REMOVED_CARD,
	SCARD_E_NO_SERVICE, SCARD_F_COMM_ERROR, SCARD_E_NOT_TRANSACTED,
	SCARD_E_UNKNOWN_READER, SCARD_W_UNPOWERED_CARD,
	SCARD_E_READER_UNAVAILABLE, SCARD_E_NO_MEMORY, SCARD_E_TIMEOUT,
	SCARD_E_INVALID_HANDLE, SCARD_E_PROTO_MISMATCH,
	SCARD_W_UNRESPONSIVE_CARD, SCARD_E_SERVICE_STOPPED };

#define FAILURES (sizeof(failures) / sizeof(failures[0]))

void
must(bool condition)
{
	if (!condition)
		abort();
}

/* ---- spoiling ---- */

uint8_t
spoil_next(void)
{
	uint8_t b = 0;

	if (world.spoil.len > 0)
		view_get_u8(&world.spoil, &b);
	return b;
}

/* What is to be done now; SPOIL_KINDS: nothing. */
static enum spoil
spoil_take(void)
{
	enum spoil kind;

	if (world.spoil.len == 0)
		return SPOIL_KINDS;
	if (world.skip > 0) {
		world.skip--;
		return SPOIL_KINDS;
	}
	kind = spoil_next() % SPOIL_KINDS;
	return kind;
}

/* Bytes of the input, as many as the first of them says. */
static struct view
spoil_bytes(void)
{
	struct view v = { NULL, 0 };
	size_t n = spoil_next();

	view_get_bytes(&world.spoil, n < world.spoil.len ? n :
	    world.spoil.len, &v);
	return v;
}

static void
room_insert(struct room *r, size_t at, struct view v)
{
	if (at > r->len)
		at = r->len;
	if (v.len == 0 || r->len + v.len > CARD_ROOM)
		return;
	memmove(r->bytes + at + v.len, r->bytes + at, r->len - at);
	memcpy(r->bytes + at, v.p, v.len);
	r->len += v.len;
}

static void
grow(struct room *r, size_t n)
{
	const uint8_t head[] = { 0x7c, 0x82, (uint8_t)((n + 4) >> 8),
		(uint8_t)(n + 4), 0x82, 0x82, (uint8_t)(n >> 8), (uint8_t)n };

	memset(r->bytes, 0x66, sizeof(r->bytes));
	memcpy(r->bytes, head, sizeof(head));
	r->len = sizeof(head) + n;
}

static void
spoil_answer(enum spoil kind, struct room *r, uint16_t *sw)
{
	size_t n;

	switch (kind) {
	case SPOIL_STATUS:
		r->len = 0;
		/* FALLTHROUGH */
	case SPOIL_STATUS_ONLY:
		*sw = (uint16_t)(spoil_next() << 8);
		*sw |= spoil_next();
		break;
	case SPOIL_BYTE:
		n = spoil_next();
		if (r->len > 0)
			r->bytes[n % r->len] ^= spoil_next();
		break;
	case SPOIL_SHORT:
		n = spoil_next();
		r->len -= n < r->len ? n : r->len;
		break;
	case SPOIL_LONG:
		room_insert(r, r->len, spoil_bytes());
		break;
	case SPOIL_OTHER:
		r->len = 0;
		room_insert(r, 0, spoil_bytes());
		*sw = 0x9000;
		break;
	case SPOIL_INSERT:
		n = spoil_next();
		room_insert(r, n, spoil_bytes());
		break;
	case SPOIL_GROW:
		grow(r, 16 * (size_t)spoil_next());
		break;
	default:
		break;
	}
}

void
card_changes(struct card *c)
{
	c->events++;
	c->told = TOLD_NOTHING;
	card_reset(c);
}

/* What happens around the card. */
static void
spoil_place(enum spoil kind, struct card *c)
{
	struct card *other = &world.cards[c == world.cards];
	struct card was = *c;

	switch (kind) {
	case SPOIL_UNPLUG:
		c->plugged = false;
		card_changes(c);
		break;
	case SPOIL_SWAP:
		*c = *other;
		*other = was;
		other->events = c->events + 1;
		c->events = was.events + 1;
		card_changes(c);
		card_changes(other);
		break;
	case SPOIL_TRIES:
		c->tries -= c->tries > 0;
		card_reset(c);
		break;
	case SPOIL_RESET:
		card_reset(c);
		break;
	default:
		break;
	}
}

/* ---- APDUs ---- */

/* A command in parts is done when its last part is there. */
static uint16_t
do_part(struct card *c, struct view v, struct room *answer)
{
	static const uint8_t more = 0x10;
	struct view data = v.len > 5 ? view_of(v.p + 5, v.len - 5) :
	    view_of(NULL, 0);

	answer->len = 0;
	if (c->in.len == 0 || c->in.bytes[1] != v.p[1]) {
		memcpy(c->in.bytes, v.p, 4);
		c->in.bytes[4] = 0;
		c->in.len = 5;
	}
	if (c->in.len + data.len > CARD_ROOM)
		return 0x6700;
	if (data.len > 0)
		memcpy(c->in.bytes + c->in.len, data.p, data.len);
	c->in.len += data.len;
	if (v.p[0] & more)
		return 0x9000;
	v = view_of(c->in.bytes, c->in.len);
	c->in.len = 0;
	return card_do(c, v, answer);
}

/* The first 256 bytes; the rest waits. */
static uint16_t
first_part(struct card *c, struct room *answer, uint16_t sw)
{
	size_t rest;

	c->out.len = 0;
	if (answer->len <= 256)
		return sw;
	rest = answer->len - 256;
	memcpy(c->out.bytes, answer->bytes + 256, rest);
	c->out.len = rest;
	answer->len = 256;
	return (uint16_t)(0x6100 | (rest < 256 ? rest : 0));
}

static void
note_serial(struct card *c, const struct room *answer, bool well)
{
	struct view v = view_of(answer->bytes, answer->len);

	c->told = well && v.len == 4 ? TOLD : TOLD_DOUBTFUL;
	if (c->told == TOLD)
		view_get_u32(&v, &c->told_serial);
}

/* What a target wants to know of what a card told. */
static void
note_answer(struct card *c, struct view v, const struct room *answer,
    uint16_t sw, bool spoilt)
{
	struct view all = view_of(answer->bytes, answer->len), inside, block;
	bool well = sw == 0x9000;

	if ((v.p[1] == 0xf8 || v.p[1] == 0x01) && (well || spoilt))
		note_serial(c, answer, well);
	if (v.p[1] == 0xc0 && spoilt && c->told == TOLD)
		c->told = TOLD_DOUBTFUL;
	if (v.p[1] == 0x87 && v.p[3] == 0x9b)
		c->no_witness = well && (tlv_get(&all, 0x7c, &inside) ||
		    (tlv_find(inside, 0x80, &block) &&
		    tlv_find(inside, 0x82, &block)) ||
		    block.len != (v.p[2] == PIV_MGM_3DES ? 8 : 16));
}

/* A PIN is for one card, and who has a key proves it to who has it too. */
static void
judge(const struct card *c, struct view v)
{
	if (v.p[1] == 0x20 && v.len > 5 && world.asked) {
		must(c->told != TOLD_NOTHING);
		must(c->told != TOLD || c->told_serial == world.asked);
	}
	if (v.p[1] == 0x87 && v.p[3] == 0x9b && v.len > 12)
		must(!c->no_witness);
}

/* What a target wants to know of what became of a PIN. */
static void
note(struct card *c, struct view v, uint16_t sw)
{
	if (v.p[1] == 0x20 && v.len > 5)
		c->refused += sw != 0x9000;
	if (v.p[1] == 0x24 || v.p[1] == 0x2c)
		c->changed_refused += sw != 0x9000;
}

static LONG
give(const struct room *answer, uint16_t sw, size_t bare, uint8_t *p,
    DWORD *len)
{
	size_t n = answer->len + 2;

	if (n > *len)
		return SCARD_E_INSUFFICIENT_BUFFER;
	memcpy(p, answer->bytes, answer->len);
	p[n - 2] = (uint8_t)(sw >> 8);
	p[n - 1] = (uint8_t)sw;
	*len = bare < n ? bare : n;
	return SCARD_S_SUCCESS;
}

static LONG
transmit(struct card *c, struct view v, uint8_t *p, DWORD *len)
{
	struct view before = world.spoil;
	enum spoil kind = spoil_take();
	struct room answer = { .len = 0 };
	bool first = kind >= SPOIL_FAIL && kind < SPOIL_KINDS &&
	    (spoil_next() & 1);
	size_t bare = kind == SPOIL_BARE ? spoil_next() % 2 : SIZE_MAX;
	uint16_t sw;

	judge(c, v);
	if (first)
		spoil_place(kind, c);
	if (!c->plugged || (first && kind == SPOIL_FAIL)) {
		world.skip = spoil_next();
		return c->plugged ? failures[spoil_next() % FAILURES] :
		    SCARD_W_REMOVED_CARD;
	}
	if (v.p[1] == 0xc0) {
		answer = c->out;
		sw = 0x9000;
	} else {
		world.parts = 0;
		sw = do_part(c, v, &answer);
	}
	spoil_answer(kind, &answer, &sw);
	sw = first_part(c, &answer, sw);
	if (kind == SPOIL_ENDLESS && world.parts++ < PARTS_MAX) {
		sw = 0x6100;
		world.spoil = before;
	} else if (kind != SPOIL_KINDS) {
		world.skip = spoil_next();
	}
	note_answer(c, v, &answer, sw, kind != SPOIL_KINDS);
	note(c, v, kind == SPOIL_FAIL || kind == SPOIL_UNPLUG || bare < 2 ?
	    0 : sw);
	if (!first)
		spoil_place(kind, c);
	if (kind == SPOIL_FAIL)
		return failures[spoil_next() % FAILURES];
	return c->plugged ? give(&answer, sw, bare, p, len) :
	    SCARD_W_REMOVED_CARD;
}

/* ---- PC/SC ---- */

static struct handle *
handle_of(SCARDHANDLE handle)
{
	must(handle >= 1 && handle <= HANDLES &&
	    world.handles[handle - 1].open);
	return &world.handles[handle - 1];
}

static struct card *
card_of(const struct handle *h)
{
	return &world.cards[h->card];
}

static bool
is_stale(const struct handle *h)
{
	return !card_of(h)->plugged || card_of(h)->events != h->events;
}

/* Who lets go of a card leaves nothing verified. */
static void
check_left(const struct handle *h)
{
	if (!is_stale(h) && h->transactions == 0)
		must(!card_of(h)->verified && !card_of(h)->managed);
}

/* Whether a call that is no command is to fail. */
static LONG
trouble(void)
{
	if (world.spoil.len < 2 || world.skip > 0 ||
	    world.spoil.p[0] % SPOIL_KINDS != SPOIL_FAIL)
		return SCARD_S_SUCCESS;
	spoil_next();
	return failures[spoil_next() % FAILURES];
}

LONG
SCardEstablishContext(DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT out)
{
	LONG rv = trouble();

	if (rv != SCARD_S_SUCCESS)
		return rv;
	*out = 1;
	world.contexts++;
	return SCARD_S_SUCCESS;
}

LONG
SCardReleaseContext(SCARDCONTEXT context)
{
	must(context == 1 && world.contexts > 0);
	world.contexts--;
	return SCARD_S_SUCCESS;
}

LONG
SCardIsValidContext(SCARDCONTEXT context)
{
	return context == 1 ? SCARD_S_SUCCESS : SCARD_E_INVALID_HANDLE;
}

LONG
SCardCancel(SCARDCONTEXT context)
{
	return SCARD_S_SUCCESS;
}

LONG
SCardListReaders(SCARDCONTEXT context, LPCSTR groups, LPSTR readers,
    LPDWORD len)
{
	size_t want = 1;
	LONG rv = trouble();

	if (rv != SCARD_S_SUCCESS)
		return rv;
	for (size_t i = 0; i < CARDS; i++)
		want += strlen(names[i]) + 1;
	if (readers && *len < want)
		return SCARD_E_INSUFFICIENT_BUFFER;
	for (size_t i = 0; i < CARDS && readers; i++) {
		strcpy(readers, names[i]);
		readers += strlen(readers) + 1;
	}
	if (readers)
		*readers = 0;
	*len = want;
	return SCARD_S_SUCCESS;
}

LONG
SCardGetStatusChange(SCARDCONTEXT context, DWORD timeout,
    SCARD_READERSTATE *states, DWORD count)
{
	static const uint8_t atr[] = { 0x3b, 0xfd, 0x13, 0, 0, 0x81, 0x31,
		0xfe, 0x15, 0x80, 0x73, 0xc0, 0x21, 0xc0, 0x57, 0x59, 0x75,
		0x62, 0x69, 0x4b, 0x65, 0x79, 0x40 };
	LONG rv = trouble();

	if (rv != SCARD_S_SUCCESS)
		return rv;
	for (DWORD i = 0; i < count; i++) {
		struct card *c = world.cards;

		while (strcmp(states[i].szReader, names[c - world.cards]))
			must(++c < world.cards + CARDS);
		states[i].dwEventState = c->events << 16 |
		    (c->plugged ? SCARD_STATE_PRESENT : SCARD_STATE_EMPTY);
		states[i].cbAtr = c->plugged ? sizeof(atr) : 0;
		memcpy(states[i].rgbAtr, atr, sizeof(atr));
	}
	return SCARD_S_SUCCESS;
}

LONG
SCardConnect(SCARDCONTEXT context, LPCSTR reader, DWORD mode, DWORD protocols,
    LPSCARDHANDLE handle, LPDWORD protocol)
{
	struct card *c = world.cards;
	LONG rv = trouble();

	must(context == 1);
	while (strcmp(reader, names[c - world.cards]))
		must(++c < world.cards + CARDS);
	if (rv != SCARD_S_SUCCESS)
		return rv;
	if (!c->plugged)
		return SCARD_E_NO_SMARTCARD;
	for (*handle = 1; world.handles[*handle - 1].open; ++*handle)
		must(*handle < HANDLES);
	world.handles[*handle - 1] = (struct handle){ true,
		(unsigned)(c - world.cards), c->events, 0 };
	*protocol = SCARD_PROTOCOL_T1;
	return SCARD_S_SUCCESS;
}

LONG
SCardReconnect(SCARDHANDLE handle, DWORD mode, DWORD protocols, DWORD init,
    LPDWORD protocol)
{
	LONG rv = trouble();

	return rv == SCARD_S_SUCCESS && is_stale(handle_of(handle)) ?
	    SCARD_W_REMOVED_CARD : rv;
}

LONG
SCardDisconnect(SCARDHANDLE handle, DWORD disposition)
{
	struct handle *h = handle_of(handle);

	h->transactions = 0;
	check_left(h);
	h->open = false;
	return SCARD_S_SUCCESS;
}

LONG
SCardBeginTransaction(SCARDHANDLE handle)
{
	struct handle *h = handle_of(handle);
	LONG rv = trouble();

	if (rv == SCARD_S_SUCCESS && is_stale(h))
		rv = SCARD_W_REMOVED_CARD;
	h->transactions += rv == SCARD_S_SUCCESS;
	return rv;
}

LONG
SCardEndTransaction(SCARDHANDLE handle, DWORD disposition)
{
	struct handle *h = handle_of(handle);

	must(h->transactions > 0);
	h->transactions--;
	if (is_stale(h))
		return SCARD_W_REMOVED_CARD;
	if (disposition == SCARD_RESET_CARD)
		card_reset(card_of(h));
	check_left(h);
	return SCARD_S_SUCCESS;
}

LONG
SCardStatus(SCARDHANDLE handle, LPSTR name, LPDWORD name_len, LPDWORD state,
    LPDWORD protocol, LPBYTE atr, LPDWORD atr_len)
{
	LONG rv = trouble();

	if (rv != SCARD_S_SUCCESS)
		return rv;
	if (is_stale(handle_of(handle)))
		return SCARD_W_REMOVED_CARD;
	if (state)
		*state = SCARD_PRESENT;
	if (protocol)
		*protocol = SCARD_PROTOCOL_T1;
	if (atr_len)
		*atr_len = 0;
	if (name_len)
		*name_len = 0;
	return SCARD_S_SUCCESS;
}

LONG
SCardTransmit(SCARDHANDLE handle, const SCARD_IO_REQUEST *send,
    LPCBYTE command, DWORD size, SCARD_IO_REQUEST *receive, LPBYTE answer,
    LPDWORD len)
{
	struct handle *h = handle_of(handle);

	must(h->transactions > 0);
	if (is_stale(h))
		return SCARD_W_REMOVED_CARD;
	return transmit(card_of(h), view_of(command, size), answer, len);
}

const char *
pcsc_stringify_error(const LONG rv)
{
	return "an error";
}

/* ---- what would wait, or differ each time ---- */

int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	world.now_ms += (uint64_t)ts->tv_sec * 1000 +
	    (uint64_t)ts->tv_nsec / 1000000;
	return 0;
}

int
RAND_bytes(unsigned char *p, int n)
{
	for (int i = 0; i < n; i++) {
		world.seed = world.seed * 1103515245 + 12345;
		p[i] = (uint8_t)(world.seed >> 16);
	}
	return 1;
}

int
RAND_priv_bytes(unsigned char *p, int n)
{
	return RAND_bytes(p, n);
}
