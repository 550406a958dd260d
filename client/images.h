/*
 * Where cosign and notation find the plugins: the one on PATH, the other in a
 * folder of notation's.
 */
#ifndef CLIENT_IMAGES_H
#define CLIENT_IMAGES_H

#include <limits.h>

#include "client/cmd.h"

struct images {
	bool on_path;			/* cosign's plugin */
	char notation[PATH_MAX];	/* the file that notation runs */
	bool there;			/* it is in place */
	bool changed;
};

/*
 * Puts the plugins in place, or takes away what an earlier run put there.  A
 * file in its place that is another's is left alone (GPG_ERR_CONFLICT,
 * call->why).
 */
gpg_error_t images_install(struct call *, struct images *);
gpg_error_t images_remove(struct call *, struct images *);

json_t *images_json(const struct images *);
void images_print(const struct images *);

#endif
