/*
 * What is of container images: it is read and named, whatever only claims to
 * be is refused, and nobody gets it signed as a file or by an SSH key.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "object/object.h"
#include "wire/base64.h"
#include "wire/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define HEX "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define DIGEST "sha256:" HEX
#define OCI "application/vnd.oci.image."
#define DOCKER "application/vnd.docker."

#define MANIFEST "{\"schemaVersion\":2,\"mediaType\":\"" OCI \
	"manifest.v1+json\",\"config\":{\"mediaType\":\"" OCI \
	"config.v1+json\",\"digest\":\"" DIGEST "\",\"size\":1000000}," \
	"\"layers\":[{\"mediaType\":\"" OCI "layer.v1.tar+gzip\",\"digest\":" \
	"\"" DIGEST "\",\"size\":11340000}],\"annotations\":{" \
	"\"org.opencontainers.image.created\":\"2026-11-22T04:27:04Z\"}}"
#define INDEX "{\"schemaVersion\":2,\"mediaType\":\"" DOCKER \
	"distribution.manifest.list.v2+json\",\"manifests\":[{\"mediaType\":" \
	"\"" DOCKER "distribution.manifest.v2+json\",\"size\":528,\"digest\":" \
	"\"" DIGEST "\",\"platform\":{\"architecture\":\"amd64\",\"os\":" \
	"\"linux\"}},{\"mediaType\":\"" DOCKER \
	"distribution.manifest.v2+json\",\"size\":529,\"digest\":\"" DIGEST \
	"\",\"platform\":{\"architecture\":\"arm\",\"os\":\"linux\"," \
	"\"variant\":\"v7\"}}]}"
/* By sha256sum(1). */
#define MANIFEST_DIGEST "sha256:" \
	"88204f08378a21474c53aae9b2a84973403365ff78bd6f353fca5753eea66863"
#define INDEX_DIGEST "sha256:" \
	"c11f27dd51fa8b10e4af9f50878e438c7673681bb392e4f99ebc801d36614138"
#define SIMPLE_OF(type) "{\"critical\":{\"identity\":{" \
	"\"docker-reference\":\"docker.io/x/y:1\"},\"image\":{" \
	"\"docker-manifest-digest\":\"" DIGEST "\"},\"type\":\"" type \
	"\"},\"optional\":{\"creator\":\"touchstone\",\"timestamp\":17}}"
#define SIMPLE SIMPLE_OF("atomic container signature")
#define COSIGN SIMPLE_OF("cosign container image signature")
#define STATEMENT_OF(predicate) "{\"_type\":\"https://in-toto.io/Statement/" \
	"v1\",\"subject\":[{\"digest\":{\"sha256\":\"" HEX "\"}}]," \
	"\"predicateType\":\"" predicate "\",\"predicate\":{}}"
#define STATEMENT STATEMENT_OF("https://sigstore.dev/cosign/sign/v1")
#define SLSA STATEMENT_OF("https://slsa.dev/provenance/v1")
#define NOTATION "{\"targetArtifact\":{\"mediaType\":\"" OCI \
	"manifest.v1+json\",\"digest\":\"" DIGEST "\",\"size\":16724," \
	"\"annotations\":{\"io.wabbit-networks.buildId\":\"123\"}}}"
#define PAE "DSSEv1 28 application/vnd.in-toto+json "
#define CNCF "application/vnd.cncf.notary.payload.v1+json"
#define JWS_HEADER "{\"alg\":\"PS256\",\"cty\":\"" CNCF "\",\"crit\":[" \
	"\"io.cncf.notary.signingScheme\"],\"io.cncf.notary.signingScheme\":" \
	"\"notary.x509\",\"io.cncf.notary.signingTime\":" \
	"\"2026-11-22T04:27:04Z\"}"
#define JWS_TIME 1795321624

static gpg_error_t
read_bytes(struct view v, struct object *o)
{
	char *copy = malloc(v.len ? v.len : 1);
	const char *why;
	gpg_error_t err;

	memcpy(copy, v.p, v.len);
	err = object_read(view_of(copy, v.len), o, &why);
	assert_true(text_is_clean(view_str(o->summary)));
	if (err) {
		assert_non_null(why);
		assert_true(text_is_clean(view_str(why)));
		assert_string_equal(o->summary, "");
	} else {
		assert_null(why);
	}
	o->bytes = v;
	free(copy);
	return err;
}

static void
assert_named(const char *text, enum object_kind kind, const char *summary)
{
	struct object o;

	assert_int_equal(read_bytes(view_str(text), &o), 0);
	assert_int_equal(o.kind, kind);
	if (summary)
		assert_string_equal(o.summary, summary);
}

static void
assert_refused(const char *text, gpg_err_code_t code)
{
	struct object o;
	gpg_error_t err = read_bytes(view_str(text), &o);

	if (gpg_err_code(err) != code)
		print_error("# read: %s\n", text);
	assert_int_equal(gpg_err_code(err), code);
}

/* The text with the first `from` in it made `to`. */
static char *
with(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *out = malloc(strlen(text) + strlen(to) + 1);

	if (!at)
		print_error("# no %s in %s\n", from, text);
	assert_non_null(at);
	sprintf(out, "%.*s%s%s", (int)(at - text), text, to,
	    at + strlen(from));
	return out;
}

