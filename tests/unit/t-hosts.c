/* The names of hosts: what known_hosts says of a key, and nothing else. */
#include "config.h"

#include <sys/stat.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "agent/hosts.h"
#include "wire/base64.h"
#include "bound.h"

static struct host one, two, ca;

/* A disk that does not answer, while `hangs`. */
static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_answers = PTHREAD_COND_INITIALIZER;
static bool hangs;
static unsigned opened, waiting;

int __real_open(const char *, int, ...);
int __wrap_open(const char *, int, ...);

int
__wrap_open(const char *path, int flags, ...)
{
	pthread_mutex_lock(&disk_lock);
	opened++;
	waiting++;
	while (hangs)
		pthread_cond_wait(&disk_answers, &disk_lock);
	waiting--;
	pthread_mutex_unlock(&disk_lock);
	return __real_open(path, flags);
}

static void
disk_hangs(bool now)
{
	pthread_mutex_lock(&disk_lock);
	hangs = now;
	opened = 0;
	pthread_cond_broadcast(&disk_answers);
	pthread_mutex_unlock(&disk_lock);
}

static unsigned
disk_count(const unsigned *what)
{
	unsigned n;

	pthread_mutex_lock(&disk_lock);
	n = *what;
	pthread_mutex_unlock(&disk_lock);
	return n;
}

static int
make_hosts(void **state)
{
	char dir[] = "/tmp/t-hosts.XXXXXX";

	host_make(&one);
	host_make(&two);
	host_make(&ca);
	return !mkdtemp(dir) || chdir(dir) || !(*state = strdup(dir));
}

static int
free_hosts(void **state)
{
	char cmd[64];
	int rc;

	host_free(&one);
	host_free(&two);
	host_free(&ca);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", (char *)*state);
	rc = chdir("/") || system(cmd);
	free(*state);
	return rc;
}

static void
put_base64(char *dst, size_t size, struct view v)
{
	struct buf b;

	buf_init(&b, 65536);
	assert_int_equal(base64_put(&b, v), 0);
	snprintf(dst, size, "%.*s", (int)buf_len(&b),
	    (const char *)buf_view(&b).p);
	buf_free(&b);
}

/* Adds a line of known_hosts. */
static void
know(const char *file, const char *names, const struct host *h)
{
	char key[8192];
	FILE *f = fopen(file, "a");

	assert_non_null(f);
	put_base64(key, sizeof(key), pubkey_ssh(h->pub));
	fprintf(f, "%s ssh-ed25519 %s a comment\n", names, key);
	fclose(f);
}

static void
hashed(const char *name, char dst[160])
{
	static const uint8_t salt[20] = "salt of twenty bytes";
	char a[64], b[64];
	uint8_t mac[20];
	unsigned len;

	HMAC(EVP_sha1(), salt, sizeof(salt), (const uint8_t *)name,
	    strlen(name), mac, &len);
	put_base64(a, sizeof(a), view_of(salt, sizeof(salt)));
	put_base64(b, sizeof(b), view_of(mac, len));
	snprintf(dst, 160, "|1|%s|%s", a, b);
}

static void
forget(void)
{
	assert_int_equal(system("rm -rf known_hosts config system"), 0);
}

static void
found_by(struct hosts *h, struct view key, const struct ssh_cert *cert,
    const char *try, const char *want)
{
	struct names *names = names_new(), *tried = names_new();
	char got[1024] = "";

	if (try)
		names_add(tried, view_str(try));
	hosts_find(h, key, cert, tried, names);
	for (size_t i = 0; i < names->count; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%s",
		    i ? " " : "", names->list[i]);
	assert_string_equal(got, want);
	names_free(&names);
	names_free(&tried);
}

static void
assert_names(const struct host *host, const char *try, const char *want)
{
	struct hosts *h = hosts_new(".", "system");

	found_by(h, pubkey_ssh(host->pub), NULL, try, want);
	hosts_free(&h);
}

static void
test_a_key_has_the_names_of_its_lines(void **state)
{
	forget();
	assert_names(&one, NULL, "");
	know("known_hosts", "10.0.0.1,one.example,::1", &one);
	know("known_hosts", "two.example", &two);
	know("system", "[uno.example]:2222", &one);
	assert_names(&one, NULL, "one.example [uno.example]:2222 "
	    "10.0.0.1 ::1");
	assert_names(&one, "[uno.example]:2222", "[uno.example]:2222 "
	    "one.example 10.0.0.1 ::1");
	assert_names(&two, NULL, "two.example");
	assert_names(&ca, NULL, "");
}

