/* The configuration: what is taken, and what is refused with file and line. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/config.h"
#include "agent/opensc.h"
#include "local/paths.h"
#include "skip.h"
#include "wire/text.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

static int
enter(void **state)
{
	char dir[] = "/tmp/t-config.XXXXXX";

	if (!mkdtemp(dir) || chdir(dir) || !(*state = strdup(dir)))
		return -1;
	return mkdir("c", 0700) || mkdir("c/modules.d", 0700);
}

static int
leave(void **state)
{
	char cmd[256];
	int rc;

	snprintf(cmd, sizeof(cmd), "rm -rf %s", (char *)*state);
	rc = chdir("/") || system(cmd);
	free(*state);
	return rc;
}

static void
put(const char *file, const char *text)
{
	assert_int_equal(paths_write(file, view_str(text)), 0);
}

static struct config *
load(void)
{
	struct config *c;
	char *problem;
	gpg_error_t err = config_load("c", &c, &problem);

	if (err)
		fail_msg("%s", problem);
	assert_null(problem);
	return c;
}

/* Loading fails with `code`, and the problem tells all the words. */
static void
assert_problem(gpg_err_code_t code, const char *where, const char *word)
{
	struct config *c;
	char *problem;

	assert_code(config_load("c", &c, &problem), code);
	assert_null(c);
	assert_non_null(problem);
	assert_true(text_is_clean(view_str(problem)));
	if (!strstr(problem, where) || !strstr(problem, word))
		fail_msg("\"%s\" does not tell %s and %s", problem, where,
		    word);
	free(problem);
}

static void
main_refused(const char *text, const char *where, const char *word)
{
	put("c/config", text);
	assert_problem(GPG_ERR_CONFIGURATION, where, word);
	unlink("c/config");
}

static void
main_taken(const char *text)
{
	struct config *c;

	put("c/config", text);
	c = load();
	config_free(&c);
	assert_null(c);
	unlink("c/config");
}

#define MODULE "path = \"/m.so\";\n"

static void
module_refused(const char *text, const char *where, const char *word)
{
	put("c/modules.d/m.conf", text);
	assert_problem(GPG_ERR_CONFIGURATION, where, word);
	unlink("c/modules.d/m.conf");
}

static void
module_taken(const char *text)
{
	struct config *c;

	put("c/modules.d/m.conf", text);
	c = load();
	assert_int_equal(c->module_count, 1);
	config_free(&c);
	unlink("c/modules.d/m.conf");
}

static void
assert_empty(void)
{
	struct config *c = load();

	assert_null(c->pinentry);
	assert_int_equal(c->token_wait_s, 60);
	assert_int_equal(c->prompt_timeout_s, 120);
	assert_true(c->software_keys);
	assert_int_equal(c->module_count, 0);
	assert_int_equal(c->rule_count, 0);
	config_free(&c);
}

static void
test_nothing_is_an_empty_configuration(void **state)
{
	assert_empty();
	put("c/config", "");
	put("c/modules.d/README", "not a module {{{");
	put("c/modules.d/.x.conf", "nor this {{{");
	assert_empty();
	assert_int_equal(system("rm -r c/modules.d"), 0);
	assert_empty();
	assert_int_equal(system("rm -r c"), 0);
	assert_empty();
}

