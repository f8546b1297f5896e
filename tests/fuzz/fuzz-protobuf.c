/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apiserver/api/protobuf: no bytes may crash it, and what it takes is an object that JSON can say and give
 * back. How to build it: fuzz.h, with apiserver/api/protobuf.c.
 */
#include "config.h"

#include "apiserver/api/protobuf.h"
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX_BYTES (16u << 20)

const char fuzz_corpus[] = "protobuf";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error error = { 0 };
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX_BYTES);
	CLEANUP_JSON struct json_object *object = protobuf_parse(data, size, &error);

	if (object == NULL) {
		FUZZ_CHECK(error.code < 0 && error.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(json_object_is_type(object, json_type_object));
	FUZZ_CHECK(json_print(object, &text) == 0);

	CLEANUP_JSON struct json_object *again = json_parse(buf_str(&text), text.length, NULL);

	FUZZ_CHECK(again != NULL && json_object_equal(object, again));
	return 0;
}
