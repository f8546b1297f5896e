/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serves the description of the API and a page that shows it; both are constants. main.c gives the
 * table to the server.
 */
#include "config.h"

#include <stddef.h>

#include "runtime/http/request.h"
#include "runtime/routes/openapi-text.h"
#include "runtime/routes/routes-files.h"

static void openapi_handle(struct request *request)
{
	struct buf body = BUF_INIT(sizeof(openapi_json));

	buf_append(&body, openapi_json, sizeof(openapi_json) - 1);
	request_respond_json(request, 200, &body);
	buf_finish(&body);
}

static void openapi_handle_docs(struct request *request)
{
	struct buf body = BUF_INIT(sizeof(docs_html));

	buf_append(&body, docs_html, sizeof(docs_html) - 1);
	request_respond_text(request, 200, "text/html; charset=utf-8", &body);
	buf_finish(&body);
}

const struct route routes_openapi[] = {
	{ .method = "GET", .path = "/openapi.json", .handle = openapi_handle },
	{ .method = "HEAD", .path = "/openapi.json", .handle = openapi_handle },
	{ .method = "GET", .path = "/docs", .handle = openapi_handle_docs },
	{ .method = "HEAD", .path = "/docs", .handle = openapi_handle_docs },
	{ 0 },
};
