/*
 * Roles of Notary v1: what is read and refused of them, and who signed them.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "format/canonical.h"
#include "format/tufsig.h"
#include "object/json.h"
#include "wire/base64.h"
#include "wire/text.h"
#include "../tools/softcert.h"
#include "../tools/softkey.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define assert_code(err, code) \
	assert_int_equal(gpg_err_code(err), code)

#define EXPIRES "2029-11-22T00:00:00Z"
#define EMPTY_SHA256 "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define FILE_OF(hashes, length) \
	"{\"hashes\":{" hashes "},\"length\":" length "}"
#define SHA256_OF "\"sha256\":\"" EMPTY_SHA256 "\""
#define FILE_GOOD FILE_OF(SHA256_OF, "0")

/* A key of P-256 and its id, by OpenSSL and sha256sum. */
#define KEY_PUBLIC "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA" \
	"8ncDfYEt6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q=="
#define KEY_ID \
	"2a4a3169341f90dec00876954704aaaf9377744a576e20b3e17d3950976a448d"
#define KEY_OF(type, value) \
	"{\"keytype\":\"" type "\",\"keyval\":{" value "}}"

#define TARGETS(delegations, targets, version) \
	"{\"_type\":\"Targets\",\"delegations\":" delegations \
	",\"expires\":\"" EXPIRES "\",\"targets\":{" targets "},\"version\":" \
	version "}"
#define UNTIL(day) \
	"{\"_type\":\"Targets\",\"expires\":\"" day "T00:00:00Z\",\"version\":1}"
#define NO_DELEGATIONS "{\"keys\":{},\"roles\":[]}"
#define PLAIN(version) TARGETS(NO_DELEGATIONS, "", version)
#define ONE(target) TARGETS(NO_DELEGATIONS, target, "1")

static gpg_error_t
read_role(struct tuf_role *r, const char *text)
{
	const char *why;
	gpg_error_t err = tuf_role_read(r, view_str(text), &why);

	assert_int_equal(!err, !why);
	assert_true(!why || text_is_clean(view_str(why)));
	assert_int_equal(!err, r->json != NULL);
	return err;
}

static void
accept(const char *text)
{
	struct tuf_role r;

	if (read_role(&r, text))
		fail_msg("refused: %s", text);
	assert_true(canonical_is(view_str(text), r.json));
	tuf_role_free(&r);
}

static void
refuse(const char *text)
{
	struct tuf_role r;
	gpg_error_t err = read_role(&r, text);

	tuf_role_free(&r);
	if (gpg_err_code(err) != GPG_ERR_BAD_DATA)
		fail_msg("not refused: %s", text);
}

static void
targets_are_read(void **state)
{
	struct tuf_role r;
	struct tuf_file f;
	struct tuf_iter i;

	accept(PLAIN("1"));
	accept(PLAIN("2147483647"));
	accept("{\"_type\":\"Targets\",\"delegations\":null,\"expires\":\""
	    EXPIRES "\",\"targets\":null,\"version\":1}");
	accept("{\"_type\":\"Targets\",\"expires\":\""
	    EXPIRES "\",\"version\":1,\"x-other\":{\"a\":[true,null,-1]}}");
	assert_false(read_role(&r, ONE("\"v1\":" FILE_GOOD ",\"v2\":"
	    FILE_OF(SHA256_OF, "9007199254740991"))));
	assert_int_equal(r.type, TUF_TARGETS);
	assert_int_equal(r.version, 1);
	assert_int_equal(r.expires, 1890000000);
	i = tuf_files(&r);
	assert_true(tuf_files_next(&i, &f));
	assert_string_equal(f.name, "v1");
	assert_int_equal(f.length, 0);
	assert_int_equal(f.sha256[0], 0xe3);
	assert_false(f.has_sha512);
	assert_true(tuf_files_next(&i, &f));
	assert_int_equal(f.length, 9007199254740991);
	assert_false(tuf_files_next(&i, &f));
	assert_true(tuf_files_find(&r, "v2", &f));
	assert_false(tuf_files_find(&r, "v3", &f));
	assert_true(tuf_role_fits(&r, "targets"));
	assert_true(tuf_role_fits(&r, "targets/releases"));
	assert_false(tuf_role_fits(&r, "root"));
	assert_false(tuf_role_fits(&r, "targets/"));
	assert_false(tuf_role_fits(&r, "targets/A"));
	tuf_role_free(&r);
}

