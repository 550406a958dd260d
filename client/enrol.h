/*
 * From a key on a token to a key that gpg and git know: its OpenPGP
 * certificate, its record, the user's keyring.
 */
#ifndef CLIENT_ENROL_H
#define CLIENT_ENROL_H

#include "client/key.h"
#include "local/keyfile.h"

/* Seconds; a day for each leap year begun, so never less than a calendar's. */
#define ENROL_YEARS(n) (((n) * 365U + ((n) + 3U) / 4) * 24 * 60 * 60)

struct enrolment {
	struct keyfile *record;
	char fingerprint[41];	/* OpenPGP's, of the key itself */
	bool recorded;		/* the record was made now */
	bool imported;		/* the keyring was changed now */
};

/* The folder of the records: XDG_DATA_HOME/touchstone/keys.  free(). */
char *enrol_folder(const struct call *);

/*
 * Whether a new certificate could name somebody: `user_id`, or for NULL what
 * git's configuration says.  Asked before a key is made for nobody.
 */
gpg_error_t enrol_check_user_id(struct call *, const char *user_id);

/* Whom it would name.  free(). */
gpg_error_t enrol_user_id(struct call *, const char *user_id, char **chosen);

/*
 * Finds the key's record, or makes it: with the creation time and the user
 * ids of a certificate that the keyring has already, else with a new
 * certificate for `user_id` (NULL: as git has it).  The agent then reads the
 * records again.  Free with enrol_free().
 */
gpg_error_t enrol_record(struct call *, const struct key_info *,
    const char *name, const char *user_id, struct enrolment *);

/* The record that there is; GPG_ERR_NOT_FOUND. */
gpg_error_t enrol_find(struct call *, const struct key_info *,
    struct enrolment *);

/*
 * Gives a record without one a certificate for its user id, or for `user_id`
 * if that is not NULL.
 */
gpg_error_t enrol_certify(struct call *, const struct key_info *,
    const char *user_id, struct enrolment *);

/*
 * Certifies all of the record's user ids anew, for `lifetime` seconds from
 * now.  A certificate that is not ours to make is refused, and so is to let
 * it expire earlier than it does.
 */
gpg_error_t enrol_extend(struct call *, const struct key_info *,
    uint32_t lifetime, struct enrolment *);

/* Imports the record's certificate into the keyring, and trusts it. */
gpg_error_t enrol_import(struct call *, struct enrolment *);

void enrol_free(struct enrolment *);

#endif
