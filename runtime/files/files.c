/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the path of a request into a file, and an error into a response. The handlers of files call
 * it.
 */
#include "config.h"

#include "runtime/files/files.h"

#include <errno.h>
#include <string.h>

#include "runtime/http/percent.h"
#include "runtime/http/request.h"
#include "runtime/runtime.h"

void lookup_init(struct lookup *lookup, const struct request *request)
{
	const struct runtime *runtime = request_arg(request);
	size_t length;
	const char *asked = request_path(request, &length);

	*lookup = (struct lookup){ .base = &runtime->base,
				   .text = BUF_INIT(FILES_TEXT_MAX),
				   .path = BUF_INIT(FILES_TEXT_MAX),
				   .place = PLACE_INIT };
	buf_append(&lookup->text, asked, length);
}

void lookup_finish(struct lookup *lookup)
{
	place_finish(&lookup->place);
	buf_finish(&lookup->text);
	buf_finish(&lookup->path);
}

static int lookup_find_text(const struct base *base, const struct buf *text, struct buf *path,
			    struct place *ret)
{
	int code = path_clean(buf_str(text), text->length, path);

	if (code == 0) {
		code = place_find(base, buf_str(path), 0, ret);
	}
	if (code == 0 && ret->fd < 0) {
		place_finish(ret);
		return -ENOENT;
	}
	return code;
}

int lookup_find(struct lookup *lookup)
{
	if (lookup->text.failed) {
		return -ENAMETOOLONG;
	}

	int code = lookup_find_text(lookup->base, &lookup->text, &lookup->path, &lookup->place);

	if ((code != -ENOENT && code != -ENOTDIR) ||
	    memchr(buf_str(&lookup->text), '%', lookup->text.length) == NULL) {
		return code;
	}

	CLEANUP_BUF struct buf twice = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(FILES_TEXT_MAX);

	percent_decode(buf_str(&lookup->text), lookup->text.length, &twice);

	int again = lookup_find_text(lookup->base, &twice, &path, &lookup->place);

	if (again == 0) {
		buf_clear(&lookup->text);
		buf_append(&lookup->text, buf_str(&twice), twice.length);
		buf_clear(&lookup->path);
		buf_append(&lookup->path, buf_str(&path), path.length);
	}
	return again == 0 || again == -EXDEV ? again : code;
}

void files_respond_error(struct request *request, int code, const char *missing)
{
	switch (code) {
	case -EXDEV:
	case -EACCES:
	case -EPERM:
		request_respond_message(request, 403, "Access denied");
		break;
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
		request_respond_message(request, 404, missing);
		break;
	case -EAGAIN: /* a lease, or others keep renaming */
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		request_add_header(request, "Retry-After", "1");
		request_respond_message(request, 503, strerror(-code));
		break;
	default:
		request_respond_message(request, 500, strerror(-code));
	}
}
