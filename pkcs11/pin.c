/* A PIN in locked memory of its own. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pin.h"

#define ROOM 1024	/* type, serial, length, PIN; more is refused */

struct pin {
	size_t len;
	uint8_t bytes[PIN_MAX];
	uint8_t room[ROOM];
};

gpg_error_t
pin_new(struct pin **out)
{
	size_t size = sizeof(struct pin);
	void *p;

	*out = NULL;
	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return gpg_error(GPG_ERR_ENOMEM);
	if (mlock(p, size) || madvise(p, size, MADV_DONTDUMP) ||
	    madvise(p, size, MADV_WIPEONFORK)) {
		munmap(p, size);
		return gpg_error(GPG_ERR_ENOMEM);
	}
	*out = p;
	return 0;
}

void
pin_free(struct pin **p)
{
	if (!*p)
		return;
	explicit_bzero(*p, sizeof(**p));
	munmap(*p, sizeof(**p));
	*p = NULL;
}

gpg_error_t
pin_set(struct pin *p, struct view v)
{
	if (v.len > PIN_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	explicit_bzero(p->bytes, sizeof(p->bytes));
	if (v.len > 0)
		memcpy(p->bytes, v.p, v.len);
	p->len = v.len;
	return 0;
}

void
pin_copy(struct pin *to, const struct pin *from)
{
	memcpy(to->bytes, from->bytes, sizeof(to->bytes));
	to->len = from->len;
}

void
pin_wipe(struct pin *p)
{
	explicit_bzero(p, sizeof(*p));
}

struct view
pin_view(const struct pin *p)
{
	return view_of(p->bytes, p->len);
}

unsigned char *
pin_bytes(struct pin *p)
{
	return p->bytes;
}

uint8_t *
pin_room(struct pin *p, size_t *size)
{
	*size = sizeof(p->room);
	return p->room;
}

void
pin_wipe_room(struct pin *p)
{
	explicit_bzero(p->room, sizeof(p->room));
}

static gpg_error_t
check_file(int fd, struct pin_stamp *stamp)
{
	struct stat st;

	if (fstat(fd, &st))
		return gpg_error_from_syserror();
	if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & (S_IRWXG | S_IRWXO)))
		return gpg_error(GPG_ERR_EACCES);
	*stamp = (struct pin_stamp){ { st.st_dev, st.st_ino,
	    (uint64_t)st.st_size, (uint64_t)st.st_mtim.tv_sec,
	    (uint64_t)st.st_mtim.tv_nsec } };
	return 0;
}

/* Reads until the end; a file longer than a PIN and its newline is none. */
static gpg_error_t
read_line(int fd, uint8_t *p, size_t *len)
{
	ssize_t n;

	for (*len = 0; *len < PIN_MAX + 2; *len += (size_t)n) {
		n = read(fd, p + *len, PIN_MAX + 2 - *len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return gpg_error_from_syserror();
		else if (n == 0)
			break;
	}
	if (*len > 0 && p[*len - 1] == '\n')
		(*len)--;
	if (*len > PIN_MAX)
		return gpg_error(GPG_ERR_TOO_LARGE);
	return *len ? 0 : gpg_error(GPG_ERR_NO_PIN);
}

gpg_error_t
pin_read(struct pin *p, const char *path, struct pin_stamp *stamp)
{
	gpg_error_t err;
	size_t len;
	int fd;

	if (path[0] != '/')
		return gpg_error(GPG_ERR_INV_NAME);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
	    O_NOCTTY);
	if (fd < 0)
		return gpg_error_from_syserror();
	if (!(err = check_file(fd, stamp)) &&
	    !(err = read_line(fd, p->room, &len)))
		err = pin_set(p, view_of(p->room, len));
	pin_wipe_room(p);
	close(fd);
	return err;
}
