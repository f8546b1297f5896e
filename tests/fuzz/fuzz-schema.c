/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiserver/schema/schema: a document {"schema": ..., "value": ...} or a bare pattern. No schema may crash the
 * compiler, what it prunes once must be pruned for good, and a pattern that is taken must end its
 * match. How to build it: fuzz.h, with local/schema*.c, apiserver/validation/validate.c and apiserver/objects/status.c.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/schema/pattern.h"
#include "apiserver/schema/schema.h"
#include "base/json.h"
#include "base/memory.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "schema";

static size_t printed(struct json_object *tree)
{
	return strlen(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN));
}

static void check_schema(struct json_object *json, struct json_object *value, size_t size)
{
	struct error error = { 0 };
	struct schema *schema = schema_compile(json, &error);
	CLEANUP_CAUSES struct causes causes = CAUSES_INIT;
	CLEANUP_JSON struct json_object *unknown = json_object_new_array();
	struct effort effort = { 0 }, checking = { 0 };
	size_t before;

	if (schema == NULL) {
		FUZZ_CHECK(error.code < 0 && error.text[0] != '\0');
		return;
	}
	schema_check_structural(json, "schema", &causes, &checking);
	schema_prune(schema, value, NULL);
	schema_prune(schema, value, unknown);
	FUZZ_CHECK(asb_length(unknown) == 0);
	before = printed(value);
	schema_default(schema, value, &effort);
	/* What was added is what was counted, and one more. */
	FUZZ_CHECK(printed(value) <= before + EFFORT_BYTES_MAX + 5 * effort.steps + size);
	schema_validate(schema, value, &causes, &effort);
	FUZZ_CHECK(asb_length(causes.list) <= VALIDATE_CAUSES_MAX);
	schema_destroy(schema);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JSON struct json_object *document = json_parse((const char *)data, size, NULL);
	CLEANUP_FREE char *text = xstrndup((const char *)data, size);
	char reason[PATTERN_REASON_MAX];
	struct pattern *pattern;

	if (asb_at(document, "schema") != NULL) {
		check_schema(asb_at(document, "schema"), asb_at(document, "value"), size);
		return 0;
	}
	pattern = pattern_create(text, strlen(text));
	/* One result. */
	FUZZ_CHECK(pattern_check(pattern, reason) == pattern_cost(pattern));
	pattern_matches(pattern, "abc-123_XYZ ]^.", 15);
	pattern_matches(pattern, "", 0);
	pattern_destroy(pattern);
	return 0;
}
