/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/yaml: no text may crash it or name more than it may hold, and what it reads must print as
 * JSON that reads back the same. How to build it: fuzz.h.
 */
#include "config.h"

#include <limits.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/yaml.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (256u * 1024 * 1024)

const char fuzz_corpus[] = "yaml";

static void check_reads_back(struct json_object *value)
{
	CLEANUP_BUF struct buf first = BUF_INIT(OUT_MAX);
	CLEANUP_BUF struct buf second = BUF_INIT(OUT_MAX);

	FUZZ_CHECK(json_print(value, &first) == 0);
	if (strstr(buf_str(&first), "9223372036854775808") != NULL ||
	    strstr(buf_str(&first), "18446744073709551615") != NULL) {
		/* json-c clamps to these, so json_parse refuses them. */
		return;
	}

	CLEANUP_JSON struct json_object *again = json_parse(buf_str(&first), first.length, NULL);

	FUZZ_CHECK(again != NULL);
	FUZZ_CHECK(json_print(again, &second) == 0);
	FUZZ_CHECK(first.length == second.length &&
		   memcmp(buf_str(&first), buf_str(&second), first.length) == 0);
}

static size_t printed(struct json_object *tree)
{
	return strlen(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	CLEANUP_JSON struct json_object *array = yaml_parse_all((const char *)data, size, &error);
	CLEANUP_JSON struct json_object *one = yaml_parse((const char *)data, size, NULL);

	if (array == NULL) {
		FUZZ_CHECK(error.code < 0 && error.text[0] != '\0');
		FUZZ_CHECK(one == NULL);
		return 0;
	}
	/* Aliases repeat within their limit: a node is at most so long as JSON. */
	FUZZ_CHECK(printed(array) <= 8 * size + 512u * YAML_ALIAS_NODES_MAX);
	FUZZ_CHECK((one != NULL) == (json_object_array_length(array) == 1));
	check_reads_back(array);
	return 0;
}