static void
numbers_are_bounded(void **state)
{
	refuse(PLAIN("0"));
	refuse(PLAIN("-1"));
	refuse(PLAIN("2147483648"));
	refuse(PLAIN("18446744073709551617"));
	refuse(PLAIN("1.0"));
	refuse(PLAIN("1e0"));
	refuse(PLAIN("\"1\""));
	refuse(PLAIN("null"));
	refuse(ONE("\"v1\":" FILE_OF(SHA256_OF, "-1")));
	refuse(ONE("\"v1\":" FILE_OF(SHA256_OF, "0.5")));
	refuse(ONE("\"v1\":" FILE_OF(SHA256_OF, "9007199254740992")));
	refuse(ONE("\"v1\":{\"custom\":{\"a\":1.5},\"hashes\":{" SHA256_OF
	    "},\"length\":1}"));
	accept(ONE("\"v1\":{\"custom\":{\"a\":1},\"hashes\":{" SHA256_OF
	    "},\"length\":1}"));
}

static void
targets_that_are_malformed_are_refused(void **state)
{
	refuse(ONE("\"\":" FILE_GOOD));
	refuse(ONE("\"a\\u0001\":" FILE_GOOD));
	refuse(ONE("\"a\\u202eb\":" FILE_GOOD));
	refuse(ONE("\"v1\":" FILE_GOOD ",\"v1\":" FILE_GOOD));
	refuse(ONE("\"v1\":" FILE_OF("", "0")));
	refuse(ONE("\"v1\":" FILE_OF("\"sha256\":\"AAAA\"", "0")));
	refuse(ONE("\"v1\":" FILE_OF(SHA256_OF ",\"sha512\":\"AAAA\"", "0")));
	refuse(ONE("\"v1\":" FILE_OF(SHA256_OF ",\"SHA256\":\"AAAA\"", "0")));
	refuse(ONE("\"v1\":{\"hashes\":{" SHA256_OF "}}"));
	refuse(ONE("\"v1\":null"));
	refuse("{\"_type\":\"Targets\",\"expires\":\"2029\",\"version\":1}");
	accept(UNTIL("2028-02-29"));
	accept(UNTIL("2029-12-31"));
	refuse(UNTIL("2029-02-29"));
	refuse(UNTIL("2100-02-29"));
	refuse(UNTIL("2029-04-31"));
	refuse(UNTIL("2029-12-32"));
	refuse(UNTIL("2029-04-00"));
	refuse("{\"_type\":\"Targets\",\"version\":1}");
	refuse("{\"_type\":\"targets\",\"expires\":\"" EXPIRES
	    "\",\"version\":1}");
	refuse("{\"_type\":\"Mirrors\",\"expires\":\"" EXPIRES
	    "\",\"version\":1}");
	refuse("{\"expires\":\"" EXPIRES "\",\"version\":1}");
	refuse("[]");
	refuse("");
	/* What Go's reader takes for a member that we would not see. */
	refuse("{\"_type\":\"Targets\",\"Targets\":{},\"expires\":\"" EXPIRES
	    "\",\"version\":1}");
	refuse("{\"VERSION\":2,\"_type\":\"Targets\",\"expires\":\"" EXPIRES
	    "\",\"version\":1}");
	refuse(TARGETS("{\"Keys\":{}}", "", "1"));
}

