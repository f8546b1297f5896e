/* SPDX-License-Identifier: Apache-2.0 */
/* What a request says, and the memory that holds it. Called by handlers, and by the other files of
 * the server. */
#include "config.h"

#include "runtime/http/request.h"

#include <string.h>

#include "runtime/http/server-private.h"

void *request_arg(const struct request *request)
{
	return request->server->config.arg;
}

struct server *request_server(const struct request *request)
{
	return request->server;
}

const char *request_path(const struct request *request, size_t *ret_length)
{
	*ret_length = request->rest_length;
	return request->rest != NULL ? request->rest : "";
}

const char *request_header(const struct request *request, const char *name)
{
	return MHD_lookup_connection_value(request->mhd, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(request->mhd, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &value, NULL) != MHD_YES) {
		return NULL;
	}
	return value != NULL ? value : "";
}

const struct buf *request_body(const struct request *request)
{
	return &request->body;
}

char *request_take_body(struct request *request, size_t *ret_length)
{
	*ret_length = request->body.length;
	return buf_take(&request->body);
}

void request_set_data(struct request *request, void *data, void (*destroy)(void *data))
{
	request->data = data;
	request->destroy = destroy;
}

void *request_data(const struct request *request)
{
	return request->data;
}

void request_unref(struct request *request)
{
	if (--request->references == 0) {
		free(request);
	}
}
