/*
 * A PKCS#11 module for tests: stands in front of another module and lets it
 * go wrong as scripted.
 *
 * Environment:
 *	FAULT_MODULE	the module behind, absolute (needed)
 *	FAULT_SCRIPT	a file with one fault per line, read anew at every
 *			call, so that a test can change it meanwhile
 *	FAULT_LOG	a file to which the name of every call below is
 *			appended, one per line (never a PIN):
 *			C_Initialize C_FindObjectsInit C_Login C_Login-SO
 *			C_Login-context C_Logout C_Sign C_InitToken C_InitPIN
 *			C_GenerateKeyPair C_CreateObject C_DestroyObject
 *	FAULT_STATE	a file that keeps the number of wrong PINs, so that it
 *			outlives the process as it does on a card
 *
 * Faults, by where they strike (CALL is init, list, login, sign or make):
 *	tries N		a PIN counter as a card has: N tries, flags LOW,
 *			FINAL_TRY and LOCKED, CKR_PIN_LOCKED when used up
 *	always-auth	every private key has CKA_ALWAYS_AUTHENTICATE
 *	pad		CKF_PROTECTED_AUTHENTICATION_PATH; an absent PIN is
 *			replaced by the one in the file FAULT_PAD
 *	crash CALL	abort()
 *	hang CALL	never comes back
 *	delay CALL MS	comes back after so many milliseconds
 *	fail CALL RV N	answers RV (a number) to the next N calls; N 0: to all;
 *			a CKR_USER_NOT_LOGGED_IN (0x101) from sign comes true
 *	garbage		signatures of the right length, but wrong
 *	short, long	signatures that lack or have more bytes
 *	absurd		a signature length far beyond the buffer
 *	other		signatures by another key of the same kind
 *	huge		attributes say that they have 2 GiB
 *	unavailable	attributes say CK_UNAVAILABLE_INFORMATION
 *	many		C_FindObjects says that it found more than fit
 *	slots		C_GetSlotList likewise
 *	no-public	there are no CKO_PUBLIC_KEY objects
 *	spare N		C_DestroyObject does N calls and fails after them
 *	no-data		C_CreateObject fails with CKR_DEVICE_MEMORY
 *	absent		there is no token
 *	swapped		the token has another serial number
 * "N" counts from when the script was last written.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <p11-kit/pkcs11.h>

#define SESSIONS 64
#define SCRIPT_MAX 4096

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR);

static CK_FUNCTION_LIST *real;
static CK_FUNCTION_LIST fake;
static pthread_mutex_t mu = PTHREAD_MUTEX_INITIALIZER;
static struct {
	struct stat script;	/* as it was when `used` began to count */
	unsigned used[8];
	bool gone;
	uint64_t pin;		/* a hash of the user's */
	CK_SESSION_HANDLE proven[SESSIONS];
	CK_SESSION_HANDLE no_find[SESSIONS];
} now;

enum call {
	INIT, LIST, LOGIN, SIGN, MAKE, DESTROY
};
static const char *const call_names[] = {
	"init", "list", "login", "sign", "make", "destroy"
};

/* ---- the script ---- */

/* Whether the fault is scripted; its other words, if it has any. */
static bool
fault(const char *name, char *rest, size_t size)
{
	const char *path = getenv("FAULT_SCRIPT");
	char line[256];
	size_t len = strlen(name);
	bool found = false;
	FILE *f;

	if (!path || !(f = fopen(path, "re")))
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		found = !strncmp(line, name, len) &&
		    (line[len] == 0 || line[len] == ' ');
	}
	fclose(f);
	if (found && rest)
		snprintf(rest, size, "%s", line[len] ? line + len + 1 : "");
	return found;
}

static bool
is_set(const char *name)
{
	return fault(name, NULL, 0);
}

static void
note(const char *call)
{
	const char *path = getenv("FAULT_LOG");
	char line[64];
	int fd, len;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	len = snprintf(line, sizeof(line), "%s\n", call);
	if (write(fd, line, (size_t)len) != len)
		abort();
	close(fd);
}

/* How often the fault of this call has struck since the script is there. */
static unsigned
count_strike(enum call c)
{
	const char *path = getenv("FAULT_SCRIPT");
	struct stat st;
	unsigned n;

	memset(&st, 0, sizeof(st));
	if (path)
		stat(path, &st);
	pthread_mutex_lock(&mu);
	if (st.st_ino != now.script.st_ino ||
	    st.st_mtim.tv_sec != now.script.st_mtim.tv_sec ||
	    st.st_mtim.tv_nsec != now.script.st_mtim.tv_nsec)
		memset(now.used, 0, sizeof(now.used));
	now.script = st;
	n = ++now.used[c];
	pthread_mutex_unlock(&mu);
	return n;
}

