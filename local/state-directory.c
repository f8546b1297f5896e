/* SPDX-License-Identifier: Apache-2.0 */
/* Creates and checks the state directory. Each command of local mode calls it before it reads
 * anything in the directory. */
#include "config.h"

#include "local/state-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

static int state_directory_fail(struct error *reterr, const char *path, const char *name,
				const char *why, const char *what_to_do)
{
	return error_set(reterr, -EPERM, "'%s%s%s' %s: %s", path, *name != '\0' ? "/" : "", name,
			 why, what_to_do);
}

/* Whether another user, whose processes could have written anything, owns it. root is trusted. */
static bool state_directory_is_foreign(uid_t owner)
{
	return owner != geteuid() && owner != 0;
}

static bool state_directory_is_secret(const char *name)
{
	size_t length = strlen(name);

	return strcmp(name, "token") == 0 || strncmp(name, "api.db", strlen("api.db")) == 0 ||
	       (length > 4 && strcmp(name + length - 4, ".key") == 0);
}

static int state_directory_check_entry(const char *path, const char *name, const struct stat *info,
				       struct error *reterr)
{
	if (S_ISLNK(info->st_mode)) {
		return state_directory_fail(
			reterr, path, name, "is a link",
			"move its target into the directory, or remove the link");
	}
	/* The router may give its directory to the user it runs as. */
	if (state_directory_is_foreign(info->st_uid) && strcmp(name, "router") != 0) {
		return state_directory_fail(
			reterr, path, name, "belongs to another user",
			"find out who created it, then remove it or choose another --state-dir");
	}
	if (S_ISFIFO(info->st_mode) || S_ISBLK(info->st_mode) || S_ISCHR(info->st_mode)) {
		return state_directory_fail(reterr, path, name, "is not a file", "remove it");
	}
	if (S_ISREG(info->st_mode) && (info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return state_directory_fail(reterr, path, name, "may be written by other users",
					    "check its content, then chmod 600 it or remove it");
	}
	if (S_ISREG(info->st_mode) && (info->st_mode & (S_IRWXG | S_IRWXO)) != 0 &&
	    state_directory_is_secret(name)) {
		return state_directory_fail(
			reterr, path, name, "may be read by other users",
			"chmod 600 it, or remove it where others may have read it");
	}
	return 0;
}

static int state_directory_check_entries(const char *path, DIR *directory, struct error *reterr)
{
	struct dirent *entry;
	struct stat info;
	int code = 0;

	while (code == 0 && (entry = readdir(directory)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			continue;
		}
		/* A file that has disappeared meanwhile is not checked. */
		if (fstatat(dirfd(directory), name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
			code = state_directory_check_entry(path, name, &info, reterr);
		}
	}
	return code;
}

static int state_directory_check_itself(const char *path, const struct stat *info,
					struct error *reterr)
{
	if (info->st_uid != geteuid()) {
		return state_directory_fail(reterr, path, "", "belongs to another user",
					    "choose another --state-dir, or run as its owner");
	}
	if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return state_directory_fail(
			reterr, path, "", "may be written by other users",
			"check its content, then chmod 700 it, or choose another --state-dir");
	}
	return 0;
}

int state_directory_check(const char *path, struct error *reterr)
{
	struct stat info;

	if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) &&
	    state_directory_is_foreign(info.st_uid)) {
		return state_directory_fail(reterr, path, "", "is another user's link",
					    "remove it, or choose another --state-dir");
	}

	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		return errno == ENOENT
			       ? 0
			       : error_set(reterr, -errno, "cannot open the directory '%s': %s",
					   path, strerror(errno));
	}

	DIR *directory = fdopendir(fd);
	int code = directory == NULL || fstat(fd, &info) < 0 ? -errno : 0;

	if (code < 0) {
		error_set(reterr, code, "cannot read the directory '%s': %s", path,
			  strerror(-code));
	} else {
		code = state_directory_check_itself(path, &info, reterr);
	}
	if (code == 0) {
		code = state_directory_check_entries(path, directory, reterr);
	}
	if (directory != NULL) {
		closedir(directory);
	} else {
		close(fd);
	}
	return code;
}

int state_directory_make(const char *path, struct error *reterr)
{
	CLEANUP_FREE char *text = xstrdup(path);

	for (char *slash = text; slash != NULL;) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL) {
			*slash = '\0';
		}
		if (mkdir(text, 0700) < 0 && errno != EEXIST) {
			return error_set(reterr, -errno, "cannot create the directory '%s': %s",
					 text, strerror(errno));
		}
		if (slash != NULL) {
			*slash = '/';
		}
	}
	return state_directory_check(path, reterr);
}
