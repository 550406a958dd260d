/* touchstone status: what the agent has and has done. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/cmd-list.h"

static const char *
pin_state(const struct msg_token *t)
{
	if (t->flags & TOKEN_EMPTY)
		return "not initialized";
	if (t->flags & TOKEN_DOUBLED)
		return "two cards say that they are it";
	if (t->flags & TOKEN_PIN_LOCKED)
		return "PIN locked";
	if (t->flags & TOKEN_PIN_LAST)
		return "last try of the PIN";
	if (t->flags & TOKEN_PIN_LOW)
		return "few tries of the PIN left";
	if (!(t->flags & TOKEN_LOGIN))
		return "no PIN needed";
	return t->flags & TOKEN_LOGGED_IN ? "PIN held" : "PIN not held";
}

static json_t *
tokens_json(struct msg_list list)
{
	json_t *all = json_array();
	struct msg_token t;

	while (msg_list_next(&list, MSG_token, &t))
		json_array_append_new(all, json_pack(
		    "{s:o,s:o,s:o,s:o,s:I,s:b,s:b,s:b,s:s}",
		    "label", json_view(t.label),
		    "serial", json_view(t.serial),
		    "manufacturer", json_view(t.manufacturer),
		    "model", json_view(t.model),
		    "keys", (json_int_t)t.keys,
		    "initialized", !(t.flags & TOKEN_EMPTY),
		    "pin_needed", !!(t.flags & TOKEN_LOGIN),
		    "pin_held", !!(t.flags & TOKEN_LOGGED_IN),
		    "state", pin_state(&t)));
	return all;
}

static json_t *
modules_json(struct msg_list list)
{
	json_t *all = json_array();
	struct msg_module_status m;

	while (msg_list_next(&list, MSG_module_status, &m))
		json_array_append_new(all, json_pack("{s:o,s:o,s:I,s:o,s:o}",
		    "name", json_view(m.name),
		    "path", json_view(m.path),
		    "pid", (json_int_t)m.pid,
		    "problem", json_view(m.problem),
		    "tokens", tokens_json(m.tokens)));
	return all;
}

static json_t *
status_json(const struct msg_status_answer *a)
{
	return json_pack("{s:o,s:I,s:I,s:I,s:I,s:b,s:o,s:o,s:o}",
	    "version", json_view(a->version),
	    "pid", (json_int_t)a->pid,
	    "uptime_ms", (json_int_t)a->uptime_ms,
	    "signatures", (json_int_t)a->signatures,
	    "connections", (json_int_t)a->connections,
	    "locked", a->locked,
	    "config", json_view(a->config),
	    "audit", json_view(a->audit),
	    "modules", modules_json(a->modules));
}

static void
print_view(const char *label, struct view v)
{
	printf("%-12s %.*s\n", label, (int)v.len, (const char *)v.p);
}

static bool
any_initialized(struct msg_list list)
{
	struct msg_token t;

	while (msg_list_next(&list, MSG_token, &t))
		if (!(t.flags & TOKEN_EMPTY))
			return true;
	return false;
}

/* SoftHSM always has one more, for a token to come: that is no news. */
static void
print_tokens(struct msg_list list)
{
	bool hide = any_initialized(list);
	struct msg_token t;

	while (msg_list_next(&list, MSG_token, &t)) {
		if (hide && (t.flags & TOKEN_EMPTY))
			continue;
		printf("  token      \"%.*s\" %.*s, %" PRIu32 " key%s, %s\n",
		    (int)t.label.len, (const char *)t.label.p,
		    (int)t.serial.len, (const char *)t.serial.p, t.keys,
		    t.keys == 1 ? "" : "s", pin_state(&t));
	}
}

static void
print_modules(struct msg_list list)
{
	struct msg_module_status m;
	struct view where;

	while (msg_list_next(&list, MSG_module_status, &m)) {
		where = m.path.len > 0 ? m.path :
		    view_eq_str(m.type, "memory") ? view_str("by ssh-add") :
		    view_str("PIV, by pcscd");
		printf("%-12s %.*s (%.*s)\n", "module", (int)m.name.len,
		    (const char *)m.name.p, (int)where.len,
		    (const char *)where.p);
		if (m.problem.len > 0)
			print_view("  problem", m.problem);
		print_tokens(m.tokens);
	}
}

static void
print_status(const struct msg_status_answer *a)
{
	uint64_t s = a->uptime_ms / 1000;

	print_view("version", a->version);
	printf("%-12s %" PRIu32 "\n", "pid", a->pid);
	printf("%-12s %" PRIu64 " d %02u:%02u:%02u\n", "running", s / 86400,
	    (unsigned)(s / 3600 % 24), (unsigned)(s / 60 % 60),
	    (unsigned)(s % 60));
	printf("%-12s %" PRIu64 "\n", "signatures", a->signatures);
	printf("%-12s %" PRIu32 "\n", "connections", a->connections);
	if (a->locked)
		printf("%-12s with a passphrase: `touchstone unlock`\n",
		    "locked");
	print_view("config", a->config);
	print_view("audit", a->audit);
	print_modules(a->modules);
}

static int
run_status(struct call *c)
{
	struct msg_status_answer a;
	gpg_error_t err;

	if ((err = call_connect(c, CONNECT_HERE)) ||
	    (err = call_ask(c, MSG_status, NULL, &a)))
		return call_fail(c, err);
	if (c->json)
		return call_print(c, status_json(&a));
	print_status(&a);
	return call_done(c);
}

const struct command cmd_status = {
	NULL, "status", "", 0, 0, "Tell what the agent has and has done", NULL,
	run_status,
};
