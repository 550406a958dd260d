/* The rows of the subcommands, each in the file that carries it out. */
#ifndef CLIENT_CMD_LIST_H
#define CLIENT_CMD_LIST_H

#include "client/cmd.h"

extern const struct command cmd_setup;
extern const struct command cmd_keys_list;
extern const struct command cmd_keys_show;
extern const struct command cmd_keys_generate;
extern const struct command cmd_keys_export;
extern const struct command cmd_keys_extend;
extern const struct command cmd_keys_certify;
extern const struct command cmd_keys_import_chain;
extern const struct command cmd_keys_revoke;
extern const struct command cmd_keys_attest;
extern const struct command cmd_keys_move;
extern const struct command cmd_keys_delete;
extern const struct command cmd_attest_verify;
extern const struct command cmd_status;
extern const struct command cmd_forget;
extern const struct command cmd_reload;
extern const struct command cmd_stop;
extern const struct command cmd_session;
extern const struct command cmd_lock;
extern const struct command cmd_unlock;
extern const struct command cmd_audit_verify;
extern const struct command cmd_audit_show;

#endif
