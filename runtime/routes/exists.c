/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /exists/{path}: whether there is a file of that name. Called through the table of routes.
 */
#include "config.h"

#include <errno.h>

#include "base/memory.h"
#include "runtime/files/files.h"
#include "runtime/http/work.h"
#include "runtime/http/request.h"

#define RESPONSE_MAX (512u << 10) /* a text of FILES_TEXT_MAX, each byte escaped */

struct exists {
	struct work work;
	struct lookup lookup;
	int code;
};

static void exists_run(struct work *work)
{
	struct exists *exists = CONTAINER_OF(work, struct exists, work);

	exists->code = lookup_find(&exists->lookup);
}

static void exists_destroy(struct work *work)
{
	struct exists *exists = CONTAINER_OF(work, struct exists, work);

	lookup_finish(&exists->lookup);
	free(exists);
}

static void exists_done(struct work *work, int outcome)
{
	struct exists *exists = CONTAINER_OF(work, struct exists, work);
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);

	if (outcome < 0) {
		work_respond_failed(work->request, outcome);
		return;
	}
	if (exists->code == -EXDEV) {
		files_respond_error(work->request, exists->code, NULL);
		return;
	}
	buf_append_str(&body, "{\"path\":");
	json_append(&body, buf_str(&exists->lookup.text), exists->lookup.text.length);
	buf_printf(&body, ",\"exists\":%s}", exists->code == 0 ? "true" : "false");
	request_respond_json(work->request, 200, &body);
}

void exists_handle(struct request *request)
{
	struct exists *exists = xnew(struct exists);

	*exists = (struct exists){
		.work = { .run = exists_run, .done = exists_done, .destroy = exists_destroy }
	};
	lookup_init(&exists->lookup, request);
	if (!work_begin(&exists->work, request)) {
		exists_destroy(&exists->work);
		return;
	}
	work_submit(&exists->work);
}