static void
test_every_setting_is_read(void **state)
{
	struct config *c;
	struct module_config *m;

	put("c/config", "# comment\npinentry = \"/p\";\ntoken_wait = 5;\n"
	    "prompt_timeout = 6;\nsoftware_keys = false;\nkeys: (\n"
	    "{ key = \"release\"; confirm = true; },\n"
	    "{ key = \"*\"; blob = true; forward = true; }\n);\n");
	put("c/modules.d/b.conf", MODULE);
	put("c/modules.d/a.conf", "path = \"/a.so\";\n"
	    "env = [ \"A=1\", \"B_2=x=y\", \"C=\" ];\npin_source = \"/s\";\n"
	    "sessions = 4; pin_ttl = 0; deadline = 3;\n");
	c = load();
	assert_string_equal(c->pinentry, "/p");
	assert_int_equal(c->token_wait_s, 5);
	assert_int_equal(c->prompt_timeout_s, 6);
	assert_false(c->software_keys);
	assert_int_equal(c->rule_count, 2);
	assert_true(c->rules[0].confirm);
	assert_false(c->rules[0].blob);
	assert_int_equal(c->module_count, 2);
	m = &c->modules[0];
	assert_string_equal(m->name, "a");
	assert_string_equal(m->path, "/a.so");
	assert_string_equal(m->env[0], "A=1");
	assert_string_equal(m->env[1], "B_2=x=y");
	assert_string_equal(m->env[2], "C=");
	assert_null(m->env[3]);
	assert_string_equal(m->pin_source, "/s");
	assert_int_equal(m->sessions, 4);
	assert_int_equal(m->pin_ttl_s, 0);
	assert_int_equal(m->deadline_s, 3);
	m = &c->modules[1];
	assert_string_equal(m->name, "b");
	assert_null(m->env[0]);
	assert_null(m->pin_source);
	assert_int_equal(m->sessions, 1);
	assert_int_equal(m->pin_ttl_s, 600);
	assert_int_equal(m->deadline_s, 10);
	config_free(&c);
}

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ID_UPPER \
	"00112233445566778899AABBCCDDEEFF00112233445566778899AABBCCDDEEFF"

static void
test_rule_is_found_by_name_then_id_then_star(void **state)
{
	struct config *c;

	put("c/config", "keys: ( { key = \"*\"; forward = true; },"
	    "{ key = \"release\"; confirm = true; },"
	    "{ key = \"" ID_UPPER "\"; blob = true; } );");
	c = load();
	assert_true(config_rule(c, "release", "ff")->confirm);
	assert_false(config_rule(c, "release", "ff")->forward);
	assert_true(config_rule(c, "x", ID)->blob);
	assert_true(config_rule(c, NULL, ID)->blob);
	assert_true(config_rule(c, "x", "ff")->forward);
	config_free(&c);
	c = load();
	config_free(&c);
	put("c/config", "");
	c = load();
	assert_false(config_rule(c, "x", ID)->forward);
	assert_false(config_rule(c, "x", ID)->confirm);
	config_free(&c);
}

static void
test_unknown_settings_are_named(void **state)
{
	main_refused("\npinentri = \"/p\";", "c/config:2:", "\"pinentri\"");
	main_refused("path = \"/p\";", "c/config:1:", "\"path\"");
	main_refused("keys = (\n{ key = \"*\";\n confrim = true; } );",
	    "c/config:3:", "\"confrim\"");
	module_refused(MODULE "token_wait = 1;", "m.conf:2:",
	    "\"token_wait\"");
}

static void
test_duplicates_are_refused(void **state)
{
	main_refused("token_wait = 1;\ntoken_wait = 1;", "c/config:2",
	    "uplicate");
	main_refused("keys = ( { key = \"k\"; },\n{ key = \"k\"; } );",
	    "c/config:2", "has a rule already");
	main_refused("keys = ( { key = \"" ID "\"; },\n{ key = \"" ID_UPPER
	    "\"; } );", "c/config:2", "has a rule already");
	main_taken("keys = ( { key = \"k\"; },\n{ key = \"l\"; } );");
	module_refused(MODULE "env = [ \"A=1\", \"A=2\" ];", "m.conf:2:",
	    "\"env\" sets a variable twice");
	module_taken(MODULE "env = [ \"A=1\", \"AA=2\" ];");
}

