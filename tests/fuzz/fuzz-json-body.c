/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/http/json-body: no body may crash it, and what it says of one is JSON itself. How to build it:
 * fuzz.h. */
#include "config.h"

#include <json-c/json.h>

#include "runtime/http/json-body.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "json-body";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct json_field_rule rules[] = {
		{ "command", JSON_FIELD_TEXT, true },
		{ "timeout", JSON_FIELD_POSITIVE, false },
		{ "env", JSON_FIELD_ENV, false },
	};
	struct json_value values[3];
	CLEANUP_BUF struct buf out = BUF_INIT(16u << 20);
	CLEANUP_BUF struct buf text = BUF_INIT(16u << 20);
	unsigned int status = 0;

	/* As a collected body: a NUL behind it. */
	FUZZ_CHECK(buf_append(&text, data, size) == 0);
	if (json_body_parse(buf_str(&text), text.length, rules, 3, values, &status, &out)) {
		FUZZ_CHECK(values[0].present && out.length == 0);
		FUZZ_CHECK(!values[1].present || values[1].number > 0);
	} else {
		struct json_tokener *tokener = json_tokener_new_ex(JSON_BODY_DEPTH_MAX + 8);
		struct json_object *response =
			json_tokener_parse_ex(tokener, buf_str(&out), (int)out.length + 1);

		FUZZ_CHECK(status == 400 || status == 422);
		FUZZ_CHECK(out.failed || response != NULL);
		json_object_put(response);
		json_tokener_free(tokener);
	}
	json_body_finish(values, 3);
	return 0;
}
