/*
 * Asks the agent for signatures of images, as client and plugins do, and
 * reads what the Notary Project's tools would, so that tests can do so one by
 * one.  1 for a failure, which goes to stderr; 2 for misuse.
 *
 *	image-ask image KEY FORMAT REFERENCE CHAIN MANIFEST OUT [NAME=VALUE]...
 *	image-ask trust KEY REPOSITORY ROLE BEFORE NOW OUT
 *	image-ask raw KEY FORMAT FILE OUT
 *	image-ask certify KEY SUBJECT SECONDS OUT
 *	image-ask request KEY SUBJECT OUT
 *	image-ask envelope jws|cose FILE ROOTS OUT
 *
 * What the agent gives goes to OUT and, if there is a line with it, to
 * OUT.status.  CHAIN is DER, BEFORE a role, "-" for none.  The agent is that of
 * $TOUCHSTONE_SOCK, else the local one.  The last verifies an envelope against
 * the certificates of a PEM file, and writes what it signs to OUT.input and
 * the signature to OUT.sig.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/talk.h"
#include "format/notaryenv.h"
#include "local/paths.h"

#define CHUNK 65536
#define FILE_MAX ((size_t)17 * 1024 * 1024)

static int
usage(void)
{
	fputs("image-ask: see its first comment\n", stderr);
	return 2;
}

static bool
load(const char *path, struct buf *b)
{
	FILE *f = fopen(path, "rb");
	uint8_t part[65536];
	size_t n;

	buf_init(b, FILE_MAX);
	if (!f) {
		perror(path);
		return false;
	}
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		buf_put(b, part, n);
	fclose(f);
	return !buf_error(b);
}

static bool
save(const char *path, const char *suffix, struct view v)
{
	char name[1024];
	FILE *f;
	bool good;

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	if (!(f = fopen(name, "wb"))) {
		perror(name);
		return false;
	}
	good = fwrite(v.p, 1, v.len, f) == v.len;
	return fclose(f) == 0 && good;
}

/* What goes into the first message, and what is left for the next. */
static struct view
first_chunk(struct view *rest)
{
	struct view v = *rest, chunk;

	view_get_bytes(&v, v.len < CHUNK ? v.len : CHUNK, &chunk);
	*rest = v;
	return chunk;
}

static int
follow(enum msg_id id, const void *in, struct view rest, const char *out)
{
	struct msg_progress done;
	struct paths paths;
	struct talk t;
	gpg_error_t err;
	bool good = false;

	if (paths_init(&paths))
		return 1;
	if (!(err = talk_open(&t, &paths, 0)))
		err = talk_follow(&t, id, in, rest, &done);
	if (err)
		fprintf(stderr, "image-ask: %s (%s)\n", t.said,
		    gpg_strerror(err));
	else
		good = save(out, "", done.result) && (done.status.len == 0 ||
		    save(out, ".status", done.status));
	talk_close(&t);
	paths_free(&paths);
	return good ? 0 : 1;
}

/* NAME=VALUE, as the items of a message. */
static gpg_error_t
put_notes(struct buf *b, struct msg_list *list, char **notes)
{
	gpg_error_t err = 0;

	for (; *notes && !err; notes++) {
		const char *value = strchr(*notes, '=');
		struct msg_note note;

		if (!value)
			return gpg_error(GPG_ERR_INV_VALUE);
		note.name = view_of(*notes, (size_t)(value - *notes));
		note.value = view_str(value + 1);
		err = msg_list_add(b, list, MSG_note, &note);
	}
	return err;
}

static int
ask_image(char **argv)
{
	struct buf chain, manifest, notes;
	struct msg_sign_image in = { .key = view_str(argv[0]),
		.format = view_str(argv[1]), .reference = view_str(argv[2]) };
	struct view rest;
	int status = 1;

	buf_init(&chain, FILE_MAX);
	buf_init(&notes, 131072);
	if ((!strcmp(argv[3], "-") || load(argv[3], &chain)) &&
	    load(argv[4], &manifest) &&
	    !put_notes(&notes, &in.notes, argv + 6)) {
		in.chain = buf_view(&chain);
		in.size = buf_len(&manifest);
		rest = buf_view(&manifest);
		in.chunk = first_chunk(&rest);
		status = follow(MSG_sign_image, &in, rest, argv[5]);
	}
	buf_free(&chain);
	buf_free(&manifest);
	buf_free(&notes);
	return status;
}

