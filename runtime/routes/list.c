/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /list/{path}: lists a directory. The text is made while it is sent, so that a million entries
 * need no memory, and slice by slice in the threads for files, so that no other request waits.
 * Called through the table of routes.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/number.h"
#include "runtime/files/files.h"
#include "runtime/http/work.h"
#include "runtime/http/request.h"
#include "runtime/runtime.h"

#define MISSING "Path is not a directory"
#define SLICE 64u            /* entries read before other requests get their turn */
#define SLICE_US 20000u      /* the same in time: links can form long chains */
#define LIST_MAX 1000000u    /* entries; a guest can make a file system with endless directories */
#define FOLLOW_US 2000000u   /* time for following links; later links are listed as themselves */
#define LIST_US 60000000u    /* work for one list, without the time of its reader */
#define ENTRY_MAX (8u << 10) /* a name of 255 bytes, each escaped, and the rest */
#define PENDING_MAX ((SLICE + 1) * ENTRY_MAX)

struct list {
	struct work work;
	struct sched *sched;
	struct lookup lookup; /* its path: links in the directory are looked up from there */
	DIR *directory;
	struct buf pending; /* text that is not sent yet */
	size_t sent;        /* of pending */
	size_t count;       /* entries read */
	uint64_t worked_us, followed_us;
	int code;
	bool any, ended;
	bool responded, waits, failed; /* only for the server's thread */
};

static void list_destroy(struct work *work)
{
	struct list *list = CONTAINER_OF(work, struct list, work);

	if (list->directory != NULL) {
		closedir(list->directory);
	}
	lookup_finish(&list->lookup);
	buf_finish(&list->pending);
	free(list);
}

/* Appends the seconds of Python's st_mtime, with the fewest digits that give the same number. */
static void list_append_time(struct buf *buf, const struct timespec *time)
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

/* Reads the target of a link if it is inside the base; otherwise info stays that of the link. */
static void list_follow_link(struct list *list, const char *name, struct stat *info)
{
	CLEANUP_BUF struct buf path = BUF_INIT(PATH_TEXT_MAX);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	struct stat target;
	uint64_t begin = sched_now_us(list->sched);

	if (buf_printf(&path, "%s%s%s", buf_str(&list->lookup.path),
		       list->lookup.path.length > 0 ? "/" : "", name) == 0 &&
	    place_find(list->lookup.base, buf_str(&path), 0, &place) == 0 && place.fd >= 0 &&
	    fstat(place.fd, &target) == 0) {
		*info = target;
	}
	list->followed_us += sched_now_us(list->sched) - begin;
}

static void list_append_entry(struct list *list, const char *name)
{
	struct buf *buf = &list->pending;
	struct stat info;

	if (fstatat(dirfd(list->directory), name, &info, AT_SYMLINK_NOFOLLOW) < 0) {
		return; /* it has been removed meanwhile */
	}
	if (S_ISLNK(info.st_mode) && list->followed_us < FOLLOW_US) {
		list_follow_link(list, name, &info);
	}
	buf_append_str(buf, list->any ? ",{\"name\":" : "{\"name\":");
	json_append(buf, name, strlen(name));
	buf_printf(buf,
		   ",\"size\":%" PRIu64 ",\"type\":\"%s\",\"mod_time\":", (uint64_t)info.st_size,
		   S_ISDIR(info.st_mode) ? "directory" : "file");
	list_append_time(buf, &info.st_mtim);
	buf_append_char(buf, '}');
	list->any = true;
}

/* Adds the next entry. */
static int list_add_next(struct list *list)
{
	errno = 0;

	const struct dirent *entry = readdir(list->directory);

	if (entry == NULL && errno != 0) {
		return -errno;
	}
	if (entry == NULL) {
		list->ended = true;
		return buf_append_char(&list->pending, ']');
	}
	if (++list->count > LIST_MAX) {
		return -EOVERFLOW;
	}
	if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
		list_append_entry(list, entry->d_name);
	}
	return list->pending.failed ? -ENOSPC : 0;
}

/* Makes a slice of the text. 0, or -errno when the directory cannot be read to its end. */
static int list_make_slice(struct list *list)
{
	uint64_t begin = sched_now_us(list->sched), took = 0;
	int code = 0;

	for (unsigned int i = 0; i < SLICE && took < SLICE_US && code == 0 && !list->ended; i++) {
		code = list_add_next(list);
		took = sched_now_us(list->sched) - begin;
	}
	list->worked_us += took;
	return code == 0 && list->worked_us > LIST_US ? -ETIMEDOUT : code;
}

static int list_open_directory(int fd, DIR **ret)
{
	int real = path_reopen(fd, O_RDONLY | O_DIRECTORY);

	if (real < 0) {
		return real;
	}
	*ret = fdopendir(real);
	if (*ret == NULL) {
		int code = -errno;

		close(real);
		return code;
	}
	return 0;
}

static void list_run(struct work *work)
{
	struct list *list = CONTAINER_OF(work, struct list, work);

	if (list->directory == NULL) {
		list->code = lookup_find(&list->lookup);
		if (list->code == 0) {
			list->code = list_open_directory(list->lookup.place.fd, &list->directory);
		}
		place_finish(&list->lookup.place);
		buf_append_char(&list->pending, '[');
	} else {
		buf_clear(&list->pending);
		list->sent = 0;
	}
	if (list->code == 0) {
		list->code = list_make_slice(list);
	}
}

static ssize_t list_read(void *arg, uint64_t position UNUSED, char *data, size_t size)
{
	struct list *list = arg;

	if (list->waits || list->failed) { /* a thread may still use it */
		return list->failed ? BODY_ERROR : BODY_WAIT;
	}

	size_t length = list->pending.length - list->sent;

	if (length == 0 && (list->ended || list->code < 0)) {
		return list->code < 0 ? BODY_ERROR : BODY_END;
	}
	if (length == 0) {
		list->waits = true;
		work_submit(&list->work);
		return BODY_WAIT;
	}
	length = length < size ? length : size;
	memcpy(data, buf_str(&list->pending) + list->sent, length);
	list->sent += length;
	return (ssize_t)length;
}

static void list_done(struct work *work, int outcome)
{
	struct list *list = CONTAINER_OF(work, struct list, work);

	if (!list->responded && outcome < 0) {
		work_respond_failed(work->request, outcome);
		return;
	}
	if (!list->responded && list->code < 0) {
		files_respond_error(work->request, list->code, MISSING);
		return;
	}
	if (!list->responded) {
		list->responded = true;
		request_respond_stream(work->request, 200, "application/json", BODY_LENGTH_UNKNOWN,
				       &(struct body_source){ .read = list_read, .arg = list });
		return;
	}
	/* The response has started. After an error the connection is closed. */
	list->waits = false;
	list->failed = outcome < 0;
	request_more(work->request);
}

void list_handle(struct request *request)
{
	const struct runtime *runtime = request_arg(request);
	struct list *list = xnew(struct list);

	*list = (struct list){
		.work = { .run = list_run, .done = list_done, .destroy = list_destroy },
		.sched = runtime->sched,
		.pending = BUF_INIT(PENDING_MAX)
	};
	lookup_init(&list->lookup, request);
	if (!work_begin(&list->work, request)) {
		list_destroy(&list->work);
		return;
	}
	work_submit(&list->work);
}
