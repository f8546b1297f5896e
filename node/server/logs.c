/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a container as an HTTP response. Called by node/server/kubelet-server.c. */
#include "config.h"

#include "node/server/logs.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"
#include "node/server/response.h"

#define LOGS_HEADERS                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: " \
	"close\r\n\r\n"
#define ERROR_MAX 1024
#define SECONDS_MAX 1000000000

/* ---- what is asked ---- */

static int logs_bad(const char *name, const char *value, struct error *reterr)
{
	return error_set(reterr, -EINVAL, "'%.80s' is not a valid value of %s", value, name);
}

static int logs_set_flag(bool *flag, const char *name, const char *value, struct error *reterr)
{
	*flag = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
	return *flag || strcmp(value, "false") == 0 || strcmp(value, "0") == 0 || *value == '\0'
		       ? 0
		       : logs_bad(name, value, reterr);
}

static int logs_set_option(struct logs_request *ret, const char *name, const char *value,
			   struct error *reterr)
{
	int64_t limit = 0;

	if (strcmp(name, "follow") == 0) {
		return logs_set_flag(&ret->options.follow, name, value, reterr);
	}
	if (strcmp(name, "timestamps") == 0) {
		return logs_set_flag(&ret->options.timestamps, name, value, reterr);
	}
	if (strcmp(name, "previous") == 0) {
		return logs_set_flag(&ret->previous, name, value, reterr);
	}
	if (strcmp(name, "tailLines") == 0) {
		return integer_parse(value, 0, INT64_MAX, &ret->options.tail_lines) == 0
			       ? 0
			       : logs_bad(name, value, reterr);
	}
	if (strcmp(name, "sinceSeconds") == 0) {
		return integer_parse(value, 1, SECONDS_MAX, &ret->since_s) == 0
			       ? 0
			       : logs_bad(name, value, reterr);
	}
	if (strcmp(name, "limitBytes") == 0) {
		if (integer_parse(value, 1, INT64_MAX, &limit) < 0) {
			return logs_bad(name, value, reterr);
		}
		ret->options.limit_bytes = (uint64_t)limit;
	}
	return 0; /* Kubernetes ignores unknown options, too */
}

static int logs_parse_query(char *query, struct logs_request *ret, struct error *reterr)
{
	while (query != NULL && *query != '\0') {
		char *next = strchr(query, '&'), *value;
		int code;

		if (next != NULL) {
			*next = '\0';
		}
		value = strchr(query, '=');
		if (value != NULL) {
			*value = '\0';
		}
		code = logs_set_option(ret, query, value != NULL ? value + 1 : "true", reterr);
		if (code < 0) {
			return code;
		}
		query = next != NULL ? next + 1 : NULL;
	}
	return 0;
}

int logs_parse(const char *target, struct logs_request *ret, struct error *reterr)
{
	CLEANUP_FREE char *copy = xstrdup(target);
	char *query = strchr(copy, '?');
	const char *at = copy + strlen("/logs/");

	*ret = (struct logs_request){ .options.tail_lines = -1 };
	if (query != NULL) {
		*query++ = '\0';
	}
	if (strncmp(copy, "/logs/", strlen("/logs/")) != 0 ||
	    !server_take_part(&at, ret->uid, sizeof(ret->uid)) || *at++ != '/' ||
	    !server_take_part(&at, ret->container, sizeof(ret->container)) || *at != '\0') {
		return error_set(reterr, -ENOENT, "there is nothing at '%.200s'", copy);
	}
	return logs_parse_query(query, ret, reterr);
}

/* ---- responding ---- */

/* The header section is sent with the first bytes, so that an error before them can still set the
 * status. */
struct response {
	int fd;
	bool began;
	uint64_t left; /* of limitBytes; 0: no limit */
	bool limited;
};

static int logs_begin(struct response *response)
{
	if (response->began) {
		return 0;
	}
	response->began = true;
	return server_send_bytes(response->fd, LOGS_HEADERS, strlen(LOGS_HEADERS));
}

static int logs_on_bytes(void *arg, const char *data, size_t length)
{
	struct response *response = arg;
	int code = logs_begin(response);

	if (code < 0) {
		return code;
	}
	if (response->limited && length >= response->left) {
		server_send_bytes(response->fd, data, (size_t)response->left);
		return -ECANCELED;
	}
	response->left -= response->limited ? length : 0;
	return server_send_bytes(response->fd, data, length);
}

void logs_serve(struct runtime *runtime, const struct logs_request *request, int fd)
{
	struct response response = { .fd = fd,
				     .left = request->options.limit_bytes,
				     .limited = request->options.limit_bytes > 0 };
	struct error error = { 0 };
	CLEANUP_FREE char *id = server_find_container(runtime, request->uid, request->container,
						      request->previous, &error);
	int code = -ENOENT;

	if (id != NULL && request->options.follow) {
		/* Its first bytes may be long in coming, and who asks waits for the head. */
		code = logs_begin(&response);
	}
	if (id != NULL && (code == 0 || !request->options.follow)) {
		code = runtime->ops->logs(runtime, id, &request->options, logs_on_bytes, &response,
					  &error);
	}

	if (code < 0 && !response.began) {
		server_send_text(fd,
				 code == -ENOENT ? "404 Not Found" : "500 Internal Server Error",
				 error.text);
	} else {
		logs_begin(&response);
	}
}
