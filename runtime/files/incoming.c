/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receives one file next to its final name and puts it in place by a rename. The upload route calls
 * it for the part named "file".
 */
#include "config.h"

#include "runtime/files/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MODE 0644 /* of a new file, independent of the umask */

static int incoming_error(struct error *reterr, int code, const struct base *base, const char *path)
{
	return base == NULL
		       ? error_set(reterr, code, "[Errno %d] %s", -code, strerror(-code))
		       : error_set(reterr, code, "[Errno %d] %s: '%s%s%.256s'", -code,
				   strerror(-code), base->path, path[0] == '\0' ? "" : "/", path);
}

/* Opens the temporary file: without a name if that works, else with a hidden name. */
static int incoming_open_temporary(struct incoming *incoming)
{
	/* "." names the directory of the O_PATH descriptor. */
	int fd = openat(incoming->place.dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, FILE_MODE);

	if (fd >= 0) {
		return fd;
	}
	fd = openat(incoming->place.dir, incoming->temporary,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, FILE_MODE);
	incoming->named = fd >= 0;
	return fd < 0 ? -errno : fd;
}

/* Sets mode and owner: those of the file that is replaced; without one, the owner of the directory.
 * Where this process may not change the owner, the file belongs to the server. */
static int incoming_copy_owner(const struct place *place, int fd)
{
	mode_t mode = FILE_MODE;
	struct stat info;

	if (place->fd >= 0) {
		if (fstat(place->fd, &info) < 0) {
			return -errno;
		}
		mode = info.st_mode & 0777;
	} else if (fstat(place->dir, &info) < 0) {
		return -errno;
	}
	if ((info.st_uid != geteuid() || info.st_gid != getegid()) &&
	    fchown(fd, info.st_uid, info.st_gid) < 0 && errno != EPERM) {
		return -errno;
	}
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* Only a regular file may be replaced. */
static int incoming_check_replaceable(const struct place *place)
{
	struct stat info;

	if (place->dir < 0) {
		return -EISDIR;
	}
	if (place->fd < 0) {
		return 0;
	}
	if (fstat(place->fd, &info) < 0) {
		return -errno;
	}
	return S_ISREG(info.st_mode) ? 0 : S_ISDIR(info.st_mode) ? -EISDIR : -EEXIST;
}

int incoming_begin(const struct base *base, const char *path, uint64_t nonce, struct incoming *ret,
		   struct error *reterr)
{
	struct incoming incoming = INCOMING_INIT;
	int code = place_find(base, path, PLACE_MAKE_PARENTS, &incoming.place);

	if (code == 0) {
		code = incoming_check_replaceable(&incoming.place);
	}
	if (code == 0) {
		snprintf(incoming.temporary, sizeof(incoming.temporary), ".upload-%016" PRIx64,
			 nonce);
		incoming.fd = incoming_open_temporary(&incoming);
		code = incoming.fd < 0 ? incoming.fd
				       : incoming_copy_owner(&incoming.place, incoming.fd);
	}
	if (code < 0) {
		incoming_drop(&incoming);
		return incoming_error(reterr, code, base, path);
	}
	*ret = incoming;
	return 0;
}

int incoming_write(struct incoming *incoming, const char *data, size_t length, struct error *reterr)
{
	while (length > 0) {
		ssize_t written = write(incoming->fd, data, length);

		if (written < 0 && errno == EINTR) {
			continue;
		}
		if (written <= 0) {
			return incoming_error(reterr, written < 0 ? -errno : -ENOSPC, NULL, NULL);
		}
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

/* Gives a file without a name a hidden name, since only a rename can replace another file. */
static int incoming_name_temporary(struct incoming *incoming)
{
	char link[64];

	if (!incoming->named) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", incoming->fd);
		if (linkat(AT_FDCWD, link, incoming->place.dir, incoming->temporary,
			   AT_SYMLINK_FOLLOW) < 0) {
			return -errno;
		}
		incoming->named = true;
	}
	return 0;
}

int incoming_land(struct incoming *incoming, struct error *reterr)
{
	const struct place *place = &incoming->place;
	int code = incoming_name_temporary(incoming);

	if (code == 0 && renameat(place->dir, incoming->temporary, place->dir, place->name) < 0) {
		code = -errno;
	}
	if (code == 0) {
		incoming->named = false;
	} else {
		incoming_error(reterr, code, NULL, NULL);
	}
	incoming_drop(incoming);
	return code;
}

void incoming_drop(struct incoming *incoming)
{
	if (incoming->fd >= 0) {
		close(incoming->fd);
		incoming->fd = -1;
		if (incoming->named) {
			unlinkat(incoming->place.dir, incoming->temporary, 0);
		}
	}
	place_finish(&incoming->place);
}
