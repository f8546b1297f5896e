/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and checks the state directory before anything in it is believed. Called first by each command
 * of local mode. */
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

static int fail(struct error *reterr, const char *path, const char *name, const char *why,
		const char *what_to_do)
{
	return error_set(reterr, -EPERM, "'%s%s%s' %s: %s", path, *name != '\0' ? "/" : "", name,
			 why, what_to_do);
}

/* Another user's process could have put anything there. */
static bool is_foreign(uid_t owner)
{
	return owner != geteuid() && owner != 0;
}

static bool is_secret(const char *name)
{
	size_t length = strlen(name);

	return strcmp(name, "token") == 0 || strncmp(name, "api.db", strlen("api.db")) == 0 ||
	       (length > 4 && strcmp(name + length - 4, ".key") == 0);
}

static int check_entry(const char *path, const char *name, const struct stat *info,
		       struct error *reterr)
{
	if (S_ISLNK(info->st_mode)) {
		return fail(reterr, path, name, "is a link",
			    "move what it leads to into the directory, or remove it");
	}
	/* The router may give its directory to the user it runs as. */
	if (is_foreign(info->st_uid) && strcmp(name, "router") != 0) {
		return fail(reterr, path, name, "belongs to another user",
			    "look who put it there, and remove it or choose another --state-dir");
	}
	if (S_ISFIFO(info->st_mode) || S_ISBLK(info->st_mode) || S_ISCHR(info->st_mode)) {
		return fail(reterr, path, name, "is not a file", "remove it");
	}
	if (S_ISREG(info->st_mode) && (info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return fail(reterr, path, name, "may be written by other users",
			    "look at what is in it, then chmod 600 it or remove it");
	}
	if (S_ISREG(info->st_mode) && (info->st_mode & (S_IRWXG | S_IRWXO)) != 0 &&
	    is_secret(name)) {
		return fail(reterr, path, name, "may be read by other users",
			    "chmod 600 it, or remove it where others may have read it");
	}
	return 0;
}

static int check_entries(const char *path, DIR *directory, struct error *reterr)
{
	struct dirent *entry;
	struct stat info;
	int code = 0;

	while (code == 0 && (entry = readdir(directory)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
			continue;
		}
		/* What is gone by now says nothing. */
		if (fstatat(dirfd(directory), name, &info, AT_SYMLINK_NOFOLLOW) == 0) {
			code = check_entry(path, name, &info, reterr);
		}
	}
	return code;
}

static int check_directory(const char *path, const struct stat *info, struct error *reterr)
{
	if (info->st_uid != geteuid()) {
		return fail(reterr, path, "", "belongs to another user",
			    "choose another --state-dir, or run as its owner");
	}
	if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		return fail(
			reterr, path, "", "may be written by other users",
			"look at what is in it, then chmod 700 it, or choose another --state-dir");
	}
	return 0;
}

int state_directory_check(const char *path, struct error *reterr)
{
	struct stat info;

	if (lstat(path, &info) == 0 && S_ISLNK(info.st_mode) && is_foreign(info.st_uid)) {
		return fail(reterr, path, "", "is another user's link",
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
		code = check_directory(path, &info, reterr);
	}
	if (code == 0) {
		code = check_entries(path, directory, reterr);
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
			return error_set(reterr, -errno, "cannot make the directory '%s': %s", text,
					 strerror(errno));
		}
		if (slash != NULL) {
			*slash = '/';
		}
	}
	return state_directory_check(path, reterr);
}