static void
test_numbers_have_bounds(void **state)
{
	static const struct {
		const char *name;
		long long least, most;
	} n[] = {
		{ "sessions", 1, 16 },
		{ "pin_ttl", 0, 604800 },
		{ "deadline", 1, 600 },
	};
	char text[128];

	for (size_t i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		snprintf(text, sizeof(text), MODULE "%s = %lld;", n[i].name,
		    n[i].least);
		module_taken(text);
		snprintf(text, sizeof(text), MODULE "%s = %lld;", n[i].name,
		    n[i].most);
		module_taken(text);
		snprintf(text, sizeof(text), MODULE "%s = %lld;", n[i].name,
		    n[i].least - 1);
		module_refused(text, "m.conf:2:", n[i].name);
		snprintf(text, sizeof(text), MODULE "%s = %lld;", n[i].name,
		    n[i].most + 1);
		module_refused(text, "m.conf:2:", n[i].name);
	}
	main_refused("token_wait = 3601;", "c/config:1:", "token_wait");
	main_refused("prompt_timeout = 0;", "c/config:1:", "prompt_timeout");
	main_taken("token_wait = 3600; prompt_timeout = 0x10;");
	/* What wraps around in 32 or 64 bits is no small number. */
	main_refused("token_wait = 4294967297;", "c/config:1:", "4294967297");
	main_refused("token_wait = 4294967297L;", "c/config:1:",
	    "4294967297L");
	main_refused("\ntoken_wait=18446744073709551617;", "c/config:2:",
	    "18446744073709551617");
	main_refused("# \"\n/*\n\" */ pinentry = \"\\\"\n/\";\n"
	    "token_wait = -+4294967297;", "c/config:5:", "4294967297");
	main_refused("token_wait = 0x100000001;", "c/config:1:", "100000001");
	main_taken("// 4294967297\n# 4294967297\n/* 4294967297 */\n"
	    "pinentry = \"/4294967297 \\\" 4294967297\";");
	main_refused("token_wait = 1.0;", "c/config:1:", "token_wait");
	main_refused("token_wait = \"1\";", "c/config:1:", "token_wait");
}

static void
test_types_are_checked(void **state)
{
	main_refused("pinentry = 1;", "c/config:1:", "\"pinentry\"");
	main_refused("keys = { };", "c/config:1:", "\"keys\"");
	main_refused("keys = [ \"a\" ];", "c/config:1:", "\"keys\"");
	main_refused("keys = ( \"a\" );", "c/config:1:", "\"keys\"");
	main_refused("keys = ( { key = 1; } );", "c/config:1:", "\"key\"");
	main_refused("keys = ( { key = \"k\"; confirm = 1; } );",
	    "c/config:1:", "\"confirm\"");
	main_refused("keys = ( { confirm = true; } );", "c/config:1:",
	    "without \"key\"");
	main_refused("keys = ( { key = \"Release\"; } );", "c/config:1:",
	    "\"key\"");
	main_refused("keys = ( { key = \"abc\"; } );", "c/config:1:",
	    "\"key\"");
	main_taken("keys = ( );");
	main_refused("software_keys = 1;", "c/config:1:", "\"software_keys\"");
	main_taken("software_keys = true;");
	put("c/modules.d/memory.conf", MODULE);
	assert_problem(GPG_ERR_CONFIGURATION, "memory.conf:", "ssh-add");
	unlink("c/modules.d/memory.conf");
	module_refused("", "m.conf:", "\"path\" is missing");
	module_refused(MODULE "env = \"A=1\";", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ 1 ];", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ \"A\" ];", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ \"=A\" ];", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ \"1=A\" ];", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ \"A-B=1\" ];", "m.conf:2:", "\"env\"");
	module_refused(MODULE "env = [ \"\" ];", "m.conf:2:", "\"env\"");
	module_taken(MODULE "env = [ ];");
	module_taken(MODULE "env = ( \"A=1\" );");
}

static void
test_types_of_modules(void **state)
{
	struct config *c;

	put("c/modules.d/m.conf", "type = \"piv\";\nreader = \"Yubi\";");
	c = load();
	assert_int_equal(c->modules[0].type, MODULE_PIV);
	assert_string_equal(c->modules[0].reader, "Yubi");
	assert_null(c->modules[0].path);
	assert_int_equal(c->modules[0].sessions, 4);
	assert_null(c->modules[0].env[0]);
	config_free(&c);
	put("c/modules.d/m.conf", "type = \"pkcs11\";\n" MODULE);
	c = load();
	assert_int_equal(c->modules[0].type, MODULE_PKCS11);
	assert_null(c->modules[0].reader);
	config_free(&c);
	module_refused("type = \"piv\";\n" MODULE, "m.conf:2:", "\"path\"");
	module_refused("type = \"piv\";\nenv = [ \"A=1\" ];", "m.conf:2:",
	    "\"env\"");
	module_refused("type = \"piv\";\npin_source = \"/p\";", "m.conf:2:",
	    "\"pin_source\"");
	module_refused("type = \"pkcs11\";", "m.conf:", "\"path\" is missing");
	module_refused(MODULE "reader = \"Yubi\";", "m.conf:2:",
	    "\"reader\"");
	module_refused("type = \"PIV\";", "m.conf:1:", "\"type\"");
	module_refused("type = 1;", "m.conf:1:", "\"type\"");
	module_refused("type = \"piv\";\nreader = \"\";", "m.conf:2:",
	    "\"reader\"");
	module_taken("type = \"piv\";");
}

