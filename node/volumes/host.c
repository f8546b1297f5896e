/* SPDX-License-Identifier: Apache-2.0 */
/* Checks and makes paths of the host for hostPath volumes. Called by volumes.c. */
#include "config.h"

#include "node/volumes/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "node/volumes/files.h"

static const struct host_type {
	const char *name, *noun;
	mode_t format; /* 0: anything */
	bool directory, file;
} types[] = {
	/* Unchecked, but runtimes of the CRI make the directory where there is nothing. */
	{ "", "there", 0, true, false },
	{ "DirectoryOrCreate", "a directory", S_IFDIR, true, false },
	{ "Directory", "a directory", S_IFDIR, false, false },
	{ "FileOrCreate", "a file", S_IFREG, false, true },
	{ "File", "a file", S_IFREG, false, false },
	{ "Socket", "a socket", S_IFSOCK, false, false },
	{ "CharDevice", "a character device", S_IFCHR, false, false },
	{ "BlockDevice", "a block device", S_IFBLK, false, false },
};

/* A part ".." is refused by the API: what is checked would not be what a reader sees. */
static bool host_goes_up(const char *path)
{
	for (const char *at = path; (at = strstr(at, "..")) != NULL; at += 2) {
		if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == '\0')) {
			return true;
		}
	}
	return false;
}

static int host_create(const char *path, const struct host_type *type)
{
	CLEANUP_FD int fd = type->directory
				    ? directory_make_path(path, 0755)
				    : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	return fd >= 0 ? 0 : type->directory ? fd : -errno;
}

int host_path_check(const char *path, const char *name, struct error *reterr)
{
	const struct host_type *type = NULL;
	struct stat info;
	int code;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		type = strcmp(types[i].name, name) == 0 ? &types[i] : type;
	}
	if (*path != '/' || host_goes_up(path)) {
		return error_set(reterr, -EINVAL,
				 "hostPath '%.200s' is not an absolute path without '..'", path);
	}
	if (type == NULL) {
		return error_set(reterr, -EINVAL, "hostPath has no type '%.100s'", name);
	}
	if (stat(path, &info) < 0) {
		code = errno == ENOENT && (type->directory || type->file) ? host_create(path, type)
									  : -errno;
		return code == 0 ? 0
				 : error_set(reterr, -EAGAIN,
					     "hostPath type check failed: %.200s is not %s: %s",
					     path, type->noun, strerror(-code));
	}
	if (type->format != 0 && (info.st_mode & S_IFMT) != type->format) {
		return error_set(reterr, -EAGAIN, "hostPath type check failed: %.200s is not %s",
				 path, type->noun);
	}
	return 0;
}