static void
canonical_is_one_form(void **state)
{
	static const char *const others[] = {
		" " PLAIN("1"), PLAIN("1") "\n",
		TARGETS("{\"roles\":[],\"keys\":{}}", "", "1"),
		TARGETS("{\"keys\":{}, \"roles\":[]}", "", "1"),
		ONE("\"\\u0076\":" FILE_GOOD), ONE("\"a\\/b\":" FILE_GOOD),
	};
	const char *why;
	struct tuf_role r;
	json_t *j;
	struct buf b;

	for (size_t i = 0; i < COUNT(others); i++) {
		assert_false(read_role(&r, others[i]));
		assert_false(canonical_is(view_str(others[i]), r.json));
		tuf_role_free(&r);
	}
	assert_false(json_read(view_str("{\"b\":\"\\\"\\\\/\\u00e9<\","
	    "\"B\":[1,-2,true,null],\"\":{}}"), &j, &why));
	buf_init(&b, 256);
	assert_false(canonical_put(&b, j));
	assert_true(view_eq_str(buf_view(&b), "{\"\":{},\"B\":[1,-2,true,null],"
	    "\"b\":\"\\\"\\\\/\xc3\xa9<\"}"));
	json_decref(j);
	buf_free(&b);
	buf_init(&b, 256);
	assert_false(json_read(view_str("{\"b\":\"a\\nb\"}"), &j, &why));
	assert_code(canonical_put(&b, j), GPG_ERR_BAD_DATA);
	json_decref(j);
	assert_false(json_read(view_str("{\"b\":[2.0]}"), &j, &why));
	assert_code(canonical_put(&b, j), GPG_ERR_BAD_DATA);
	json_decref(j);
	assert_code(canonical_put(&b, NULL), GPG_ERR_BAD_DATA);
	buf_free(&b);
}

/* ---- delegations ---- */

#define SIGNER(name, ids, threshold, paths) \
	"{\"keyids\":" ids ",\"name\":\"" name "\",\"paths\":" paths \
	",\"threshold\":" threshold "}"
#define DELEGATIONS(keys, roles) \
	"{\"keys\":{" keys "},\"roles\":[" roles "]}"
#define IDS "[\"" KEY_ID "\"]"
#define THIS_KEY "\"" KEY_ID "\":" \
	KEY_OF("ecdsa", "\"private\":null,\"public\":\"" KEY_PUBLIC "\"")

/* The same with a type that nobody knows. */
#define DSA_ID \
	"a50732a27b5f81fe76be47ed278e2593a6f83d83abcb92506f3259693071ed1b"
#define DSA_KEY "\"" DSA_ID "\":" \
	KEY_OF("dsa", "\"private\":null,\"public\":\"" KEY_PUBLIC "\"")

#define DELEGATED(delegations) TARGETS(delegations, "", "1")

static void
delegations_are_read(void **state)
{
	accept(DELEGATED(DELEGATIONS(THIS_KEY, "")));
	accept(DELEGATED(DELEGATIONS(THIS_KEY,
	    SIGNER("targets/a", IDS, "1", "[\"\"]") ","
	    SIGNER("targets/b", "[]", "1", "[\"x\",\"y/z\"]") ","
	    SIGNER("targets/c", "null", "1", "null"))));
	accept(DELEGATED(DELEGATIONS(DSA_KEY, "")));
}