static void
test_paths_are_absolute_and_clean(void **state)
{
	static char text[4000];

	main_refused("pinentry = \"pinentry\";", "c/config:1:", "absolute");
	main_refused("pinentry = \"\";", "c/config:1:", "empty");
	main_refused("pinentry = \"/\\x1b[2J\";", "c/config:1:", "shown");
	module_refused("path = \"m.so\";", "m.conf:1:", "absolute");
	module_refused(MODULE "pin_source = \"s\";", "m.conf:2:", "absolute");
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "path = \"/", 9);
	strcpy(text + 8 + 1024, "\";");
	module_taken(text);
	strcpy(text + 8 + 1024, "x\";");
	module_refused(text, "m.conf:1:", "too long");
}

static void
test_syntax_errors_tell_line_and_word(void **state)
{
	main_refused("token_wait = 1;\n\n  token_wiat 5;\n", "c/config:3:",
	    "token_wiat 5");
	main_refused("keys = (\n", "c/config:", "end");
	main_refused("\npinentry = \"/p\n\n", "c/config:2:", "not end");
	main_refused("\n/* pinentry\n\n", "c/config:2:", "not end");
	main_refused("pinentry = \"/p\\", "c/config:1:", "not end");
	main_refused("\x7f""ELF\x01\x02", "c/config:1:", "ELF");
	main_refused("a = \x1b[2J\xff;", "c/config:1:", "a = ?[2J?");
}

static void
test_includes_are_refused(void **state)
{
	put("c/more", "token_wait = 1;\n");
	main_refused("@include \"c/more\"\n", "c/config:1:", "@include");
	main_refused("\n \t@include \"c/more\"\n", "c/config:2:", "@include");
	main_refused("\r\n\r@include \"c/more\"\n", "c/config:2:",
	    "@include");
	main_refused("token_wait = 1; @include \"c/more\"\n", "c/config:1:",
	    "");
	main_taken("# @include \"c/more\"\n");
	main_taken("pinentry = \"/@include\";\n");
}

static void
test_files_are_bounded_texts(void **state)
{
	static char big[64 * 1024 + 1];

	memset(big, ' ', sizeof(big));
	assert_int_equal(paths_write("c/config",
	    view_of(big, sizeof(big) - 1)), 0);
	assert_empty();
	assert_int_equal(paths_write("c/config", view_of(big, sizeof(big))),
	    0);
	assert_problem(GPG_ERR_TOO_LARGE, "c/config:", "64 KiB");
	assert_int_equal(paths_write("c/config",
	    view_of("token_wait = 1;\0x = 1;", 22)), 0);
	assert_problem(GPG_ERR_CONFIGURATION, "c/config:", "not a text");
	unlink("c/config");
	assert_int_equal(mkdir("c/config", 0700), 0);
	assert_problem(GPG_ERR_EISDIR, "c/config:", "");
	rmdir("c/config");
	assert_int_equal(mkfifo("c/config", 0600), 0);
	assert_problem(GPG_ERR_EINVAL, "c/config:", "");
	unlink("c/config");
	put("c/modules.d/m.conf", "x");
	assert_int_equal(system("rm -r c/modules.d; touch c/modules.d"), 0);
	assert_problem(GPG_ERR_ENOTDIR, "c/modules.d:", "folder");
}

static void
test_deep_nesting_is_refused(void **state)
{
	static char deep[60001];

	for (size_t i = 0; i + 2 < sizeof(deep); i += 2)
		memcpy(deep + i, "a{", 2);
	main_refused(deep, "c/config:1:", "");
	memset(deep, '(', sizeof(deep) - 1);
	memcpy(deep, "a=", 2);
	main_refused(deep, "c/config:1:", "");
}

