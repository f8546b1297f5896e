/* SPDX-License-Identifier: Apache-2.0 */
/* Queries of the Kubernetes API, decoded into pairs. The API parses each request's before it looks at
 * anything else. */
#include "config.h"

#include "apiserver/api/query.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "apiserver/api/route.h"
#include "base/memory.h"

static size_t query_count_parts(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++) {
		count += *text == '&' ? 1 : 0;
	}
	return count;
}

/* Decodes a part of the query behind *used; NULL: it does not decode. */
static const char *query_decode_part(const char *from, size_t length, struct query *query,
				     size_t size, size_t *used)
{
	char *to = query->text + *used;
	int decoded = route_decode(from, length, true, to, size - *used);

	if (decoded < 0) {
		return NULL;
	}
	*used += (size_t)decoded + 1;
	return to;
}

static int query_fail(struct query *query, const char *part, size_t length, struct error *reterr)
{
	query_finish(query);
	return error_set(
		reterr, -EINVAL,
		"the query does not decode at '%.*s': percent signs stand before two hexadecimal digits, and what they encode is UTF-8 without NUL",
		(int)(length < 100 ? length : 100), part);
}

int query_parse(const char *text, struct query *ret, struct error *reterr)
{
	size_t parts = query_count_parts(text), used = 0;
	/* A part is "name=value": decoded it is no longer, and has one NUL more. */
	size_t size = strlen(text) + 2 * parts + 1;

	*ret = (struct query){ 0 };
	if (parts > QUERY_PAIRS_MAX) {
		return error_set(reterr, -EINVAL, "the query has more than %u parameters",
				 QUERY_PAIRS_MAX);
	}
	ret->text = xalloc(size);
	ret->pairs = xnew_array(struct query_pair, parts);
	while (*text != '\0') {
		size_t length = strcspn(text, "&"), name = strcspn(text, "=&");
		size_t skip = name < length ? name + 1 : name;
		struct query_pair *pair = &ret->pairs[ret->count];

		if (length > 0) {
			pair->name = query_decode_part(text, name, ret, size, &used);
			pair->value =
				query_decode_part(text + skip, length - skip, ret, size, &used);
			if (pair->name == NULL || pair->value == NULL) {
				return query_fail(ret, text, length, reterr);
			}
			ret->count++;
		}
		text += length;
		text += *text == '&' ? 1 : 0;
	}
	return 0;
}

void query_finish(struct query *query)
{
	free(query->pairs);
	free(query->text);
	*query = (struct query){ 0 };
}

const char *query_value(const struct query *query, const char *name)
{
	for (size_t i = 0; i < query->count; i++) {
		if (strcmp(query->pairs[i].name, name) == 0) {
			return query->pairs[i].value;
		}
	}
	return NULL;
}

bool query_flag(const struct query *query, const char *name, bool fallback)
{
	const char *value = query_value(query, name);

	return value == NULL ? fallback
			     : strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0;
}