static void
delegations_that_are_malformed_are_refused(void **state)
{
	static const char *const bad[] = {
		DELEGATED(DELEGATIONS("", SIGNER("targets/a", IDS, "1", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a",
		    "[\"" KEY_ID "\",\"" KEY_ID "\"]", "1", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a", IDS, "0",
		    "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a", IDS,
		    "2147483648", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a", IDS, "1.5",
		    "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets", IDS, "1",
		    "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/A", IDS, "1",
		    "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets//a", IDS, "1",
		    "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("", IDS, "1", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a", IDS, "1",
		    "[7]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, SIGNER("targets/a", IDS, "1",
		    "[]") "," SIGNER("targets/a", "[]", "1", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY, "null")),
		DELEGATED(DELEGATIONS(DSA_KEY, SIGNER("targets/a",
		    "[\"" DSA_ID "\"]", "1", "[]"))),
		DELEGATED(DELEGATIONS(THIS_KEY "," THIS_KEY, "")),
		DELEGATED(DELEGATIONS("\"x" KEY_ID "\":" KEY_OF("ecdsa",
		    "\"private\":null,\"public\":\"" KEY_PUBLIC "\""), "")),
		DELEGATED(DELEGATIONS("\"" KEY_ID "\":" KEY_OF("ecdsa",
		    "\"private\":\"AA==\",\"public\":\"" KEY_PUBLIC "\""),
		    "")),
		DELEGATED(DELEGATIONS("\"" KEY_ID "\":" KEY_OF("ecdsa",
		    "\"private\":null"), "")),
		DELEGATED("{\"keys\":{},\"roles\":{}}"), DELEGATED("[]"),
		DELEGATED("\"\""),
	};

	for (size_t i = 0; i < COUNT(bad); i++)
		refuse(bad[i]);
}

static void
delegations_are_found(void **state)
{
	char id[TUF_ID_LEN + 1];
	struct tuf_signer s;
	struct tuf_iter i;
	struct tuf_role r;
	struct tuf_key k;

	assert_false(tuf_key_id("ecdsa", view_str(KEY_PUBLIC), id));
	assert_string_equal(id, KEY_ID);
	assert_false(read_role(&r, DELEGATED(DELEGATIONS(THIS_KEY,
	    SIGNER("targets/a", IDS, "1", "[\"v\",\"w/\"]")))));
	i = tuf_keys(&r);
	assert_true(tuf_keys_next(&i, &k));
	assert_string_equal(k.id, id);
	assert_int_equal(k.type, TUF_KEY_ECDSA);
	assert_true(view_eq_str(k.public, KEY_PUBLIC));
	assert_false(tuf_keys_next(&i, &k));
	assert_true(tuf_keys_find(&r, id, &k));
	assert_false(tuf_keys_find(&r, "x", &k));
	assert_true(tuf_signers_find(&r, "targets/a", &s));
	assert_int_equal(s.key_count, 1);
	assert_true(tuf_signer_has(&s, id));
	assert_false(tuf_signer_has(&s, "x"));
	assert_true(tuf_signer_covers(&s, "v1"));
	assert_true(tuf_signer_covers(&s, "w/1"));
	assert_false(tuf_signer_covers(&s, "w"));
	assert_false(tuf_signers_find(&r, "targets/b", &s));
	assert_true(tuf_role_fits(&r, "targets"));
	assert_false(tuf_role_fits(&r, "targets/a"));
	assert_false(tuf_role_fits(&r, "targets/releases"));
	tuf_role_free(&r);
}

/* ---- keys and signatures ---- */

static const enum key_algorithm all[] = {
	ALGO_P256, ALGO_P384, ALGO_P521, ALGO_RSA2048, ALGO_RSA3072,
	ALGO_ED25519,
};
#define ALL COUNT(all)

struct pair {
	EVP_PKEY *evp;
	struct pubkey *key;
	json_t *entry, *certified;	/* certified: NULL for Ed25519 */
	char id[TUF_ID_LEN + 1], certified_id[TUF_ID_LEN + 1];
};

static int
make_pair(struct pair *p, enum key_algorithm algorithm)
{
	struct attest_certs *certs = NULL;
	uint8_t der[4096];
	size_t len;
	bool ed = algorithm == ALGO_ED25519;

	if (!(p->evp = softkey_new(algorithm)) ||
	    !(p->key = softkey_public(p->evp)) ||
	    tufsig_put_key(p->key, &p->entry, p->id) ||
	    (len = softcert_make(p->evp, 1700000000, der, sizeof(der))) == 0 ||
	    attest_certs_add(&certs, view_of(der, len)) ||
	    gpg_err_code(tufsig_put_certs(certs, &p->certified,
	    p->certified_id)) != (ed ? GPG_ERR_PUBKEY_ALGO : GPG_ERR_NO_ERROR))
		return -1;
	attest_certs_free(&certs);
	return 0;
}

static int
make_pairs(void **state)
{
	struct pair *p = calloc(ALL, sizeof(*p));

	for (size_t i = 0; p && i < ALL; i++)
		if (make_pair(&p[i], all[i]))
			return -1;
	*state = p;
	return p ? 0 : -1;
}

static int
free_pairs(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < ALL; i++) {
		pubkey_free(&p[i].key);
		EVP_PKEY_free(p[i].evp);
		json_decref(p[i].entry);
		json_decref(p[i].certified);
	}
	free(p);
	return 0;
}

