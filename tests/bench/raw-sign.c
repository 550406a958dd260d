/*
 * The raw token: C_Sign in a loop, with nothing around it.
 *
 *	raw-sign MODULE TOKEN-LABEL KEY-LABEL PIN-FILE SECONDS
 *
 * Prints: count seconds per-second CPU-seconds.
 */
#include <config.h>

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <p11-kit/p11-kit.h>
#include <p11-kit/pkcs11.h>

#include "load.h"

struct raw {
	CK_FUNCTION_LIST *f;
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	CK_MECHANISM_TYPE mechanism;
	CK_BYTE data[64];
	CK_ULONG len;
};

static void
must(CK_RV rv, const char *what)
{
	if (rv != CKR_OK)
		errx(1, "%s: %s", what, p11_kit_strerror(rv));
}

static CK_SLOT_ID
find_slot(CK_FUNCTION_LIST *f, const char *label)
{
	CK_SLOT_ID slots[64];
	CK_ULONG count = 64;
	CK_TOKEN_INFO info;

	must(f->C_GetSlotList(CK_TRUE, slots, &count), "C_GetSlotList");
	for (CK_ULONG i = 0; i < count; i++)
		if (f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    strlen(label) <= 32 &&
		    !memcmp(info.label, label, strlen(label)))
			return slots[i];
	errx(1, "no token \"%s\"", label);
}

static void
log_in(struct raw *r, const char *file)
{
	char pin[256];
	FILE *in = fopen(file, "re");

	if (!in || !fgets(pin, sizeof(pin), in))
		err(1, "%s", file);
	fclose(in);
	pin[strcspn(pin, "\n")] = 0;
	must(r->f->C_Login(r->session, CKU_USER, (CK_BYTE *)pin,
	    strlen(pin)), "C_Login");
}

static void
find_key(struct raw *r, char *label)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type;
	CK_ATTRIBUTE want[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, label, strlen(label) },
	}, get = { CKA_KEY_TYPE, &type, sizeof(type) };
	static const CK_BYTE info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
		0x00, 0x04, 0x20 };
	CK_ULONG count = 0;

	must(r->f->C_FindObjectsInit(r->session, want, 2),
	    "C_FindObjectsInit");
	must(r->f->C_FindObjects(r->session, &r->key, 1, &count),
	    "C_FindObjects");
	r->f->C_FindObjectsFinal(r->session);
	if (count == 0)
		errx(1, "no key \"%s\"", label);
	must(r->f->C_GetAttributeValue(r->session, r->key, &get, 1),
	    "C_GetAttributeValue");
	r->mechanism = type == CKK_RSA ? CKM_RSA_PKCS : CKM_ECDSA;
	r->len = 32;
	if (type == CKK_RSA) {
		memcpy(r->data, info, sizeof(info));
		r->len += sizeof(info);
	}
}

int
main(int argc, char **argv)
{
	CK_BYTE signature[1024];
	CK_ULONG len;
	struct raw r = { 0 };
	double start, cpu, seconds;
	size_t count = 0;

	if (argc != 6)
		errx(2, "usage: raw-sign MODULE TOKEN KEY PIN-FILE SECONDS");
	if (!(r.f = p11_kit_module_load(argv[1], 0)))
		errx(1, "%s: %s", argv[1], p11_kit_message());
	must(p11_kit_module_initialize(r.f), "C_Initialize");
	must(r.f->C_OpenSession(find_slot(r.f, argv[2]), CKF_SERIAL_SESSION,
	    NULL, NULL, &r.session), "C_OpenSession");
	log_in(&r, argv[4]);
	find_key(&r, argv[3]);
	start = load_now();
	cpu = load_cpu(getpid());
	do {
		CK_MECHANISM m = { r.mechanism, NULL, 0 };

		memcpy(r.data + r.len - sizeof(count), &count, sizeof(count));
		len = sizeof(signature);
		must(r.f->C_SignInit(r.session, &m, r.key), "C_SignInit");
		must(r.f->C_Sign(r.session, r.data, r.len, signature, &len),
		    "C_Sign");
		count++;
	} while ((seconds = load_now() - start) < atof(argv[5]));
	printf("%zu %.3f %.1f %.4f\n", count, seconds,
	    (double)count / seconds, load_cpu(getpid()) - cpu);
	p11_kit_module_finalize(r.f);
	p11_kit_module_release(r.f);
	return 0;
}
