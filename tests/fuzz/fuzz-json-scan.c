/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/json-scan against json-c: whatever both take must come out the same. How to build it:
 * fuzz.h. The first byte of an input chooses the paths, the rest is the text.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

#include "base/json-scan.h"
#include "base/json.h"
#include "base/macros.h"
#include "tests/fuzz/fuzz.h"

#define PATHS_MAX 4
#define OUT_MAX (64u * 1024 * 1024)

const char fuzz_corpus[] = "json-scan";

static const char *const path_sets[][PATHS_MAX] = {
	{ "metadata.name", "metadata.labels", "spec", "status.phase" },
	{ "a", "b.c", "b.d.e", "b.c.d" },
	{ "a.a.a", "a.b", "", "a." },
	{ "metadata" },
	{ NULL },
};

static bool same(const struct buf *a, const struct buf *b)
{
	return a->length == b->length && memcmp(buf_str(a), buf_str(b), a->length) == 0;
}

/* What the scan copied must be JSON in the form json-c prints, even if json-c would not have read
 * the rest. */
static void check_canonical(const struct buf *text)
{
	CLEANUP_BUF struct buf again = BUF_INIT(OUT_MAX);
	CLEANUP_JSON struct json_object *value = json_parse(buf_str(text), text->length, NULL);

	FUZZ_CHECK(value != NULL);
	FUZZ_CHECK(json_print(value, &again) == 0);
	FUZZ_CHECK(same(text, &again));
}

static void check_extract(const struct json_fields *fields, const char *text, size_t length)
{
	CLEANUP_BUF struct buf scanned = BUF_INIT(OUT_MAX);
	CLEANUP_BUF struct buf parsed = BUF_INIT(OUT_MAX);
	int scan = json_scan_extract(fields, text, length, &scanned);
	int tree = json_tree_extract(fields, text, length, &parsed);

	FUZZ_CHECK(scan == 0 || scan == -EAGAIN);
	FUZZ_CHECK(tree == 0 || tree == -EINVAL);
	FUZZ_CHECK(scan == 0 || scanned.length == 0);
	if (scan == 0) {
		check_canonical(&scanned);
	}
	if (scan == 0 && tree == 0) {
		FUZZ_CHECK(same(&scanned, &parsed));
	}
}

/* A span must be the text of the member that json-c found. */
static void check_span(const struct json_span *span, struct json_object *object, const char *name)
{
	CLEANUP_BUF struct buf from_span = BUF_INIT(OUT_MAX);
	CLEANUP_BUF struct buf from_tree = BUF_INIT(OUT_MAX);
	struct json_object *member = NULL;
	const char *text;
	size_t length;

	FUZZ_CHECK(json_object_object_get_ex(object, name, &member) == (span->start != NULL));
	if (span->start == NULL) {
		return;
	}
	if (member == NULL) {
		FUZZ_CHECK(span->length == 4 && memcmp(span->start, "null", 4) == 0);
		return;
	}

	CLEANUP_JSON struct json_object *value = json_parse(span->start, span->length, NULL);

	FUZZ_CHECK(value != NULL);
	json_print(value, &from_span);
	json_print(member, &from_tree);
	FUZZ_CHECK(same(&from_span, &from_tree));
	if (json_span_text(span, &text, &length)) {
		FUZZ_CHECK(json_object_is_type(member, json_type_string));
		FUZZ_CHECK((size_t)json_object_get_string_len(member) == length);
		FUZZ_CHECK(memcmp(json_object_get_string(member), text, length) == 0);
	}
}

static void check_members(const char *text, size_t length)
{
	static const char *const names[] = { "metadata", "type", "a", "b", "" };
	struct json_span spans[ARRAY_LEN(names)];
	CLEANUP_JSON struct json_object *object = json_parse(text, length, NULL);

	if (json_scan_members(text, length, names, ARRAY_LEN(names), spans) < 0 || object == NULL) {
		return;
	}
	FUZZ_CHECK(json_object_is_type(object, json_type_object));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		check_span(&spans[i], object, names[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *const *paths;
	size_t count = 0;

	if (size == 0) {
		return 0;
	}
	paths = path_sets[data[0] % ARRAY_LEN(path_sets)];
	while (count < PATHS_MAX && paths[count] != NULL) {
		count++;
	}

	struct json_fields *fields = json_fields_create(paths, count);

	check_extract(fields, (const char *)data + 1, size - 1);
	check_members((const char *)data + 1, size - 1);
	json_fields_destroy(fields);
	return 0;
}