/* Signs a tree by hand, as a server would have it; the base64 is new. */
static char *
signature_of(const struct pair *p, json_t *role)
{
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct buf canonical, text;
	struct signing s;
	size_t len;
	char *out;

	buf_init(&canonical, TUF_ROLE_MAX);
	buf_init(&text, 1024);
	assert_false(canonical_put(&canonical, role));
	assert_false(tufsig_begin(&s, p->key, buf_view(&canonical)));
	len = softkey_sign(p->evp, &s, raw);
	assert_true(len > 0);
	assert_false(signing_check(&s, p->key, view_of(raw, len)));
	assert_false(base64_put(&text, view_of(raw, len)));
	out = view_strdup(buf_view(&text));
	signing_free(&s);
	buf_free(&canonical);
	buf_free(&text);
	return out;
}

static void
sign(json_t *envelope, const struct pair *p, const char *id)
{
	char *sig = signature_of(p, json_object_get(envelope, "signed"));

	assert_false(json_array_append_new(json_object_get(envelope,
	    "signatures"), json_pack("{s:s,s:s,s:s}", "keyid", id, "method",
	    tufsig_method(p->key), "sig", sig)));
	free(sig);
}

static json_t *
new_envelope(void)
{
	return json_pack("{s:{s:s,s:s,s:i,s:{}},s:[]}", "signed", "_type",
	    "Targets", "expires", EXPIRES, "version", 1, "targets",
	    "signatures");
}

/* A targets role that delegates targets/a to keys. */
static void
new_authority(struct tuf_role *r, json_t *keys, json_t *ids, int threshold)
{
	json_t *j = json_pack("{s:s,s:s,s:i,s:{s:o,s:[{s:s,s:o,s:i,s:[s]}]}}",
	    "_type", "Targets", "expires", EXPIRES, "version", 1,
	    "delegations", "keys", keys, "roles", "name", "targets/a",
	    "keyids", ids, "threshold", threshold, "paths", "");
	const char *why;

	assert_false(tuf_role_from(r, j, &why));
	json_decref(j);
}

static gpg_error_t
verify(json_t *envelope, const struct tuf_role *by, const char *name,
    size_t count)
{
	char *text = json_dumps(envelope, JSON_INDENT(2));
	struct tufsig_verdict verdict;
	struct tuf_envelope e;
	const char *why;
	gpg_error_t err;

	assert_false(tuf_envelope_read(&e, view_str(text), &why));
	err = tufsig_verify(&e, by, name, &verdict);
	assert_int_equal(verdict.count, count);
	for (size_t i = 0; i < count; i++)
		assert_non_null(verdict.ids[i]);
	tuf_envelope_free(&e);
	free(text);
	return err;
}