static void
test_module_names(void **state)
{
	struct config *c;

	put("c/modules.d/Soft.conf", MODULE);
	assert_problem(GPG_ERR_CONFIGURATION, "Soft.conf", "name");
	rename("c/modules.d/Soft.conf", "c/modules.d/1.conf");
	assert_problem(GPG_ERR_CONFIGURATION, "1.conf", "name");
	rename("c/modules.d/1.conf", "c/modules.d/a b.conf");
	assert_problem(GPG_ERR_CONFIGURATION, "a b.conf", "name");
	rename("c/modules.d/a b.conf", "c/modules.d/a.b-c_1.conf");
	c = load();
	assert_string_equal(c->modules[0].name, "a.b-c_1");
	config_free(&c);
}

static void
test_counts_are_bounded(void **state)
{
	static char rules[80000];
	struct config *c;
	char file[64];
	size_t n;

	n = (size_t)sprintf(rules, "keys = (");
	for (int i = 0; i < 1024; i++)
		n += (size_t)sprintf(rules + n, "%s{ key = \"k%d-\"; }",
		    i ? "," : "", i);
	strcpy(rules + n, ");");
	main_taken(rules);
	strcpy(rules + n, ",{ key = \"l\"; });");
	main_refused(rules, "c/config:1:", "1024 rules");
	for (int i = 0; i < 64; i++) {
		snprintf(file, sizeof(file), "c/modules.d/m%d.conf", i);
		put(file, MODULE);
	}
	c = load();
	assert_int_equal(c->module_count, 64);
	config_free(&c);
	put("c/modules.d/n.conf", MODULE);
	assert_problem(GPG_ERR_CONFIGURATION, "modules.d:", "64 modules");
}

static void
test_what_others_may_write_is_refused(void **state)
{
	struct config *c;

	put("c/config", "token_wait = 7;");
	assert_int_equal(chmod("c/config", 0644), 0);
	c = load();
	assert_int_equal(c->token_wait_s, 7);
	config_free(&c);
	assert_int_equal(chmod("c/config", 0664), 0);
	assert_problem(GPG_ERR_EACCES, "c/config:", "chmod");
	assert_int_equal(chmod("c/config", 0602), 0);
	assert_problem(GPG_ERR_EACCES, "c/config:", "chmod");
	assert_int_equal(chmod("c/config", 0600), 0);
	assert_int_equal(chmod("c/modules.d", 0777), 0);
	assert_problem(GPG_ERR_EACCES, "c/modules.d:", "chmod");
	assert_int_equal(chmod("c/modules.d", 0755), 0);
	assert_int_equal(chmod("c", 0770), 0);
	assert_problem(GPG_ERR_EACCES, "c:", "chmod");
	assert_int_equal(chmod("c", 0755), 0);
	c = load();
	config_free(&c);
}

static void
test_foreign_files_are_refused(void **state)
{
	if (geteuid())
		skip_because("needs root");
	put("c/config", "token_wait = 7;");
	assert_int_equal(chown("c/config", 12345, (gid_t)-1), 0);
	assert_problem(GPG_ERR_EACCES, "c/config:", "another user");
}

/* ---- OpenSC's configuration ---- */

static void
check_rewrite(const char *in, const char *reader, const char *want)
{
	struct buf out;
	char *got;

	buf_init(&out, 4096);
	assert_int_equal(opensc_rewrite(view_str(in), &reader, 1, &out), 0);
	got = view_strdup(buf_view(&out));
	assert_string_equal(got, want);
	free(got);
	buf_free(&out);
}

static void
test_opensc_ignores_readers_in_every_block(void **state)
{
#define IGNORED " ignored_readers = \"Yubi\"; "
#define LAST "\napp default {" IGNORED "}\n"

	check_rewrite("", "Yubi", LAST);
	check_rewrite("app default {\n\tframework pkcs15 { a = b; }\n}\n"
	    "app opensc-pkcs11 {\n}\n", "Yubi",
	    "app default {" IGNORED "\n\tframework pkcs15 { a = b; }\n}\n"
	    "app opensc-pkcs11 {" IGNORED "\n}\n" LAST);
	/* Braces in comments, in strings and within words are none. */
	check_rewrite("# app x {\napp \"a{\" b{ {\n} }", "Yubi",
	    "# app x {\napp \"a{\" b{ {" IGNORED "\n} }" LAST);
	check_rewrite("", "\"a\"; b", "\napp default { ignored_readers = "
	    "\"a\"; }\n");
}