struct change {
	const char *from, *to;
};

static void
assert_all(const char *text, const struct change *c, size_t n,
    gpg_err_code_t code)
{
	assert_refused(text, GPG_ERR_NO_ERROR);
	for (; n > 0; n--, c++) {
		char *changed = with(text, c->from, c->to);

		assert_refused(changed, code);
		free(changed);
	}
}


static void
test_images_are_named(void **state)
{
	char *artifact = with(MANIFEST, "\"config\"",
	    "\"artifactType\":\"application/x-sbom\",\"config\"");
	char *bare = with(MANIFEST, "\"mediaType\":\"" OCI
	    "manifest.v1+json\",", "");
	struct object o;

	assert_int_equal(read_bytes(view_str(MANIFEST), &o), 0);
	assert_int_equal(o.kind, OBJECT_MANIFEST);
	assert_string_equal(o.summary, "image " MANIFEST_DIGEST ", 12.3 MB, "
	    "created 2026-11-22");
	assert_string_equal(o.image.digest, MANIFEST_DIGEST);
	assert_string_equal(o.image.config, DIGEST);
	assert_string_equal(o.image.media_type, OCI "manifest.v1+json");
	assert_string_equal(o.image.created, "2026-11-22T04:27:04Z");
	assert_int_equal(o.image.size, 12340000 + strlen(MANIFEST));
	assert_int_equal(o.image.count, 1);

	assert_int_equal(read_bytes(view_str(artifact), &o), 0);
	assert_string_equal(o.image.artifact_type, "application/x-sbom");
	assert_true(view_starts(view_str(o.summary), "artifact sha256:"));
	assert_int_equal(read_bytes(view_str(bare), &o), 0);
	assert_string_equal(o.image.media_type, OCI "manifest.v1+json");
	free(artifact);
	free(bare);
}

static void
test_indexes_are_named(void **state)
{
	struct object o;

	assert_int_equal(read_bytes(view_str(INDEX), &o), 0);
	assert_int_equal(o.kind, OBJECT_INDEX);
	assert_string_equal(o.image.platforms, "linux/amd64, linux/arm/v7");
	assert_int_equal(o.image.count, 2);
	assert_string_equal(o.summary, "image index " INDEX_DIGEST
	    " for linux/amd64, linux/arm/v7, 2 manifests");
}

static void
test_a_reference_names_an_image(void **state)
{
	static const char *const bad[] = { "", "x y", "x\n", "x\"", "\xc3\xa4",
		"x\x1b[0m" };
	const char *why = NULL;
	struct object o;
	char wanted[OBJECT_SUMMARY];
	char longest[300];

	assert_int_equal(read_bytes(view_str(MANIFEST), &o), 0);
	assert_int_equal(object_name_image(&o,
	    view_str("localhost:5000/x:v1"), &why), 0);
	snprintf(wanted, sizeof(wanted), "image localhost:5000/x:v1@%s, "
	    "12.3 MB, created 2026-11-22", o.image.digest);
	assert_string_equal(o.summary, wanted);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(gpg_err_code(object_name_image(&o,
		    view_str(bad[i]), &why)), GPG_ERR_BAD_DATA);
		assert_string_equal(o.summary, wanted);
	}
	memset(longest, 'x', sizeof(longest));
	assert_int_equal(object_name_image(&o, view_of(longest, 255), &why),
	    0);
	assert_non_null(strstr(o.summary, o.image.digest));
	assert_int_equal(gpg_err_code(object_name_image(&o,
	    view_of(longest, 256), &why)), GPG_ERR_BAD_DATA);
}

/* An image's name with that behind it. */
static void
assert_noted(const char *name, const char *value, const char *shown)
{
	const char *why = NULL;
	struct object o;
	char wanted[2 * OBJECT_SUMMARY];

	assert_int_equal(read_bytes(view_str(MANIFEST), &o), 0);
	assert_int_equal(object_name_image(&o, view_str("h/x:v1"), &why), 0);
	snprintf(wanted, sizeof(wanted), "%s, with %s", o.summary, shown);
	assert_true(object_name_note(&o, view_str(name), view_str(value), 0));
	assert_string_equal(o.summary, wanted);
}

static void
test_notes_are_named_behind_an_image(void **state)
{
	struct object o;

	assert_noted("build", "7", "build=7");
	assert_noted("by", "a \"b\"\x1b[m", "by=\"a 'b'?[m\"");
	assert_noted("id", "0123456789abcdef0123456789abcdef",
	    "id=0123456789abcdef0123456789abcdef");
	assert_noted("id", "0123456789abcdef0123456789abcdef0",
	    "id=0123456789abcdef0123456789abc...");
	assert_int_equal(read_bytes(view_str(MANIFEST), &o), 0);
	while (object_name_note(&o, view_str("name"), view_str("value"), 41))
		;
	assert_non_null(strstr(o.summary, ", with name=value, with "
	    "annotations not shown here: 42"));
	assert_true(text_is_clean(view_str(o.summary)));
}