static void
every_key_signs(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < ALL; i++) {
		json_t *e = new_envelope();
		struct tuf_role by;

		new_authority(&by, json_pack("{s:O}", p[i].id, p[i].entry),
		    json_pack("[s]", p[i].id), 1);
		assert_code(verify(e, &by, "targets/a", 0),
		    GPG_ERR_BAD_SIGNATURE);
		sign(e, &p[i], p[i].id);
		assert_code(verify(e, &by, "targets/a", 1), 0);
		assert_code(verify(e, &by, "targets/b", 0), GPG_ERR_NOT_FOUND);
		json_object_set_new(json_object_get(e, "signed"), "version",
		    json_integer(2));
		assert_code(verify(e, &by, "targets/a", 0),
		    GPG_ERR_BAD_SIGNATURE);
		tuf_role_free(&by);
		json_decref(e);
	}
}

static void
every_certificate_signs(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < ALL; i++) {
		json_t *e = new_envelope();
		struct tuf_role by;

		if (!p[i].certified) {
			json_decref(e);
			continue;
		}
		new_authority(&by, json_pack("{s:O}", p[i].certified_id,
		    p[i].certified), json_pack("[s]", p[i].certified_id), 1);
		sign(e, &p[i], p[i].certified_id);
		assert_code(verify(e, &by, "targets/a", 1), 0);
		tuf_role_free(&by);
		json_decref(e);
	}
}

static void
one_key_counts_once(void **state)
{
	struct pair *p = *state;
	json_t *e = new_envelope();
	struct tuf_role by;

	new_authority(&by, json_pack("{s:O,s:O,s:O}", p[0].id, p[0].entry,
	    p[0].certified_id, p[0].certified, p[1].id, p[1].entry),
	    json_pack("[s,s,s]", p[0].id, p[0].certified_id, p[1].id), 2);
	sign(e, &p[0], p[0].id);
	sign(e, &p[0], p[0].certified_id);
	assert_code(verify(e, &by, "targets/a", 1), GPG_ERR_BAD_SIGNATURE);
	sign(e, &p[1], p[1].id);
	assert_code(verify(e, &by, "targets/a", 2), 0);
	tuf_role_free(&by);
	json_decref(e);
}

static void
only_keys_of_the_role_count(void **state)
{
	struct pair *p = *state;
	json_t *e = new_envelope();
	struct tuf_role by;

	new_authority(&by, json_pack("{s:O,s:O}", p[0].id, p[0].entry,
	    p[1].id, p[1].entry), json_pack("[s]", p[0].id), 1);
	sign(e, &p[1], p[1].id);
	assert_code(verify(e, &by, "targets/a", 0), GPG_ERR_BAD_SIGNATURE);
	/* The right id on the wrong key's signature. */
	json_array_clear(json_object_get(e, "signatures"));
	sign(e, &p[1], p[0].id);
	assert_code(verify(e, &by, "targets/a", 0), GPG_ERR_BAD_SIGNATURE);
	tuf_role_free(&by);
	json_decref(e);
}

static void
methods_are_the_keys(void **state)
{
	struct pair *p = *state;
	json_t *role = json_object();
	struct tuf_signature sig = { .id = p[3].id };
	struct tuf_key k = { .id = p[3].id, .type = TUF_KEY_RSA };
	char *text = signature_of(&p[3], role);
	struct view canonical = view_str("{}");

	sig.base64 = view_str(text);
	assert_true(json_get_text(json_object_get(p[3].entry, "keyval"),
	    "public", &k.public));
	sig.method = "rsapss";
	assert_code(tufsig_check(&k, &sig, canonical), 0);
	sig.method = "RSAPSS";
	assert_code(tufsig_check(&k, &sig, canonical), 0);
	sig.method = "rsapkcs1v15";
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_BAD_SIGNATURE);
	sig.method = "ecdsa";
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_BAD_SIGNATURE);
	sig.method = "";
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_BAD_SIGNATURE);
	sig.method = "rsapss";
	k.type = TUF_KEY_ECDSA;
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_BAD_PUBKEY);
	k.type = TUF_KEY_UNKNOWN;
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_PUBKEY_ALGO);
	free(text);
	json_decref(role);
}

