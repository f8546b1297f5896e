/* SPDX-License-Identifier: Apache-2.0 */
/* Makes responses: texts, streams, and the JSON objects that FastAPI's clients know. Called by
 * handlers, route.c and exchange.c; only exchange.c calls the last step, response_queue. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "runtime/http/request.h"
#include "runtime/http/server-private.h"
#include "runtime/json/utf8.h"

/* A short response. The names in it come from the header section, which is bounded. */
#define TEXT_MAX (256u << 10)
#define STREAM_BLOCK 16384u

struct stream_response {
	struct body_source source;
	struct request *request;
};

/* ---- headers ---- */

void request_add_header(struct request *request, const char *name, const char *value)
{
	if (request->header_count == REQUEST_HEADERS_MAX) {
		return;
	}

	struct request_header *header = &request->headers[request->header_count++];

	header->name = xstrdup(name);
	header->value = xstrdup(value);
	for (char *at = header->value; *at != '\0'; at++) {
		if (*at == '\r' || *at == '\n') {
			*at = ' ';
		}
	}
}

static void response_drop_headers(struct request *request)
{
	for (size_t i = 0; i < request->header_count; i++) {
		free(request->headers[i].name);
		free(request->headers[i].value);
	}
	request->header_count = 0;
}

void request_drop_response(struct request *request)
{
	response_drop_headers(request);
	if (request->mhd_response != NULL) {
		MHD_destroy_response(request->mhd_response);
		request->mhd_response = NULL;
	}
}

/* ---- responding ---- */

static void response_set(struct request *request, unsigned int status,
			 struct MHD_Response *mhd_response, const char *type)
{
	if (mhd_response == NULL) {
		abort(); /* out of memory */
	}
	if (type != NULL) {
		MHD_add_response_header(mhd_response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	}
	for (size_t i = 0; i < request->header_count; i++) {
		MHD_add_response_header(mhd_response, request->headers[i].name,
					request->headers[i].value);
	}
	response_drop_headers(request);
	if (request->ended || request->mhd_response != NULL) {
		MHD_destroy_response(mhd_response); /* the client is gone, or has a response */
		return;
	}
	request->mhd_response = mhd_response;
	request->status = status;
	request_resume(request);
}

enum MHD_Result response_queue(struct request *request)
{
	struct MHD_Response *mhd_response = TAKE(request->mhd_response);

	if (request->closes || request->server->stopping) {
		MHD_add_response_header(mhd_response, MHD_HTTP_HEADER_CONNECTION, "close");
	}

	guard_respond(&request->server->guard, request->connection);

	enum MHD_Result queued = MHD_queue_response(request->mhd, request->status, mhd_response);

	MHD_destroy_response(mhd_response);
	return queued;
}

void request_respond_text(struct request *request, unsigned int status, const char *type,
			  struct buf *take_body)
{
	if (take_body->failed) {
		buf_clear(take_body);
		request_respond_detail(request, MHD_HTTP_INTERNAL_SERVER_ERROR,
				       "The response is too large");
		return;
	}

	size_t length = take_body->length;

	response_set(
		request, status,
		MHD_create_response_from_buffer(length, buf_take(take_body), MHD_RESPMEM_MUST_FREE),
		type);
}

void request_respond_json(struct request *request, unsigned int status, struct buf *take_body)
{
	request_respond_text(request, status, "application/json", take_body);
}

static void response_member(struct request *request, unsigned int status, const char *name,
			    const char *text)
{
	CLEANUP_BUF struct buf body = BUF_INIT(TEXT_MAX);

	buf_printf(&body, "{\"%s\":", name);
	json_append(&body, text, strlen(text));
	buf_append_char(&body, '}');
	request_respond_json(request, status, &body);
}

void request_respond_detail(struct request *request, unsigned int status, const char *detail)
{
	response_member(request, status, "detail", detail);
}

void request_respond_message(struct request *request, unsigned int status, const char *message)
{
	response_member(request, status, "message", message);
}

void request_respond_invalid(struct request *request, const char *type, const char *field,
			     const char *msg, const char *input)
{
	CLEANUP_BUF struct buf body = BUF_INIT(TEXT_MAX);

	buf_printf(&body, "{\"detail\":[{\"type\":\"%s\",\"loc\":[\"body\"", type);
	if (field != NULL) {
		buf_append_char(&body, ',');
		json_append(&body, field, strlen(field));
	}
	buf_append_str(&body, "],\"msg\":");
	json_append(&body, msg, strlen(msg));
	buf_printf(&body, ",\"input\":%s}]}", input != NULL ? input : "null");
	request_respond_json(request, MHD_HTTP_UNPROCESSABLE_CONTENT, &body);
}

/* ---- streams ---- */

static ssize_t response_read_stream(void *arg, uint64_t position, char *data, size_t size)
{
	struct stream_response *response = arg;
	struct request *request = response->request;
	ssize_t length = response->source.read(response->source.arg, position, data, size);

	if (length > 0) {
		return length;
	}
	if (length == BODY_WAIT && !request->ended && !request->connection->shut_down) {
		request->suspended = true;
		MHD_suspend_connection(request->mhd);
		return 0;
	}
	return length == BODY_END ? MHD_CONTENT_READER_END_OF_STREAM
				  : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void response_destroy_stream(void *arg)
{
	struct stream_response *response = arg;

	if (response->source.destroy != NULL) {
		response->source.destroy(response->source.arg);
	}
	request_unref(response->request);
	free(response);
}

void request_respond_stream(struct request *request, unsigned int status, const char *type,
			    uint64_t length, const struct body_source *source)
{
	struct stream_response *response = xnew(struct stream_response);

	*response = (struct stream_response){ .source = *source, .request = request };
	request->references++;
	response_set(request, status,
		     MHD_create_response_from_callback(
			     length == BODY_LENGTH_UNKNOWN ? MHD_SIZE_UNKNOWN : length,
			     source->block != 0 ? source->block : STREAM_BLOCK,
			     response_read_stream, response, response_destroy_stream),
		     type);
}

void request_more(struct request *request)
{
	if (request->suspended && !request->ended) {
		request->suspended = false;
		MHD_resume_connection(request->mhd);
	}
}

void request_pause(struct request *request)
{
	request->paused = true;
	request->connection->paused = true;
}

void request_resume(struct request *request)
{
	request->paused = false;
	if (!request->ended) {
		request->connection->paused = false;
	}
	request_more(request);
}

void json_append(struct buf *out, const char *text, size_t length)
{
	struct utf8_decoder decoder = { 0 };

	buf_append_char(out, '"');
	while (length > 0) {
		char piece[1024];
		size_t used,
			made = utf8_to_json(&decoder, text, length, piece, sizeof(piece), &used);

		buf_append(out, piece, made);
		text += used;
		length -= used;
	}

	char last[UTF8_JSON_MAX];

	buf_append(out, last, utf8_to_json_end(&decoder, last));
	buf_append_char(out, '"');
}
