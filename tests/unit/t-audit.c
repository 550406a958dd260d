/* The audit log: what is promised of each record, also when disks fail. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <cmocka.h>

#include "agent/audit.h"
#include "agent/denials.h"
#include "format/chain.h"
#include "local/paths.h"
#include "wire/text.h"

#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

/* ---- the disk, as the tests want it ---- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	unsigned syncs;		/* that were asked for */
	unsigned held;		/* of them, those that wait now */
	bool hold;
	unsigned allow;		/* so many are let go although held */
	int sync_error;
	int truncate_error;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER,
    .moved = PTHREAD_COND_INITIALIZER };

int __wrap_fdatasync(int fd);
int __wrap_ftruncate(int fd, off_t len);
int __real_ftruncate(int fd, off_t len);

int
__wrap_fdatasync(int fd)
{
	int error;

	pthread_mutex_lock(&disk.lock);
	disk.syncs++;
	disk.held++;
	pthread_cond_broadcast(&disk.moved);
	while (disk.hold && disk.allow == 0)
		pthread_cond_wait(&disk.moved, &disk.lock);
	if (disk.allow > 0)
		disk.allow--;
	disk.held--;
	error = disk.sync_error;
	pthread_mutex_unlock(&disk.lock);
	errno = error;
	return error ? -1 : 0;
}

int
__wrap_ftruncate(int fd, off_t len)
{
	if (disk.truncate_error) {
		errno = disk.truncate_error;
		return -1;
	}
	return __real_ftruncate(fd, len);
}

static void
hold_syncs(bool hold)
{
	pthread_mutex_lock(&disk.lock);
	disk.hold = hold;
	pthread_cond_broadcast(&disk.moved);
	pthread_mutex_unlock(&disk.lock);
}

static void
allow_one_sync(void)
{
	pthread_mutex_lock(&disk.lock);
	disk.allow++;
	pthread_cond_broadcast(&disk.moved);
	pthread_mutex_unlock(&disk.lock);
}

/* Until the n-th sync is waiting. */
static void
await_sync(unsigned n)
{
	pthread_mutex_lock(&disk.lock);
	while (disk.syncs < n || disk.held == 0)
		pthread_cond_wait(&disk.moved, &disk.lock);
	pthread_mutex_unlock(&disk.lock);
}

static unsigned
syncs(void)
{
	unsigned n;

	pthread_mutex_lock(&disk.lock);
	n = disk.syncs;
	pthread_mutex_unlock(&disk.lock);
	return n;
}

static void
set_file_limit(rlim_t limit)
{
	struct rlimit r;

	getrlimit(RLIMIT_FSIZE, &r);
	r.rlim_cur = limit;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &r), 0);
}

/* ---- a log in a folder of its own ---- */

struct fixture {
	char dir[64];
	struct event_base *base;
	struct audit *audit;
	char path[256];
	unsigned called;	/* how often callbacks were */
	gpg_error_t err;	/* the last one's */
	unsigned order[1000];	/* whose they were */
	gpg_error_t errs[1000];	/* and with which error */
};

/* What a callback gets. */
struct call {
	struct fixture *f;
	unsigned number;
};

static void
open_log(struct fixture *f)
{
	char *problem = NULL;

	if (audit_open(&f->audit, f->base, f->dir, false, &problem))
		fail_msg("%s", problem);
	assert_null(problem);
	snprintf(f->path, sizeof(f->path), "%s", audit_path(f->audit));
}

static int
enter(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	strcpy(f->dir, "/tmp/t-audit.XXXXXX");
	if (!mkdtemp(f->dir) || !(f->base = event_base_new()))
		return -1;
	disk.syncs = 0;
	alarm(60);
	open_log(f);
	return 0;
}

static int
leave(void **state)
{
	struct fixture *f = *state;
	char cmd[128];
	int rc;

	disk.sync_error = disk.truncate_error = 0;
	disk.allow = 0;
	hold_syncs(false);
	audit_close(&f->audit);
	event_base_free(f->base);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	rc = system(cmd);
	free(f);
	return rc;
}

static void
done(void *arg, gpg_error_t err)
{
	struct call *c = arg;

	c->f->order[c->f->called % 1000] = c->number;
	c->f->errs[c->f->called++ % 1000] = err;
	c->f->err = err;
	free(c);
}

