/*
 * Drives client/registry by hand and from tests.
 *
 *	registry-tool [OPTION]... COMMAND PLACE [ARGUMENT]...
 *
 *	name TEXT			what a name of an image stands for
 *	resolve PLACE			digest, size and type
 *	get PLACE [TAG|DIGEST]		the manifest
 *	get-blob PLACE DIGEST SIZE	at most 32 MiB
 *	put PLACE TAG FILE		a manifest
 *	put-blob PLACE FILE		from memory; its digest
 *	put-file PLACE FILE DIGEST	streamed
 *	referrers PLACE [TYPE]		digest, size and artifact type of each
 *	attach PLACE TYPE FILE		a referrer; its digest
 *	append PLACE FILE NOTE		a layer at the ".sig" tag
 *	copy PLACE PLACE		what refers to the first's image
 *
 * Options: --plain-http, --progress, and with a value --ca, --cert, --key,
 * --limit, --idle (milliseconds), --tries.  Exit status 1 says why on stderr,
 * with the name of the error first.
 */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/registry/append.h"
#include "client/registry/referrers.h"
#include "local/paths.h"

#define SIG_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define SIG_NOTE "dev.cosignproject.cosign/signature"

struct tool {
	struct http_options options;
	struct problem why;
	struct store *store;
	char **args;		/* after the place */
	int count;
};

static void
print(struct view v)
{
	fwrite(v.p, 1, v.len, stdout);
}

static void
print_descriptor(const struct descriptor *d, const char *type)
{
	printf("%s %llu %s\n", d->digest, (unsigned long long)d->size, type);
}

static gpg_error_t
read_arg(struct tool *t, int i, struct buf *b)
{
	gpg_error_t err;

	buf_init(b, ATTACHED_MAX);
	if ((err = paths_read(t->args[i], ATTACHED_MAX, b)))
		problem_set(&t->store->why, err, "%s cannot be read",
		    t->args[i]);
	return err;
}

static gpg_error_t
resolve(struct tool *t)
{
	struct descriptor d;
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	if (!(err = store_get(t->store, NULL, &m))) {
		manifest_descriptor(&m, &d);
		print_descriptor(&d, d.media_type);
	}
	manifest_free(&m);
	return err;
}

static gpg_error_t
get(struct tool *t)
{
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	if (!(err = store_get(t->store, t->args[0], &m)))
		print(buf_view(&m.bytes));
	manifest_free(&m);
	return err;
}

static gpg_error_t
get_blob(struct tool *t)
{
	struct descriptor d = { .size = strtoull(t->args[1], NULL, 10) };
	struct buf b;
	gpg_error_t err;

	snprintf(d.digest, sizeof(d.digest), "%s", t->args[0]);
	buf_init(&b, ATTACHED_MAX);
	if (!(err = store_get_blob(t->store, &d, &b)))
		print(buf_view(&b));
	buf_free(&b);
	return err;
}

static gpg_error_t
put(struct tool *t)
{
	struct manifest m;
	struct buf b;
	gpg_error_t err;

	manifest_init(&m);
	if (!(err = read_arg(t, 1, &b)) && !(err = manifest_take(&m,
	    buf_view(&b), "", &t->store->why)))
		err = store_put(t->store, t->args[0], &m, NULL, NULL);
	manifest_free(&m);
	buf_free(&b);
	return err;
}

static gpg_error_t
put_blob(struct tool *t)
{
	char digest[DIGEST_SIZE];
	struct buf b;
	gpg_error_t err;

	if (!(err = read_arg(t, 0, &b)) && !(err = store_put_blob(t->store,
	    buf_view(&b), digest)))
		printf("%s\n", digest);
	buf_free(&b);
	return err;
}

static gpg_error_t
put_file(struct tool *t)
{
	int fd = open(t->args[0], O_RDONLY | O_CLOEXEC);
	struct stat st;
	gpg_error_t err;

	if (fd < 0 || fstat(fd, &st))
		return gpg_error_from_syserror();
	err = registry_put_file(t->store, fd, t->args[1],
	    (uint64_t)st.st_size);
	close(fd);
	return err;
}

static gpg_error_t
image(struct tool *t, struct descriptor *d)
{
	struct manifest m;
	gpg_error_t err;

	manifest_init(&m);
	if (!(err = store_get(t->store, NULL, &m)))
		manifest_descriptor(&m, d);
	manifest_free(&m);
	return err;
}

static gpg_error_t
referrers(struct tool *t)
{
	struct descriptors all;
	struct descriptor d;
	gpg_error_t err;

	if ((err = image(t, &d)) || (err = referrers_list(t->store, d.digest,
	    t->args[0], &all)))
		return err;
	for (size_t i = 0; i < all.count; i++)
		print_descriptor(&all.list[i], all.list[i].artifact_type);
	descriptors_free(&all);
	return 0;
}

