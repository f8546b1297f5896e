/* SPDX-License-Identifier: Apache-2.0 */
/* Collects the files of a volume and swaps them in at once. Called for config maps, secrets,
 * projected and downwardAPI volumes, each time their sources may have changed. */
#include "config.h"

#include "node/volumes/payload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/file.h"
#include "base/memory.h"
#include "node/volumes/files.h"

void payload_finish(struct payload *payload)
{
	for (size_t i = 0; i < payload->count; i++) {
		free(payload->files[i].path);
		buf_finish(&payload->files[i].data);
	}
	free(payload->files);
	*payload = (struct payload){ 0 };
}

int payload_check_path(const char *path, struct error *reterr)
{
	const char *why = NULL;

	if (*path == '\0' || *path == '/') {
		why = "it must be a relative path";
	} else if (strlen(path) >= PATH_MAX / 2) {
		why = "it is too long";
	}
	for (const char *part = path; why == NULL; part += strcspn(part, "/") + 1) {
		size_t length = strcspn(part, "/");

		if (strncmp(part, "..", 2) == 0) {
			why = "no part of it may begin with '..'";
		} else if (length > NAME_MAX) {
			why = "a part of it is too long";
		} else if (length == 0 || (length == 1 && *part == '.')) {
			why = "no part of it may be empty or '.'";
		}
		if (part[length] == '\0') {
			break;
		}
	}
	return why == NULL ? 0 : error_set(reterr, -EINVAL, "path '%.200s': %s", path, why);
}

static struct payload_file *payload_find(struct payload *payload, const char *path)
{
	for (size_t i = 0; i < payload->count; i++) {
		if (strcmp(payload->files[i].path, path) == 0) {
			return &payload->files[i];
		}
	}
	return NULL;
}

int payload_add(struct payload *payload, const char *path, struct buf *take_data, mode_t mode,
		int64_t made_s, struct error *reterr)
{
	struct payload_file *file = payload_find(payload, path);
	int code = payload_check_path(path, reterr);

	if (code < 0) {
		return code;
	}
	if (file == NULL && payload->count == PAYLOAD_FILES_MAX) {
		return error_set(reterr, -EINVAL, "it has more than %d files", PAYLOAD_FILES_MAX);
	}
	if (file == NULL) {
		payload->files = xrealloc(payload->files, (payload->count + 1) * sizeof(*file));
		file = &payload->files[payload->count++];
		*file = (struct payload_file){ .path = xstrdup(path) };
	}
	payload->bytes += take_data->length - file->data.length;
	buf_finish(&file->data);
	file->data = *take_data;
	*take_data = (struct buf)BUF_INIT(0);
	file->mode = mode & 0777;
	file->made_s = made_s;
	if (payload->bytes > PAYLOAD_MAX) {
		return error_set(reterr, -EINVAL, "its files are larger than %u bytes",
				 PAYLOAD_MAX);
	}
	return 0;
}

/* The name of the directory that holds just this content. It changes with each boot, since files of
 * before one may have lost their bytes in a crash: nothing here waits for the disk. */
static void payload_directory_name(const struct payload *payload, gid_t group, char ret[32])
{
	uint64_t value = hash_bytes(HASH_START, &group, sizeof(group));
	CLEANUP_FD int boot = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char id[64];
	ssize_t got = boot < 0 ? 0 : read(boot, id, sizeof(id));

	value = hash_bytes(value, id, got > 0 ? (size_t)got : 0);
	for (size_t i = 0; i < payload->count; i++) {
		const struct payload_file *file = &payload->files[i];

		value = hash_bytes(value, file->path, strlen(file->path) + 1);
		value = hash_bytes(value, &file->mode, sizeof(file->mode));
		value = hash_bytes(value, &file->data.length, sizeof(file->data.length));
		value = hash_bytes(value, buf_str(&file->data), file->data.length);
	}
	snprintf(ret, 32, "..%016" PRIx64, value);
}

/* The directory that a file's path lies in, made where it is missing. */
static int payload_parent_of(int directory, const char *path, gid_t group, const char **ret_name)
{
	int held = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	while (held >= 0 && strchr(path, '/') != NULL) {
		size_t length = strcspn(path, "/");
		CLEANUP_FREE char *part = xstrndup(path, length);
		CLEANUP_FD int above = held;

		held = directory_make(above, part, 0755, NULL);
		if (held >= 0 && group != (gid_t)-1) {
			fd_chown(held, (uid_t)-1, group);
		}
		path += length + 1;
	}
	*ret_name = path;
	return held;
}

