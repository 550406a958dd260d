/*
 * What is asked, and in which order: a yes or no, or the conversation with
 * the token process about a PIN (protocol/PROTOCOL, "The PIN socket").
 */
#ifndef PROMPT_DIALOGUE_H
#define PROMPT_DIALOGUE_H

#include "pinentry.h"

/* A prompt ends after so many questions, whoever keeps it going. */
#define QUESTIONS_MAX 16

/*
 * Both: 0, GPG_ERR_CANCELED, GPG_ERR_TIMEOUT, GPG_ERR_NO_PIN_ENTRY; the PIN
 * dialogue also GPG_ERR_PIN_BLOCKED and GPG_ERR_CARD (the token process
 * failed).  The pinentry's `problem` says it for people.
 */
gpg_error_t dialogue_confirm(struct pinentry *);

/* Says something until it is closed, or the agent takes it back. */
gpg_error_t dialogue_notice(struct pinentry *);
gpg_error_t dialogue_pin(struct pinentry *, int pin_fd);

#endif