static gpg_error_t
attach(struct tool *t)
{
	struct attachment a = { .artifact_type = t->args[0],
	    .layer_type = t->args[0] };
	struct descriptor subject, made;
	struct buf b;
	gpg_error_t err;

	if (!(err = read_arg(t, 1, &b)) && !(err = image(t, &subject))) {
		a.layer = buf_view(&b);
		if (!(err = referrers_attach(t->store, &subject, &a,
		    &made)) && !(err = append_settle(t->store)))
			printf("%s\n", made.digest);
	}
	buf_free(&b);
	return err;
}

static gpg_error_t
append(struct tool *t)
{
	json_t *note = json_pack("{s:s}", SIG_NOTE, t->args[1]);
	struct descriptor d;
	struct buf b;
	char tag[80];
	gpg_error_t err;

	if (!(err = read_arg(t, 0, &b)) && !(err = image(t, &d))) {
		referrers_tag(d.digest, ".sig", tag);
		if (!(err = layers_append(t->store, tag, SIG_TYPE,
		    buf_view(&b), note)))
			err = append_settle(t->store);
	}
	buf_free(&b);
	json_decref(note);
	return err;
}

static gpg_error_t
copy(struct tool *t)
{
	struct store *to;
	struct descriptor d;
	size_t count = 0;
	gpg_error_t err;

	if ((err = image(t, &d)) || (err = store_open(&to, t->args[0],
	    &t->options, &t->store->why)))
		return err;
	if ((err = referrers_copy(t->store, to, d.digest, &count)))
		t->store->why = to->why;
	else
		printf("%zu\n", count);
	store_close(&to);
	return err;
}

static const struct command {
	const char *name;
	int min, max;		/* arguments after the place */
	gpg_error_t (*run)(struct tool *);
} commands[] = {
	{ "resolve", 0, 0, resolve },
	{ "get", 0, 1, get },
	{ "get-blob", 2, 2, get_blob },
	{ "put", 2, 2, put },
	{ "put-blob", 1, 1, put_blob },
	{ "put-file", 2, 2, put_file },
	{ "referrers", 0, 1, referrers },
	{ "attach", 2, 2, attach },
	{ "append", 2, 2, append },
	{ "copy", 1, 1, copy },
};

static int
finish(struct tool *t, gpg_error_t err)
{
	const char *words = t->store ? t->store->why.text : t->why.text;

	if (err)
		fprintf(stderr, "%s: %s\n", gpg_strerror(err), words);
	store_close(&t->store);
	return err != 0;
}

static int
show_name(const char *text)
{
	struct tool t = { .args = NULL };
	struct reference r;
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 1024);
	if (!(err = reference_parse(&r, text, &t.why)) &&
	    !(err = reference_text(&r, &b))) {
		print(buf_view(&b));
		printf(" %s%s\n", reference_host(&r),
		    reference_is_loopback(r.registry) ? " loopback" : "");
	}
	buf_free(&b);
	return finish(&t, err);
}

static void
show_progress(void *arg, const char *what, uint64_t done, uint64_t total)
{
	fprintf(stderr, "progress: %s %llu %llu\n", what,
	    (unsigned long long)done, (unsigned long long)total);
}

static void
usage(void)
{
	fprintf(stderr, "usage: see the first comment of registry-tool.c\n");
	exit(2);
}

static void
read_options(int argc, char **argv, struct http_options *o)
{
	static const struct option options[] = {
		{ "plain-http", no_argument, NULL, 'p' },
		{ "progress", no_argument, NULL, 'P' },
		{ "ca", required_argument, NULL, 'a' },
		{ "cert", required_argument, NULL, 'c' },
		{ "key", required_argument, NULL, 'k' },
		{ "limit", required_argument, NULL, 'l' },
		{ "idle", required_argument, NULL, 'i' },
		{ "tries", required_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	http_options_default(o);
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1)
		switch (c) {
		case 'p': o->plain = true; break;
		case 'P': o->progress = show_progress; break;
		case 'a': o->ca = optarg; break;
		case 'c': o->cert = optarg; break;
		case 'k': o->key = optarg; break;
		case 'l': o->limit_ms = atoll(optarg); break;
		case 'i': o->idle_ms = atoll(optarg); break;
		case 't': o->tries = (unsigned)atoi(optarg); break;
		default: usage();
		}
}

int
main(int argc, char **argv)
{
	struct tool t = { .args = NULL };
	gpg_error_t err;

	read_options(argc, argv, &t.options);
	if (argc - optind < 2)
		usage();
	if (!strcmp(argv[optind], "name"))
		return show_name(argv[optind + 1]);
	t.args = argv + optind + 2;
	t.count = argc - optind - 2;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *c = &commands[i];

		if (strcmp(c->name, argv[optind]))
			continue;
		if (t.count < c->min || t.count > c->max)
			usage();
		if (!(err = store_open(&t.store, argv[optind + 1], &t.options,
		    &t.why)))
			err = c->run(&t);
		return finish(&t, err);
	}
	usage();
}
