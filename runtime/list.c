/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /list/{path}: what is in a folder, made while it is sent, so that a million entries take no
 * memory and no other request waits for them. Called through the routes of files.
 */
#include "config.h"

#include "base/memory.h"
#include "base/number.h"
#include "runtime/files.h"
#include "runtime/request.h"
#include "runtime/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MISSING "Path is not a directory"
#define SLICE 64u            /* entries looked at before other requests get their turn */
#define ENTRY_MAX (8u << 10) /* a name of 255 bytes, each escaped, and the rest */
#define PENDING_MAX ((SLICE + 1) * ENTRY_MAX)

struct list {
	const struct base *base;
	DIR *folder;
	struct buf path;    /* the folder's, cleaned: where links in it are found from */
	struct buf pending; /* made, not sent */
	size_t sent;        /* of pending */
	bool any, ended;
};

static void list_destroy(void *arg)
{
	struct list *list = arg;

	if (list->folder != NULL) {
		closedir(list->folder);
	}
	buf_finish(&list->path);
	buf_finish(&list->pending);
	free(list);
}

/* Seconds as Python has them in st_mtime, in the fewest digits that read back the same. */
static void append_time(struct buf *buf, const struct timespec *time)
{
	double seconds = (double)time->tv_sec + 1e-9 * (double)time->tv_nsec, back;
	char text[64];

	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, seconds);
		if (number_parse(text, -1e18, 1e18, &back) == 0 && back == seconds) {
			break;
		}
	}
	buf_append_str(buf, text);
	if (strpbrk(text, ".e") == NULL) {
		buf_append_str(buf, ".0");
	}
}

/* What a link leads to, where that is inside the base; the link itself where it is not, or nothing. */
static void follow(const struct list *list, const char *name, struct stat *info)
{
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_TEXT_MAX);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	struct stat target;

	if (buf_printf(&path, "%s%s%s", buf_str(&list->path), list->path.length > 0 ? "/" : "",
		       name) == 0 &&
	    place_find(list->base, buf_str(&path), 0, &place) == 0 && place.fd >= 0 &&
	    fstat(place.fd, &target) == 0) {
		*info = target;
	}
}

static void append_entry(struct list *list, const char *name)
{
	struct buf *buf = &list->pending;
	struct stat info;

	if (fstatat(dirfd(list->folder), name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
		return; /* gone meanwhile */
	}
	if (S_ISLNK(info.st_mode)) {
		follow(list, name, &info);
	}
	buf_append_str(buf, list->any ? ",{\"name\":" : "{\"name\":");
	json_append(buf, name, strlen(name));
	buf_printf(buf,
		   ",\"size\":%" PRIu64 ",\"type\":\"%s\",\"mod_time\":", (uint64_t)info.st_size,
		   S_ISDIR(info.st_mode) ? "directory" : "file");
	append_time(buf, &info.st_mtim);
	buf_append_char(buf, '}');
	list->any = true;
}

/* Makes a slice of the text. -errno: the folder cannot be read to its end. */
static int fill(struct list *list)
{
	buf_clear(&list->pending);
	list->sent = 0;
	for (unsigned int i = 0; i < SLICE; i++) {
		errno = 0;

		const struct dirent *entry = readdir(list->folder);

		if (entry == NULL && errno != 0) {
			return -errno;
		}
		if (entry == NULL) {
			list->ended = true;
			return buf_append_char(&list->pending, ']');
		}
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			append_entry(list, entry->d_name);
		}
	}
	return list->pending.failed ? -ENOSPC : 0;
}

static ssize_t list_read(void *arg, uint64_t position UNUSED, char *data, size_t size)
{
	struct list *list = arg;

	while (list->sent == list->pending.length) {
		if (list->ended) {
			return BODY_END;
		}
		if (fill(list) < 0) {
			return BODY_ERROR;
		}
	}

	size_t length = list->pending.length - list->sent;

	length = length < size ? length : size;
	memcpy(data, buf_str(&list->pending) + list->sent, length);
	list->sent += length;
	return (ssize_t)length;
}

static int open_folder(int fd, DIR **ret)
{
	int real = path_reopen(fd, O_RDONLY | O_DIRECTORY);

	if (real < 0) {
		return real;
	}
	*ret = fdopendir(real);
	if (*ret == NULL) {
		int error = -errno;

		close(real);
		return error;
	}
	return 0;
}

void list_handle(struct request *request)
{
	const struct runtime *runtime = request_arg(request);
	CLEANUP_BUF struct buf text = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	DIR *folder = NULL;
	int error = files_find(request, &text, &path, &place);

	if (error == 0) {
		error = open_folder(place.fd, &folder);
	}
	if (error < 0) {
		files_answer_error(request, error, MISSING);
		return;
	}

	struct list *list = xnew(struct list);

	*list = (struct list){ .base = &runtime->base,
			       .folder = folder,
			       .path = path,
			       .pending = BUF_INIT(PENDING_MAX) };
	path = (struct buf)BUF_INIT(0);
	buf_append_char(&list->pending, '[');
	request_answer_stream(
		request, 200, "application/json", BODY_LENGTH_UNKNOWN,
		&(struct body_source){ .read = list_read, .destroy = list_destroy, .arg = list });
}
