/*
 * A library that leaves a file behind, named as itself and the program, in
 * whatever program it is loaded into.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void marker_leave(void);
unsigned la_version(unsigned);

__attribute__((constructor)) void
marker_leave(void)
{
	char path[4096];
	Dl_info info;
	int fd;

	if (!dladdr((void *)(unsigned long)marker_leave, &info))
		return;
	snprintf(path, sizeof(path), "%s.%s", info.dli_fname,
	    program_invocation_short_name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

/* As an auditor of the dynamic linker's (LD_AUDIT) it is loaded too. */
unsigned
la_version(unsigned version)
{
	return version;
}
