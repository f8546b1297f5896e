/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /exists/{path}: whether there is something of that name. Called through the routes of files.
 */
#include "config.h"

#include "runtime/files.h"
#include "runtime/request.h"

#include <errno.h>

#define ANSWER_MAX (512u << 10) /* a text of FILES_TEXT_MAX, each byte escaped */

void exists_handle(struct request *request)
{
	CLEANUP_BUF struct buf text = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf path = BUF_INIT(FILES_TEXT_MAX);
	CLEANUP_BUF struct buf body = BUF_INIT(ANSWER_MAX);
	CLEANUP_PLACE struct place place = PLACE_INIT;
	int error = files_find(request, &text, &path, &place);

	if (error == -EXDEV) {
		files_answer_error(request, error, NULL);
		return;
	}
	buf_append_str(&body, "{\"path\":");
	json_append(&body, buf_str(&text), text.length);
	buf_printf(&body, ",\"exists\":%s}", error == 0 ? "true" : "false");
	request_answer_json(request, 200, &body);
}