static void
test_notes_are_named_behind_a_payload(void **state)
{
	static const struct {
		const char *payload, *from, *to, *shown;
	} c[] = {
		{ COSIGN, "\"timestamp\":17", "\"by\":\"a\\u001b\",\"n\":17",
		    ", with creator=touchstone, with by=\"a?\", with "
		    "n=\"(no text)\"" },
		{ STATEMENT, "{\"digest\"", "{\"annotations\":{\"by\":\"me\"},"
		    "\"digest\"", ", with by=me" },
		{ NOTATION, "\"123\"", "\"124\"",
		    ", with io.wabbit-networks.buildId=124" },
	};
	struct object o;

	for (size_t i = 0; i < COUNT(c); i++) {
		char *changed = with(c[i].payload, c[i].from, c[i].to);
		size_t len = strlen(c[i].shown);

		assert_int_equal(read_bytes(view_str(changed), &o), 0);
		assert_true(strlen(o.summary) > len);
		assert_string_equal(o.summary + strlen(o.summary) - len,
		    c[i].shown);
		free(changed);
	}
}

static void
test_payloads_are_named(void **state)
{
	struct object o;

	assert_named(SIMPLE, OBJECT_SIMPLE, "GPG's signature of image "
	    "docker.io/x/y:1@" DIGEST);
	assert_int_equal(read_bytes(view_str(COSIGN), &o), 0);
	assert_string_equal(o.summary, "cosign's signature of image "
	    "docker.io/x/y:1@" DIGEST ", with creator=touchstone, with "
	    "timestamp=\"(no text)\"");
	assert_true(o.image.cosign);
	assert_string_equal(o.image.digest, DIGEST);
	assert_string_equal(o.image.reference, "docker.io/x/y:1");
	assert_named(STATEMENT, OBJECT_STATEMENT, "cosign's signature of "
	    "image " DIGEST);
	assert_int_equal(read_bytes(view_str(SLSA), &o), 0);
	assert_string_equal(o.summary, "statement "
	    "https://slsa.dev/provenance/v1 about " DIGEST);
	assert_int_equal(o.image.wrapping, WRAP_NONE);
	assert_int_equal(read_bytes(view_str(NOTATION), &o), 0);
	assert_int_equal(o.kind, OBJECT_NOTATION);
	assert_string_equal(o.summary, "Notary Project's signature of " OCI
	    "manifest.v1+json " DIGEST ", 16.7 kB, with "
	    "io.wabbit-networks.buildId=123");
	assert_int_equal(o.image.wrapping, WRAP_NONE);
	assert_int_equal(o.image.size, 16724);
}

static void
test_a_statement_tells_its_subjects(void **state)
{
	char *named = with(SLSA, "{\"digest\"", "{\"name\":\"x.tar\","
	    "\"digest\"");
	char *more = with(named, "\"subject\":[", "\"subject\":[{\"name\":"
	    "\"a\\\" b\",\"digest\":{\"sha1\":\"00\",\"sha256\":\"" HEX
	    "\"}},");

	assert_named(named, OBJECT_STATEMENT, "statement "
	    "https://slsa.dev/provenance/v1 about x.tar@" DIGEST);
	assert_named(more, OBJECT_STATEMENT, "statement "
	    "https://slsa.dev/provenance/v1 about \"a' b\"@" DIGEST
	    " (one of 2 digests) and 1 more");
	free(named);
	free(more);
}

