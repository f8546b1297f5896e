/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request and its response. All functions are called in the server's thread. Each request gets
 * exactly one request_respond_*: in the route's start, take or handle, or later. A request that has no
 * response when handle returns waits for one, and the server does not notice meanwhile that its client
 * goes away. Each function says whether it copies or takes what it is given. Borrowed strings live as
 * long as the request.
 */
#ifndef ASB_RUNTIME_HTTP_REQUEST_H
#define ASB_RUNTIME_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct request;

/* ---- what was asked ---- */

/* server_config.arg */
void *request_arg(const struct request *request);
struct server *request_server(const struct request *request);
/* The part of the path that {path} stands for, percent-decoded once ('+' stays); "" when there is
 * none. May hold NUL and invalid UTF-8: look at the length. Malformed escapes stay as they are. */
const char *request_path(const struct request *request, size_t *ret_length);
/* The first header of that name (any case); NULL when there is none. Values are valid as HTTP allows:
 * no NUL, but perhaps not UTF-8. */
const char *request_header(const struct request *request, const char *name);
/* Whether the query has a member, and its decoded value ("" without one). NULL when there is none. */
const char *request_query(const struct request *request, const char *name);
/* The collected body of a route without take. Ends in a NUL beyond its length. Borrowed. */
const struct buf *request_body(const struct request *request);
/* The body without a copy: the request has none afterwards. */
char *request_take_body(struct request *request, size_t *ret_length);

/* The handler's own state, freed by destroy at the end of the request, answered or not (a client that
 * goes away half way through an upload, say). One a request; set it in start or in handle. */
void request_set_data(struct request *request, void *data, void (*destroy)(void *data));
void *request_data(const struct request *request);

/* ---- answers ---- */

/* Before the response: a header of it. The value must have no line breaks (they become spaces). */
void request_add_header(struct request *request, const char *name, const char *value);

/* application/json of a text; the buffer is emptied. A failed buffer is answered with 500. */
void request_respond_json(struct request *request, unsigned int status, struct buf *take_body);
/* Any other type. */
void request_respond_text(struct request *request, unsigned int status, const char *type,
			  struct buf *take_body);
/* {"detail": "..."}, {"message": "..."} */
void request_respond_detail(struct request *request, unsigned int status, const char *detail);
void request_respond_message(struct request *request, unsigned int status, const char *message);
/* 422 with a detail list of one: {"type","loc":["body",field],"msg","input"}. field NULL: the body as
 * such. input is JSON text, NULL is null. Longer lists: runtime/http/json-body.h. */
void request_respond_invalid(struct request *request, const char *type, const char *field,
			     const char *msg, const char *input);

/* What read returns beside a number of bytes (1 to size). */
#define BODY_END (-1)   /* nothing more */
#define BODY_ERROR (-2) /* the connection ends, so that the client sees it is incomplete */
#define BODY_WAIT (-3)  /* nothing yet: request_more() says when to ask again */

/* A response that is made while it is sent: read fills data with at most size bytes. */
struct body_source {
	ssize_t (*read)(void *arg, uint64_t position, char *data, size_t size);
	void (*destroy)(void *arg); /* may be NULL; called once, also where nothing was read */
	void *arg;
	size_t block; /* how much a read is asked for at most; 0: 16 KiB */
};
#define BODY_LENGTH_UNKNOWN UINT64_MAX /* chunked, or until the end of the connection in HTTP/1.0 */
void request_respond_stream(struct request *request, unsigned int status, const char *type,
			    uint64_t length, const struct body_source *source);
/* After a BODY_WAIT: there is more now (or an end). Also harmless at other times of a streamed
 * answer. Not after the source's destroy. */
void request_more(struct request *request);

/* In take: no more of the body comes until request_resume; a response resumes it as well. */
void request_pause(struct request *request);
void request_resume(struct request *request);

/* ---- small help ---- */

/* Appends text as a JSON string; what is not UTF-8 becomes U+FFFD. */
void json_append(struct buf *out, const char *text, size_t length);

#endif