static struct audit_wait *
put(struct fixture *f, enum audit_stage stage, unsigned number)
{
	uint8_t hash[32] = { 0xab };
	struct audit_record r = { .stage = stage, .request = number,
	    .kind = "commit", .format = "openpgp",
	    .summary = "commit \"Fix \\ it\" by A \xc3\xa9 <a@x>",
	    .payload = hash, .key = hash, .key_name = "release",
	    .requester = "git \xe2\x86\x90 bash (pid 1), uid 0",
	    .origin = "local", .verdict = "ok" };
	struct call *c = malloc(sizeof(*c));
	struct audit_wait *w;

	*c = (struct call){ f, number };
	if (!(w = audit_put(f->audit, &r, done, c)))
		free(c);
	return w;
}

static void
await(struct fixture *f, unsigned called)
{
	while (f->called < called)
		event_base_loop(f->base, EVLOOP_ONCE);
}

/* Puts one that has to be synced, and gives what came of it. */
static gpg_error_t
put_one(struct fixture *f)
{
	unsigned called = f->called;

	assert_non_null(put(f, AUDIT_SIGNED, 1));
	await(f, called + 1);
	return f->err;
}

static void
read_log(const char *path, struct buf *b)
{
	buf_init(b, 16 << 20);
	assert_int_equal(paths_read(path, (16 << 20) - 1, b), 0);
	buf_put_u8(b, 0);
}

/* The log's chain is whole; returns its records. */
static uint64_t
check_log(const char *path)
{
	struct chain_check k;
	struct buf b;
	struct view v;

	read_log(path, &b);
	v = buf_view(&b);
	v.len--;
	chain_check_init(&k);
	if (chain_check_feed(&k, v) || chain_check_end(&k))
		fail_msg("line %u: %s", (unsigned)k.broken, k.why);
	chain_check_free(&k);
	buf_free(&b);
	return k.line;
}

static bool
log_has(const char *path, const char *text)
{
	struct buf b;
	bool has;

	read_log(path, &b);
	has = strstr((const char *)buf_view(&b).p, text) != NULL;
	buf_free(&b);
	return has;
}

static off_t
size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

static void
append(const char *path, const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* ---- the tests ---- */

static void
test_log_is_private_and_named_for_the_machine(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char *slash;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_string_equal(slash = strrchr(f->path, '/'), "/log.jsonl");
	*slash = 0;
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	slash = strrchr(f->path, '/') + 1;
	assert_int_equal(strspn(slash, "0123456789abcdef"), 32);
	assert_int_equal(strlen(slash), 32);
}

static void
test_every_field_is_written(void **state)
{
	static const char *const want[] = { "\"stage\":\"intent\"",
	    "\"request\":42", "\"kind\":\"commit\"",
	    "\"format\":\"openpgp\"", "\"key_name\":\"release\"",
	    "\"summary\":\"commit \\\"Fix \\\\ it\\\" by A \xc3\xa9 <a@x>\"",
	    "\"requester\":\"git \xe2\x86\x90 bash (pid 1), uid 0\"",
	    "\"origin\":\"local\"", "\"verdict\":\"ok\"",
	    "\"payload\":\"ab00000000000000000000000000000000000000"
	    "000000000000000000000000\"", "\"key\":\"ab00" };
	struct fixture *f = *state;

	assert_non_null(put(f, AUDIT_INTENT, 42));
	await(f, 1);
	assert_int_equal(f->err, 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (!log_has(f->path, want[i]))
			fail_msg("no %s", want[i]);
	assert_false(log_has(f->path, "object"));
	assert_false(log_has(f->path, "count"));
}

static void
test_records_keep_their_order_and_each_is_answered_once(void **state)
{
	struct fixture *f = *state;
	struct buf b;
	char want[32];
	const char *p;

	for (unsigned i = 1; i <= 500; i++)
		assert_non_null(put(f, AUDIT_SIGNED, i));
	await(f, 500);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->called, 500);
	for (unsigned i = 1; i <= 500; i++)
		assert_int_equal(f->order[i - 1], i);
	assert_int_equal(check_log(f->path), 500);
	read_log(f->path, &b);
	p = (const char *)buf_view(&b).p;
	for (unsigned i = 1; i <= 500; i++) {
		snprintf(want, sizeof(want), "\"request\":%u,", i);
		assert_non_null(p = strstr(p, want));
	}
	buf_free(&b);
}

static void
test_forgotten_record_stays_and_nobody_is_called(void **state)
{
	struct fixture *f = *state;
	struct call *c = calloc(1, sizeof(*c));
	struct audit_record r = { .stage = AUDIT_SIGNED, .kind = "forgotten" };

	audit_forget(audit_put(f->audit, &r, done, c));
	assert_int_equal(put_one(f), 0);
	assert_int_equal(f->called, 1);
	assert_int_equal(f->order[0], 1);
	assert_int_equal(check_log(f->path), 2);
	assert_true(log_has(f->path, "forgotten"));
	free(c);
}

static void
test_intents_are_not_synced_results_are(void **state)
{
	struct fixture *f = *state;
	struct audit_record r = { .stage = AUDIT_EVENT, .kind = "start" };

	for (unsigned i = 0; i < 20; i++)
		assert_non_null(put(f, AUDIT_INTENT, i));
	await(f, 20);
	assert_non_null(audit_put(f->audit, &r, NULL, NULL));
	assert_non_null(put(f, AUDIT_INTENT, 20));
	await(f, 21);
	assert_int_equal(syncs(), 0);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(syncs(), 1);
	assert_int_equal(check_log(f->path), 23);
}

static void
test_one_sync_serves_all_that_wait(void **state)
{
	struct fixture *f = *state;

	hold_syncs(true);
	assert_non_null(put(f, AUDIT_SIGNED, 1));
	await_sync(1);
	for (unsigned i = 0; i < 100; i++)
		assert_non_null(put(f, AUDIT_SIGNED, i));
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->called, 0);
	hold_syncs(false);
	await(f, 101);
	assert_int_equal(syncs(), 2);
}