static void
test_a_manifest_is_read_strictly(void **state)
{
	static const struct change changes[] = {
		{ "\"schemaVersion\":2", "\"schemaVersion\":1" },
		{ "\"schemaVersion\":2", "\"schemaVersion\":2.0" },
		{ "\"schemaVersion\":2", "\"schemaVersion\":\"2\"" },
		{ "\"schemaVersion\":2", "\"schemaVersion\":3" },
		{ "\"schemaVersion\":2", "\"schemaVersion\":2,"
		    "\"schemaVersion\":2" },
		{ "manifest.v1+json", "index.v1+json" },
		{ "manifest.v1+json", "manifest.v9+json" },
		{ "\"config\"", "\"manifests\":[],\"config\"" },
		{ "\"config\"", "\"fsLayers\":[],\"config\"" },
		{ "\"config\"", "\"Config\":{},\"config\"" },
		{ "\"config\"", "\"con\\u0066ig\":{},\"config\"" },
		{ "\"config\"", "\"config\":{},\"config\"" },
		{ "\"config\":{\"mediaType\"", "\"config\":{\"\"" },
		{ "\"config\"", "\"x\"" },
		{ "\"config\"", "\"artifactType\":\"sbom\",\"config\"" },
		{ "\"config\"", "\"artifactType\":5,\"config\"" },
		{ "\"config\"", "\"subject\":{},\"config\"" },
		{ "\"layers\":[", "\"layers\":[{}," },
		{ "\"layers\"", "\"Layers\"" },
		{ "\"layers\":[", "\"layers\":null,\"x\":[" },
		{ DIGEST, "sha256:" "44" },
		{ DIGEST, "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ DIGEST, "md5:d41d8cd98f00b204e9800998ecf8427e" },
		{ HEX, "44136FA355B3678A1146AD16F7E8649E94FB4FC21FE77E8310C060"
		    "F61CAAFF8A" },
		{ "\"size\":1000000", "\"size\":1000000.0" },
		{ "\"size\":1000000", "\"size\":-1" },
		{ "\"size\":1000000", "\"size\":\"1\"" },
		{ "\"size\":1000000", "\"siz\":1" },
		{ "\"size\":1000000", "\"size\":1,\"Size\":2" },
		{ "\"size\":1000000", "\"size\":99999999999999999999" },
		{ "\"annotations\":{", "\"annotations\":{\"a\":1," },
		{ "\"annotations\":{", "\"annotations\":[],\"x\":{" },
		{ "04Z\"}}", "04Z\"}}x" },
		{ "04Z\"}}", "04Z\"}} {}" },
		{ "04Z\"}}", "04Z\"}" },
		{ "{\"schema", "\xef\xbb\xbf{\"schema" },
		{ "2026", "\xff" },
		{ "2026", "\\u0000" },
	};
	static const struct change good[] = {
		{ "2026-11", "2026" }, { "2026-11-22T04:27:04Z", "\\u001b[0m" },
		{ "\"config\"", "\"extra\":[1.5],\"config\"" },
		{ "{\"schema", " \t\n{\"schema" },
		{ "\"size\":1000000}", "\"size\":1000000,\"urls\":[]}" },
		{ OCI "manifest.v1", DOCKER "distribution.manifest.v2" },
	};

	assert_all(MANIFEST, changes, COUNT(changes), GPG_ERR_BAD_DATA);
	assert_all(MANIFEST, good, COUNT(good), GPG_ERR_NO_ERROR);
}

static void
test_an_index_is_read_strictly(void **state)
{
	static const struct change changes[] = {
		{ "\"manifests\"", "\"layers\":[],\"manifests\"" },
		{ "\"manifests\"", "\"config\":{},\"manifests\"" },
		{ "\"manifests\"", "\"Manifests\":[],\"manifests\"" },
		{ "\"manifests\":[", "\"manifests\":{},\"x\":[" },
		{ "manifest.list.v2", "manifest.v2" },
		{ "\"os\":\"linux\"", "\"os\":5" },
		{ "\"os\":\"linux\"", "\"os\":\"linux, windows\"" },
		{ "\"os\":\"linux\"", "\"os\":\"\"" },
		{ "\"os\":\"linux\"", "\"os\":\"linux\",\"OS\":\"x\"" },
		{ "\"platform\":{", "\"platform\":[],\"x\":{" },
		{ "\"size\":529", "\"size\":18446744073709551615" },
	};

	assert_all(INDEX, changes, COUNT(changes), GPG_ERR_BAD_DATA);
}

static void
test_payloads_are_read_strictly(void **state)
{
	static const struct change simple[] = {
		{ "\"optional\"", "\"Critical\":{},\"optional\"" },
		{ "\"optional\"", "\"critical\":{},\"optional\"" },
		{ "\"optional\"", "\"more\":{},\"optional\"" },
		{ "\"optional\":{", "\"optional\":[],\"x\":{" },
		{ "\"type\":", "\"type\":\"x\",\"Type\":" },
		{ "\"type\":\"a", "\"type\":\"b" },
		{ "\"type\":", "\"typ\":" },
		{ "\"timestamp\":17", "\"timestamp\":17.5" },
		{ "\"creator\":\"touchstone\"", "\"creator\":5" },
		{ "docker-manifest-digest", "docker-manifest-Digest" },
		{ DIGEST, "sha1:00" },
		{ DIGEST, HEX },
		{ "docker.io/x/y:1", "" },
		{ "docker.io/x/y:1", "a b" },
		{ "docker.io/x/y:1", "x\\u202ey" },
		{ "\"image\":{", "\"image\":{\"more\":1," },
	};
	static const struct change statement[] = {
		{ "Statement/v1", "Statement/v2" },
		{ "\"predicate\":{}", "\"predicate\":[]" },
		{ "\"predicate\":{}", "\"predicate\":{},\"Subject\":[]" },
		{ "\"predicate\":{}", "\"predicate\":{},\"subject\":[]" },
		{ "\"predicate\":{}", "\"predicate\":{\"a\":1,\"a\":2}" },
		{ "\"predicate\":{}", "\"predicate\":{},"
		    "\"predicate_type\":\"x\"" },
		{ "\"predicateType\":\"h", "\"predicateType\":\"\xc2\x9bh" },
		{ "\"subject\":[{", "\"subject\":[5,{" },
		{ "\"subject\":[{\"digest\":{\"sha256\":\"" HEX "\"}}]",
		    "\"subject\":[]" },
		{ "\"sha256\"", "\"sha1\"" },
		{ "\"sha256\"", "\"SHA256\"" },
		{ "\"sha256\"", "\"sha512\"" },
		{ "\"sha256\":\"44", "\"sha256\":\"4G" },
		{ "\"sha256\"", "\"sha512\":\"00\",\"sha256\"" },
		{ "\"digest\"", "\"Digest\":{},\"digest\"" },
		{ "\"digest\"", "\"name\":5,\"digest\"" },
	};
	static const struct change notation[] = {
		{ "\"targetArtifact\":{", "\"x\":1,\"targetArtifact\":{" },
		{ "\"targetArtifact\":{", "\"TargetArtifact\":{" },
		{ "\"size\":16724", "\"size\":1e3" },
		{ "\"size\":16724", "\"x\":1" },
		{ "\"size\":16724", "\"size\":1,\"Digest\":\"x\"" },
		{ "\"123\"", "123" },
		{ DIGEST, "sha256:" },
		{ "\"mediaType\"", "\"media\"" },
	};

	assert_all(SIMPLE, simple, COUNT(simple), GPG_ERR_BAD_DATA);
	assert_all(STATEMENT, statement, COUNT(statement), GPG_ERR_BAD_DATA);
	assert_all(NOTATION, notation, COUNT(notation), GPG_ERR_BAD_DATA);
}

/* GPG's readers want a time and a creator; cosign's annotations are free. */
static void
test_cosigns_annotations_are_free(void **state)
{
	static const struct change good[] = {
		{ "\"timestamp\":17", "\"timestamp\":\"x\"" },
		{ "\"optional\":{", "\"optional\":{\"a\":{\"b\":1.5}," },
		{ "\"optional\":{\"creator\":\"touchstone\","
		    "\"timestamp\":17}", "\"optional\":null" },
	};

	assert_all(COSIGN, good, COUNT(good), GPG_ERR_NO_ERROR);
}

static void
test_what_careless_readers_would_take_is_refused(void **state)
{
	static const char *const claims[] = {
		"{\"CRITICAL\":{}}", "{\"criti\\u0063al\":{}}",
		"{\"criti\\u0063al\"  : \n{", "{\"a\":[{},{}],\"critical\":{}",
		"\xef\xbb\xbf{\"critical\":{}}", "{\"x\":\"\\\"\",\"Critical\":{}}",
		"{\"x\":\xff,\"critical\":{}}", "{\"critical\":{}} x",
		"{\"predicateType\":0}", "{\"_type\":0,\"subject\":0}",
		"{\"\xc5\xbfubject\":0,\"_type\":0}",
		"{\"targetArtifact\":{}}", "{\"TARGETARTIFACT\":{\"x\":0}}",
		"{\"schemaVersion\":2,\"layers\":0}",
		"{\"\\u017fchemaVer\\u017fion\":2,\"Manifests\":0}",
		"{\"schemaVersion\":1,\"fsLayers\":[]}",
	};
	static const char *const blobs[] = {
		"{}", "[]", "{\"critical\":3,\"high\":5}", "{\"a\":{\"critical\""
		":{}}}", "[{\"critical\":{}}]", "{\"critica\":{}}",
		"{\"x\":\"critical\",\"y\":{}}", "{\"x\":\"\\\"critical\\\":{\"}",
		"{\"SchemaVersion\":2,\"Results\":[]}", "{\"type\":\"link\"}",
		"{\"subject\":[]}", "x{\"critical\":{}}", "{\"critical\" {}}",
		"{\"targetArtifact\":\"x\"}",
	};
	struct object o;

	for (size_t i = 0; i < COUNT(claims); i++)
		assert_refused(claims[i], GPG_ERR_BAD_DATA);
	for (size_t i = 0; i < COUNT(blobs); i++) {
		assert_int_equal(read_bytes(view_str(blobs[i]), &o), 0);
		assert_int_equal(o.kind, OBJECT_BLOB);
	}
}

static void
put_jws(struct buf *b, const char *header, const char *payload)
{
	base64url_put(b, view_str(header));
	buf_put_u8(b, '.');
	base64url_put(b, view_str(payload));
}

static gpg_error_t
read_jws(const char *header, const char *payload, struct object *o)
{
	struct buf b;
	gpg_error_t err;

	buf_init(&b, 65536);
	put_jws(&b, header, payload);
	err = read_bytes(buf_view(&b), o);
	o->bytes = view_of(NULL, 0);
	buf_free(&b);
	return err;
}

static void
test_a_signing_input_is_its_payload(void **state)
{
	char pae[1024];
	struct object o;

	snprintf(pae, sizeof(pae), PAE "%zu " STATEMENT, strlen(STATEMENT));
	assert_int_equal(read_bytes(view_str(pae), &o), 0);
	assert_int_equal(o.kind, OBJECT_STATEMENT);
	assert_int_equal(o.image.wrapping, WRAP_DSSE);
	assert_string_equal(o.summary, "cosign's signature of image " DIGEST);

	assert_int_equal(read_jws(JWS_HEADER, NOTATION, &o), 0);
	assert_int_equal(o.kind, OBJECT_NOTATION);
	assert_int_equal(o.image.wrapping, WRAP_JWS);
	assert_string_equal(o.image.algorithm, "PS256");
	assert_int_equal(o.image.signed_at, JWS_TIME);
	assert_string_equal(o.image.digest, DIGEST);
}

static void
test_dsse_is_as_long_as_it_says(void **state)
{
	static const char *const bad[] = {
		"", "0 ", "1 {", "01 {", "-1 {", "1", "99999999999 {",
		"3 {}", "2 {} ", "2  {}", "2 {}",
	};
	char pae[1024];
	struct object o;

	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(pae, sizeof(pae), PAE "%s", bad[i]);
		assert_refused(pae, GPG_ERR_BAD_DATA);
	}
	for (int by = -1; by < 2; by++) {
		snprintf(pae, sizeof(pae), PAE "%d %s",
		    (int)strlen(STATEMENT) + by, STATEMENT);
		assert_int_equal(gpg_err_code(read_bytes(view_str(pae), &o)),
		    by == 0 ? GPG_ERR_NO_ERROR : GPG_ERR_BAD_DATA);
	}
	snprintf(pae, sizeof(pae), PAE "%zu %s", strlen(SIMPLE), SIMPLE);
	assert_refused(pae, GPG_ERR_BAD_DATA);
	assert_refused("DSSEv1 4 text 2 hi", GPG_ERR_FORBIDDEN);
	assert_refused("DSSEv1 29 application/vnd.in-toto+json 2 {}",
	    GPG_ERR_FORBIDDEN);
}

