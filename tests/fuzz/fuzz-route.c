/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiserver/api/route and apiserver/api/query: no path or query may crash them; what they find lies in their own
 * text, and is no longer than it was sent. How to build it: fuzz.h, with apiserver/api/route.c, apiserver/api/query.c.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "apiserver/api/query.h"
#include "apiserver/api/route.h"
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

static void check_query(const char *text)
{
	struct error error = { 0 };
	struct query query;
	size_t length = 0;

	if (query_parse(text, &query, &error) < 0) {
		FUZZ_CHECK(query.count == 0 && error.text[0] != '\0');
		return;
	}
	for (size_t i = 0; i < query.count; i++) {
		length += strlen(query.pairs[i].name) + strlen(query.pairs[i].value);
		FUZZ_CHECK(query_value(&query, query.pairs[i].name) != NULL);
	}
	FUZZ_CHECK(length <= strlen(text));
	(void)query_flag(&query, "watch", false);
	query_finish(&query);
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
