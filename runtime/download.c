/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET and HEAD /download/{path}: a regular file, or one range of it. Called through the routes of
 * files; the server sends the bytes.
 */
#include "config.h"

#include "runtime/disposition.h"
#include "runtime/files.h"
#include "runtime/range.h"
#include "runtime/request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MISSING "File not found"
#define TYPE "application/octet-stream"
#define DISPOSITION_MAX 2048u /* a name of 255 bytes, each escaped */

/* What says which version of a file this is. */
struct version {
	char modified[64];
	char tag[64];
};

static void describe(const struct stat *info, struct version *ret)
{
	struct tm utc;

	if (gmtime_r(&info->st_mtim.tv_sec, &utc) == NULL ||
	    strftime(ret->modified, sizeof(ret->modified), "%a, %d %b %Y %H:%M:%S GMT", &utc) ==
		    0) {
		ret->modified[0] = '\0';
	}
	snprintf(ret->tag, sizeof(ret->tag), "\"%" PRIx64 "-%" PRIx64 "-%" PRIx64 ".%lx\"",
		 (uint64_t)info->st_ino, (uint64_t)info->st_size, (uint64_t)info->st_mtim.tv_sec,
		 (unsigned long)info->st_mtim.tv_nsec);
}

static enum range_answer asked_range(const struct request *request, const struct version *version,
				     uint64_t size, uint64_t *ret_first, uint64_t *ret_length)
{
	const char *condition = request_header(request, "If-Range");

	if (condition != NULL && strcmp(condition, version->tag) != 0 &&
	    strcmp(condition, version->modified) != 0) {
		return RANGE_WHOLE;
	}
	return range_parse(request_header(request, "Range"), size, ret_first, ret_length);
}

static void add_headers(struct request *request, const struct version *version, const char *path)
{
	CLEANUP_BUF struct buf disposition = BUF_INIT(DISPOSITION_MAX);
	const char *slash = strrchr(path, '/');

	disposition_append(&disposition, slash == NULL ? path : slash + 1);
	request_add_header(request, "Content-Disposition", buf_str(&disposition));
	request_add_header(request, "Accept-Ranges", "bytes");
	request_add_header(request, "ETag", version->tag);
	if (version->modified[0] != '\0') {
		request_add_header(request, "Last-Modified", version->modified);
	}
}

static void answer_beyond(struct request *request, uint64_t size)
{
	struct buf empty = BUF_INIT(0);
	char range[64];

	snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
	request_add_header(request, "Content-Range", range);
	request_answer_text(request, 416, "text/plain; charset=utf-8", &empty);
	buf_finish(&empty);
}

/* take_fd is a regular file of that description. */
static void answer_file(struct request *request, int take_fd, const struct stat *info,
			const char *path)
{
	uint64_t size = (uint64_t)info->st_size, first = 0, length = size;
	struct version version;
	char range[96];

	describe(info, &version);
	switch (asked_range(request, &version, size, &first, &length)) {
	case RANGE_BEYOND:
		close(take_fd);
		answer_beyond(request, size);
		return;
	case RANGE_PART:
		add_headers(request, &version, path);
		snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
			 first + length - 1, size);
		request_add_header(request, "Content-Range", range);
		request_answer_file(request, 206, TYPE, take_fd, first, length);
		return;
	default:
		add_headers(request, &version, path);
		request_answer_file(request, 200, TYPE, take_fd, 0, size);
	}
}

void download_handle(struct request *request)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	struct stat info;
	int error = files_find(request, &text, &path, &place);

	/* Asked before it is opened: opening alone does something to a device or a FIFO. */
	if (error == 0 && (fstat(place.fd, &info) < 0 || !S_ISREG(info.st_mode))) {
		error = -ENOENT;
	}

	int fd = error < 0 ? error : path_reopen(place.fd, O_RDONLY);

	if (fd >= 0 && fstat(fd, &info) < 0) {
		error = -errno;
		close(fd);
		fd = error;
	}
	if (fd < 0) {
		files_answer_error(request, fd, MISSING);
		return;
	}
	answer_file(request, fd, &info, buf_str(&path));
}
