/*
 * The user's configuration: $XDG_CONFIG_HOME/touchstone/config for the agent
 * and the rules, and one file per PKCS#11 module in modules.d/NAME.conf.  All
 * of it is read into one value or none of it; nothing here changes it.
 *
 *	config:
 *		pinentry = "/usr/bin/pinentry";	# absolute
 *		token_wait = 60;		# seconds to wait for a token
 *		prompt_timeout = 120;		# seconds for a person
 *		software_keys = true;		# ssh-add may add keys
 *		keys: (
 *			{ key = "release"; confirm = true; blob = false;
 *			  forward = true; forward_login = "ask"; }
 *		);
 *		hosts: (			# what ssh is offered where
 *			{ match = "*.example.com"; keys = [ "work" ]; }
 *		);
 *	modules.d/soft.conf:
 *		type = "pkcs11";		# or "piv"
 *		path = "/usr/lib/softhsm/libsofthsm2.so";
 *		env = [ "SOFTHSM2_CONF=/home/a/…/softhsm2.conf" ];
 *		pin_source = "/home/a/…/pin";	# absolute; optional
 *		sessions = 1;			# 1 to 16
 *		pin_ttl = 600;			# seconds a PIN is held; 0: never
 *		deadline = 10;			# seconds for one operation
 *	modules.d/yubikey.conf:
 *		type = "piv";			# YubiKeys, without a module
 *		reader = "YubiKey";		# part of its name; optional
 *		sessions = 4;			# and pin_ttl, deadline
 */
#ifndef AGENT_CONFIG_H
#define AGENT_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <gpg-error.h>

enum module_type {
	MODULE_PKCS11,
	MODULE_PIV,
	MODULE_MEMORY,		/* of ssh-add; never configured */
};

#define MODULE_MEMORY_NAME "memory"

struct module_config {
	enum module_type type;
	char *name;		/* the file's name: [a-z][a-z0-9._-]* */
	char *path;		/* absolute; of PIV: NULL */
	char *reader;		/* of PIV: part of its name, or NULL */
	char **env;		/* NULL-terminated NAME=VALUE */
	char *pin_source;	/* absolute, or NULL */
	uint32_t sessions;
	uint32_t pin_ttl_s;
	uint32_t deadline_s;
};

/* What is done about logins by other hosts that the agent is forwarded to. */
enum forward_login {
	FORWARD_LOGIN_ALLOW,
	FORWARD_LOGIN_ASK,
	FORWARD_LOGIN_REFUSE,
};

struct key_rule {
	char *key;		/* nickname or id in hex; "*": all others */
	bool confirm;		/* ask before each signature; false */
	bool blob;		/* signs bytes of no known kind; false */
	bool forward;		/* signs typed requests by agent.sock, and
				   SSHSIG from afar; false */
	enum forward_login forward_login;
	bool host_key;		/* signs key exchanges for sshd; false */
};

/* Which keys ssh is offered at a host. */
struct host_row {
	char *match;		/* pattern of a name */
	char **keys;		/* NULL-terminated; for key_matches() */
};

struct config {
	char *pinentry;		/* absolute; NULL: what configure found */
	uint32_t token_wait_s;
	uint32_t prompt_timeout_s;
	bool software_keys;	/* ssh-add may add keys; true */
	struct module_config *modules;
	size_t module_count;
	struct key_rule *rules;
	size_t rule_count;
	struct host_row *hosts;
	size_t host_count;
};

/*
 * Reads the folder.  A missing folder or file is an empty configuration.  On
 * failure *out is NULL and *problem tells file, line and word (clean, owned
 * by the caller; free()): unknown settings, wrong types, relative paths,
 * numbers out of range and duplicates are failures.
 */
gpg_error_t config_load(const char *dir, struct config **out, char **problem);
void config_free(struct config **);

/* "pkcs11", "piv". */
const char *module_type_name(enum module_type);

/* Frees what it holds; for a module that was taken out of a config. */
void module_config_clear(struct module_config *);

/* The rule for a key, by nickname or id in hex; never NULL. */
const struct key_rule *config_rule(const struct config *, const char *name,
    const char *id_hex);

#endif
