/* SPDX-License-Identifier: Apache-2.0 */
/*
 * local/route: no path or query may crash it; what it finds lies in its own text, and a value of a
 * query is no longer than it was sent. How to build it: fuzz.h, with local/route.c.
 */
#include "config.h"

#include "local/route.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/memory.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "route";

/* A word is a string of the route's own text, or an empty one. */
static void check_word(const struct route *route, const char *word)
{
	const char *end = route->text + sizeof(route->text);

	FUZZ_CHECK(word != NULL);
	FUZZ_CHECK(*word == '\0' || (word >= route->text && word < end &&
				     memchr(word, '\0', (size_t)(end - word)) != NULL));
}

static void check_path(const char *path)
{
	struct route route;

	if (route_parse(path, &route) < 0) {
		return;
	}
	FUZZ_CHECK(route.type < ROUTE_MAX && strlen(path) < ROUTE_PATH_MAX);

	const char *const words[] = { route.group, route.version,     route.ns,  route.resource,
				      route.name,  route.subresource, route.rest };

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		check_word(&route, words[i]);
	}
	FUZZ_CHECK(route.type != ROUTE_RESOURCE || *route.resource != '\0');
}

static void check_query(const char *query)
{
	static const char *const names[] = { "watch", "limit", "labelSelector", "a" };
	char text[256];

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		int length = query_get(query, names[i], text, sizeof(text));

		FUZZ_CHECK(length < (int)sizeof(text));
		FUZZ_CHECK(length >= 0 || length == -ENOENT || length == -EINVAL);
		FUZZ_CHECK(length < 0 || (size_t)length <= strlen(query));
		FUZZ_CHECK(length < 0 || text[length] == '\0');
	}
	(void)query_true(query, "watch", false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xstrndup(size > 0 ? (const char *)data : "", size);
	char *query = strchr(text, '?');

	if (query != NULL) {
		*query++ = '\0';
		check_query(query);
	}
	check_path(text);
	return 0;
}