static int
ask_raw(char **argv)
{
	struct msg_sign in = { .key = view_str(argv[0]),
		.format = view_str(argv[1]) };
	struct view rest;
	struct buf file;
	int status = 1;

	if (load(argv[2], &file)) {
		rest = buf_view(&file);
		in.size = rest.len;
		in.chunk = first_chunk(&rest);
		status = follow(MSG_sign, &in, rest, argv[3]);
	}
	buf_free(&file);
	return status;
}

static int
read_envelope(char **argv)
{
	enum notaryenv_form form = strcmp(argv[0], "jws") ? NOTARYENV_COSE :
	    NOTARYENV_JWS;
	struct attest_certs *roots = NULL;
	struct notaryenv_read read = { 0 };
	struct buf file, pem;
	struct pubkey *key = NULL;
	char text[ATTEST_WHY] = "";
	const char *why = "no file";
	bool good = false;

	buf_init(&pem, FILE_MAX);
	if (load(argv[1], &file) && load(argv[2], &pem) &&
	    !notaryenv_read(&read, form, buf_view(&file), &why)) {
		why = text;
		good = save(argv[3], ".input", buf_view(&read.input)) &&
		    save(argv[3], ".sig", buf_view(&read.signature)) &&
		    !attest_certs_read(&roots, buf_view(&pem)) &&
		    !notaryenv_verify(&read, roots, (uint64_t)time(NULL),
		    &key, text);
		notaryenv_read_free(&read);
	}
	if (!good)
		fprintf(stderr, "image-ask: %s\n", why);
	pubkey_free(&key);
	attest_certs_free(&roots);
	buf_free(&file);
	buf_free(&pem);
	return good ? 0 : 1;
}

/* Two roles, one behind the other. */
static int
ask_trust(char **argv)
{
	struct buf all, now;
	struct msg_sign_trust in = { .key = view_str(argv[0]),
		.repository = view_str(argv[1]), .role = view_str(argv[2]) };
	struct view rest;
	int status = 1;

	buf_init(&all, FILE_MAX);
	if ((!strcmp(argv[3], "-") || load(argv[3], &all)) &&
	    load(argv[4], &now)) {
		in.before = buf_len(&all);
		buf_put_view(&all, buf_view(&now));
		in.size = buf_len(&all);
		rest = buf_view(&all);
		in.chunk = first_chunk(&rest);
		status = follow(MSG_sign_trust, &in, rest, argv[5]);
		buf_free(&now);
	}
	buf_free(&all);
	return status;
}

int
main(int argc, char **argv)
{
	if (argc >= 8 && !strcmp(argv[1], "image"))
		return ask_image(argv + 2);
	if (argc == 8 && !strcmp(argv[1], "trust"))
		return ask_trust(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "raw"))
		return ask_raw(argv + 2);
	if (argc == 6 && !strcmp(argv[1], "certify"))
		return follow(MSG_certify_image, &(struct msg_certify_image){
		    .key = view_str(argv[2]), .subject = view_str(argv[3]),
		    .expires_after = (uint32_t)strtoul(argv[4], NULL, 10) },
		    view_of(NULL, 0), argv[5]);
	if (argc == 5 && !strcmp(argv[1], "request"))
		return follow(MSG_certificate_request,
		    &(struct msg_certificate_request){
		    .key = view_str(argv[2]), .subject = view_str(argv[3]) },
		    view_of(NULL, 0), argv[4]);
	if (argc == 6 && !strcmp(argv[1], "envelope"))
		return read_envelope(argv + 2);
	return usage();
}
