/* SPDX-License-Identifier: Apache-2.0 */
/* Opens, makes and marks files below a directory without being led out of it. Called by everything
 * that works on volumes. */
#include "config.h"

#include "node/volumes/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/memory.h"

#define NAME_LENGTH_MAX 253

bool is_plain(const char *name)
{
	size_t length = name != NULL ? strlen(name) : 0;

	return length > 0 && length <= NAME_LENGTH_MAX && name[0] != '.' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.") ==
		       length;
}

int directory_names(int directory, char ***ret)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t count = 0;
	char **names;

	if (dir == NULL) {
		int code = -errno;

		cleanup_fd(&fd);
		return code;
	}
	names = xnew(char *);
	while (errno = 0, (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			names = xrealloc(names, (count + 2) * sizeof(*names));
			names[count++] = xstrdup(entry->d_name);
			names[count] = NULL;
		}
	}

	int code = -errno;

	closedir(dir);
	if (code < 0) {
		names_finish(names);
		return code;
	}
	*ret = names;
	return 0;
}

void names_finish(char **names)
{
	for (char **at = names; at != NULL && *at != NULL; at++) {
		free(*at);
	}
	free(names);
}

int open_beneath(int directory, const char *path, int flags, mode_t mode, uint64_t more)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | more,
	};

	/* A rename elsewhere at the same moment makes the kernel unsure (EAGAIN): ask again. */
	for (int tries = 0; tries < 100; tries++) {
		long fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));

		if (fd >= 0) {
			return (int)fd;
		}
		if (errno != EAGAIN && errno != EINTR) {
			return -errno;
		}
	}
	return -EAGAIN;
}

struct fd_path fd_path(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

int fd_chmod(int fd, mode_t mode)
{
	/* fchmod takes no O_PATH; this link is the kernel's own and leads to the very file. */
	return chmod(fd_path(fd).text, mode) < 0 ? -errno : 0;
}

int fd_chown(int fd, uid_t uid, gid_t gid)
{
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

int directory_make(int parent, const char *name, mode_t mode, bool *ret_new)
{
	bool made = mkdirat(parent, name, mode & 0777) == 0;
	int fd, code;

	if (!made && errno != EEXIST) {
		return -errno;
	}
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		return -errno;
	}
	code = made ? fd_chmod(fd, mode) : 0; /* past the umask */
	if (code < 0) {
		close(fd);
		return code;
	}
	if (ret_new != NULL) {
		*ret_new = made;
	}
	return fd;
}

int directory_make_path(const char *path, mode_t mode)
{
	CLEANUP_FREE char *part = xstrdup(path);

	for (char *at = strchr(part + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST) {
			return -errno;
		}
		*at = '/';
	}
	if (mkdir(part, mode) < 0 && errno != EEXIST) {
		return -errno;
	}

	int fd = open(part, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

bool is_mount(int parent, int directory)
{
	struct stat outside, inside;

	return fstat(parent, &outside) == 0 && fstat(directory, &inside) == 0 &&
	       outside.st_dev != inside.st_dev;
}