static void
pkcs1_is_taken(void **state)
{
	struct pair *p = *state;
	struct view canonical = view_str("{}");
	uint8_t raw[SOFTKEY_SIGNATURE_MAX];
	struct tuf_key k = { .id = p[3].id, .type = TUF_KEY_RSA };
	struct tuf_signature sig = { .id = p[3].id, .method = "rsapkcs1v15" };
	struct signing s;
	struct buf text;

	assert_true(json_get_text(json_object_get(p[3].entry, "keyval"),
	    "public", &k.public));
	buf_init(&text, 1024);
	assert_false(signing_begin(&s, p[3].key, HASH_SHA256, &canonical, 1));
	base64_put(&text, view_of(raw, softkey_sign(p[3].evp, &s, raw)));
	sig.base64 = buf_view(&text);
	assert_code(tufsig_check(&k, &sig, canonical), 0);
	sig.method = "rsapss";
	assert_code(tufsig_check(&k, &sig, canonical), GPG_ERR_BAD_SIGNATURE);
	signing_free(&s);
	buf_free(&text);
}

static void
envelopes_that_are_malformed_are_refused(void **state)
{
	static const char *const bad[] = {
		"{}", "[]", "", "{\"signed\":{},\"signatures\":[]}",
		"{\"signed\":" PLAIN("1") "}",
		"{\"signed\":" PLAIN("1") ",\"signatures\":{}}",
		"{\"signed\":" PLAIN("1") ",\"signatures\":[{}]}",
		"{\"signed\":" PLAIN("1") ",\"signatures\":[{\"keyid\":\"a\","
		"\"method\":\"ecdsa\"}]}",
		"{\"signed\":" PLAIN("1") ",\"signatures\":[{\"keyid\":\"a\","
		"\"method\":\"ecdsa\",\"sig\":\"\"},{\"keyid\":\"a\","
		"\"method\":\"ecdsa\",\"sig\":\"AA==\"}]}",
		"{\"signed\":" PLAIN("1") ",\"Signed\":{},\"signatures\":[]}",
		"{\"signed\":" PLAIN("1") ",\"signatures\":[]}x",
		"{\"signed\":" PLAIN("1.0") ",\"signatures\":[]}",
	};
	struct tuf_envelope e;
	const char *why;

	for (size_t i = 0; i < COUNT(bad); i++) {
		gpg_error_t err = tuf_envelope_read(&e, view_str(bad[i]),
		    &why);

		if (gpg_err_code(err) != GPG_ERR_BAD_DATA || !why)
			fail_msg("not refused: %s", bad[i]);
	}
	assert_false(tuf_envelope_read(&e, view_str("{\"signed\":" PLAIN("1")
	    ",\"signatures\":[]}"), &why));
	tuf_envelope_free(&e);
}

/* ---- root, snapshot, timestamp ---- */

static json_t *
new_root(const struct pair *p)
{
	json_t *roles = json_object();
	static const char *const names[] = { "root", "targets", "snapshot",
		"timestamp" };

	for (size_t i = 0; i < COUNT(names); i++)
		json_object_set_new(roles, names[i], json_pack("{s:[s],s:i}",
		    "keyids", p[i].id, "threshold", 1));
	return json_pack("{s:s,s:b,s:s,s:i,s:{s:O,s:O,s:O,s:O},s:o}", "_type",
	    "Root", "consistent_snapshot", 0, "expires", EXPIRES, "version",
	    1, "keys", p[0].id, p[0].entry, p[1].id, p[1].entry, p[2].id,
	    p[2].entry, p[3].id, p[3].entry, "roles", roles);
}

