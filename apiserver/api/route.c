/* SPDX-License-Identifier: Apache-2.0 */
/* Paths of the Kubernetes API: what kind of path one is, and its parts. The API parses the path
 * of each request first. */
#include "config.h"

#include "apiserver/api/route.h"

#include <errno.h>
#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"

#define SEGMENTS_MAX 64u /* more than any of ours has; the rest of pods/X/proxy is not ours */

struct segments {
	char *at[SEGMENTS_MAX];
	size_t count;
};

int route_decode(const char *from, size_t length, bool plus, char *to, size_t size)
{
	size_t out = 0;

	for (size_t i = 0; i < length; i++) {
		char c = from[i];

		if (c == '%') {
			int high = i + 2 < length ? hex_value(from[i + 1]) : -1;
			int low = i + 2 < length ? hex_value(from[i + 2]) : -1;

			if (high < 0 || low < 0) {
				return -EINVAL;
			}
			c = (char)(high << 4 | low);
			i += 2;
		} else if (plus && c == '+') {
			c = ' ';
		}
		if (c == '\0' || out + 1 >= size) {
			return -EINVAL;
		}
		to[out++] = c;
	}
	to[out] = '\0';
	return utf8_valid_length(to, out) == out ? (int)out : -EINVAL;
}

/* Decoded segments, one behind the other in text. An empty one in the middle is no path of ours. */
static int route_split(const char *path, struct route *route, struct segments *ret)
{
	size_t used = 1; /* text[0] is "", for what is not there */

	ret->count = 0;
	if (*path != '/' || strlen(path) >= ROUTE_PATH_MAX - 1) {
		return -EINVAL;
	}
	for (path++; *path != '\0';) {
		size_t length = strcspn(path, "/");
		char *text = route->text + used;
		int decoded = route_decode(path, length, false, text, sizeof(route->text) - used);

		if (decoded < 0 || ret->count == SEGMENTS_MAX) {
			return -EINVAL;
		}
		if (decoded == 0) {
			ret->count = 0; /* "//" */
			return 0;
		}
		ret->at[ret->count++] = text;
		used += (size_t)decoded + 1;
		path += length;
		path += *path == '/' ? 1 : 0;
	}
	return 0;
}

static void route_take_resource(struct route *route, const struct segments *segments, size_t at)
{
	char *const *part = segments->at + at;
	size_t left = segments->count - at;

	if (left > 0 && strcmp(part[0], "watch") == 0) {
		route->watch = true;
		part++;
		left--;
	}
	if (left >= 3 && strcmp(part[0], "namespaces") == 0 && strcmp(part[2], "status") != 0 &&
	    strcmp(part[2], "finalize") != 0) {
		route->ns = part[1];
		part += 2;
		left -= 2;
	}
	route->type = left > 0 ? ROUTE_RESOURCE : ROUTE_UNKNOWN;
	route->resource = left > 0 ? part[0] : "";
	route->name = left > 1 ? part[1] : "";
	route->subresource = left > 2 ? part[2] : "";
	route->rest = left > 3 ? part[3] : "";
}

static void route_take_api(struct route *route, const struct segments *segments)
{
	if (segments->count == 1) {
		route->type = ROUTE_CORE;
		return;
	}
	route->version = segments->at[1];
	if (segments->count == 2) {
		route->type = strcmp(route->version, "v1") == 0 ? ROUTE_CORE_V1 : ROUTE_UNKNOWN;
		return;
	}
	route_take_resource(route, segments, 2);
}

static void route_take_apis(struct route *route, const struct segments *segments)
{
	static const enum route_type types[] = { ROUTE_GROUPS, ROUTE_GROUP, ROUTE_VERSION };

	route->group = segments->count > 1 ? segments->at[1] : "";
	route->version = segments->count > 2 ? segments->at[2] : "";
	if (segments->count <= 3) {
		route->type = types[segments->count - 1];
		return;
	}
	route_take_resource(route, segments, 3);
}

static void route_take_openapi(struct route *route, const struct segments *segments)
{
	size_t count = segments->count;
	char *const *part = segments->at;

	if (count == 2 && strcmp(part[1], "v2") == 0) {
		route->type = ROUTE_OPENAPI_V2;
	} else if (count == 2 && strcmp(part[1], "v3") == 0) {
		route->type = ROUTE_OPENAPI_V3;
	} else if (count == 4 && strcmp(part[2], "api") == 0) {
		route->type = ROUTE_OPENAPI_V3_OF;
		route->version = part[3];
	} else if (count == 5 && strcmp(part[2], "apis") == 0) {
		route->type = ROUTE_OPENAPI_V3_OF;
		route->group = part[3];
		route->version = part[4];
	}
}

int route_parse(const char *path, struct route *ret)
{
	struct segments segments;

	/* Who logs a path that is refused reads these as well. */
	ret->text[0] = '\0';
	ret->type = ROUTE_UNKNOWN;
	ret->watch = false;
	ret->group = ret->version = ret->ns = ret->resource = ret->text;
	ret->name = ret->subresource = ret->rest = ret->text;

	int code = route_split(path, ret, &segments);

	if (code < 0) {
		return code;
	}
	if (segments.count == 0) {
		return 0;
	}

	const char *first = segments.at[0];

	if (strcmp(first, "api") == 0) {
		route_take_api(ret, &segments);
	} else if (strcmp(first, "apis") == 0) {
		route_take_apis(ret, &segments);
	} else if (strcmp(first, "openapi") == 0) {
		route_take_openapi(ret, &segments);
	} else if (strcmp(first, "version") == 0 && segments.count == 1) {
		ret->type = ROUTE_RELEASE;
	} else if ((strcmp(first, "healthz") == 0 || strcmp(first, "livez") == 0 ||
		    strcmp(first, "readyz") == 0) &&
		   segments.count <= 2) {
		ret->type = ROUTE_HEALTH;
	}
	return 0;
}