static int payload_write_file(int directory, const struct payload_file *file, gid_t group)
{
	const char *name;
	CLEANUP_FD int parent = payload_parent_of(directory, file->path, group, &name);
	/* A group that was asked for may read whatever the mode. */
	mode_t mode = file->mode | (group != (gid_t)-1 ? 0040 : 0);
	int code;

	if (parent < 0) {
		return parent;
	}

	CLEANUP_FD int fd =
		openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0) {
		return -errno;
	}
	code = file_write_all(fd, buf_str(&file->data), file->data.length);
	if (code == 0 && group != (gid_t)-1 && fd_chown(fd, (uid_t)-1, group) < 0) {
		code = -errno;
	}
	if (code == 0 && fchmod(fd, mode) < 0) {
		code = -errno;
	}
	if (code == 0 && file->made_s > 0) {
		const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
						   { .tv_sec = (time_t)file->made_s } };

		code = futimens(fd, times) < 0 ? -errno : 0;
	}
	return code;
}

/* Removes a name, with all that is below it. */
static int payload_remove_name(int directory, const char *name)
{
	if (unlinkat(directory, name, 0) == 0 || errno == ENOENT) {
		return 0;
	}

	CLEANUP_FD int inner = open_beneath(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0,
					    RESOLVE_NO_XDEV);
	int code = inner < 0 ? inner : volumes_tree_remove(inner);

	if (code == 0 && unlinkat(directory, name, AT_REMOVEDIR) < 0 && errno != ENOENT) {
		code = -errno;
	}
	return code;
}

static int payload_write_data(int directory, const struct payload *payload, const char *name,
			      gid_t group, struct error *reterr)
{
	/* One of this name is what a crash left half. */
	int code = payload_remove_name(directory, name);
	CLEANUP_FD int data = code < 0 ? code : directory_make(directory, name, 0755, NULL);

	if (data < 0) {
		return error_set(reterr, data, "making a directory in it: %s", strerror(-data));
	}
	if (group != (gid_t)-1) {
		fd_chown(data, (uid_t)-1, group);
	}
	for (size_t i = 0; i < payload->count; i++) {
		code = payload_write_file(data, &payload->files[i], group);
		if (code == -EEXIST || code == -ENOTDIR) {
			return error_set(reterr, -EINVAL,
					 "path '%.200s' is a file and a directory at once",
					 payload->files[i].path);
		}
		if (code < 0) {
			return error_set(reterr, code, "writing '%.200s': %s",
					 payload->files[i].path, strerror(-code));
		}
	}
	return 0;
}

/* Makes name a link to target, replacing what is there in one step. */
static int payload_put_link(int directory, const char *name, const char *target)
{
	char old[PATH_MAX];
	ssize_t length = readlinkat(directory, name, old, sizeof(old));
	int code;

	if (length == (ssize_t)strlen(target) && memcmp(old, target, (size_t)length) == 0) {
		return 0;
	}
	code = payload_remove_name(directory, "..tmp");
	if (code < 0) {
		return code;
	}
	if (symlinkat(target, directory, "..tmp") < 0 ||
	    renameat(directory, "..tmp", directory, name) < 0) {
		return -errno;
	}
	return 0;
}

/* The first part of a path, which is what the volume shows. */
static char *payload_first_part(const char *path)
{
	return xstrndup(path, strcspn(path, "/"));
}

static int payload_put_links(int directory, const struct payload *payload)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < payload->count; i++) {
		CLEANUP_FREE char *name = payload_first_part(payload->files[i].path);
		CLEANUP_FREE char *target = xprintf("..data/%s", name);

		code = payload_put_link(directory, name, target);
	}
	return code;
}

static bool payload_is_wanted(const struct payload *payload, const char *name, const char *data)
{
	if (strcmp(name, "..data") == 0 || strcmp(name, data) == 0 || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0) {
		return true;
	}
	for (size_t i = 0; i < payload->count; i++) {
		const char *path = payload->files[i].path;

		if (strncmp(path, name, strlen(name)) == 0 &&
		    (path[strlen(name)] == '/' || path[strlen(name)] == '\0')) {
			return true;
		}
	}
	return false;
}

/* What is neither wanted now nor the content in use. */
static int payload_remove_rest(int directory, const struct payload *payload, const char *data)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	int code = 0;

	if (dir == NULL) {
		code = -errno;
		cleanup_fd(&fd);
		return code;
	}
	while (code == 0 && (entry = readdir(dir)) != NULL) {
		if (!payload_is_wanted(payload, entry->d_name, data)) {
			code = payload_remove_name(directory, entry->d_name);
		}
	}
	closedir(dir);
	return code;
}

int payload_write(int directory, const struct payload *payload, gid_t group, struct error *reterr)
{
	char name[32], old[32];
	ssize_t length = readlinkat(directory, "..data", old, sizeof(old));
	int code = 0;

	payload_directory_name(payload, group, name);
	if (length != (ssize_t)strlen(name) || memcmp(old, name, (size_t)length) != 0) {
		code = payload_write_data(directory, payload, name, group, reterr);
		if (code < 0) {
			return code;
		}
		code = payload_put_link(directory, "..data", name);
	}
	/* Again each time: they may be what a crash interrupted. */
	if (code == 0) {
		code = payload_put_links(directory, payload);
	}
	if (code == 0) {
		code = payload_remove_rest(directory, payload, name);
	}
	return code == 0 ? 0 : error_set(reterr, code, "changing its files: %s", strerror(-code));
}