static void
test_a_jws_header_is_read_strictly(void **state)
{
	static const struct change bad[] = {
		{ "PS256", "RS256" }, { "PS256", "none" }, { "PS256", "HS256" },
		{ "PS256", "EdDSA" }, { "PS256", "ps256" }, { "PS256", "" },
		{ "\"alg\"", "\"alg\":\"ES256\",\"alg\"" },
		{ "\"alg\"", "\"Alg\":\"ES256\",\"alg\"" },
		{ "\"alg\"", "\"b64\":false,\"alg\"" },
		{ "\"crit\":[", "\"crit\":[\"x\"," },
		{ "\"crit\":[", "\"crit\":[5," },
		{ "\"crit\":[\"io.cncf.notary.signingScheme\"]", "\"crit\":[]" },
		{ "\"crit\":[", "\"crit\":[\"io.cncf.notary.signingScheme\"," },
		{ "\"crit\":[", "\"crit\":[\"io.cncf.notary.expiry\"," },
		{ "\"alg\"", "\"io.cncf.notary.expiry\":"
		    "\"2026-11-22T04:27:04Z\",\"alg\"" },
		{ "notary.x509", "notary.x509.signingAuthority" },
		{ "2026-11-22T04:27:04Z", "2026-11-22" },
		{ "2026-11-22T04:27:04Z", "2026-13-22T04:27:04Z" },
		{ "2026-11-22T04:27:04Z", "2026-11-22T04:27:04" },
		{ "2026-11-22T04:27:04Z", "2026-11-22T04:27:04.Z" },
		{ "signingTime\":", "time\":" },
	};
	static const struct change good[] = {
		{ "PS256", "ES384" }, { "\"alg\"", "\"x\":1.5,\"alg\"" },
		{ "04Z", "04.25+01:00" },
		{ "\"crit\":[", "\"io.cncf.notary.expiry\":"
		    "\"2027-11-22T04:27:04Z\",\"crit\":["
		    "\"io.cncf.notary.expiry\"," },
	};
	struct object o;
	char *changed;

	for (size_t i = 0; i < COUNT(bad); i++) {
		changed = with(JWS_HEADER, bad[i].from, bad[i].to);
		if (!read_jws(changed, NOTATION, &o))
			print_error("# read: %s\n", changed);
		assert_int_equal(gpg_err_code(read_jws(changed, NOTATION,
		    &o)), GPG_ERR_BAD_DATA);
		free(changed);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		changed = with(JWS_HEADER, good[i].from, good[i].to);
		assert_int_equal(read_jws(changed, NOTATION, &o), 0);
		free(changed);
	}
	/* Other payloads and other types are none of the Notary's. */
	assert_int_equal(gpg_err_code(read_jws(JWS_HEADER, "{}", &o)),
	    GPG_ERR_BAD_DATA);
	assert_int_equal(gpg_err_code(read_jws(JWS_HEADER, SIMPLE, &o)),
	    GPG_ERR_BAD_DATA);
	changed = with(JWS_HEADER, CNCF, "text/plain");
	assert_int_equal(gpg_err_code(read_jws(changed, NOTATION, &o)),
	    GPG_ERR_FORBIDDEN);
	free(changed);
}