static void
test_intent_does_not_wait_for_the_sync_of_its_batch(void **state)
{
	struct fixture *f = *state;

	hold_syncs(true);
	assert_non_null(put(f, AUDIT_SIGNED, 1));
	await_sync(1);
	assert_non_null(put(f, AUDIT_SIGNED, 2));
	assert_non_null(put(f, AUDIT_INTENT, 3));
	allow_one_sync();
	await_sync(2);
	await(f, 2);
	assert_int_equal(f->order[0], 1);
	assert_int_equal(f->order[1], 3);
	event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_int_equal(f->called, 2);
	hold_syncs(false);
	await(f, 3);
	assert_int_equal(f->order[2], 2);
}

static void
test_close_writes_and_answers_what_is_queued(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 1; i <= 50; i++)
		assert_non_null(put(f, i % 2 ? AUDIT_INTENT : AUDIT_SIGNED,
		    i));
	audit_close(&f->audit);
	assert_null(f->audit);
	assert_int_equal(f->called, 50);
	assert_int_equal(f->err, 0);
	assert_true(syncs() >= 1);
	assert_int_equal(check_log(f->path), 50);
}

static void
test_chain_goes_on_after_reopening(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(put_one(f), 0);
		audit_close(&f->audit);
		open_log(f);
	}
	assert_int_equal(check_log(f->path), 3);
	assert_false(log_has(f->path, "\"kind\":\"log\""));
}

static void
test_unfinished_last_line_is_taken_off_and_told(void **state)
{
	static const char *const torn[] = { "x", "{\"seq\":2,\"prev\":\"00",
	    "{}", " " };
	struct fixture *f = *state;
	uint64_t n = 1;

	assert_int_equal(put_one(f), 0);
	for (size_t i = 0; i < sizeof(torn) / sizeof(torn[0]); i++) {
		audit_close(&f->audit);
		append(f->path, torn[i]);
		open_log(f);
		assert_int_equal(check_log(f->path), ++n);
		assert_int_equal(put_one(f), 0);
		assert_int_equal(check_log(f->path), ++n);
	}
	assert_true(log_has(f->path, "an unfinished record of 19 bytes"));
	audit_close(&f->audit);
	/* What a crash can leave of a file that had grown. */
	assert_int_equal(truncate(f->path, size_of(f->path) + 300000), 0);
	open_log(f);
	assert_int_equal(check_log(f->path), ++n);
	assert_true(log_has(f->path, "an unfinished record of 300000 bytes"));
}

