/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strategic merge patches: whatever a patch says, it is refused or gives an object without
 * directives at the places that were merged that is no larger than the two together, and neither
 * tree is changed. How to build it: fuzz.h.
 * The input is a JSON array of a target and a patch.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/requests/strategic.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "strategic";

static size_t printed(struct json_object *tree)
{
	return strlen(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct asb_kind kind = { "", "v1", "pods", "Pod" };
	CLEANUP_JSON struct json_object *pair = json_parse((const char *)data, size, NULL);
	struct json_object *target, *patch;
	CLEANUP_JSON struct json_object *target_before = NULL;
	CLEANUP_JSON struct json_object *patch_before = NULL;
	CLEANUP_JSON struct json_object *result = NULL;
	struct error error = { 0 };
	int status;

	if (asb_length(asb_as_array(pair)) != 2) {
		return 0;
	}
	target = json_object_array_get_idx(pair, 0);
	patch = json_object_array_get_idx(pair, 1);
	if (!json_object_is_type(target, json_type_object)) {
		return 0;
	}
	target_before = asb_copy(target);
	patch_before = asb_copy(patch);
	status = strategic_merge(&kind, target, patch, &result, &error);
	FUZZ_CHECK(status == 0 || ((status == 400 || status == 413) && result == NULL));
	/* Whatever is in the result stands in one of the two. */
	FUZZ_CHECK(status != 0 || printed(result) <= printed(target) + printed(patch));
	FUZZ_CHECK(status != 0 || asb_at(result, "$patch") == NULL);
	FUZZ_CHECK(json_object_equal(target, target_before));
	FUZZ_CHECK(json_object_equal(patch, patch_before));
	return 0;
}
