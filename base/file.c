/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and replaces files. Called by whoever keeps state, keys or configuration in one. */
#include "config.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

int file_read(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char piece[16384];
	ssize_t got = 0;
	int code;

	if (fd < 0) {
		return -errno;
	}
	while (!out->failed &&
	       ((got = read(fd, piece, sizeof(piece))) > 0 || (got < 0 && errno == EINTR))) {
		(void)buf_append(out, piece, got > 0 ? (size_t)got : 0);
	}
	code = out->failed ? -EFBIG : got < 0 ? -errno : 0;
	close(fd);
	explicit_bzero(piece, sizeof(piece));
	return code;
}

int file_write_all(int fd, const void *data, size_t length)
{
	const char *at = data;

	while (length > 0) {
		ssize_t done = write(fd, at, length);

		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		at += done > 0 ? done : 0;
		length -= done > 0 ? (size_t)done : 0;
	}
	return 0;
}

int file_replace(const char *path, const void *data, size_t length, mode_t mode, bool sync)
{
	const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
	CLEANUP_FREE char *fresh = xprintf("%.*s.%s.new", (int)(name - path), path, name);
	int fd, code;

	/* A rest of a process that was killed. */
	(void)unlink(fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0) {
		return -errno;
	}
	code = file_write_all(fd, data, length);
	if (code == 0 && sync && fsync(fd) < 0) {
		code = -errno;
	}
	if (close(fd) < 0 && code == 0) {
		code = -errno;
	}
	if (code == 0 && rename(fresh, path) < 0) {
		code = -errno;
	}
	if (code < 0) {
		(void)unlink(fresh);
	}
	return code;
}

int file_write_private(const char *path, const void *data, size_t length, mode_t mode,
		       struct error *reterr)
{
	int code = file_replace(path, data, length, mode, true);

	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write '%s': %s", path, strerror(-code));
}

int file_make_directory(const char *path, mode_t mode, struct error *reterr)
{
	struct stat info;

	if (mkdir(path, mode) == 0) {
		return 0;
	}
	if (errno != EEXIST) {
		return error_set(reterr, -errno, "cannot make the directory '%s': %s", path,
				 strerror(errno));
	}
	if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
		return error_set(reterr, -ENOTDIR, "'%s' is not a directory", path);
	}
	return 0;
}
