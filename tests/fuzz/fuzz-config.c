/*
 * Whatever a configuration's file holds (the first byte tells which of the
 * two kinds it is): it is read within its bounds or refused with a reason
 * that may be shown and names the file.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config.h"
#include "wire/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);

/* The number of inputs is all that it prints. */
const char *
__lsan_default_options(void)
{
	return "print_suppressions=0";
}

/* libconfig loses the last string before an error of syntax. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libconfig.so";
}

static void
must(int truth)
{
	if (!truth)
		abort();
}

static void
put(const char *file, const uint8_t *data, size_t size)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	must(fd >= 0);
	must(write(fd, data, size) == (ssize_t)size);
	close(fd);
}

static void
check(const struct config *c)
{
	must(!c->pinentry || c->pinentry[0] == '/');
	must(c->token_wait_s <= 3600);
	must(c->prompt_timeout_s >= 1 && c->prompt_timeout_s <= 3600);
	for (size_t i = 0; i < c->rule_count; i++)
		must(config_rule(c, c->rules[i].key, "") != NULL);
	for (size_t i = 0; i < c->module_count; i++) {
		const struct module_config *m = &c->modules[i];

		must(m->path[0] == '/');
		must(!m->pin_source || m->pin_source[0] == '/');
		must(m->sessions >= 1 && m->sessions <= 16);
		must(m->pin_ttl_s <= 604800);
		must(m->deadline_s >= 1 && m->deadline_s <= 600);
		for (char **e = m->env; *e; e++)
			must(strchr(*e, '=') > *e);
	}
}

static void
load(const char *dir, const char *file)
{
	struct config *c;
	char *problem;
	gpg_error_t err = config_load(dir, &c, &problem);

	must(!err == !problem && !err == !!c);
	if (c)
		check(c);
	else
		must(text_is_clean(view_str(problem)) &&
		    strstr(problem, file));
	config_free(&c);
	free(problem);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char dir[] = "/tmp/fuzz-config.XXXXXX", sub[64], file[96];
	bool module = size > 0 && data[0] & 1;

	must(mkdtemp(dir) != NULL);
	snprintf(sub, sizeof(sub), "%s/modules.d", dir);
	snprintf(file, sizeof(file), module ? "%s/modules.d/m.conf" :
	    "%s/config", dir);
	must(!mkdir(sub, 0700));
	if (size > 0)
		put(file, data + 1, size - 1);
	load(dir, file);
	unlink(file);
	rmdir(sub);
	rmdir(dir);
	return 0;
}
