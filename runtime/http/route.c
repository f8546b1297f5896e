/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the route of a request, or responds as FastAPI does when there is none. Called by
 * exchange.c. */
#include "config.h"

#include "runtime/http/server-private.h"

#include <string.h>

#include "base/memory.h"
#include "runtime/http/percent.h"

#define ALLOW_MAX 64u
#define LOCATION_MAX (TARGET_MAX + 1024)

struct path {
	const char *raw; /* in the target */
	size_t raw_length;
	char *text; /* decoded, with a NUL after its length */
	size_t length;
};

/* Skips "http://host": requests through a proxy have targets like "http://host/path". */
static const char *route_skip_authority(const char *target)
{
	const char *host = strstr(target, "://");
	size_t scheme = strcspn(target, ":/?");

	if (target[0] == '/' || host == NULL || host != target + scheme) {
		return target;
	}
	return host + 3 + strcspn(host + 3, "/?");
}

static void route_path_init(struct path *path, const char *target)
{
	const char *raw = route_skip_authority(target);
	size_t raw_length = strcspn(raw, "?#");
	struct buf text = BUF_INIT(raw_length + 2);

	(void)percent_decode(raw, raw_length, &text);
	if (text.length == 0) {
		buf_append_char(&text, '/');
	}
	*path = (struct path){ .raw = raw, .raw_length = raw_length, .length = text.length };
	buf_append_char(&text, '\0'); /* room for a slash, see route_try_redirect */
	path->text = buf_take(&text);
}

/* Whether the route has this path. *ret_rest: where the part for {path} starts. */
static bool route_matches(const struct route *route, const char *text, size_t length,
			  size_t *ret_rest)
{
	size_t fixed = strcspn(route->path, "{");

	if (length < fixed || memcmp(route->path, text, fixed) != 0) {
		return false;
	}
	*ret_rest = fixed;
	return route->path[fixed] == '{' || length == fixed;
}

static const struct route *route_search(const struct server *server, const char *text,
					size_t length, const char *method, struct buf *allow,
					size_t *ret_rest)
{
	for (size_t t = 0; t < SERVER_TABLES_MAX && server->config.tables[t] != NULL; t++) {
		for (const struct route *route = server->config.tables[t]; route->method != NULL;
		     route++) {
			if (!route_matches(route, text, length, ret_rest)) {
				continue;
			}
			if (strcmp(route->method, method) == 0) {
				return route;
			}
			buf_append_str(allow, allow->length > 0 ? ", " : "");
			buf_append_str(allow, route->method);
		}
	}
	return NULL;
}

/* The Host header, if it is safe to repeat in the response. */
static const char *route_safe_host(const struct request *request)
{
	const char *host = request_header(request, MHD_HTTP_HEADER_HOST);

	if (host == NULL ||
	    host[strspn(host,
			"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]")] !=
		    '\0') {
		return NULL;
	}
	return host;
}

static void route_respond_redirect(struct request *request, const struct path *path, bool add_slash)
{
	const char *host = route_safe_host(request);
	struct buf location CLEANUP_BUF = BUF_INIT(LOCATION_MAX), body CLEANUP_BUF = BUF_INIT(1);
	size_t length = path->raw_length;

	if (host != NULL) {
		buf_printf(&location, "http://%s", host);
	}
	while (!add_slash && length > 0 && path->raw[length - 1] == '/') {
		length--;
	}
	buf_append(&location, path->raw, length);
	buf_append_str(&location, add_slash ? "/" : "");
	buf_append(&location, path->raw + path->raw_length,
		   strcspn(path->raw + path->raw_length, "#"));
	request_add_header(request, MHD_HTTP_HEADER_LOCATION, buf_str(&location));
	request_respond_text(request, MHD_HTTP_TEMPORARY_REDIRECT, NULL, &body);
}

/* Redirects as Starlette does when the path with one slash more, or without its slashes, is
 * known. */
static bool route_try_redirect(struct request *request, struct path *path)
{
	CLEANUP_BUF struct buf allow = BUF_INIT(ALLOW_MAX);
	size_t length = path->length, rest = 0;
	bool add = path->text[length - 1] != '/';

	if (length == 1) {
		return false;
	}
	if (add) {
		path->text[length++] = '/'; /* in place of the NUL; there is room */
	} else {
		while (length > 1 && path->text[length - 1] == '/') {
			length--;
		}
	}
	if ((add || length > 1) && (route_search(request->server, path->text, length,
						 request->method, &allow, &rest) != NULL ||
				    allow.length > 0)) {
		route_respond_redirect(request, path, add);
		return true;
	}
	return false;
}

const struct route *route_find(struct request *request)
{
	CLEANUP_BUF struct buf allow = BUF_INIT(ALLOW_MAX);
	struct path path = { 0 };
	size_t rest = 0;

	route_path_init(&path, request->target);

	CLEANUP_FREE char *text = path.text;
	const struct route *route = route_search(request->server, path.text, path.length,
						 request->method, &allow, &rest);

	if (route != NULL) {
		request->rest_length = path.length - rest;
		request->rest = xalloc(request->rest_length + 1);
		memcpy(request->rest, path.text + rest, request->rest_length);
	} else if (allow.length > 0) {
		request_add_header(request, MHD_HTTP_HEADER_ALLOW, buf_str(&allow));
		request_respond_detail(request, MHD_HTTP_METHOD_NOT_ALLOWED, "Method Not Allowed");
	} else if (!route_try_redirect(request, &path)) {
		request_respond_detail(request, MHD_HTTP_NOT_FOUND, "Not Found");
	}
	return route;
}
