/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET and HEAD /download/{path}: sends a regular file, or one range of it. The threads for files
 * read it piece by piece. Called through the table of routes.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/files/disposition.h"
#include "runtime/files/files.h"
#include "runtime/files/range.h"
#include "runtime/http/work.h"
#include "runtime/http/request.h"

#define MISSING "File not found"
#define TYPE "application/octet-stream"
#define PIECE 16384u          /* what a thread reads in one step */
#define BLOCK 8192u           /* libmicrohttpd's memory for each reader */
#define DISPOSITION_MAX 2048u /* a name of 255 bytes, each escaped */

/* Identifies a version of a file. */
struct version {
	char modified[64];
	char tag[64];
};

struct download {
	struct work work;
	struct lookup lookup;
	struct stat info;
	int fd;
	int code;
	uint64_t offset, left;         /* of the part that is not read yet */
	char *piece;                   /* read but not sent yet; NULL: none */
	size_t length;                 /* of it */
	bool responded, waits, failed; /* only for the server's thread */
};

static void download_describe(const struct stat *info, struct version *ret)
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

static enum range_response download_asked_range(const struct request *request,
						const struct version *version, uint64_t size,
						uint64_t *ret_first, uint64_t *ret_length)
{
	const char *condition = request_header(request, "If-Range");

	if (condition != NULL && strcmp(condition, version->tag) != 0 &&
	    strcmp(condition, version->modified) != 0) {
		return RANGE_WHOLE;
	}
	return range_parse(request_header(request, "Range"), size, ret_first, ret_length);
}

static void download_add_headers(struct request *request, const struct version *version,
				 const char *path)
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

static void download_respond_beyond(struct request *request, uint64_t size)
{
	struct buf empty = BUF_INIT(0);
	char range[64];

	snprintf(range, sizeof(range), "bytes */%" PRIu64, size);
	request_add_header(request, "Content-Range", range);
	request_respond_text(request, 416, "text/plain; charset=utf-8", &empty);
	buf_finish(&empty);
}

/* ---- in a thread for files ---- */

static int download_open(struct download *download)
{
	int code = lookup_find(&download->lookup);
	int place = download->lookup.place.fd;

	/* Checked before it is opened: even opening a device or a FIFO has an effect. */
	if (code == 0 && (fstat(place, &download->info) < 0 || !S_ISREG(download->info.st_mode))) {
		code = -ENOENT;
	}
	if (code < 0) {
		return code;
	}
	download->fd = path_reopen(place, O_RDONLY);
	place_finish(&download->lookup.place);
	if (download->fd < 0) {
		return download->fd;
	}
	return fstat(download->fd, &download->info) < 0 ? -errno : 0;
}

/* A file that has become shorter is an error: its length has been sent already. */
static int download_piece(struct download *download)
{
	size_t size = download->left < PIECE ? (size_t)download->left : PIECE;
	char *piece = xalloc(size);
	ssize_t length = pread(download->fd, piece, size, (off_t)download->offset);

	if (length <= 0) {
		int code = length < 0 ? -errno : -EIO;

		free(piece);
		return code;
	}
	download->piece = piece;
	download->length = (size_t)length;
	download->offset += (uint64_t)length;
	download->left -= (uint64_t)length;
	return 0;
}

static void download_run(struct work *work)
{
	struct download *download = CONTAINER_OF(work, struct download, work);

	download->code = download->fd < 0 ? download_open(download) : download_piece(download);
}

static void download_destroy(struct work *work)
{
	struct download *download = CONTAINER_OF(work, struct download, work);

	if (download->fd >= 0) {
		close(download->fd);
	}
	lookup_finish(&download->lookup);
	free(download->piece);
	free(download);
}

/* ---- in the server's thread ---- */

/* Reads what the kernel has in its cache, without waiting. 0: a thread has to read it. */
static size_t download_read_at_once(struct download *download, char *data, size_t size)
{
	struct iovec piece = { .iov_base = data,
			       .iov_len = download->left < size ? (size_t)download->left : size };
	ssize_t length = preadv2(download->fd, &piece, 1, (off_t)download->offset, RWF_NOWAIT);

	if (length <= 0) {
		return 0;
	}
	download->offset += (uint64_t)length;
	download->left -= (uint64_t)length;
	return (size_t)length;
}

static ssize_t download_read(void *arg, uint64_t position UNUSED, char *data, size_t size)
{
	struct download *download = arg;

	if (download->failed || (!download->waits && download->code < 0)) {
		return BODY_ERROR;
	}
	if (download->waits) {
		return BODY_WAIT;
	}

	size_t length = download->piece == NULL ? download_read_at_once(download, data, size) : 0;

	if (length > 0) {
		return (ssize_t)length;
	}
	if (download->piece == NULL) {
		download->waits = true;
		work_submit(&download->work);
		return BODY_WAIT;
	}
	length = download->length < size ? download->length : size;

	memcpy(data, download->piece, length);
	download->length -= length;
	if (download->length > 0) {
		memmove(download->piece, download->piece + length, download->length);
	} else {
		free(TAKE(download->piece)); /* a slow reader keeps one copy only */
	}
	return (ssize_t)length;
}

static void download_respond_bytes(struct download *download, unsigned int status, uint64_t first,
				   uint64_t length)
{
	struct body_source source = { .read = download_read, .arg = download, .block = BLOCK };
	struct buf empty = BUF_INIT(0);

	download->offset = first;
	download->left = length;
	if (length == 0) {
		request_respond_text(download->work.request, status, TYPE, &empty);
		buf_finish(&empty);
		return;
	}
	request_respond_stream(download->work.request, status, TYPE, length, &source);
}

static void download_respond_file(struct download *download)
{
	struct request *request = download->work.request;
	const char *path = buf_str(&download->lookup.path);
	uint64_t size = (uint64_t)download->info.st_size, first = 0, length = size;
	struct version version;
	char range[96];

	download_describe(&download->info, &version);
	switch (download_asked_range(request, &version, size, &first, &length)) {
	case RANGE_BEYOND:
		download_respond_beyond(request, size);
		return;
	case RANGE_PART:
		download_add_headers(request, &version, path);
		snprintf(range, sizeof(range), "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
			 first + length - 1, size);
		request_add_header(request, "Content-Range", range);
		download_respond_bytes(download, 206, first, length);
		return;
	default:
		download_add_headers(request, &version, path);
		download_respond_bytes(download, 200, 0, size);
	}
}

static void download_done(struct work *work, int outcome)
{
	struct download *download = CONTAINER_OF(work, struct download, work);

	if (download->responded) {
		/* After an error the connection is closed, so that the client sees it is
		 * incomplete. */
		download->waits = false;
		download->failed = outcome < 0;
		request_more(work->request);
	} else if (outcome < 0) {
		work_respond_failed(work->request, outcome);
	} else if (download->code < 0) {
		files_respond_error(work->request, download->code, MISSING);
	} else {
		download->responded = true;
		download_respond_file(download);
	}
}

void download_handle(struct request *request)
{
	struct download *download = xnew(struct download);

	*download = (struct download){
		.work = { .run = download_run, .done = download_done, .destroy = download_destroy },
		.fd = -1
	};
	lookup_init(&download->lookup, request);
	if (!work_begin(&download->work, request)) {
		download_destroy(&download->work);
		return;
	}
	work_submit(&download->work);
}