static void
sleep_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* What strikes a call before anything else does. */
static CK_RV
strike(enum call c)
{
	char words[300], rest[256] = "";
	unsigned long rv = 0, times = 0;

	snprintf(words, sizeof(words), "crash %s", call_names[c]);
	if (is_set(words))
		abort();
	snprintf(words, sizeof(words), "hang %s", call_names[c]);
	while (is_set(words))
		sleep_ms(50);
	snprintf(words, sizeof(words), "delay %s", call_names[c]);
	if (fault(words, rest, sizeof(rest)))
		sleep_ms(atol(rest));
	snprintf(words, sizeof(words), "fail %s", call_names[c]);
	if (!fault(words, rest, sizeof(rest)) ||
	    sscanf(rest, "%li %lu", (long *)&rv, &times) != 2)
		return CKR_OK;
	return times == 0 || count_strike(c) <= times ? rv : CKR_OK;
}

/* ---- the token, there or not ---- */

static bool
is_absent(void)
{
	bool absent = is_set("absent");
	CK_SLOT_ID ids[16];
	CK_ULONG n = 16;

	pthread_mutex_lock(&mu);
	if (absent && !now.gone &&
	    real->C_GetSlotList(CK_FALSE, ids, &n) == CKR_OK)
		for (CK_ULONG i = 0; i < n; i++)
			real->C_CloseAllSessions(ids[i]);
	now.gone = absent;
	pthread_mutex_unlock(&mu);
	return absent;
}

static CK_RV
slot_list(CK_BBOOL present, CK_SLOT_ID_PTR ids, CK_ULONG_PTR n)
{
	CK_ULONG room = *n;
	CK_RV rv = strike(LIST);

	if (rv != CKR_OK)
		return rv;
	if (is_absent()) {
		*n = 0;
		return CKR_OK;
	}
	rv = real->C_GetSlotList(present, ids, n);
	if (ids && is_set("slots"))
		*n = room + 1000;
	return rv;
}