/* The protected header and how it is hashed, by hand (RFC 9052, 4.4). */
#define KEY(n, s) n "io.cncf.notary." s
#define COSE_SCHEME KEY("\x78\x1c", "signingScheme")
#define COSE_HEADER "\xa5\x01\x38\x24" \
	"\x02\x81" COSE_SCHEME \
	"\x03\x78\x2b" CNCF \
	COSE_SCHEME "\x6bnotary.x509" \
	KEY("\x78\x1a", "signingTime") "\xc1\x1a\x6b\x01\x6b\x18"

static size_t
put_cose(char *to, const char *header, const char *payload)
{
	size_t h = strlen(header), p = strlen(payload);
	char *start = to;

	to += sprintf(to, "\x84\x6aSignature1\x58");
	*to++ = (char)h;
	memcpy(to, header, h);
	to += h;
	*to++ = 0x40;
	if (p > 255) {
		*to++ = 0x59;
		*to++ = (char)(p >> 8);
	} else {
		*to++ = 0x58;
	}
	*to++ = (char)p;
	memcpy(to, payload, p);
	return (size_t)(to - start) + p;
}

static gpg_error_t
read_cose(const char *header, const char *payload, struct object *o)
{
	char bytes[2048];

	return read_bytes(view_of(bytes, put_cose(bytes, header, payload)), o);
}

