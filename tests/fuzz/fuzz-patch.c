/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube/patch: an array of a target and a patch, which is applied as a JSON patch, and as a merge patch
 * too. What comes out is no larger than what went in and what copies may add; the target and the
 * patch stay as they were; a refusal has one of three codes. How to build it: fuzz.h.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "kube/patch.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "patch";

/* An operation that repeats this often reaches the limits with a small value. */
#define REPEAT_MAX 2000

static size_t printed(struct json_object *tree)
{
	return strlen(json_object_to_json_string_ext(tree, JSON_C_TO_STRING_PLAIN));
}

/* The patch's operations again and again: what is bounded once is bounded for many. */
static struct json_object *repeated(struct json_object *patch)
{
	struct json_object *many = json_object_new_array();
	size_t count = asb_length(patch);

	for (size_t i = 0; count > 0 && i < REPEAT_MAX; i++) {
		json_object_array_add(many,
				      json_object_get(json_object_array_get_idx(patch, i % count)));
	}
	return many;
}

static void apply(struct json_object *target, struct json_object *patch)
{
	CLEANUP_JSON struct json_object *before = asb_copy(target);
	CLEANUP_JSON struct json_object *given = asb_copy(patch);
	CLEANUP_JSON struct json_object *result = NULL;
	struct error error = { 0 };
	int r = patch_json(target, patch, &result, &error);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -EPROTO || r == -E2BIG);
	FUZZ_CHECK((r == 0) == (error.text[0] == '\0'));
	FUZZ_CHECK(r == 0 || result == NULL);
	/* A copied node may be a few bytes longer than it is counted for. */
	FUZZ_CHECK(r != 0 ||
		   printed(result) <= printed(target) + printed(patch) + 2 * PATCH_COPY_BYTES_MAX);
	FUZZ_CHECK(json_object_equal(target, before) && json_object_equal(patch, given));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_JSON struct json_object *pair = json_parse((const char *)data, size, NULL);
	CLEANUP_JSON struct json_object *many = NULL;
	CLEANUP_JSON struct json_object *merged = NULL;
	struct json_object *target, *patch;

	if (asb_length(asb_as_array(pair)) != 2) {
		return 0;
	}
	target = json_object_array_get_idx(pair, 0);
	patch = json_object_array_get_idx(pair, 1);
	apply(target, patch);
	many = repeated(patch);
	apply(target, many);
	merged = patch_merge(target, patch);
	FUZZ_CHECK(printed(merged) <= printed(target) + printed(patch));
	return 0;
}