static void
test_opensc_concerns_its_modules_alone(void **state)
{
	struct module_config m = { .path = (char[]){ "/x/opensc-pkcs11.so" } };

	assert_true(opensc_concerns(&m));
	m.path = (char[]){ "/x/libsofthsm2.so" };
	assert_false(opensc_concerns(&m));
	m.path = NULL;
	m.type = MODULE_PIV;
	assert_false(opensc_concerns(&m));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

static void
test_hosts_and_forwarded_logins(void **state)
{
	static const struct {
		const char *text, *word;
	} bad[] = {
		{ "keys = ( { key = \"x\"; forward_login = \"no\"; } );",
		    "forward_login" },
		{ "keys = ( { key = \"x\"; forward_login = true; } );",
		    "forward_login" },
		{ "hosts = [ ];", "hosts" },
		{ "hosts = ( 1 );", "not in {" },
		{ "hosts = ( { match = \"a\"; } );", "keys" },
		{ "hosts = ( { keys = [ \"a\" ]; } );", "match" },
		{ "hosts = ( { match = 1; keys = [ ]; } );", "match" },
		{ "hosts = ( { match = \"a\"; keys = \"b\"; } );", "keys" },
		{ "hosts = ( { match = \"a\"; keys = [ 1 ]; } );", "" },
		{ "hosts = ( { match = \"a\"; keys = [ ]; user = 1; } );",
		    "user" },
	};
	struct config *c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put("c/config", bad[i].text);
		assert_problem(GPG_ERR_CONFIGURATION, "config:1", bad[i].word);
	}
	put("c/config", "keys = ( { key = \"x\"; forward_login = \"ask\"; },"
	    "{ key = \"y\"; forward_login = \"refuse\"; },"
	    "{ key = \"z\"; forward_login = \"allow\"; } );"
	    "hosts = ( { match = \"*.x\"; keys = [ \"a\", \"SHA256:y\" ]; },"
	    "{ match = \"*\"; keys = ( ); } );");
	c = load();
	assert_int_equal(c->rules[0].forward_login, FORWARD_LOGIN_ASK);
	assert_int_equal(c->rules[1].forward_login, FORWARD_LOGIN_REFUSE);
	assert_int_equal(c->rules[2].forward_login, FORWARD_LOGIN_ALLOW);
	assert_int_equal(config_rule(c, "d", "")->forward_login,
	    FORWARD_LOGIN_ALLOW);
	assert_int_equal(c->host_count, 2);
	assert_string_equal(c->hosts[0].match, "*.x");
	assert_string_equal(c->hosts[0].keys[1], "SHA256:y");
	assert_null(c->hosts[0].keys[2]);
	assert_null(c->hosts[1].keys[0]);
	config_free(&c);
	assert_int_equal(remove("c/config"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing_is_an_empty_configuration),
		TEST(test_every_setting_is_read),
		TEST(test_rule_is_found_by_name_then_id_then_star),
		TEST(test_unknown_settings_are_named),
		TEST(test_duplicates_are_refused),
		TEST(test_numbers_have_bounds),
		TEST(test_types_are_checked),
		TEST(test_types_of_modules),
		TEST(test_paths_are_absolute_and_clean),
		TEST(test_syntax_errors_tell_line_and_word),
		TEST(test_includes_are_refused),
		TEST(test_files_are_bounded_texts),
		TEST(test_deep_nesting_is_refused),
		TEST(test_module_names),
		TEST(test_counts_are_bounded),
		TEST(test_what_others_may_write_is_refused),
		TEST(test_foreign_files_are_refused),
		TEST(test_opensc_ignores_readers_in_every_block),
		TEST(test_opensc_concerns_its_modules_alone),
		TEST(test_hosts_and_forwarded_logins),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
