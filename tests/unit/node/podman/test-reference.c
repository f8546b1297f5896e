/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/reference.h: names of images as Kubernetes takes them. */
#include "config.h"

#include "node/podman/reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"

static void reference_takes_names_with_all_their_parts(void **state)
{
	static const char *const good[] = {
		"python",
		"python:3.11",
		"python-runtime-sandbox:latest",
		"a/b/c",
		"localhost/x:1",
		"host.example:5000/a/b:T_a-g.1",
		"a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_true(reference_ok(good[i]));
	}
}

static void reference_refuses_what_could_be_anything_else(void **state)
{
	static const char *const bad[] = {
		"",      "Python", "a b",    "a:",   "a/",       "/a",         "a//b",
		"a:b:c", "a?x=y",  "a#b",    "../a", "a/../b",   "a@sha256:1", "a%2fb",
		"-a",    "a:.b",   "a..b/:", "a\nb", "host:x/a", "a@:1",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (reference_ok(bad[i])) {
			fail_msg("'%s' was taken", bad[i]);
		}
	}
}

static void expect(const char *name, const char *first, const char *second)
{
	char *names[2];
	size_t count = reference_candidates(name, names);

	assert_string_equal(names[0], first);
	assert_int_equal(count, second != NULL ? 2 : 1);
	free(names[0]);
	if (second != NULL) {
		assert_string_equal(names[1], second);
		free(names[1]);
	}
}

static void reference_looks_for_short_names_here_first(void **state)
{
	(void)state;
	expect("x:1", "localhost/x:1", "docker.io/library/x:1");
	expect("a/x", "localhost/a/x", "docker.io/a/x");
	expect("localhost/x", "localhost/x", NULL);
	expect("host:5000/x", "host:5000/x", NULL);
	expect("host.example/x", "host.example/x", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_takes_names_with_all_their_parts),
		cmocka_unit_test(reference_refuses_what_could_be_anything_else),
		cmocka_unit_test(reference_looks_for_short_names_here_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
