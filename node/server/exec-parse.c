/* SPDX-License-Identifier: Apache-2.0 */
/* What a request for a process asks for, out of its path and query. Called by
 * node/server/kubelet-server.c. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "node/server/exec.h"
#include "node/server/response.h"

static int exec_hex(char digit)
{
	return digit >= '0' && digit <= '9'   ? digit - '0'
	       : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
	       : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
					      : -1;
}

/* In place; false for what is encoded wrong, and for a NUL. */
static bool exec_decode(char *text)
{
	char *to = text;

	for (const char *at = text; *at != '\0'; at++) {
		int high, low;

		if (*at != '%') {
			*to++ = (char)(*at == '+' ? ' ' : *at);
			continue;
		}
		high = exec_hex(at[1]);
		low = high >= 0 ? exec_hex(at[2]) : -1;
		if (low < 0 || high * 16 + low == 0) {
			return false;
		}
		*to++ = (char)(high * 16 + low);
		at += 2;
	}
	*to = '\0';
	return true;
}

static int exec_set_option(struct exec_request *request, size_t *count, const char *name,
			   const char *value, struct error *reterr)
{
	bool yes = strcmp(value, "true") == 0 || strcmp(value, "1") == 0;

	if (strcmp(name, "stdin") == 0) {
		request->in = yes;
	} else if (strcmp(name, "tty") == 0) {
		request->tty = yes;
	} else if (strcmp(name, "command") == 0) {
		if (*count == EXEC_ARGUMENTS_MAX) {
			return error_set(reterr, -EINVAL, "the command has more than %d parts",
					 EXEC_ARGUMENTS_MAX);
		}
		request->arguments[(*count)++] = xstrdup(value);
	}
	return 0;
}

static int exec_parse_query(char *query, struct exec_request *request, struct error *reterr)
{
	size_t count = 0;

	while (query != NULL && *query != '\0') {
		char *next = strchr(query, '&'), *value;
		int code;

		if (next != NULL) {
			*next++ = '\0';
		}
		value = strchr(query, '=');
		if (value != NULL) {
			*value++ = '\0';
			if (!exec_decode(value)) {
				return error_set(
					reterr, -EINVAL,
					"the value of '%.40s' is not encoded as a URL's is", query);
			}
		}
		code = exec_set_option(request, &count, query, value != NULL ? value : "", reterr);
		if (code < 0) {
			return code;
		}
		query = next;
	}
	if (!request->attach && count == 0) {
		return error_set(reterr, -EINVAL, "there is no command");
	}
	return 0;
}

static bool exec_starts_with(const char **at, const char *what)
{
	size_t length = strlen(what);
	bool yes = strncmp(*at, what, length) == 0;

	*at += yes ? length : 0;
	return yes;
}

int exec_parse(const char *target, struct exec_request **ret, struct error *reterr)
{
	CLEANUP_FREE char *copy = xstrdup(target);
	char *query = strchr(copy, '?');
	const char *at = copy;
	struct exec_request *request = xnew(struct exec_request);
	int code = 0;

	if (query != NULL) {
		*query++ = '\0';
	}
	request->attach = exec_starts_with(&at, "/attach/");
	if ((!request->attach && !exec_starts_with(&at, "/exec/")) ||
	    !server_take_part(&at, request->uid, sizeof(request->uid)) || *at++ != '/' ||
	    !server_take_part(&at, request->container, sizeof(request->container)) || *at != '\0') {
		code = error_set(reterr, -ENOENT, "there is nothing at '%.200s'", copy);
	} else {
		code = exec_parse_query(query, request, reterr);
	}
	if (code < 0) {
		exec_request_free(request);
		return code;
	}
	*ret = request;
	return 0;
}

void exec_request_free(struct exec_request *request)
{
	if (request == NULL) {
		return;
	}
	for (size_t i = 0; request->arguments[i] != NULL; i++) {
		free(request->arguments[i]);
	}
	free(request);
}
