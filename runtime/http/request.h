/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request and its response. All functions are called in the server's thread. Each request gets
 * exactly one request_respond_*: in the route's start, take or handle, or later. A request that has
 * no response when handle returns waits for one, and the server does not notice meanwhile that its
 * client goes away. Each function says whether it copies or takes what it is given. Borrowed
 * strings live as long as the request.
 */
#ifndef ASB_RUNTIME_HTTP_REQUEST_H
#define ASB_RUNTIME_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct request;

/* ---- the request ---- */

/* server_config.arg */
void *request_arg(const struct request *request);
struct server *request_server(const struct request *request);
/* The part of the path that matches {path}, percent-decoded once ('+' stays); "" when there is
 * none. It may hold NULs and invalid UTF-8: use the length. Malformed escapes stay as they are. */
const char *request_path(const struct request *request, size_t *ret_length);
/* The first header of that name (any case); NULL when there is none. A value has no NUL, but it may
 * be invalid UTF-8. */
const char *request_header(const struct request *request, const char *name);
/* The decoded value of a query parameter, "" when it has no value; NULL when there is no such
 * parameter. */
const char *request_query(const struct request *request, const char *name);
/* The collected body of a route without take, with a NUL after its length. Borrowed. */
const struct buf *request_body(const struct request *request);
/* Gives the body to the caller without a copy: the request has none afterwards. */
char *request_take_body(struct request *request, size_t *ret_length);

/* Stores the handler's own state. destroy is called at the end of the request, with or without a
 * response (the client may go away during an upload). A request has one state; set it in start or
 * handle. */
void request_set_data(struct request *request, void *data, void (*destroy)(void *data));
void *request_data(const struct request *request);

/* ---- the response ---- */

/* Adds a header to the response that follows. Line breaks in the value become spaces. */
void request_add_header(struct request *request, const char *name, const char *value);

/* Responds with JSON text and empties the buffer. A buffer that has failed becomes a 500. */
void request_respond_json(struct request *request, unsigned int status, struct buf *take_body);
/* The same with any other type; NULL: without Content-Type. */
void request_respond_text(struct request *request, unsigned int status, const char *type,
			  struct buf *take_body);
/* Responds with {"detail": "..."} or {"message": "..."}. */
void request_respond_detail(struct request *request, unsigned int status, const char *detail);
void request_respond_message(struct request *request, unsigned int status, const char *message);
/* Responds with 422 and a list of one error: {"type","loc":["body",field],"msg","input"}. field
 * NULL: the whole body. input is JSON text; NULL means null. runtime/http/json-body.h makes longer
 * lists. */
void request_respond_invalid(struct request *request, const char *type, const char *field,
			     const char *msg, const char *input);

/* What read returns instead of a number of bytes (1 to size). */
#define BODY_END (-1) /* the body is complete */
#define BODY_ERROR \
	(-2) /* the connection is closed, so that the client knows that the body is incomplete */
#define BODY_WAIT (-3) /* nothing yet: request_more() asks again */

/* A body that is made while it is sent: read fills data with at most size bytes. */
struct body_source {
	ssize_t (*read)(void *arg, uint64_t position, char *data, size_t size);
	void (*destroy)(void *arg); /* may be NULL; called once, also when nothing was read */
	void *arg;
	size_t block; /* the largest size that read is called with; 0: 16 KiB */
};
#define BODY_LENGTH_UNKNOWN \
	UINT64_MAX /* sent in chunks, or up to the end of the connection in HTTP/1.0 */
void request_respond_stream(struct request *request, unsigned int status, const char *type,
			    uint64_t length, const struct body_source *source);
/* Calls read again after BODY_WAIT: there is more now, or an end. It is harmless at other times of
 * a streamed response, but must not follow the source's destroy. */
void request_more(struct request *request);

/* In take: stops reading the body until request_resume or a response. */
void request_pause(struct request *request);
void request_resume(struct request *request);

/* ---- texts ---- */

/* Appends text as a JSON string; invalid UTF-8 becomes U+FFFD. */
void json_append(struct buf *out, const char *text, size_t length);

#endif
