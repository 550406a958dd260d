/* How a request comes in: its parameters, its payload, its user's place. */
#include <config.h>

#include <stdarg.h>
#include <stdio.h>

#include "wire/text.h"
#include "conn.h"
#include "request.h"
#include "work.h"

#define PAYLOADS_MAX (128 * 1024 * 1024)	/* held for all clients */
#define PAYLOADS_PER_PROCESS (32 * 1024 * 1024)

gpg_error_t
request_problem(struct request *r, gpg_err_code_t code, const char *fmt, ...)
{
	char text[PROBLEM_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	text_clean(r->problem, sizeof(r->problem), view_str(text));
	return gpg_error(code);
}

/*
 * Where the user of this request is; read when it is first needed.  A local
 * client that has no place of its own (an editor's, a cron job's) is asked
 * where the user said that prompts appear, as what comes from afar is.
 */
void
request_find_place(struct request *r)
{
	if (r->place || !r->conn)
		return;
	if (r->reach == REACH_LOCAL && place_of(r->conn->pid,
	    r->conn->start, &r->place))
		r->place = NULL;
	if (place_usable(r->place) || !r->agent->session)
		return;
	place_free(&r->place);
	if (place_copy(r->agent->session, &r->place))
		r->place = NULL;
}

struct prompt_where
request_where(const struct request *r)
{
	return (struct prompt_where){ r->place, r->reach != REACH_LOCAL };
}

void
request_text(struct request *r, char **text, struct view v)
{
	if (!(*text = view_strdup(v)))
		r->err = gpg_error(GPG_ERR_ENOMEM);
}

/* Only what has come counts: who merely announces much takes no room. */
static gpg_error_t
hold(struct request *r, struct view chunk)
{
	gpg_error_t err;

	if (chunk.len > PAYLOADS_MAX - r->agent->payload_bytes ||
	    chunk.len > PAYLOADS_PER_PROCESS - conn_held(r->conn))
		return request_problem(r, GPG_ERR_RESOURCE_LIMIT,
		    "too much waits to be signed: try again later");
	if ((err = buf_put_view(&r->payload, chunk)))
		return err;
	r->held += chunk.len;
	r->agent->payload_bytes += chunk.len;
	return 0;
}

void
request_feed(struct request *r, struct view chunk)
{
	size_t have = buf_len(&r->payload);
	gpg_error_t err;

	if (r->err || (r->err = buf_error(&r->ssh_key))) {
		request_fail(r, r->err);
		return;
	}
	if (r->size > object_limit()) {
		request_fail(r, request_problem(r, GPG_ERR_TOO_LARGE,
		    "the object is larger than %zu bytes", object_limit()));
		return;
	}
	if (chunk.len > r->size - have ||
	    (chunk.len == 0 && have < r->size)) {
		request_fail(r, request_problem(r, GPG_ERR_BAD_DATA,
		    "the object's chunks do not make its size"));
		return;
	}
	if ((err = hold(r, chunk)))
		request_fail(r, err);
	else if (have + chunk.len == r->size)
		request_begin(r);
	else
		request_tell(r, STATE_MORE, "send the next chunk");
}