static bool
is_found(struct hosts *h, const struct host *host)
{
	struct names *names = names_new(), *tried = names_new();
	bool found;

	hosts_find(h, pubkey_ssh(host->pub), NULL, tried, names);
	found = names->count > 0;
	names_free(&names);
	names_free(&tried);
	return found;
}

static void
test_a_disk_that_hangs_holds_nobody_up(void **state)
{
	struct hosts *h = hosts_new(".", "system");

	forget();
	know("known_hosts", "one.example", &one);
	found_by(h, pubkey_ssh(one.pub), NULL, NULL, "one.example");
	know("known_hosts", "two.example", &two);
	disk_hangs(true);
	/* What was read before is still known. */
	found_by(h, pubkey_ssh(one.pub), NULL, NULL, "one.example");
	for (int i = 0; i < 1000; i++)
		found_by(h, pubkey_ssh(two.pub), NULL, NULL, "");
	assert_int_equal(disk_count(&opened), 1);
	disk_hangs(false);
	while (!is_found(h, &two))
		usleep(1000);
	found_by(h, pubkey_ssh(two.pub), NULL, NULL, "two.example");
	hosts_free(&h);
}

static void
test_a_disk_that_hangs_is_no_reason_to_stay(void **state)
{
	struct hosts *h = hosts_new(".", "system");

	forget();
	know("known_hosts", "one.example", &one);
	disk_hangs(true);
	found_by(h, pubkey_ssh(one.pub), NULL, NULL, "");
	hosts_free(&h);
	assert_null(h);
	assert_int_equal(disk_count(&waiting), 1);
	disk_hangs(false);
	while (disk_count(&waiting) > 0)
		usleep(1000);
	/* It frees what it has. */
	usleep(100000);
}

static void
test_hashed_names_are_found_by_trying(void **state)
{
	char a[160], b[160], c[160];
	FILE *f;

	forget();
	hashed("one.example", a);
	know("known_hosts", a, &one);
	hashed("[alias.example]:2022", b);
	know("known_hosts", b, &one);
	hashed("real.example", c);
	know("known_hosts", c, &two);
	assert_names(&one, NULL, "");
	assert_names(&one, "one.example", "one.example");
	assert_names(&one, "One.Example", "one.example");
	assert_names(&two, "one.example", "");
	assert_non_null(f = fopen("config", "w"));
	fputs("# hosts\nHost *.net alias.example\n\tPort = 2022\n"
	    "Host short\n\tHostName real.example\n", f);
	fclose(f);
	assert_names(&one, NULL, "[alias.example]:2022");
	assert_names(&two, NULL, "real.example");
}

static void
test_patterns_name_what_was_tried(void **state)
{
	forget();
	know("known_hosts", "*.example,!bad.example", &one);
	assert_names(&one, NULL, "");
	assert_names(&one, "good.example", "good.example");
	assert_names(&one, "bad.example", "");
	assert_names(&one, "good.elsewhere", "");
}

static void
test_revoked_keys_have_no_name(void **state)
{
	forget();
	know("known_hosts", "one.example", &one);
	know("known_hosts", "two.example", &two);
	know("system", "@revoked *", &one);
	assert_names(&one, NULL, "");
	assert_names(&two, NULL, "two.example");
}

static void
test_authorities_give_the_names_that_they_may(void **state)
{
	struct hosts *h = hosts_new(".", "system");
	struct ssh_cert cert;

	forget();
	host_certify(&one, &ca, "one.example", UINT64_MAX);
	assert_int_equal(ssh_cert_read(&cert, host_blob(&one)), 0);
	know("known_hosts", "@cert-authority *.other", &ca);
	found_by(h, host_blob(&one), &cert, NULL, "");
	know("known_hosts", "@cert-authority *.example", &ca);
	found_by(h, host_blob(&one), &cert, NULL, "one.example");
	/* The key that is certified may be known by itself. */
	know("known_hosts", "uno", &one);
	found_by(h, host_blob(&one), &cert, NULL, "one.example uno");
	know("known_hosts", "@revoked *", &ca);
	found_by(h, host_blob(&one), &cert, NULL, "");
	ssh_cert_free(&cert);
	buf_reset(&one.cert);
	hosts_free(&h);
}

