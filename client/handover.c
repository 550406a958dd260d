/* Handing a command line to the real gpg. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/handover.h"
#include "client/say.h"

const char *
handover_gpg(void)
{
	const char *s = getenv("TOUCHSTONE_GPG");

	if (!s || !*s)
		return GPG_PATH;
	return s[0] == '/' ? s : NULL;
}

static bool
is_self(const char *path)
{
	struct stat a, b;

	return !stat(path, &a) && !stat("/proc/self/exe", &b) &&
	    a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

void
handover(char *const *argv)
{
	const char *gpg = handover_gpg();

	if (!gpg) {
		say("TOUCHSTONE_GPG must be the absolute path of a gpg");
		return;
	}
	if (is_self(gpg)) {
		say("%s is touchstone-gpg itself: set TOUCHSTONE_GPG to the "
		    "absolute path of the real gpg", gpg);
		return;
	}
	execv(gpg, argv);
	say("the real gpg, %s, cannot be run (%s): install GnuPG, or set "
	    "TOUCHSTONE_GPG to its absolute path", gpg, strerror(errno));
}

void
handover_with(char *const *argv, struct view input)
{
	int fd = memfd_create("touchstone-gpg", MFD_CLOEXEC);
	ssize_t n;

	while (fd >= 0 && input.len > 0) {
		n = write(fd, input.p, input.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			goto fail;
		input.p += n;
		input.len -= (size_t)n;
	}
	if (fd < 0 || lseek(fd, 0, SEEK_SET) || dup2(fd, STDIN_FILENO) < 0)
		goto fail;
	close(fd);
	handover(argv);
	return;
fail:
	say("handing over to gpg failed: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}