static void
test_what_was_mended_on_a_full_disk_is_told_later(void **state)
{
	struct fixture *f = *state;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(put_one(f), 0);
	audit_close(&f->audit);
	append(f->path, "torn");
	set_file_limit((rlim_t)size_of(f->path) + 100);
	open_log(f);
	assert_code(put_one(f), GPG_ERR_EFBIG);
	assert_int_equal(check_log(f->path), 1);
	set_file_limit(RLIM_INFINITY);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 3);
	assert_true(log_has(f->path, "an unfinished record of 4 bytes"));
}

/* The one file in the log's folder whose name begins with damaged-. */
static void
find_damaged(struct fixture *f, char path[512])
{
	FILE *p;

	snprintf(path, 512, "ls %.*s/damaged-*.jsonl",
	    (int)(strrchr(f->path, '/') - f->path), f->path);
	assert_non_null(p = popen(path, "r"));
	assert_non_null(fgets(path, 512, p));
	path[strcspn(path, "\n")] = 0;
	pclose(p);
}

static void
test_damaged_log_is_kept_and_a_new_one_begun(void **state)
{
	struct fixture *f = *state;
	char kept[512];

	assert_int_equal(put_one(f), 0);
	audit_close(&f->audit);
	append(f->path, "garbage\n");
	open_log(f);
	assert_int_equal(check_log(f->path), 1);
	assert_true(log_has(f->path, "does not end in a record"));
	find_damaged(f, kept);
	assert_true(log_has(kept, "garbage"));
	assert_true(log_has(f->path, strrchr(kept, '/') + 1));
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 2);
}

static void
test_removed_log_is_noticed(void **state)
{
	struct fixture *f = *state;
	char cmd[300];

	assert_int_equal(put_one(f), 0);
	assert_int_equal(unlink(f->path), 0);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 2);
	assert_true(log_has(f->path, "removed, replaced or changed since "
	    "record 1 with hash "));
	snprintf(cmd, sizeof(cmd), "rm -r %s", f->dir);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 2);
	assert_true(log_has(f->path, "since record 2 with hash "));
}

static void
test_replaced_log_is_noticed(void **state)
{
	struct fixture *f = *state;
	char cmd[600];

	assert_int_equal(put_one(f), 0);
	snprintf(cmd, sizeof(cmd), "cp -p %s %s.x", f->path, f->path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(put_one(f), 0);
	snprintf(cmd, sizeof(cmd), "mv %s.x %s", f->path, f->path);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(put_one(f), 0);
	/* One of the copy, the note, the new one. */
	assert_int_equal(check_log(f->path), 3);
	assert_true(log_has(f->path, "since record 2 with hash "));
}

static void
test_log_cut_by_another_is_noticed(void **state)
{
	struct fixture *f = *state;
	off_t first;

	assert_int_equal(put_one(f), 0);
	first = size_of(f->path);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(truncate(f->path, first), 0);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 3);
	assert_true(log_has(f->path, "since record 2 with hash "));
	append(f->path, "half");
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 5);
	assert_true(log_has(f->path, "an unfinished record of 4 bytes"));
}

/* Wherever in a batch the disk gets full, the chain stays whole. */
static void
test_full_disk_is_told_to_all_and_the_chain_stays_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t records;
	off_t size;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(put_one(f), 0);
	for (unsigned room = 0; room < 2000; room += 67) {
		unsigned called = f->called, before = syncs();

		records = check_log(f->path);
		size = size_of(f->path);
		hold_syncs(true);
		assert_non_null(put(f, AUDIT_SIGNED, 1));
		await_sync(before + 1);
		set_file_limit((rlim_t)size_of(f->path) + room);
		for (unsigned i = 0; i < 5; i++)
			assert_non_null(put(f, i == 2 ? AUDIT_INTENT :
			    AUDIT_SIGNED, 100 + i));
		hold_syncs(false);
		await(f, called + 6);
		for (unsigned i = called; i < called + 6; i++)
			assert_code(f->errs[i % 1000],
			    f->order[i % 1000] < 100 ? 0 : GPG_ERR_EFBIG);
		assert_int_equal(check_log(f->path), records + 1);
		assert_true(size_of(f->path) > size);
		set_file_limit(RLIM_INFINITY);
		assert_int_equal(put_one(f), 0);
		assert_int_equal(check_log(f->path), records + 2);
	}
	assert_false(log_has(f->path, "\"kind\":\"log\""));
}

