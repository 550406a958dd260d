/*
 * Certificates beside keys: they say when a key was made, and stand for keys
 * that nothing else tells of.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include <openssl/x509.h>

#include "softcert.h"
#include "softkey.h"
#include "token-keys.h"

#define assert_code(err, code) assert_int_equal(gpg_err_code(err), (code))
#define MADE 1700000000		/* what rig_make() notes */
#define BEFORE 1600000000	/* what the certificates say */

/* A token with one key; the process is stopped. */
struct world {
	struct rig r;
	uint32_t slot;
	struct rig_key key;
	uint8_t cka_id[64];
	size_t cka_id_len;
};

static int
setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct msg_token_listing out;
	struct msg_token_key key;

	*state = w;
	if (!w || !rig_init(&w->r) ||
	    rig_ready(&w->r, &(struct rig_options){ 0 }, &w->slot) ||
	    rig_make(&w->r, w->slot, ALGO_P256, &w->key) ||
	    rig_list(&w->r, &out, &w->slot) ||
	    !msg_list_next(&out.keys, MSG_token_key, &key) ||
	    key.cka_id.len > sizeof(w->cka_id))
		return -1;
	w->cka_id_len = key.cka_id.len;
	memcpy(w->cka_id, key.cka_id.p, key.cka_id.len);
	return rig_stop(&w->r);
}

static int
teardown(void **state)
{
	struct world *w = *state;

	rig_clear(&w->r);
	rig_key_clear(&w->key);
	free(w);
	return 0;
}

static CK_RV
write_object(CK_FUNCTION_LIST *f, CK_SLOT_ID slot, struct world *w,
    uint8_t *der, size_t len, CK_ULONG category)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_CERTIFICATE_TYPE type = CKC_X_509;
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	char subject[] = "0";
	CK_ATTRIBUTE template[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &no, sizeof(no) },
		{ CKA_SUBJECT, subject, 1 },
		{ CKA_ID, w->cka_id, w->cka_id_len },
		{ CKA_CERTIFICATE_CATEGORY, &category, sizeof(category) },
		{ CKA_VALUE, der, len },
	};
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE o;
	CK_RV rv;

	rv = f->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL,
	    NULL, &session);
	if (rv == CKR_OK)
		rv = f->C_CreateObject(session, template, 8, &o);
	f->C_CloseSession(session);
	return rv;
}

/* Writes a certificate onto the token, as another program would. */
static void
import(struct world *w, uint8_t *der, size_t len, CK_ULONG category)
{
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slots[8];
	CK_ULONG n = 8;
	char conf[64];

	setenv("SOFTHSM2_CONF", rig_path(&w->r, "softhsm2.conf", conf), 1);
	assert_non_null(f = p11_kit_module_load(rig_softhsm(), 0));
	assert_int_equal(p11_kit_module_initialize(f), CKR_OK);
	assert_int_equal(f->C_GetSlotList(CK_TRUE, slots, &n), CKR_OK);
	assert_int_equal(write_object(f, slots[0], w, der, len, category),
	    CKR_OK);
	p11_kit_module_finalize(f);
	p11_kit_module_release(f);
}

static void
import_for(struct world *w, struct view spki, CK_ULONG category)
{
	EVP_PKEY *subject = d2i_PUBKEY(NULL, &spki.p, (long)spki.len);
	uint8_t der[4096];
	size_t len;

	assert_non_null(subject);
	len = softcert_make(subject, BEFORE, der, sizeof(der));
	assert_true(len > 0);
	import(w, der, len, category);
	EVP_PKEY_free(subject);
}

/* Starts, and gives the one key that is listed; false where none is. */
static bool
only_key(struct world *w, struct rig_key *k)
{
	struct msg_token_listing out;
	struct msg_token_key key;

	if (!w->r.pid)
		assert_code(rig_start(&w->r, &(struct rig_options){ 0 }), 0);
	assert_code(rig_list(&w->r, &out, &w->slot), 0);
	assert_true(out.keys.count <= 1);
	if (!msg_list_next(&out.keys, MSG_token_key, &key))
		return false;
	assert_code(rig_key_of(&key, k), 0);
	assert_true(view_eq(pubkey_id(k->pub), pubkey_id(w->key.pub)));
	return true;
}

static void
test_the_certificate_says_when_the_key_was_made(void **state)
{
	struct world *w = *state;
	struct rig_key k;

	assert_true(only_key(w, &k));
	assert_int_equal(k.created, MADE);
	rig_key_clear(&k);
	rig_stop(&w->r);
	import_for(w, pubkey_spki(w->key.pub), 0);
	assert_true(only_key(w, &k));
	assert_int_equal(k.created, BEFORE);
	rig_key_clear(&k);
}

static void
test_another_keys_certificate_says_nothing(void **state)
{
	struct world *w = *state;
	EVP_PKEY *other = softkey_new(ALGO_P256);
	struct pubkey *pub = softkey_public(other);
	struct rig_key k;

	/* Nor is the other key offered: there is a public key of this ID. */
	import_for(w, pubkey_spki(pub), 0);
	assert_true(only_key(w, &k));
	assert_int_equal(k.created, MADE);
	rig_key_clear(&k);
	pubkey_free(&pub);
	EVP_PKEY_free(other);
}

static void
test_a_certificate_stands_for_its_key(void **state)
{
	struct world *w = *state;
	struct rig_key k;

	rig_fault(&w->r, "no-public\n");
	assert_false(only_key(w, &k));
	rig_stop(&w->r);
	import_for(w, pubkey_spki(w->key.pub), 1);
	assert_true(only_key(w, &k));
	assert_int_equal(k.created, BEFORE);
	assert_code(rig_login(&w->r, w->slot, rig_pins, NULL), 0);
	assert_code(rig_sign(&w->r, &k, "text"), 0);
	rig_key_clear(&k);
	assert_true(only_key(w, &k));
	assert_code(rig_sign(&w->r, &k, "text"), 0);
	rig_key_clear(&k);
}

static void
test_an_authoritys_certificate_stands_for_nothing(void **state)
{
	struct world *w = *state;
	struct rig_key k;

	rig_fault(&w->r, "no-public\n");
	import_for(w, pubkey_spki(w->key.pub), 2);
	assert_false(only_key(w, &k));
}

static void
test_what_is_no_certificate_is_passed_over(void **state)
{
	uint8_t junk[] = "\x30\x82\xff\xff junk";
	struct world *w = *state;
	struct rig_key k;

	import(w, junk, sizeof(junk), 0);
	assert_true(only_key(w, &k));
	assert_int_equal(k.created, MADE);
	rig_key_clear(&k);
}

#define row(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		row(test_the_certificate_says_when_the_key_was_made),
		row(test_another_keys_certificate_says_nothing),
		row(test_a_certificate_stands_for_its_key),
		row(test_an_authoritys_certificate_stands_for_nothing),
		row(test_what_is_no_certificate_is_passed_over),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	if (!rig_softhsm()) {
		puts("1..0 # SKIP SoftHSM is not installed");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
