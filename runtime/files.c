/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a request's path to a file, and from what went wrong to an answer. The handlers of the file
 * routes call it.
 */
#include "config.h"

#include "runtime/files.h"
#include "runtime/request.h"
#include "runtime/runtime.h"

#include <errno.h>
#include <string.h>

static int find(const struct runtime *runtime, const struct buf *text, struct buf *path,
		struct place *ret)
{
	int error = path_clean(buf_str(text), text->length, path);

	if (error == 0) {
		error = place_find(&runtime->base, buf_str(path), 0, ret);
	}
	if (error == 0 && ret->fd < 0) {
		place_finish(ret);
		return -ENOENT;
	}
	return error;
}

int files_find(const struct request *request, struct buf *ret_text, struct buf *ret_path,
	       struct place *ret)
{
	const struct runtime *runtime = request_arg(request);
	size_t length;
	const char *asked = request_path(request, &length);

	if (buf_append(ret_text, asked, length) < 0) {
		return -ENAMETOOLONG;
	}

	int error = find(runtime, ret_text, ret_path, ret);

	if ((error != -ENOENT && error != -ENOTDIR) || memchr(asked, '%', length) == NULL) {
		return error;
	}

	CLEANUP_BUF struct buf twice = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(FILES_TEXT_MAX);

	path_decode(asked, length, &twice);

	int again = find(runtime, &twice, &path, ret);

	if (again == 0) {
		buf_clear(ret_text);
		buf_append(ret_text, buf_str(&twice), twice.length);
		buf_clear(ret_path);
		buf_append(ret_path, buf_str(&path), path.length);
	}
	return again == 0 || again == -EXDEV ? again : error;
}

void files_answer_error(struct request *request, int error, const char *missing)
{
	switch (error) {
	case -EXDEV:
	case -EACCES:
	case -EPERM:
		request_answer_message(request, 403, "Access denied");
		break;
	case -ENOENT:
	case -ENOTDIR:
	case -ENAMETOOLONG:
	case -ELOOP:
		request_answer_message(request, 404, missing);
		break;
	default:
		request_answer_message(request, 500, strerror(-error));
	}
}
