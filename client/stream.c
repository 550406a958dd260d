/* The standard streams. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "client/stream.h"

bool
stream_keep_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	return fd >= 0 && !close(fd);
}

gpg_error_t
stream_read(int fd, struct buf *b)
{
	gpg_error_t err;
	uint8_t *to;
	ssize_t n;

	for (;;) {
		size_t room = b->max - buf_len(b);

		room = room < 65536 ? room : 65536;
		if (room == 0)
			return gpg_error(GPG_ERR_TOO_LARGE);
		if ((err = buf_reserve(b, room, &to)))
			return err;
		n = read(fd, to, room);
		if (n == 0)
			return 0;
		if (n > 0)
			buf_filled(b, (size_t)n);
		else if (errno != EINTR)
			return gpg_error_from_syserror();
	}
}

gpg_error_t
stream_write(int fd, struct view v)
{
	ssize_t n;

	while (v.len > 0) {
		n = write(fd, v.p, v.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return gpg_error_from_syserror();
		v.p += n;
		v.len -= (size_t)n;
	}
	return 0;
}
