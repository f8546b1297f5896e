/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of router/spans.c: a line of HAProxy's log is a span, or nothing. */
#include "config.h"

#include "router/spans.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"

#define PARENT "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

static const char *const nothing[] = {
	"",
	"\n",
	"- - 1 0 0 200 GET - -",
	"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00 0123456789abcdef 1 0 0 200 GET a b",
	PARENT,
	PARENT " 0123456789abcdef 1 0 0 200 GET a",
	PARENT " 0123456789abcde 1 0 0 200 GET a b",
	PARENT " 0123456789abcdef0 1 0 0 200 GET a b",
	PARENT " 0123456789abcdeg 1 0 0 200 GET a b",
	PARENT " 0000000000000000 1 0 0 200 GET a b",
	PARENT " 0123456789abcdef x 0 0 200 GET a b",
	PARENT " 0123456789abcdef 1 1000 0 200 GET a b",
	PARENT " 0123456789abcdef 1 0 -1 200 GET a b",
};

static void spans_are_made_of_lines(void **state UNUSED)
{
	struct sched *sched = sched_create();
	struct tracer_config config = { .sched = sched, .path = "/", .service = "test" };
	struct tracer *tracer = tracer_create(&config);
	struct span span;

	assert_true(spans_parse(
		tracer, PARENT " 0123456789abcdef 1700000000 025 1500 502 POST box ns\n", &span));
	assert_memory_equal("\x01\x23\x45\x67\x89\xab\xcd\xef", span.id, 8);
	assert_memory_equal("\xb7\xad\x6b\x71\x69\x20\x33\x31", span.context.parent, 8);
	assert_int_equal(1700000000025000, span.start_us);
	assert_int_equal(1700000001525000, span.end_us);
	assert_string_equal("route POST", span.name);
	assert_int_equal(4, span.attribute_count);
	assert_string_equal("502", span.attributes[1].value);
	assert_string_equal("box", span.attributes[2].value);
	assert_string_equal("ns", span.attributes[3].value);
	for (size_t i = 0; i < ARRAY_LEN(nothing); i++) {
		if (spans_parse(tracer, nothing[i], &span)) {
			fail_msg("a span of '%s'", nothing[i]);
		}
	}
	tracer_destroy(tracer);
	sched_destroy(sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_are_made_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
