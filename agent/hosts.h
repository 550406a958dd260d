/*
 * What the user calls a host, by its key: names from known_hosts.  Names that
 * are hashed there are found by trying those that are at hand.
 */
#ifndef AGENT_HOSTS_H
#define AGENT_HOSTS_H

#include "format/sshkey.h"

#define NAMES_MAX 256
#define NAME_LEN 255

/* Different names, each at most NAME_LEN bytes of letters, digits, .:-_[] */
struct names {
	char *list[NAMES_MAX];
	size_t count;
};

struct names *names_new(void);		/* NULL: out of memory */
void names_free(struct names **);

/* Adds one; what is no name, is there already or is too much is left out. */
void names_add(struct names *, struct view);

/* "host", and with a port (else NULL) that is not 22 "[host]:port". */
void names_add_host(struct names *, struct view host, const char *port);

/* Whether a pattern fits a name, with or without its port. */
bool names_match(const struct names *, const char *pattern);

struct hosts;

/*
 * Reads `dir`/known_hosts, `dir`/config (for names to try) and `system` when
 * it has to, and anew when they have changed, as reader.h has it: a disk that
 * does not answer is waited for once, for a second.  NULL: out of memory.
 */
struct hosts *hosts_new(const char *dir, const char *system);
void hosts_free(struct hosts **);

/*
 * The names of the host that has this key or certificate (of which `cert` is
 * what was read; else NULL): first those that are in `try`, then the others,
 * numeric addresses last.  None where known_hosts has the key revoked; by its
 * authority none of a certificate that is over or not a host's.
 */
void hosts_find(struct hosts *, struct view host_key,
    const struct ssh_cert *cert, const struct names *try, struct names *out);

/* The same by what the files hold. */
struct hosts_texts {
	struct view known, system, config;
};
void hosts_search(const struct hosts_texts *, struct view host_key,
    const struct ssh_cert *cert, const struct names *try, struct names *out);

#endif
