/* What the services of the clients share (serve*.c). */
#ifndef AGENT_SERVE_H
#define AGENT_SERVE_H

#include "wire/buf.h"

struct agent;
struct conn;
struct module;
struct request;
struct work;

void serve_malformed(struct conn *);

/* Who did what to the agent itself belongs into the record too. */
void serve_note(struct conn *, const char *what);

/* Every PIN that is held is wiped; every key that was added is. */
void forget_pins(struct agent *);
void forget_added(struct agent *);
void forget_module(struct module *);

/* Answers once no module has to forget any more. */
void serve_forgotten(struct conn *);

/*
 * Begins a request; its parameters are set between this and the feed.  NULL:
 * the client has been told why not.
 */
struct request *serve_begin(struct conn *, const struct work *);

/* Puts the answer to a listing (serve-list.c). */
void list_identities(struct conn *);
void list_keys(struct conn *);

/* These answer once no module has to be waited for (serve-settle.c). */
void serve_identities(struct conn *, struct view body);
void serve_keys(struct conn *, struct view body);
void serve_status(struct conn *, struct view body);

/* Signing requests that name a format. */
void serve_sign(struct conn *, struct view body);
void serve_sign_image(struct conn *, struct view body);
void serve_sign_trust(struct conn *, struct view body);

/* Services: the body of a message to a request that is fed. */
void serve_certify(struct conn *, struct view body);
void serve_revoke(struct conn *, struct view body);
void serve_generate(struct conn *, struct view body);
void serve_token_init(struct conn *, struct view body);
void serve_certificate(struct conn *, struct view body);
void serve_certify_image(struct conn *, struct view body);
void serve_certificate_request(struct conn *, struct view body);
void serve_attest(struct conn *, struct view body);
void serve_secret(struct conn *, struct view body);
void serve_forget(struct conn *, struct view body);
void serve_move(struct conn *, struct view body);
void serve_delete(struct conn *, struct view body);
void serve_ssh_add(struct conn *, struct view body);
void serve_ssh_remove(struct conn *, struct view body);
void serve_ssh_remove_all(struct conn *, struct view body);
void serve_ssh_card_add(struct conn *, struct view body);
void serve_ssh_card_remove(struct conn *, struct view body);

/* Those that wait for a module are refused. */
void card_errands_end(struct agent *, const char *why);

#endif