/* What an authority signs for users, or signed once, names no host. */
static void
test_a_certificate_is_a_hosts_and_good_now(void **state)
{
	static const struct softssh_cert bad[] = {
		{ .type = 1, .before = UINT64_MAX },
		{ .type = 2, .before = 1000 },
		{ .type = 2, .after = UINT64_MAX - 1, .before = UINT64_MAX },
		{ .type = 2, .before = UINT64_MAX,
		    .options = { (const uint8_t *)"\0\0\0\1x\0\0\0", 9 } },
		{ .type = 2, .before = UINT64_MAX },
	};
	size_t n = sizeof(bad) / sizeof(bad[0]);
	struct hosts *h = hosts_new(".", "system");
	struct ssh_cert cert;

	forget();
	know("known_hosts", "@cert-authority *.example", &ca);
	for (size_t i = 0; i < n; i++) {
		struct softssh_cert c = bad[i];
		struct buf blob;

		c.id = "one";
		c.principals[0] = "one.example";
		buf_init(&blob, SSH_KEY_MAX);
		softssh_put_cert(&blob, one.evp, ca.evp, &c);
		assert_int_equal(ssh_cert_read(&cert, buf_view(&blob)), 0);
		found_by(h, buf_view(&blob), &cert, NULL,
		    i == n - 1 ? "one.example" : "");
		ssh_cert_free(&cert);
		buf_free(&blob);
	}
	hosts_free(&h);
}

static void
test_files_are_read_anew_when_they_change(void **state)
{
	struct hosts *h = hosts_new(".", "system");
	struct view key = pubkey_ssh(one.pub);

	forget();
	found_by(h, key, NULL, NULL, "");
	know("known_hosts", "first", &one);
	found_by(h, key, NULL, NULL, "first");
	found_by(h, key, NULL, NULL, "first");
	know("known_hosts", "second", &one);
	found_by(h, key, NULL, NULL, "first second");
	forget();
	found_by(h, key, NULL, NULL, "");
	hosts_free(&h);
}

/* What is no file, or too large for one, is not read and not waited for. */
static void
test_only_files_are_read(void **state)
{
	char line[20001];

	forget();
	know("real", "one.example", &one);
	assert_int_equal(symlink("real", "known_hosts"), 0);
	assert_names(&one, NULL, "one.example");
	forget();
	assert_int_equal(mkfifo("known_hosts", 0600), 0);
	assert_names(&one, NULL, "");
	forget();
	assert_int_equal(symlink("/dev/zero", "known_hosts"), 0);
	assert_int_equal(symlink("/dev/zero", "config"), 0);
	assert_int_equal(mkdir("system", 0700), 0);
	assert_names(&one, NULL, "");
	forget();
	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = 0;
	know("known_hosts", line, &one);
	know("known_hosts", "one.example", &one);
	assert_names(&one, NULL, "one.example");
	assert_int_equal(truncate("known_hosts", 1024 * 1024 + 1), 0);
	assert_names(&one, NULL, "");
	assert_int_equal(truncate("known_hosts", 1024 * 1024), 0);
	assert_names(&one, NULL, "one.example");
}

static void
test_lines_that_are_none_are_passed_over(void **state)
{
	static const char *const lines[] = { "#", "@revoked", "@", "|1|",
		"|1||", "|1|x|y", "||", ",", "a ssh-ed25519", "a b c",
		"\001\002 ssh-ed25519 x" };
	FILE *f;

	forget();
	assert_non_null(f = fopen("known_hosts", "w"));
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(f, "%s\n", lines[i]);
	fclose(f);
	for (size_t i = 4; i < 8; i++)
		know("known_hosts", lines[i], &one);
	know("known_hosts", "esc\033[1m", &one);
	know("known_hosts", "one.example", &one);
	assert_names(&one, "some", "one.example");
}

static void
test_names_match_with_and_without_ports(void **state)
{
	struct names *n = names_new();

	names_add_host(n, view_str("one.example"), "2222");
	assert_int_equal(n->count, 2);
	assert_true(names_match(n, "one.*"));
	assert_true(names_match(n, "[one.example]:2222"));
	assert_false(names_match(n, "two.*"));
	names_free(&n);
	n = names_new();
	names_add(n, view_str("[one.example]:2222"));
	assert_true(names_match(n, "one.example"));
	assert_false(names_match(n, "one.example:2222"));
	names_free(&n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_key_has_the_names_of_its_lines),
		cmocka_unit_test(test_hashed_names_are_found_by_trying),
		cmocka_unit_test(test_patterns_name_what_was_tried),
		cmocka_unit_test(test_revoked_keys_have_no_name),
		cmocka_unit_test(test_authorities_give_the_names_that_they_may),
		cmocka_unit_test(test_a_certificate_is_a_hosts_and_good_now),
		cmocka_unit_test(test_files_are_read_anew_when_they_change),
		cmocka_unit_test(test_only_files_are_read),
		cmocka_unit_test(test_lines_that_are_none_are_passed_over),
		cmocka_unit_test(test_names_match_with_and_without_ports),
		cmocka_unit_test(test_a_disk_that_hangs_holds_nobody_up),
		cmocka_unit_test(test_a_disk_that_hangs_is_no_reason_to_stay),
	};

	alarm(120);
	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_hosts, free_hosts);
}
