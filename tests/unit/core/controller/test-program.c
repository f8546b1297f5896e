/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of core/controller/program.h. */
#include "config.h"

#include "core/controller/program.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

static void a_signal_ends_the_wait(void **state UNUSED)
{
	struct program program;
	struct error error = { 0 };

	assert_int_equal(program_init(&program, "test-program", &error), 0);
	assert_false(program_must_end(&program, 0));
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	assert_true(program_must_end(&program, -1));
	assert_int_equal(program_wait(&program), 0);
	program_finish(&program);
}

static void a_stop_ends_the_wait_too(void **state UNUSED)
{
	struct program program;
	struct error error = { 0 };

	assert_int_equal(program_init(&program, "test-program", &error), 0);
	program_stop(&program);
	assert_true(program_must_end(&program, 0));
	assert_int_equal(program_wait(&program), -ECANCELED);
	program_finish(&program);
}

static void a_program_that_cannot_connect_can_be_finished(void **state UNUSED)
{
	struct program program;
	struct error error = { 0 };

	assert_int_equal(program_init(&program, "test-program", &error), 0);
	assert_true(program_connect(&program, "/nonexistent/kubeconfig", false, &error) < 0);
	assert_non_null(strstr(error.text, "/nonexistent/kubeconfig"));
	program_stop_serving(&program);
	program_finish(&program);
}

static void an_address_that_is_not_one_is_refused(void **state UNUSED)
{
	const struct admin_config config = { .probe_address = "nowhere", .metrics_address = "0" };
	struct program program;
	struct error error = { 0 };

	assert_int_equal(program_init(&program, "test-program", &error), 0);
	assert_true(program_serve(&program, &config, &error) < 0);
	assert_non_null(strstr(error.text, "'nowhere'"));
	program_stop_serving(&program);
	program_finish(&program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signal_ends_the_wait),
		cmocka_unit_test(a_stop_ends_the_wait_too),
		cmocka_unit_test(a_program_that_cannot_connect_can_be_finished),
		cmocka_unit_test(an_address_that_is_not_one_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
