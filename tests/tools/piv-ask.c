/*
 * Asks the agent for what set-up asks of a YubiKey, so that tests can do so
 * one by one.  What comes back goes to stdout (an id in hex, certificates as
 * they are), what goes wrong to stderr; 1 for a failure, 2 for misuse.
 *
 *	piv-ask generate MODULE TOKEN LABEL ALGORITHM SLOT PIN TOUCH OVERWRITE
 *	piv-ask certificate KEY SUBJECT
 *	piv-ask attest KEY TOKEN
 *	piv-ask secret MODULE TOKEN CHANGE ALGORITHM
 *	piv-ask move KEY COPY SLOT OVERWRITE
 *	piv-ask delete KEY COPY AGREED
 *
 * PIN, TOUCH and CHANGE are numbers, as in ../../protocol/PROTOCOL.
 */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/talk.h"
#include "local/paths.h"

static enum msg_id
build(int argc, char **argv, void *in)
{
	struct msg_generate *g = in;
	struct msg_certificate *c = in;
	struct msg_attest *a = in;
	struct msg_secret *s = in;
	struct msg_move *m = in;
	struct msg_delete *d = in;

	if (argc == 10 && !strcmp(argv[1], "generate")) {
		*g = (struct msg_generate){
			.module = view_str(argv[2]),
			.token = view_str(argv[3]),
			.label = view_str(argv[4]),
			.algorithm = view_str(argv[5]),
			.slot_name = view_str(argv[6]),
			.pin_policy = (uint8_t)atoi(argv[7]),
			.touch_policy = (uint8_t)atoi(argv[8]),
			.overwrite = view_str(argv[9]),
		};
		return MSG_generate;
	}
	if (argc == 4 && !strcmp(argv[1], "certificate")) {
		*c = (struct msg_certificate){ .key = view_str(argv[2]),
			.subject = view_str(argv[3]) };
		return MSG_certificate;
	}
	if (argc == 4 && !strcmp(argv[1], "attest")) {
		*a = (struct msg_attest){ .key = view_str(argv[2]),
			.token = view_str(argv[3]) };
		return MSG_attest;
	}
	if (argc == 6 && !strcmp(argv[1], "secret")) {
		*s = (struct msg_secret){
			.module = view_str(argv[2]),
			.token = view_str(argv[3]),
			.change = (uint8_t)atoi(argv[4]),
			.algorithm = view_str(argv[5]),
		};
		return MSG_secret;
	}
	if (argc == 6 && !strcmp(argv[1], "move")) {
		*m = (struct msg_move){ .key = view_str(argv[2]),
			.copy = view_str(argv[3]),
			.slot_name = view_str(argv[4]),
			.overwrite = view_str(argv[5]) };
		return MSG_move;
	}
	if (argc == 5 && !strcmp(argv[1], "delete")) {
		*d = (struct msg_delete){ .key = view_str(argv[2]),
			.copy = view_str(argv[3]),
			.agreed = view_str(argv[4]) };
		return MSG_delete;
	}
	return MSG_COUNT;
}

static void
put(enum msg_id id, struct view result)
{
	if (id == MSG_generate) {
		for (size_t i = 0; i < result.len; i++)
			printf("%02x", result.p[i]);
		putchar('\n');
	} else {
		fwrite(result.p, 1, result.len, stdout);
	}
}

int
main(int argc, char **argv)
{
	_Alignas(max_align_t) char in[512];
	struct msg_progress done;
	struct paths paths;
	struct talk t;
	enum msg_id id;
	gpg_error_t err;

	if ((id = build(argc, argv, in)) == MSG_COUNT) {
		fputs("piv-ask: see its first comment\n", stderr);
		return 2;
	}
	if (paths_init(&paths))
		return 1;
	if (!(err = talk_open(&t, &paths, CONNECT_HERE)))
		err = talk_follow(&t, id, in, view_of(NULL, 0), &done);
	if (err)
		fprintf(stderr, "piv-ask: %s (%s)\n", t.said,
		    gpg_strerror(err));
	else if (done.result.len > 0)
		put(id, done.result);
	talk_close(&t);
	paths_free(&paths);
	return err ? 1 : 0;
}
