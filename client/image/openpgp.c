/*
 * Simple signatures by OpenPGP certificates of others: the real gpg judges
 * them, and tells what was signed.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "client/handover.h"
#include "client/image/judge.h"
#include "client/run.h"
#include "local/paths.h"

#define STATUS_TEXT 65536

struct gpg {
	char dir[64];
	char message[96], document[96], home[96];
};

static gpg_error_t
gpg_begin(struct gpg *g, struct view message)
{
	snprintf(g->dir, sizeof(g->dir), "/tmp/touchstone-image.XXXXXX");
	if (!mkdtemp(g->dir))
		return gpg_error_from_syserror();
	snprintf(g->message, sizeof(g->message), "%s/message", g->dir);
	snprintf(g->document, sizeof(g->document), "%s/document", g->dir);
	snprintf(g->home, sizeof(g->home), "%s/home", g->dir);
	return paths_write(g->message, message);
}

static gpg_error_t
run(const char *const *argv, struct buf *out)
{
	int status = 0;
	gpg_error_t err = run_program(argv, view_of(NULL, 0), out, &status);

	if (!err && status)
		err = gpg_error(GPG_ERR_BAD_SIGNATURE);
	return err;
}

static void
gpg_end(struct gpg *g)
{
	const char *const argv[] = { "rm", "-rf", "--", g->dir, NULL };

	run(argv, NULL);
}

/* A keyring that has this file's certificates and no others. */
static gpg_error_t
import(const struct gpg *g, const char *file)
{
	const char *const argv[] = { handover_gpg(), "--homedir", g->home,
		"--batch", "--quiet", "--no-autostart", "--import",
		"--", file, NULL };
	gpg_error_t err = paths_make(g->home, true);

	return err ? err : run(argv, NULL);
}

/* VALIDSIG FPR ... PRIMARY-FPR, once, beside a GOODSIG. */
static gpg_error_t
read_status(char *text, const struct signer *s, struct verdict *v)
{
	unsigned good = 0, valid = 0;
	char *save, *line, *last;

	for (line = strtok_r(text, "\n", &save); line;
	    line = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(line, "[GNUPG:] GOODSIG ", 17))
			good++;
		if (strncmp(line, "[GNUPG:] VALIDSIG ", 18))
			continue;
		valid++;
		last = strrchr(line, ' ') + 1;
		snprintf(v->key, sizeof(v->key), "%.40s", last);
	}
	if (good != 1 || valid != 1 || strlen(v->key) != 40)
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	if (s->fingerprint[0] && strcasecmp(s->fingerprint, v->key))
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	snprintf(v->signer, sizeof(v->signer), "%s", s->label);
	return 0;
}

static gpg_error_t
verify(const struct gpg *g, const struct signer *s, struct verdict *v)
{
	const char *argv[] = { handover_gpg(), "--batch", "--quiet",
		"--no-auto-key-retrieve", "--trust-model", "always",
		"--status-fd", "1", "--output", g->document, "--decrypt",
		g->message, NULL, NULL, NULL };
	struct buf status;
	char *text;
	gpg_error_t err;

	if (s->openpgp) {
		memmove(argv + 3, argv + 1, 11 * sizeof(*argv));
		argv[1] = "--homedir";
		argv[2] = g->home;
	}
	buf_init(&status, STATUS_TEXT);
	if (!(err = run(argv, &status))) {
		text = view_strdup(buf_view(&status));
		err = text ? read_status(text, s, v) :
		    gpg_error(GPG_ERR_BAD_SIGNATURE);
		free(text);
	}
	buf_free(&status);
	return err;
}

gpg_error_t
judge_openpgp(const struct signer *s, struct view message,
    struct buf *document, struct verdict *v)
{
	struct gpg g;
	gpg_error_t err;

	if (!handover_gpg())
		return gpg_error(GPG_ERR_BAD_SIGNATURE);
	if ((err = gpg_begin(&g, message)))
		return err;
	if ((!s->openpgp || !(err = import(&g, s->openpgp))) &&
	    !(err = verify(&g, s, v))) {
		buf_reset(document);
		err = paths_read(g.document, document->max, document);
	}
	gpg_end(&g);
	if (err)
		v->key[0] = v->signer[0] = 0;
	return err;
}