static unsigned
wrong_pins(void)
{
	const char *path = getenv("FAULT_STATE");
	unsigned n = 0;
	FILE *f;

	if (path && (f = fopen(path, "re"))) {
		if (fscanf(f, "%u", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void
set_wrong_pins(unsigned n)
{
	const char *path = getenv("FAULT_STATE");
	FILE *f;

	if (path && (f = fopen(path, "we"))) {
		fprintf(f, "%u\n", n);
		fclose(f);
	}
}

static unsigned
max_tries(void)
{
	char rest[256];

	return fault("tries", rest, sizeof(rest)) ? (unsigned)atoi(rest) : 0;
}

static CK_RV
token_info(CK_SLOT_ID id, CK_TOKEN_INFO_PTR info)
{
	unsigned tries = max_tries(), wrong = wrong_pins();
	CK_RV rv;

	if (is_absent())
		return CKR_TOKEN_NOT_PRESENT;
	if ((rv = real->C_GetTokenInfo(id, info)) != CKR_OK)
		return rv;
	info->flags &= ~(CK_FLAGS)(CKF_USER_PIN_COUNT_LOW |
	    CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED);
	if (tries && wrong > 0)
		info->flags |= CKF_USER_PIN_COUNT_LOW;
	if (tries && wrong + 1 == tries)
		info->flags |= CKF_USER_PIN_FINAL_TRY;
	if (tries && wrong >= tries)
		info->flags |= CKF_USER_PIN_LOCKED;
	if (is_set("pad"))
		info->flags |= CKF_PROTECTED_AUTHENTICATION_PATH;
	if (is_set("swapped"))
		memcpy(info->serialNumber, "another one     ", 16);
	return CKR_OK;
}

static CK_RV
open_session(CK_SLOT_ID id, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE_PTR out)
{
	return is_absent() ? CKR_TOKEN_NOT_PRESENT :
	    real->C_OpenSession(id, flags, app, notify, out);
}

/* ---- sets of sessions ---- */

static void
mark(CK_SESSION_HANDLE *set, CK_SESSION_HANDLE s, bool in)
{
	unsigned i;

	pthread_mutex_lock(&mu);
	for (i = 0; i < SESSIONS && set[i] != s; i++)
		;
	if (!in && i < SESSIONS)
		set[i] = 0;
	if (in && i == SESSIONS) {
		for (i = 0; i < SESSIONS - 1 && set[i] != 0; i++)
			;
		set[i] = s;
	}
	pthread_mutex_unlock(&mu);
}

static bool
is_marked(const CK_SESSION_HANDLE *set, CK_SESSION_HANDLE s)
{
	bool found = false;

	pthread_mutex_lock(&mu);
	for (unsigned i = 0; i < SESSIONS; i++)
		found |= set[i] == s;
	pthread_mutex_unlock(&mu);
	return found;
}

/* ---- logging in ---- */

static uint64_t
hash_pin(const unsigned char *pin, CK_ULONG len)
{
	uint64_t h = 14695981039346656037u;

	for (CK_ULONG i = 0; i < len; i++)
		h = (h ^ pin[i]) * 1099511628211u;
	return h;
}

static CK_RV
check_pin(CK_SESSION_HANDLE s, CK_USER_TYPE user, unsigned char *pin,
    CK_ULONG len)
{
	CK_RV rv;

	if (user != CKU_CONTEXT_SPECIFIC) {
		rv = real->C_Login(s, user, pin, len);
		if (rv == CKR_OK && user == CKU_USER)
			now.pin = hash_pin(pin, len);
		return rv;
	}
	if (hash_pin(pin, len) != now.pin)
		return CKR_PIN_INCORRECT;
	mark(now.proven, s, true);
	return CKR_OK;
}

static CK_ULONG
type_at_pad(unsigned char pin[64])
{
	const char *path = getenv("FAULT_PAD");
	size_t n = 0;
	FILE *f;

	if (path && (f = fopen(path, "re"))) {
		n = fread(pin, 1, 64, f);
		fclose(f);
	}
	return n;
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, unsigned char *pin, CK_ULONG len)
{
	unsigned tries = max_tries();
	unsigned char typed[64];
	CK_RV rv;

	note(user == CKU_SO ? "C_Login-SO" : user == CKU_USER ? "C_Login" :
	    "C_Login-context");
	if ((rv = strike(LOGIN)) != CKR_OK)
		return rv;
	if (is_absent())
		return CKR_DEVICE_REMOVED;
	if (user != CKU_SO && tries && wrong_pins() >= tries)
		return CKR_PIN_LOCKED;
	if (!pin && is_set("pad")) {
		len = type_at_pad(typed);
		pin = typed;
	}
	rv = check_pin(s, user, pin, len);
	if (user != CKU_SO && rv == CKR_OK)
		set_wrong_pins(0);
	else if (user != CKU_SO && rv == CKR_PIN_INCORRECT)
		set_wrong_pins(wrong_pins() + 1);
	return rv;
}

static CK_RV
logout(CK_SESSION_HANDLE s)
{
	note("C_Logout");
	return real->C_Logout(s);
}

/* ---- objects ---- */

static CK_RV
find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR a, CK_ULONG n)
{
	bool public = false;

	note("C_FindObjectsInit");
	if (is_absent())
		return CKR_DEVICE_REMOVED;
	for (CK_ULONG i = 0; i < n; i++)
		if (a[i].type == CKA_CLASS && a[i].pValue &&
		    *(CK_OBJECT_CLASS *)a[i].pValue == CKO_PUBLIC_KEY)
			public = true;
	mark(now.no_find, s, public && is_set("no-public"));
	return real->C_FindObjectsInit(s, a, n);
}

static CK_RV
find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE_PTR o, CK_ULONG max,
    CK_ULONG_PTR n)
{
	CK_RV rv = real->C_FindObjects(s, o, max, n);

	if (is_marked(now.no_find, s))
		*n = 0;
	if (is_set("many"))
		*n = max + 100;
	return rv;
}

static CK_RV
attributes(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_PTR a,
    CK_ULONG n)
{
	bool huge = is_set("huge"), none = is_set("unavailable");
	bool always = is_set("always-auth");
	CK_RV rv;

	if (is_absent())
		return CKR_DEVICE_REMOVED;
	rv = real->C_GetAttributeValue(s, o, a, n);
	for (CK_ULONG i = 0; i < n; i++) {
		if (huge)
			a[i].ulValueLen = 0x7fffffff;
		else if (none)
			a[i].ulValueLen = CK_UNAVAILABLE_INFORMATION;
		else if (always && a[i].type == CKA_ALWAYS_AUTHENTICATE &&
		    a[i].ulValueLen == sizeof(CK_BBOOL))
			*(CK_BBOOL *)a[i].pValue = CK_TRUE;
	}
	return rv;
}

/* ---- signing ---- */

static CK_OBJECT_HANDLE
another_key(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE type;
	CK_ATTRIBUTE a[] = {
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_CLASS, &class, sizeof(class) },
	};
	CK_OBJECT_HANDLE found[16];
	CK_ULONG n = 0;

	if (real->C_GetAttributeValue(s, o, a, 1) != CKR_OK ||
	    real->C_FindObjectsInit(s, a, 2) != CKR_OK)
		return o;
	real->C_FindObjects(s, found, 16, &n);
	real->C_FindObjectsFinal(s);
	for (CK_ULONG i = 0; i < n; i++)
		if (found[i] != o)
			return found[i];
	return o;
}

static CK_RV
sign_init(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE o)
{
	if (is_absent())
		return CKR_DEVICE_REMOVED;
	mark(now.proven, s, false);
	if (is_set("other"))
		o = another_key(s, o);
	return real->C_SignInit(s, m, o);
}

static void
spoil(unsigned char *signature, CK_ULONG_PTR len)
{
	if (is_set("garbage"))
		for (CK_ULONG i = 0; i < *len; i++)
			signature[i] ^= 0x5a;
	if (is_set("short"))
		*len -= 7;
	if (is_set("long"))
		*len += 7;
	if (is_set("absurd"))
		*len = 0x7fffffff;
}

static CK_RV
sign(CK_SESSION_HANDLE s, unsigned char *data, CK_ULONG data_len,
    unsigned char *signature, CK_ULONG_PTR len)
{
	CK_RV rv;

	note("C_Sign");
	rv = strike(SIGN);
	if (rv == CKR_USER_NOT_LOGGED_IN)
		real->C_Logout(s);
	if (rv != CKR_OK)
		return rv;
	if (is_absent())
		return CKR_DEVICE_REMOVED;
	if (is_set("always-auth") && !is_marked(now.proven, s))
		return CKR_USER_NOT_LOGGED_IN;
	mark(now.proven, s, false);
	rv = real->C_Sign(s, data, data_len, signature, len);
	if (rv == CKR_OK)
		spoil(signature, len);
	return rv;
}

/* ---- making ---- */

static CK_RV
init_token(CK_SLOT_ID id, unsigned char *pin, CK_ULONG len,
    unsigned char *label)
{
	note("C_InitToken");
	return real->C_InitToken(id, pin, len, label);
}

static CK_RV
init_pin(CK_SESSION_HANDLE s, unsigned char *pin, CK_ULONG len)
{
	note("C_InitPIN");
	return real->C_InitPIN(s, pin, len);
}

static CK_RV
generate(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub,
    CK_ULONG npub, CK_ATTRIBUTE_PTR priv, CK_ULONG npriv,
    CK_OBJECT_HANDLE_PTR opub, CK_OBJECT_HANDLE_PTR opriv)
{
	CK_RV rv;

	note("C_GenerateKeyPair");
	if ((rv = strike(MAKE)) != CKR_OK)
		return rv;
	return real->C_GenerateKeyPair(s, m, pub, npub, priv, npriv, opub,
	    opriv);
}

static CK_RV
create(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR a, CK_ULONG n,
    CK_OBJECT_HANDLE_PTR o)
{
	note("C_CreateObject");
	return is_set("no-data") ? CKR_DEVICE_MEMORY :
	    real->C_CreateObject(s, a, n, o);
}

static CK_RV
destroy(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE o)
{
	char most[32];

	note("C_DestroyObject");
	if (fault("spare", most, sizeof(most)) &&
	    count_strike(DESTROY) > strtoul(most, NULL, 10))
		return CKR_DEVICE_ERROR;
	return real->C_DestroyObject(s, o);
}

static CK_RV
initialize(void *args)
{
	CK_RV rv;

	note("C_Initialize");
	if ((rv = strike(INIT)) != CKR_OK)
		return rv;
	return real->C_Initialize(args);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR out)
{
	const char *path = getenv("FAULT_MODULE");
	CK_C_GetFunctionList get;
	void *lib;

	if (!path || !(lib = dlopen(path, RTLD_NOW | RTLD_LOCAL)))
		return CKR_GENERAL_ERROR;
	*(void **)&get = dlsym(lib, "C_GetFunctionList");
	if (!get || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	fake = *real;
	fake.C_GetFunctionList = C_GetFunctionList;
	fake.C_Initialize = initialize;
	fake.C_GetSlotList = slot_list;
	fake.C_GetTokenInfo = token_info;
	fake.C_OpenSession = open_session;
	fake.C_Login = login;
	fake.C_Logout = logout;
	fake.C_FindObjectsInit = find_init;
	fake.C_FindObjects = find;
	fake.C_GetAttributeValue = attributes;
	fake.C_SignInit = sign_init;
	fake.C_Sign = sign;
	fake.C_InitToken = init_token;
	fake.C_InitPIN = init_pin;
	fake.C_GenerateKeyPair = generate;
	fake.C_CreateObject = create;
	fake.C_DestroyObject = destroy;
	*out = &fake;
	return CKR_OK;
}
