/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of node/options.c and of the query of node/server/logs.c: what people and programs ask for. */
#include "config.h"

#include "node/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "node/server/logs.h"

static int parse(const char *one, const char *two, struct node_options *ret, struct error *reterr)
{
	char *argv[] = { (char *)(uintptr_t) "node", (char *)(uintptr_t)one, (char *)(uintptr_t)two,
			 NULL };

	return node_options_parse(two != NULL ? 3 : one != NULL ? 2 : 1, argv, ret, reterr);
}

static void options_have_the_defaults_of_a_kubelet(void **state UNUSED)
{
	struct node_options options;

	assert_int_equal(0, parse(NULL, NULL, &options, NULL));
	assert_int_equal(110, options.max_pods);
	assert_int_equal(8, options.workers);
	assert_string_equal("podman", options.runtime);
	assert_string_equal("/var/lib/agent-sandbox-node", options.state_dir);
	assert_false(options.bind);
}

static void options_take_both_spellings(void **state UNUSED)
{
	struct node_options options;

	assert_int_equal(0, parse("--max-pods=7", "-bind", &options, NULL));
	assert_int_equal(7, options.max_pods);
	assert_true(options.bind);
	assert_int_equal(0, parse("--node-name", "a.b-c", &options, NULL));
	assert_string_equal("a.b-c", options.node_name);
	assert_int_equal(0, parse("--bind=false", NULL, &options, NULL));
	assert_false(options.bind);
	assert_int_equal(0, parse("--bind=1", NULL, &options, NULL));
	assert_true(options.bind);
	assert_int_equal(0, parse("--bind=1", "--bind=0", &options, NULL));
	assert_false(options.bind);
}

static void options_say_what_is_wrong(void **state UNUSED)
{
	static const struct {
		const char *one, *two, *text;
	} cases[] = {
		{ "--max-pods", "0", "--max-pods takes a whole number from 1 to 10000, not '0'" },
		{ "--workers", "many", "--workers takes a whole number from 1 to 64, not 'many'" },
		{ "--node-name", "A", "--node-name takes lower case letters" },
		{ "--state-dir", "x", "--state-dir takes an absolute path, not 'x'" },
		{ "--bind=maybe", NULL, "--bind takes true or false, not 'maybe'" },
		{ "--kubeconfig", NULL, "--kubeconfig needs a value: FILE" },
		{ "--wat", NULL, "unknown flag '--wat'; see agent-sandbox-node --help" },
		{ "wat", NULL, "unknown flag 'wat'" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct node_options options;
		struct error error = { 0 };

		assert_int_equal(-EINVAL, parse(cases[i].one, cases[i].two, &options, &error));
		assert_non_null(strstr(error.text, cases[i].text));
	}
}

static void logs_take_the_options_of_kubernetes(void **state UNUSED)
{
	struct logs_request request;

	assert_int_equal(
		0,
		logs_parse(
			"/logs/u-1/main?tailLines=5&follow=true&timestamps=1&sinceSeconds=60&limitBytes=10&previous=true&other=x",
			&request, NULL));
	assert_string_equal("u-1", request.uid);
	assert_string_equal("main", request.container);
	assert_int_equal(5, request.options.tail_lines);
	assert_int_equal(60, request.since_s);
	assert_int_equal(10, request.options.limit_bytes);
	assert_true(request.options.follow && request.options.timestamps && request.previous);
	assert_int_equal(0, logs_parse("/logs/u/main", &request, NULL));
	assert_int_equal(-1, request.options.tail_lines);
	assert_false(request.options.follow || request.previous);
}

static void logs_refuse_the_rest(void **state UNUSED)
{
	static const struct {
		const char *target;
		int code;
	} cases[] = {
		{ "/", -ENOENT },
		{ "/logs/", -ENOENT },
		{ "/logs/u", -ENOENT },
		{ "/logs/u/", -ENOENT },
		{ "/logs/u/c/d", -ENOENT },
		{ "/logs//c", -ENOENT },
		{ "/lo", -ENOENT },
		{ "/logs/u/c?tailLines=-1", -EINVAL },
		{ "/logs/u/c?tailLines=", -EINVAL },
		{ "/logs/u/c?follow=maybe", -EINVAL },
		{ "/logs/u/c?limitBytes=0", -EINVAL },
		{ "/logs/u/c?sinceSeconds=x", -EINVAL },
		{ "/logs/u/cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
		  -ENOENT },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct logs_request request;

		assert_int_equal(cases[i].code, logs_parse(cases[i].target, &request, NULL));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_have_the_defaults_of_a_kubelet),
		cmocka_unit_test(options_take_both_spellings),
		cmocka_unit_test(options_say_what_is_wrong),
		cmocka_unit_test(logs_take_the_options_of_kubernetes),
		cmocka_unit_test(logs_refuse_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