static void
test_what_cannot_be_taken_back_at_once_is_later(void **state)
{
	struct fixture *f = *state;

	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(put_one(f), 0);
	set_file_limit((rlim_t)size_of(f->path) + 100);
	disk.truncate_error = EIO;
	assert_code(put_one(f), GPG_ERR_EFBIG);
	assert_code(put_one(f), GPG_ERR_EIO);
	set_file_limit(RLIM_INFINITY);
	disk.truncate_error = 0;
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 3);
	assert_true(log_has(f->path, "an unfinished record of 100 bytes"));
}

static void
test_failed_sync_is_told_to_all_that_wait(void **state)
{
	struct fixture *f = *state;

	disk.sync_error = EIO;
	assert_code(put_one(f), GPG_ERR_EIO);
	assert_non_null(put(f, AUDIT_INTENT, 1));
	await(f, 2);
	assert_int_equal(f->err, 0);
	assert_code(put_one(f), GPG_ERR_EIO);
	disk.sync_error = 0;
	assert_int_equal(put_one(f), 0);
	assert_true(log_has(f->path, "the disk did not take the records up "
	    "to 1: "));
	check_log(f->path);
}

static void
test_second_writer_is_refused(void **state)
{
	struct fixture *f = *state;
	struct audit *other;
	char *problem;

	assert_code(audit_open(&other, f->base, f->dir, false, &problem),
	    GPG_ERR_EBUSY);
	assert_null(other);
	assert_non_null(strstr(problem, "another process"));
	free(problem);
	audit_close(&f->audit);
	open_log(f);
}

static void
refused(struct fixture *f, gpg_err_code_t code)
{
	char *problem;

	assert_code(audit_open(&f->audit, f->base, f->dir, false, &problem), code);
	assert_null(f->audit);
	assert_non_null(problem);
	assert_non_null(strstr(problem, "log.jsonl: "));
	assert_true(text_is_clean(view_str(problem)));
	free(problem);
}

static void
test_log_that_others_reach_is_refused(void **state)
{
	struct fixture *f = *state;
	char folder[256], moved[300];

	audit_close(&f->audit);
	assert_int_equal(chmod(f->path, 0640), 0);
	refused(f, GPG_ERR_EACCES);
	assert_int_equal(chmod(f->path, 0600), 0);
	snprintf(moved, sizeof(moved), "%s.real", f->path);
	assert_int_equal(rename(f->path, moved), 0);
	assert_int_equal(symlink(moved, f->path), 0);
	refused(f, GPG_ERR_ELOOP);
	unlink(f->path);
	assert_int_equal(mkfifo(f->path, 0600), 0);
	refused(f, GPG_ERR_EACCES);
	unlink(f->path);
	assert_int_equal(rename(moved, f->path), 0);
	strcpy(folder, f->path);
	*strrchr(folder, '/') = 0;
	assert_int_equal(chmod(folder, 0755), 0);
	refused(f, GPG_ERR_EACCES);
	assert_int_equal(chmod(folder, 0700), 0);
	open_log(f);
}

