/* Finding the user's agent. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/connect.h"
#include "client/start.h"
#include "client/talk.h"
#include "wire/frame.h"

#define QUERY_MS 5000

gpg_error_t
connect_find(const struct connect_search *s, int *fd, enum connect_way *way)
{
	gpg_error_t err;

	*fd = -1;
	*way = WAY_NAMED;
	if (s->named)
		return s->open(s->arg, s->named, fd);
	*way = WAY_FORWARDED;
	if (s->forwarded && !s->open(s->arg, s->forwarded, fd)) {
		if (!s->query(s->arg, *fd))
			return 0;
		close(*fd);
		*fd = -1;
	}
	*way = WAY_LOCAL;
	err = s->open(s->arg, s->local, fd);
	if (gpg_err_code(err) != GPG_ERR_NO_AGENT || !s->may_start)
		return err;
	*way = WAY_STARTED;
	return s->start(s->arg, fd);
}

struct place {
	const struct paths *paths;
	char *why;
	size_t size;
};

static gpg_error_t
open_sock(void *arg, const char *sock, int *fd)
{
	struct place *p = arg;
	gpg_error_t err;

	err = paths_connect(sock, fd);
	if (gpg_err_code(err) == GPG_ERR_EACCES)
		snprintf(p->why, p->size, "%s is open to others or not "
		    "ours, and was not used", sock);
	else if (err)
		snprintf(p->why, p->size, "no agent answers at %s%s", sock,
		    sock == p->paths->local_sock ?
		    " (what needs one starts one)" :
		    " (TOUCHSTONE_SOCK names it)");
	return err;
}

/* RFC 9987, 3.8.1: the names of the extensions that an agent knows. */
static gpg_error_t
query(void *arg, int fd)
{
	struct talk t;
	struct view frame, name;
	gpg_error_t err;
	size_t place;
	uint8_t type;

	talk_init(&t, fd);
	place = buf_open(&t.out);
	buf_put_u8(&t.out, SSH_AGENTC_EXTENSION);
	buf_put_cstring(&t.out, "query");
	buf_close(&t.out, place);
	if ((err = talk_exchange(&t, QUERY_MS, &frame)) ||
	    (err = view_get_u8(&frame, &type)))
		goto out;
	err = gpg_error(GPG_ERR_NOT_SUPPORTED);
	if (type != SSH_AGENT_EXTENSION_RESPONSE && type != SSH_AGENT_SUCCESS)
		goto out;
	while (!view_get_string(&frame, 256, &name))
		if (view_eq_str(name, "sign-v1@" WIRE_DOMAIN))
			err = 0;
out:
	talk_release(&t);
	return err;
}

static gpg_error_t
start(void *arg, int *fd)
{
	struct place *p = arg;

	return start_agent(p->paths, fd, p->why, p->size);
}

static const char *
from_env(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}

gpg_error_t
connect_agent(const struct paths *paths, unsigned flags, int *fd,
    enum connect_way *way, char *why, size_t size)
{
	struct place p = { paths, why, size };
	struct connect_search s = {
		.named = from_env("TOUCHSTONE_SOCK"),
		.local = paths->local_sock,
		.may_start = flags & CONNECT_START,
		.open = open_sock,
		.query = query,
		.start = start,
		.arg = &p,
	};
	gpg_error_t err;

	if (from_env("SSH_CONNECTION") && !(flags & CONNECT_HERE))
		s.forwarded = from_env("SSH_AUTH_SOCK");
	why[0] = 0;
	err = connect_find(&s, fd, way);
	if (!err)
		why[0] = 0;
	return err;
}

bool
connect_configured(const struct paths *paths)
{
	return access(paths->config, F_OK) == 0 ||
	    access(paths->data, F_OK) == 0;
}
