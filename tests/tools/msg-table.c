/*
 * Prints the tables and the example of protocol/PROTOCOL from the rows and by
 * the functions that the programs use, so that tests/check-protocol can hold
 * the text against them.
 *
 *	msg-table tables | errors | example
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "wire/frame.h"

static const char *
scope_text(enum msg_scope scope)
{
	switch (scope) {
	case SCOPE_SSH:
	case SCOPE_ANY:
		return "both sockets";
	case SCOPE_LOCAL:
		return "local.sock";
	case SCOPE_TOKEN:
		return "agent to token process";
	case SCOPE_PROMPT:
		return "agent to prompter";
	case SCOPE_PIN:
		return "PIN socket";
	case SCOPE_NONE:
		break;
	}
	return "?";
}

static void
field_type_text(const struct msg_field *f, char *dst, size_t size)
{
	static const char *const names[] = {
		[FIELD_END] = "?",
		[FIELD_U8] = "u8",
		[FIELD_U32] = "u32",
		[FIELD_U64] = "u64",
		[FIELD_TEXT] = "text",
		[FIELD_BYTES] = "bytes",
		[FIELD_SECRET] = "secret",
		[FIELD_LIST] = "list",
		[FIELD_REST] = "rest",
	};

	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_BYTES:
	case FIELD_SECRET:
	case FIELD_REST:
		snprintf(dst, size, "%s[%zu]", names[f->type], f->max);
		break;
	case FIELD_LIST:
		snprintf(dst, size, "list[%zu] of %s", f->max,
		    msg_row(f->item)->id);
		break;
	default:
		snprintf(dst, size, "%s", names[f->type]);
		break;
	}
}

/* What a message does, in lines that fit the page. */
static void
print_wrapped(const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t word = strcspn(text, " ");

		if (column == 0 || column + 1 + word > 60) {
			printf("%s\t|     ", column ? "\n" : "");
			column = 0;
		}
		column += (size_t)printf("%s%.*s", column ? " " : "",
		    (int)word, text);
		text += word;
		text += strspn(text, " ");
	}
	printf("\n");
}

static void
print_row(const struct msg_row *row)
{
	char type[80];

	if (row->scope == SCOPE_NONE) {
		printf("\t| %s\n", row->id);
	} else {
		printf("\t| %s (%u, %s) -> %s\n", row->name, row->code,
		    scope_text(row->scope), msg_row(row->reply)->id);
		print_wrapped(row->what);
	}
	for (const struct msg_field *f = row->fields; f->type != FIELD_END;
	     f++) {
		field_type_text(f, type, sizeof(type));
		printf("\t|         %-24s %s\n", type, f->name);
	}
}

static void
print_hex(const struct buf *b)
{
	struct view v = buf_view(b);

	for (size_t i = 0; i < v.len; i++) {
		if (i % 16 == 0)
			printf("%s\t: %04zx ", i ? "\n" : "", i);
		printf(" %02x", v.p[i]);
	}
	printf("\n");
}

/* The codes that a client may want to tell apart. */
static void
print_errors(void)
{
	static const struct {
		gpg_err_code_t code;
		const char *name, *what;
	} errors[] = {
#define ERROR(name, what) { GPG_ERR_##name, #name, what },
		ERROR(NO_SECKEY, "no key of ours has this name")
		ERROR(AMBIGUOUS_NAME, "several have it; the text lists them")
		ERROR(UNUSABLE_SECKEY, "the key cannot sign that; the text "
		    "says why")
		ERROR(CERT_EXPIRED, "the key's certificate has expired")
		ERROR(BAD_DATA, "it claims to be an object and is none")
		ERROR(TOO_LARGE, "over the limit of the object's kind")
		ERROR(FORBIDDEN, "policy, or what the bytes could be read as")
		ERROR(CANCELED, "the user did not want to")
		ERROR(TIMEOUT, "nobody answered in time, or a token did not")
		ERROR(NO_PIN_ENTRY, "nobody can be asked; the text says why")
		ERROR(PIN_BLOCKED, "the PIN is locked; the text says what helps")
		ERROR(CARD_NOT_PRESENT, "the token was not plugged in in time")
		ERROR(CARD, "the module or the token failed")
		ERROR(CARD_REMOVED, "the token was taken out meanwhile")
		ERROR(NOT_CONFIRMED, "the token was not touched in time")
		ERROR(BAD_SIGNATURE, "the token's answer was no signature")
		ERROR(RESOURCE_LIMIT, "too much at once; try again later")
		ERROR(INV_REQUEST, "malformed, or not now")
		ERROR(NOT_SUPPORTED, "this agent cannot do it")
#undef ERROR
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		printf("\t! %5u  %-17s %s\n", errors[i].code, errors[i].name,
		    errors[i].what);
}

/* A client asks for a signature of a tag; the agent is to ask for a PIN. */
static gpg_error_t
print_example(void)
{
	static const char object[] = "object "
	    "4b825dc642cb6eb9a060e54bf8d69288fbee4904\ntype tree\ntag v1\n"
	    "tagger A <a@x> 1 +0000\n\nv1\n";
	struct msg_sign sign = {
		.key = view_str("release"),
		.format = view_str("openpgp"),
		.size = sizeof(object) - 1,
		.chunk = view_str(object),
	};
	struct msg_progress progress = {
		.state = STATE_PIN,
		.notice = view_str("Enter the PIN of token soft."),
	};
	struct buf b;
	gpg_error_t err;

	buf_init(&b, FRAME_MAX + 4);
	if ((err = frame_put_request(&b, MSG_sign, &sign)))
		goto out;
	print_hex(&b);
	buf_reset(&b);
	if ((err = frame_put_reply(&b, MSG_sign, 0, "", &progress)))
		goto out;
	print_hex(&b);
	buf_reset(&b);
	if ((err = frame_put_reply(&b, MSG_sign, gpg_error(GPG_ERR_NO_SECKEY),
	    "no key \"release\"", NULL)))
		goto out;
	print_hex(&b);
out:
	buf_free(&b);
	return err;
}

int
main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "tables") == 0) {
		for (unsigned id = 0; id < MSG_COUNT; id++)
			print_row(msg_row(id));
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "errors") == 0) {
		print_errors();
		return 0;
	}
	if (argc == 2 && strcmp(argv[1], "example") == 0)
		return print_example() != 0;
	fprintf(stderr, "usage: msg-table tables | errors | example\n");
	return 2;
}