static void
test_a_cose_structure_is_read_strictly(void **state)
{
	static const struct change bad[] = {
		{ "\x01\x38\x24", "\x01\x38\x20" },
		{ "\x01\x38\x24", "\x01\x39\x01\x00" },
		{ "\x01\x38\x24", "\x01\x24" },
		{ "\x01\x38\x24", "\x01\x01" },
		{ "\xa5\x01\x38\x24", "\xa6\x01\x38\x24\x01\x26" },
		{ "\xa5\x01\x38\x24", "\xa6\x01\x38\x24\x04\x41x" },
		{ "\x02\x81", "\x02\x82\x61x" },
		{ "\x6bnotary.x509", "\x6bnotary.x500" },
		{ "\xc1\x1a", "\xc0\x1a" }, { "\xc1\x1a", "\x1a" },
		{ "\xa5", "\xa4" }, { "\xa5", "\xbf" },
	};
	struct object o;

	assert_int_equal(read_cose(COSE_HEADER, NOTATION, &o), 0);
	assert_int_equal(o.kind, OBJECT_NOTATION);
	assert_int_equal(o.image.wrapping, WRAP_COSE);
	assert_string_equal(o.image.algorithm, "PS256");
	assert_int_equal(o.image.signed_at, 0x6b016b18);
	for (size_t i = 0; i < COUNT(bad); i++) {
		char *changed = with(COSE_HEADER, bad[i].from, bad[i].to);

		if (!read_cose(changed, NOTATION, &o))
			print_error("# read: change %zu\n", i);
		assert_int_equal(gpg_err_code(read_cose(changed, NOTATION,
		    &o)), GPG_ERR_BAD_DATA);
		free(changed);
	}
	assert_int_equal(gpg_err_code(read_cose(COSE_HEADER, "{}", &o)),
	    GPG_ERR_BAD_DATA);
	assert_int_equal(gpg_err_code(read_cose("\xa1\x01\x26", NOTATION,
	    &o)), GPG_ERR_FORBIDDEN);
}

/* Calls back with every kind of bytes that mean something for an image. */
static void
each_vector(void (*call)(struct view))
{
	static const char *const texts[] = {
		MANIFEST, INDEX, SIMPLE, COSIGN, STATEMENT, SLSA, NOTATION,
	};
	char bytes[2048];
	struct buf b;

	for (size_t i = 0; i < COUNT(texts); i++)
		call(view_str(texts[i]));
	snprintf(bytes, sizeof(bytes), PAE "%zu " STATEMENT,
	    strlen(STATEMENT));
	call(view_str(bytes));
	call(view_of(bytes, put_cose(bytes, COSE_HEADER, NOTATION)));
	buf_init(&b, 65536);
	put_jws(&b, JWS_HEADER, NOTATION);
	call(buf_view(&b));
	buf_free(&b);
}

static void
refused_when_cut(struct view v)
{
	struct object o;

	assert_int_equal(read_bytes(v, &o), 0);
	assert_int_not_equal(o.kind, OBJECT_BLOB);
	for (v.len--; v.len > 0; v.len--)
		if (!read_bytes(v, &o))
			assert_int_equal(o.kind, OBJECT_BLOB);
}

static void
test_what_is_cut_off_is_nothing(void **state)
{
	each_vector(refused_when_cut);
}

static void
refused_to_ssh(struct view v)
{
	static const char key[] = "\0\0\0\x0bssh-ed25519\0\0\0\x20"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";
	const char *why;
	struct object o;

	assert_int_equal(gpg_err_code(object_read_ssh(v,
	    view_of(key, sizeof(key) - 1), &o, &why)), GPG_ERR_FORBIDDEN);
	assert_int_equal(o.kind, OBJECT_BLOB);
	assert_non_null(why);
}

static void
test_an_ssh_key_signs_none_as_a_file(void **state)
{
	each_vector(refused_to_ssh);
}

static void
test_other_domains_are_refused_as_files(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		bool refused;
	} c[] = {
#define BYTES(s) s, sizeof(s) - 1
		{ BYTES("\x84\x6aSignature1"), true },
		{ BYTES("\x85\x69Signature"), true },
		{ BYTES("\x85\x70" "CounterSignature"), true },
		{ BYTES("\x84\x6bSignature1"), false },
		{ BYTES("\x84\x4aSignature1"), false },
		{ BYTES("eyJhbGciOiJFUzI1NiJ9.e30"), true },
		{ BYTES("eyJhbGciOiJFUzI1NiJ9,e30"), false },
		/* As those who forgive read base64, and JSON. */
		{ BYTES("eyJh\nbGciOiJFUzI1NiJ9.e30"), true },
		{ BYTES("\"ey Jh!bGciOiJFUzI1NiJ9\r\n.e30"), true },
		{ BYTES("ewogICJhbGciOiAiRVMyNTYiCn0=.e30"), true },
		{ BYTES("77u/eyJhbGciOiJFUzI1NiJ9.e30"), true },
		{ BYTES("{\"_type\":\"link\",\"name\":\"build\"}"), true },
		{ BYTES("{\"\\u005ftype\":\"layout\"}"), true },
		{ BYTES("{\"type\":\"link\",\"name\":\"build\"}"), false },
		/* Texts. */
		{ BYTES("export FILES=./x"), false },
		{ BYTES("example.org"), false },
		{ BYTES("ey!hIjoxfQ.x"), false },
	};
	struct object o;

	for (size_t i = 0; i < COUNT(c); i++)
		assert_int_equal(gpg_err_code(read_bytes(view_of(c[i].bytes,
		    c[i].len), &o)), c[i].refused ? GPG_ERR_FORBIDDEN :
		    GPG_ERR_NO_ERROR);
}

