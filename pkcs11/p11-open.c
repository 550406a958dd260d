/* Loading a PKCS#11 module and letting it go: the backend's table. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "p11.h"
#include "wire/text.h"

static void
p11_free(struct p11 **pp)
{
	struct p11 *p = *pp;

	if (!p)
		return;
	keeper_free(&p->keeper);
	for (unsigned i = 0; i < atomic_load(&p->slot_count); i++)
		p11_slot_free(p, p->slots[i]);
	pthread_mutex_destroy(&p->mu);
	free(p->pin_source);
	free(p);
	*pp = NULL;
}

static gpg_error_t
p11_new(struct p11 **out, const struct msg_token_open *in)
{
	struct p11 *p;
	gpg_error_t err = gpg_error(GPG_ERR_ENOMEM);

	*out = NULL;
	if (!(p = calloc(1, sizeof(*p))))
		return err;
	pthread_mutex_init(&p->mu, NULL);
	p->workers = in->sessions;
	p->pin_ttl_ms = in->pin_ttl_ms;
	if ((in->pin_source.len > 0 &&
	    !(p->pin_source = view_strdup(in->pin_source))) ||
	    (err = keeper_new(&p->keeper, p11_login_expire, p))) {
		p11_free(&p);
		return err;
	}
	*out = p;
	return 0;
}

/* A path that the user chose; nothing is searched for. */
static gpg_error_t
check_path(const char *path, struct problem *pb)
{
	char shown[512];
	struct stat st;

	text_clean(shown, sizeof(shown), view_str(path));
	if (path[0] != '/')
		return problem_say(pb, GPG_ERR_INV_NAME,
		    "the module's path is not absolute: %s", shown);
	if (stat(path, &st))
		return problem_say(pb, GPG_ERR_ENOENT,
		    "there is no module %s: install it, or correct \"path\" "
		    "in the module's configuration", shown);
	if (!S_ISREG(st.st_mode))
		return problem_say(pb, GPG_ERR_INV_NAME,
		    "%s is not a file: correct \"path\" in the module's "
		    "configuration", shown);
	return 0;
}

static gpg_error_t
load(struct p11 *p, const char *path, struct problem *pb)
{
	char shown[512], why[256];
	const char *said;
	CK_RV rv;

	text_clean(shown, sizeof(shown), view_str(path));
	if (!(p->f = p11_kit_module_load(path, 0))) {
		said = p11_kit_message();
		text_clean(why, sizeof(why), view_str(said ? said : ""));
		return problem_say(pb, GPG_ERR_CARD,
		    "%s cannot be loaded: is it a PKCS#11 module? %s", shown,
		    why);
	}
	/* p11-kit asks for CKF_OS_LOCKING_OK: sessions work in parallel. */
	if ((rv = p11_kit_module_initialize(p->f)) == CKR_OK)
		return 0;
	p11_kit_module_release(p->f);
	p->f = NULL;
	return problem_say(pb, GPG_ERR_CARD,
	    "the module %s does not start (%s): look at its own configuration "
	    "and at \"env\" in the module's configuration", shown,
	    p11_kit_strerror(rv));
}

static void
describe(struct p11 *p, char *out, size_t size)
{
	struct view lib, maker;
	char raw[128];
	CK_INFO info;

	if (p->f->C_GetInfo(&info) != CKR_OK) {
		text_clean(out, size, view_str("PKCS#11 module"));
		return;
	}
	lib = view_of(info.libraryDescription, p11_kit_space_strlen(
	    info.libraryDescription, sizeof(info.libraryDescription)));
	maker = view_of(info.manufacturerID, p11_kit_space_strlen(
	    info.manufacturerID, sizeof(info.manufacturerID)));
	snprintf(raw, sizeof(raw), "%.*s (%.*s) %u.%u", (int)lib.len,
	    (const char *)lib.p, (int)maker.len, (const char *)maker.p,
	    info.libraryVersion.major, info.libraryVersion.minor);
	text_clean(out, size, view_str(raw));
}

static gpg_error_t
p11_open(const struct msg_token_open *in, void **state, char *description,
    size_t size, struct problem *pb)
{
	char *path = view_strdup(in->path);
	struct p11 *p = NULL;
	gpg_error_t err;

	if (!path)
		err = gpg_error(GPG_ERR_INV_NAME);
	else if (!(err = check_path(path, pb)) &&
	    !(err = p11_new(&p, in)) &&
	    !(err = load(p, path, pb)))
		describe(p, description, size);
	free(path);
	if (err)
		p11_free(&p);
	*state = p;
	return err;
}

static void
p11_close(void *state)
{
	struct p11 *p = state;

	p11_wipe(p);
	keeper_free(&p->keeper);
	p11_kit_module_finalize(p->f);
	p11_kit_module_release(p->f);
	p11_free(&p);
}

const struct token_ops token_ops = {
	.open = p11_open,
	.list = p11_list,
	.sign = p11_sign,
	.login = p11_login,
	.forget = p11_forget,
	.make = p11_make,
	.prepare = p11_prepare,
	.remove = p11_remove,
	.wipe = p11_wipe,
	.close = p11_close,
};
