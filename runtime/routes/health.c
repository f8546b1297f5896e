/* SPDX-License-Identifier: Apache-2.0 */
/* Shows that the server's loop runs. The server calls it for GET /. */
#include "config.h"

#include "runtime/routes/health.h"

#include "runtime/http/request.h"

static void health_handle(struct request *request)
{
	CLEANUP_BUF struct buf body = BUF_INIT(128);

	buf_append_str(&body, "{\"status\":\"ok\",\"message\":\"Sandbox Runtime is active.\"}");
	request_respond_json(request, 200, &body);
}

const struct route health_routes[] = {
	{ .method = "GET", .path = "/", .handle = health_handle, .open = true }, { 0 }
};