static gpg_error_t
read_repeated(size_t size, const char *before, const char *piece,
    const char *after, enum object_kind *kind)
{
	size_t n = strlen(piece), at = strlen(before);
	char *text = malloc(size + n + 1);
	struct object o;
	gpg_error_t err;

	strcpy(text, before);
	for (; at + n + strlen(after) <= size; at += n)
		memcpy(text + at, piece, n);
	strcpy(text + at, after);
	err = read_bytes(view_str(text), &o);
	*kind = o.kind;
	free(text);
	return err;
}

static void
test_limits_hold(void **state)
{
#define OPEN "{\"schemaVersion\":2,\"layers\":"
#define LONG "{\"_type\":\"https://in-toto.io/Statement/v1\",\"subject\":[{" \
	"\"digest\":{\"sha256\":\"" HEX "\"}}],\"predicateType\":\"x:y\"," \
	"\"predicate\":{\"x\":["
	enum object_kind kind;
	size_t mib = 1024 * 1024;

	assert_int_equal(gpg_err_code(read_repeated(5 * mib, OPEN "\"", "x",
	    "\"}", &kind)), GPG_ERR_TOO_LARGE);
	assert_int_equal(kind, OBJECT_MANIFEST);
	/* A bill of materials. */
	assert_int_equal(read_repeated(15 * mib, LONG, "{\"name\":\"libcrypto"
	    " of OpenSSL\",\"version\":\"3.0.17-1~deb12u2\",\"licence\":"
	    "\"Apache-2.0\"},", "0]}}", &kind), 0);
	assert_int_equal(kind, OBJECT_STATEMENT);
	/* Little text, much memory. */
	assert_int_equal(gpg_err_code(read_repeated(2 * mib, LONG, "{},",
	    "0]}}", &kind)), GPG_ERR_BAD_DATA);
	assert_int_equal(gpg_err_code(read_repeated(4 * mib, LONG, "0,",
	    "0]}}", &kind)), GPG_ERR_BAD_DATA);
	assert_int_equal(gpg_err_code(read_repeated(4096, LONG, "[",
	    "", &kind)), GPG_ERR_BAD_DATA);
	assert_int_equal(gpg_err_code(read_repeated(17 * mib, LONG, "0,",
	    "0]}}", &kind)), GPG_ERR_TOO_LARGE);
}

static void
test_many_platforms_are_cut(void **state)
{
#define ONE(os) "{\"mediaType\":\"a/b\",\"size\":1,\"digest\":\"" DIGEST \
	"\",\"platform\":{\"os\":\"" os "\",\"architecture\":\"riscv64\"}},"
	struct object o;

	assert_int_equal(read_bytes(view_str("{\"schemaVersion\":2,"
	    "\"manifests\":[" ONE("linux") ONE("linux") ONE("unknown")
	    ONE("solaris") ONE("freebsd") ONE("netbsd") ONE("openbsd")
	    ONE("plan9") ONE("windows") "{\"mediaType\":\"a/b\",\"size\":1,"
	    "\"digest\":\"" DIGEST "\"}]}"), &o), 0);
	assert_string_equal(o.image.platforms, "linux/riscv64, "
	    "unknown/riscv64, solaris/riscv64, freebsd/riscv64, "
	    "netbsd/riscv64, ...");
	assert_non_null(strstr(o.summary, "..., 10 manifests"));
	assert_true(strlen(o.summary) < OBJECT_SUMMARY - 1);
}

static void
test_rules_of_images(void **state)
{
	static const struct {
		enum object_kind kind;
		const char *name;
	} rows[] = {
		{ OBJECT_MANIFEST, "manifest" }, { OBJECT_INDEX, "index" },
		{ OBJECT_STATEMENT, "statement" },
		{ OBJECT_SIMPLE, "simple-signing" },
		{ OBJECT_NOTATION, "notation" },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct object_rule *r = object_rule(rows[i].kind);

		assert_string_equal(r->name, rows[i].name);
		assert_true(r->forwarded);
		assert_false(r->by_policy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images_are_named),
		cmocka_unit_test(test_indexes_are_named),
		cmocka_unit_test(test_a_reference_names_an_image),
		cmocka_unit_test(test_notes_are_named_behind_an_image),
		cmocka_unit_test(test_notes_are_named_behind_a_payload),
		cmocka_unit_test(test_payloads_are_named),
		cmocka_unit_test(test_a_statement_tells_its_subjects),
		cmocka_unit_test(test_a_manifest_is_read_strictly),
		cmocka_unit_test(test_an_index_is_read_strictly),
		cmocka_unit_test(test_payloads_are_read_strictly),
		cmocka_unit_test(test_cosigns_annotations_are_free),
		cmocka_unit_test(
		    test_what_careless_readers_would_take_is_refused),
		cmocka_unit_test(test_a_signing_input_is_its_payload),
		cmocka_unit_test(test_dsse_is_as_long_as_it_says),
		cmocka_unit_test(test_a_jws_header_is_read_strictly),
		cmocka_unit_test(test_a_cose_structure_is_read_strictly),
		cmocka_unit_test(test_what_is_cut_off_is_nothing),
		cmocka_unit_test(test_an_ssh_key_signs_none_as_a_file),
		cmocka_unit_test(test_other_domains_are_refused_as_files),
		cmocka_unit_test(test_limits_hold),
		cmocka_unit_test(test_many_platforms_are_cut),
		cmocka_unit_test(test_rules_of_images),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