static gpg_error_t
read_tree(json_t *j)
{
	struct tuf_role r;
	const char *why;
	gpg_error_t err = tuf_role_from(&r, j, &why);

	tuf_role_free(&r);
	return err;
}

static void
root_is_read(void **state)
{
	struct pair *p = *state;
	json_t *j = new_root(p), *e;
	struct tuf_signer s;
	struct tuf_role r;
	const char *why;

	assert_false(tuf_role_from(&r, j, &why));
	assert_true(tuf_signers_find(&r, "targets", &s));
	assert_true(tuf_signer_has(&s, p[1].id));
	assert_true(tuf_role_fits(&r, "root"));
	assert_false(tuf_role_fits(&r, "targets"));
	e = json_pack("{s:O,s:[]}", "signed", j, "signatures");
	assert_code(verify(e, &r, "root", 0), GPG_ERR_BAD_SIGNATURE);
	sign(e, &p[0], p[0].id);
	assert_code(verify(e, &r, "root", 1), 0);
	assert_code(verify(e, &r, "targets", 0), GPG_ERR_BAD_SIGNATURE);
	json_decref(e);
	tuf_role_free(&r);
	json_decref(j);
}

static void
root_that_is_malformed_is_refused(void **state)
{
	struct pair *p = *state;
	json_t *j;

	j = new_root(p);
	json_object_del(json_object_get(j, "roles"), "timestamp");
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
	j = new_root(p);
	json_object_del(json_object_get(j, "keys"), p[3].id);
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
	j = new_root(p);
	json_object_set_new(json_object_get(json_object_get(j, "roles"),
	    "root"), "threshold", json_integer(2));
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
	j = new_root(p);
	json_object_set_new(json_object_get(j, "roles"), "Root",
	    json_object());
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
	j = new_root(p);
	json_object_set_new(j, "consistent_snapshot", json_integer(1));
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
	j = new_root(p);
	json_object_del(j, "keys");
	assert_code(read_tree(j), GPG_ERR_BAD_DATA);
	json_decref(j);
}

#define META(type, files) \
	"{\"_type\":\"" type "\",\"expires\":\"" EXPIRES "\",\"meta\":{" \
	files "},\"version\":1}"

static void
snapshot_and_timestamp_are_read(void **state)
{
	struct tuf_role r;
	struct tuf_file f;

	accept(META("Snapshot", "\"root\":" FILE_GOOD ",\"targets\":"
	    FILE_GOOD ",\"targets/a\":" FILE_GOOD));
	refuse(META("Snapshot", "\"root\":" FILE_GOOD));
	refuse(META("Snapshot", ""));
	refuse(META("Timestamp", "\"root\":" FILE_GOOD));
	assert_false(read_role(&r, META("Timestamp", "\"snapshot\":"
	    FILE_GOOD)));
	assert_true(tuf_files_find(&r, "snapshot", &f));
	assert_true(tuf_role_fits(&r, "timestamp"));
	assert_false(tuf_role_fits(&r, "snapshot"));
	tuf_role_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_read),
		cmocka_unit_test(numbers_are_bounded),
		cmocka_unit_test(targets_that_are_malformed_are_refused),
		cmocka_unit_test(canonical_is_one_form),
		cmocka_unit_test(delegations_are_read),
		cmocka_unit_test(delegations_that_are_malformed_are_refused),
		cmocka_unit_test(delegations_are_found),
		cmocka_unit_test(every_key_signs),
		cmocka_unit_test(every_certificate_signs),
		cmocka_unit_test(one_key_counts_once),
		cmocka_unit_test(only_keys_of_the_role_count),
		cmocka_unit_test(methods_are_the_keys),
		cmocka_unit_test(pkcs1_is_taken),
		cmocka_unit_test(envelopes_that_are_malformed_are_refused),
		cmocka_unit_test(root_is_read),
		cmocka_unit_test(root_that_is_malformed_is_refused),
		cmocka_unit_test(snapshot_and_timestamp_are_read),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