static void
test_bad_record_fails_alone(void **state)
{
	static char big[20000], huge[70000];
	struct fixture *f = *state;
	struct audit_record r = { .stage = AUDIT_SIGNED };
	struct call *c;

	hold_syncs(true);
	assert_non_null(put(f, AUDIT_SIGNED, 1));
	await_sync(1);
	assert_non_null(put(f, AUDIT_SIGNED, 2));
	memset(big, 'x', sizeof(big) - 1);
	memset(huge, 'x', sizeof(huge) - 1);
	for (unsigned i = 0; i < 2; i++) {
		r.summary = i ? big : "\x1b[2J";
		c = malloc(sizeof(*c));
		*c = (struct call){ f, 100 + i };
		assert_non_null(audit_put(f->audit, &r, done, c));
	}
	r.summary = huge;
	assert_null(audit_put(f->audit, &r, done, f));
	assert_non_null(put(f, AUDIT_SIGNED, 3));
	hold_syncs(false);
	await(f, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_code(f->errs[i], f->order[i] == 100 ?
		    GPG_ERR_INV_VALUE : f->order[i] == 101 ?
		    GPG_ERR_TOO_LARGE : 0);
	assert_int_equal(check_log(f->path), 3);
}

static void
test_queue_is_bounded(void **state)
{
	struct fixture *f = *state;
	struct audit_record r = { .stage = AUDIT_SIGNED, .kind = "x" };
	unsigned n = 0;

	hold_syncs(true);
	while (audit_put(f->audit, &r, NULL, NULL))
		assert_true(++n <= 5000);
	assert_true(n >= 1000);
	hold_syncs(false);
	audit_close(&f->audit);
	assert_int_equal(check_log(f->path), n);
	open_log(f);
	assert_int_equal(put_one(f), 0);
}

static void
test_denials_do_not_fill_the_disk(void **state)
{
	struct fixture *f = *state;
	struct audit_record r = { .stage = AUDIT_DENIED, .kind = "blob",
	    .summary = "blob", .requester = "x", .verdict = "policy" };
	char requester[32];

	for (unsigned i = 0; i < 1000; i++)
		audit_deny(f->audit, &r);
	r.verdict = "other";
	audit_deny(f->audit, &r);
	assert_int_equal(put_one(f), 0);
	assert_int_equal(check_log(f->path), 3);
	assert_false(log_has(f->path, "count"));
	r.requester = requester;
	for (unsigned i = 0; i < 5000; i++) {
		snprintf(requester, sizeof(requester), "pid %u", i);
		audit_deny(f->audit, &r);
	}
	assert_int_equal(put_one(f), 0);
	/* 64 kinds, and two puts. */
	assert_int_equal(check_log(f->path), 66);
	audit_close(&f->audit);
	assert_int_equal(check_log(f->path), 68);
	assert_true(log_has(f->path, "\"verdict\":\"policy\",\"count\":999}"));
	assert_true(log_has(f->path, "too many kinds to tell apart\","
	    "\"count\":4938}"));
}

struct emitted {
	unsigned times;
	uint64_t count;
};

static void
emit(void *arg, const struct audit_record *r)
{
	struct emitted *e = arg;

	e->times++;
	e->count = r->count;
}

static void
test_denials_are_counted_when_their_time_is_over(void **state)
{
	struct fixture *f = *state;
	struct emitted e = { 0 };
	struct audit_record r = { .stage = AUDIT_DENIED, .kind = "blob" };
	struct denials *d = denials_new(f->base, 50, emit, &e);

	for (unsigned i = 0; i < 10; i++)
		denials_add(d, &r);
	assert_int_equal(e.times, 1);
	assert_int_equal(e.count, 0);
	while (e.times < 2)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(e.count, 9);
	denials_add(d, &r);
	assert_int_equal(e.times, 3);
	assert_int_equal(e.count, 0);
	denials_free(&d);
	assert_null(d);
	assert_int_equal(e.times, 3);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_log_is_private_and_named_for_the_machine),
		TEST(test_every_field_is_written),
		TEST(test_records_keep_their_order_and_each_is_answered_once),
		TEST(test_forgotten_record_stays_and_nobody_is_called),
		TEST(test_intents_are_not_synced_results_are),
		TEST(test_one_sync_serves_all_that_wait),
		TEST(test_intent_does_not_wait_for_the_sync_of_its_batch),
		TEST(test_close_writes_and_answers_what_is_queued),
		TEST(test_chain_goes_on_after_reopening),
		TEST(test_unfinished_last_line_is_taken_off_and_told),
		TEST(test_what_was_mended_on_a_full_disk_is_told_later),
		TEST(test_damaged_log_is_kept_and_a_new_one_begun),
		TEST(test_removed_log_is_noticed),
		TEST(test_replaced_log_is_noticed),
		TEST(test_log_cut_by_another_is_noticed),
		TEST(test_full_disk_is_told_to_all_and_the_chain_stays_whole),
		TEST(test_what_cannot_be_taken_back_at_once_is_later),
		TEST(test_failed_sync_is_told_to_all_that_wait),
		TEST(test_second_writer_is_refused),
		TEST(test_log_that_others_reach_is_refused),
		TEST(test_bad_record_fails_alone),
		TEST(test_queue_is_bounded),
		TEST(test_denials_do_not_fill_the_disk),
		TEST(test_denials_are_counted_when_their_time_is_over),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
