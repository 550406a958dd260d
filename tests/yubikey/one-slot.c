/*
 * A driver for pcscd: vpcd's own, but with one slot.  Each vpcd reader has
 * two, and one that is always empty beside each card is what no YubiKey has
 * (ykman counts two YubiKeys then).
 *
 * The driver behind it is the file in its folder that is named as it is, but
 * "vpcd-" in the place of "one-slot-"; a copy for each reader, because each
 * has state for one only.
 */
#include <config.h>

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

/* As pcsc-lite's ifdhandler.h has them on Linux. */
typedef unsigned long DWORD;
typedef long RESPONSECODE;
typedef unsigned char UCHAR;

typedef struct {
	DWORD protocol, length;
} SCARD_IO_HEADER;

#define IFD_SUCCESS 0
#define IFD_COMMUNICATION_ERROR 612
#define TAG_IFD_SLOTS_NUMBER 0x0fae

#define NAME "one-slot-"
#define BEHIND "vpcd-"

RESPONSECODE IFDHCreateChannelByName(DWORD lun, char *device);
RESPONSECODE IFDHCreateChannel(DWORD lun, DWORD channel);
RESPONSECODE IFDHCloseChannel(DWORD lun);
RESPONSECODE IFDHGetCapabilities(DWORD lun, DWORD tag, DWORD *len,
    UCHAR *value);
RESPONSECODE IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD len,
    UCHAR *value);
RESPONSECODE IFDHSetProtocolParameters(DWORD lun, DWORD protocol,
    UCHAR flags, UCHAR pts1, UCHAR pts2, UCHAR pts3);
RESPONSECODE IFDHPowerICC(DWORD lun, DWORD action, UCHAR *atr, DWORD *len);
RESPONSECODE IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER send,
    UCHAR *command, DWORD command_len, UCHAR *answer, DWORD *answer_len,
    SCARD_IO_HEADER *recv);
RESPONSECODE IFDHICCPresence(DWORD lun);
RESPONSECODE IFDHControl(DWORD lun, DWORD code, UCHAR *in, DWORD in_len,
    UCHAR *out, DWORD out_len, DWORD *returned);

static void *
open_behind(void)
{
	char path[PATH_MAX], *name;
	Dl_info self;
	int n;

	if (dladdr((void *)&IFDHCreateChannel, &self) == 0)
		return NULL;
	name = strrchr(self.dli_fname, '/');
	if (name == NULL || strncmp(name + 1, NAME, strlen(NAME)) != 0)
		return NULL;
	n = snprintf(path, sizeof(path), "%.*s/%s%s",
	    (int)(name - self.dli_fname), self.dli_fname, BEHIND,
	    name + 1 + strlen(NAME));
	if (n < 0 || (size_t)n >= sizeof(path))
		return NULL;
	return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* It stays open: pcscd closes channels while others still ask. */
static void *
behind(const char *name)
{
	static void *driver;

	if (driver == NULL)
		driver = open_behind();
	return driver != NULL ? dlsym(driver, name) : NULL;
}

#define FORWARD(name, types, args)					\
	RESPONSECODE (*fn) types = behind(name);			\
									\
	return fn != NULL ? fn args : IFD_COMMUNICATION_ERROR

RESPONSECODE
IFDHCreateChannelByName(DWORD lun, char *device)
{
	FORWARD("IFDHCreateChannelByName", (DWORD, char *), (lun, device));
}

RESPONSECODE
IFDHCreateChannel(DWORD lun, DWORD channel)
{
	FORWARD("IFDHCreateChannel", (DWORD, DWORD), (lun, channel));
}

RESPONSECODE
IFDHCloseChannel(DWORD lun)
{
	FORWARD("IFDHCloseChannel", (DWORD), (lun));
}

RESPONSECODE
IFDHGetCapabilities(DWORD lun, DWORD tag, DWORD *len, UCHAR *value)
{
	if (tag == TAG_IFD_SLOTS_NUMBER && *len >= 1) {
		*len = 1;
		*value = 1;
		return IFD_SUCCESS;
	}
	FORWARD("IFDHGetCapabilities", (DWORD, DWORD, DWORD *, UCHAR *),
	    (lun, tag, len, value));
}

RESPONSECODE
IFDHSetCapabilities(DWORD lun, DWORD tag, DWORD len, UCHAR *value)
{
	FORWARD("IFDHSetCapabilities", (DWORD, DWORD, DWORD, UCHAR *),
	    (lun, tag, len, value));
}

RESPONSECODE
IFDHSetProtocolParameters(DWORD lun, DWORD protocol, UCHAR flags, UCHAR pts1,
    UCHAR pts2, UCHAR pts3)
{
	FORWARD("IFDHSetProtocolParameters", (DWORD, DWORD, UCHAR, UCHAR,
	    UCHAR, UCHAR), (lun, protocol, flags, pts1, pts2, pts3));
}

RESPONSECODE
IFDHPowerICC(DWORD lun, DWORD action, UCHAR *atr, DWORD *len)
{
	FORWARD("IFDHPowerICC", (DWORD, DWORD, UCHAR *, DWORD *),
	    (lun, action, atr, len));
}

RESPONSECODE
IFDHTransmitToICC(DWORD lun, SCARD_IO_HEADER send, UCHAR *command,
    DWORD command_len, UCHAR *answer, DWORD *answer_len,
    SCARD_IO_HEADER *recv)
{
	FORWARD("IFDHTransmitToICC", (DWORD, SCARD_IO_HEADER, UCHAR *, DWORD,
	    UCHAR *, DWORD *, SCARD_IO_HEADER *),
	    (lun, send, command, command_len, answer, answer_len, recv));
}

RESPONSECODE
IFDHICCPresence(DWORD lun)
{
	FORWARD("IFDHICCPresence", (DWORD), (lun));
}

RESPONSECODE
IFDHControl(DWORD lun, DWORD code, UCHAR *in, DWORD in_len, UCHAR *out,
    DWORD out_len, DWORD *returned)
{
	FORWARD("IFDHControl", (DWORD, DWORD, UCHAR *, DWORD, UCHAR *, DWORD,
	    DWORD *), (lun, code, in, in_len, out, out_len, returned));
}
