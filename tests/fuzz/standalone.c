/*
 * Runs a fuzz target over files, and over all files of folders, so that any
 * compiler can repeat what a fuzzer has found.  Ends with how many.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define FILE_MAX (32 * 1024 * 1024)

static int
run_file(const char *path, const struct stat *st)
{
	FILE *f = fopen(path, "rb");
	size_t size = (size_t)st->st_size, n;
	uint8_t *data;

	/* Of exactly the file's size, so that a sanitizer sees its end. */
	if (!f || st->st_size > FILE_MAX || !(data = malloc(size))) {
		perror(path);
		if (f)
			fclose(f);
		return -1;
	}
	n = fread(data, 1, size, f);
	fclose(f);
	if (n == size)
		LLVMFuzzerTestOneInput(data, size);
	else
		fprintf(stderr, "%s: cannot be read\n", path);
	free(data);
	return n == size ? 1 : -1;
}

static int run(const char *);

static int
run_folder(const char *path)
{
	struct dirent *e;
	DIR *d = opendir(path);
	int count = 0, n;

	if (!d) {
		perror(path);
		return -1;
	}
	while (count >= 0 && (e = readdir(d))) {
		char name[4096];

		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		n = run(name);
		count = n < 0 ? -1 : count + n;
	}
	closedir(d);
	return count;
}

/* Returns how many inputs ran, -1 if one could not be read. */
static int
run(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		perror(path);
		return -1;
	}
	return S_ISDIR(st.st_mode) ? run_folder(path) : run_file(path, &st);
}

int
main(int argc, char **argv)
{
	int count = 0, n;

	for (int i = 1; i < argc; i++) {
		if ((n = run(argv[i])) < 0)
			return 1;
		count += n;
	}
	printf("%d inputs\n", count);
	return count > 0 ? 0 : 1;
}
