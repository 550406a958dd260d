/* touchstone keys list, keys show: what can sign. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cmd-list.h"
#include "client/key.h"
#include "client/table.h"
#include "format/ssh.h"

static const struct option_row list_options[] = {
	{ "refresh", 0, NULL, "ask the tokens again" },
	{ NULL, 0, NULL, NULL },
};

static json_t *
keys_json(const struct key_info *keys, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, key_json(&keys[i]));
	return json_pack("{s:o}", "keys", list);
}

/* The titles of the columns, and which of them go first. */
static const struct table_column columns[] = {
	{ "NAME", 0 }, { "ALGORITHM", 0 }, { "TOKEN", 0 }, { "SLOT", 0 },
	{ "PIN", 2 }, { "TOUCH", 1 }, { "TRIES", 5 }, { "ORIGIN", 6 },
	{ "FIRMWARE", 8 }, { "SERIAL", 9 }, { "CERT. ENDS", 7 },
	{ "SSH CERT.", 10 }, { "FINGERPRINT", 4 }, { "USER ID", 3 },
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* What is made for a row; the rest is the key's. */
struct row {
	char title[80], tries[16], ends[16], cert[32];
};

/* Until when a certificate for SSH is good. */
static void
cert_words(const struct key_cert *cert, char *dst, size_t size)
{
	time_t now = time(NULL), end = (time_t)cert->before;
	struct tm tm;

	snprintf(dst, size, "good for ever");
	if (cert->after > (uint64_t)now)
		snprintf(dst, size, "not good yet");
	else if (cert->before <= INT64_MAX && gmtime_r(&end, &tm))
		strftime(dst, size, end <= now ? "expired %Y-%m-%d" :
		    "until %Y-%m-%d", &tm);
}

/* The one that is good for longest. */
static const struct key_cert *
last_cert(const struct key_info *k)
{
	const struct key_cert *last = k->cert_count ? &k->certs[0] : NULL;

	for (size_t i = 1; i < k->cert_count; i++)
		if (k->certs[i].before > last->before)
			last = &k->certs[i];
	return last;
}

/* Rows after a key's first, for its other holders, repeat nothing of it. */
static void
put_key(const struct key_info *k, struct row *r, const char **cells)
{
	cells[0] = key_title(k, r->title, sizeof(r->title));
	cells[1] = k->algorithm;
	cells[2] = "(not here)";
	if (k->cert_count)
		cert_words(last_cert(k), r->cert, sizeof(r->cert));
	cells[11] = r->cert;
	cells[12] = k->fingerprint;
	cells[13] = k->user_id_count ? k->user_ids[0] : "";
}

static void
put_holder(const struct key_holder *h, struct row *r, const char **cells)
{
	time_t t = h->certificate_expires;
	struct tm tm;

	if (h->tries_left != PIN_TRIES_UNKNOWN)
		snprintf(r->tries, sizeof(r->tries), "%" PRIu32,
		    h->tries_left);
	if (t && gmtime_r(&t, &tm))
		strftime(r->ends, sizeof(r->ends), "%Y-%m-%d", &tm);
	cells[2] = h->flags & KEY_SOFTWARE ? "(in memory)" : h->token;
	cells[3] = h->slot;
	cells[4] = key_pin_words(h);
	cells[5] = key_touch_words(h);
	cells[6] = r->tries;
	cells[7] = key_origin_words(h);
	cells[8] = h->firmware;
	cells[9] = h->serial;
	cells[10] = r->ends;
}

static size_t
key_rows(const struct key_info *k)
{
	return k->holder_count > 0 ? k->holder_count : 1;
}

static void
put_rows(const struct key_info *keys, size_t count, struct row *rows,
    const char **cells)
{
	for (size_t i = 0; i < count; i++) {
		size_t n = key_rows(&keys[i]);

		put_key(&keys[i], rows, cells);
		for (size_t j = 0; j < keys[i].holder_count; j++)
			put_holder(&keys[i].holders[j], rows + j,
			    cells + j * COLUMNS);
		rows += n;
		cells += n * COLUMNS;
	}
}

static gpg_error_t
print_list(struct call *c, const struct key_info *keys, size_t count)
{
	const char **cells;
	struct row *rows;
	gpg_error_t err = 0;
	size_t total = 0;

	for (size_t i = 0; i < count; i++)
		total += key_rows(&keys[i]);
	cells = calloc(total, COLUMNS * sizeof(*cells));
	rows = calloc(total, sizeof(*rows));
	if (!cells || !rows) {
		err = call_problem(c, GPG_ERR_ENOMEM, "out of memory");
	} else {
		put_rows(keys, count, rows, cells);
		table_print(stdout, columns, COLUMNS, cells, total,
		    table_width());
	}
	free(cells);
	free(rows);
	return err;
}

/* What may hide keys: modules that do not work.  Whether there are any. */
static bool
tell_problems(struct call *c)
{
	struct msg_status_answer a;
	struct msg_module_status m;
	bool any = false;

	/* An agent elsewhere need not tell. */
	if (call_ask(c, MSG_status, NULL, &a))
		return false;
	while (msg_list_next(&a.modules, MSG_module_status, &m)) {
		if (m.problem.len == 0)
			continue;
		any = true;
		say("module \"%.*s\": %.*s", (int)m.name.len,
		    (const char *)m.name.p, (int)m.problem.len,
		    (const char *)m.problem.p);
	}
	return any;
}

/* Says that there is nothing to list, and why. */
static int
tell_none(struct call *c, const char *match)
{
	bool problems = tell_problems(c);

	if (match) {
		say("no key matches \"%s\"; \"touchstone keys\" lists them",
		    match);
		return STATUS_NOT_FOUND;
	}
	if (problems)
		say("no keys: what is said above may be why");
	else
		say("no keys; \"touchstone setup\" makes one on a YubiKey, "
		    "\"touchstone setup --soft\" one in software");
	return STATUS_OK;
}

static int
run_list(struct call *c)
{
	const char *match = call_arg(c, 0);
	struct key_info *keys;
	gpg_error_t err;
	size_t count;
	int status;

	if ((err = call_connect(c, CONNECT_START)))
		return call_fail(c, err);
	if (!call_option(c, "refresh"))
		keys_look(c);
	if ((err = keys_fetch(c, match ? match : "",
	    call_option(c, "refresh"), &keys, &count)))
		return call_fail(c, err);
	if (c->json)
		status = call_print(c, keys_json(keys, count));
	else if (count > 0 && (err = print_list(c, keys, count)))
		status = call_fail(c, err);
	else
		status = call_done(c);
	if (status == STATUS_OK && count == 0)
		status = tell_none(c, match);
	else if (status == STATUS_OK)
		tell_problems(c);
	keys_free(&keys, count);
	return status;
}

const struct command cmd_keys_list = {
	"keys", "list", "[MATCH]", 0, 1,
	"List the keys, or those that match a name, fingerprint or user id",
	list_options, run_list,
};

static void
print_time(const char *label, uint32_t when, const char *none)
{
	char text[64];
	time_t t = when;
	struct tm tm;

	if (when == 0 || !gmtime_r(&t, &tm) ||
	    !strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", &tm))
		snprintf(text, sizeof(text), "%s", none);
	printf("%-16s %s\n", label, text);
}

static void
print_text(const char *label, const char *text)
{
	if (text && text[0])
		printf("%-16s %s\n", label, text);
}

/* "always" alone would not tell when. */
static const char *
policy_words(const char *word)
{
	return word && !strcmp(word, "always") ? "for each signature" : word;
}

static void
print_holder(const struct key_holder *h)
{
	print_text("module", h->module);
	if (h->flags & KEY_SOFTWARE)
		print_text("token", "none: in memory, by ssh-add");
	print_text("token", h->token);
	print_text("serial", h->serial);
	print_text("firmware", h->firmware);
	print_text("slot", h->slot);
	print_text("origin", key_origin_words(h));
	print_text("URI", h->uri);
	print_text("PIN", policy_words(key_pin_words(h)));
	print_text("touch", policy_words(key_touch_words(h)));
	if (h->tries_left != PIN_TRIES_UNKNOWN)
		printf("%-16s %" PRIu32 "\n", "PIN tries left",
		    h->tries_left);
	if (h->certificate_expires)
		print_time("X.509 expires", h->certificate_expires, "");
}

static void
print_cert(const struct key_cert *cert)
{
	char text[320], until[32];

	cert_words(cert, until, sizeof(until));
	snprintf(text, sizeof(text), "%s, %s", cert->comment, until);
	print_text("SSH certificate", text);
}

static void
print_key(const struct key_info *k, const char *ssh, const char *line)
{
	print_text("name", k->name);
	print_text("id", k->hex);
	print_text("algorithm", k->algorithm);
	print_text("OpenPGP", k->fingerprint);
	print_text("SSH", ssh);
	for (size_t i = 0; i < k->user_id_count; i++)
		print_text("user id", k->user_ids[i]);
	for (size_t i = 0; i < k->cert_count; i++)
		print_cert(&k->certs[i]);
	print_time("created", k->created, "not known");
	print_time("expires", k->expires, "never");
	print_text("authorized_keys", line);
	print_text("present", k->holder_count ? "yes" : "no");
	for (size_t i = 0; i < k->holder_count; i++) {
		if (i > 0)
			printf("\n");
		print_holder(&k->holders[i]);
	}
}

static int
show(struct call *c, const struct key_info *k)
{
	char ssh[64], *line = NULL;
	struct buf b;
	gpg_error_t err;
	json_t *json;
	int status;

	buf_init(&b, 8192);
	if ((err = ssh_fingerprint(k->pub, ssh)) ||
	    (err = ssh_authorized_key(k->pub, k->name, &b)) ||
	    !(line = view_strdup(buf_view(&b)))) {
		err = err ? err : gpg_error(GPG_ERR_ENOMEM);
		call_problem(c, err, "the key cannot be shown: %s",
		    gpg_strerror(err));
		status = call_fail(c, err);
	} else if (c->json) {
		json = key_json(k);
		json_object_set_new(json, "authorized_key", json_string(line));
		status = call_print(c, json);
	} else {
		print_key(k, ssh, line);
		status = call_done(c);
	}
	free(line);
	buf_free(&b);
	return status;
}

static int
run_show(struct call *c)
{
	struct key_info *k;
	gpg_error_t err;
	int status;

	if ((err = call_connect(c, CONNECT_START)))
		return call_fail(c, err);
	keys_look(c);
	if ((err = keys_fetch_one(c, call_arg(c, 0), false, &k)))
		return call_fail(c, err);
	status = show(c, k);
	keys_free(&k, 1);
	return status;
}

const struct command cmd_keys_show = {
	"keys", "show", "KEY", 1, 1, "Show all that is known of a key",
	NULL, run_show,
};
