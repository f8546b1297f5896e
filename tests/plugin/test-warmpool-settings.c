/* SPDX-License-Identifier: Apache-2.0 */
/* Tests which options the warm pool plugin takes, and how it reads them. Run by `make check`. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "plugins/warmpool/warmpool.h"

static const char *values[OPTION_MAX];
static unsigned int logged;

static const char *option(struct asb_instance *instance, uint32_t index)
{
	(void)instance;
	return values[index];
}

ASB_PRINTF(3, 4)
static void count_line(struct asb_instance *instance, uint32_t level, const char *format, ...)
{
	(void)instance;
	(void)format;
	logged += level == ASB_LOG_ERROR;
}

/* Reads the fallbacks, one of them replaced. */
static int32_t read_with(uint32_t index, const char *value, struct warmpool_settings *ret)
{
	static const char *const fallbacks[OPTION_MAX] = { "300",    "0",     "0",
							   "300000", "60000", "true" };
	struct asb_host host = { .struct_size = sizeof(host), .option = option, .log = count_line };
	void *state = NULL;
	int32_t result;

	for (size_t i = 0; i < OPTION_MAX; i++) {
		values[i] = i == index ? value : fallbacks[i];
	}
	logged = 0;
	result = settings_init(&host, NULL, &state);
	if (result == 0) {
		*ret = *(struct warmpool_settings *)state;
		settings_fini(state);
	}
	return result;
}

static void fallbacks_are_those_of_the_go_controller(void **state)
{
	struct warmpool_settings settings;

	(void)state;
	assert_int_equal(read_with(OPTION_MAX, NULL, &settings), 0);
	assert_int_equal(settings.max_batch, 300);
	assert_int_equal(settings.replenish_ms, 0);
	assert_int_equal(settings.refill_rate, 0);
	assert_int_equal(settings.grace_ms, 300000);
	assert_int_equal(settings.recheck_ms, 60000);
	assert_true(settings.eviction);
}

static void numbers_are_read(void **state)
{
	struct warmpool_settings settings;

	(void)state;
	assert_int_equal(read_with(OPTION_MAX_REFILL_RATE, "0.5", &settings), 0);
	assert_int_equal(settings.refill_rate, 500);
	assert_int_equal(read_with(OPTION_MAX_REFILL_RATE, "80", &settings), 0);
	assert_int_equal(settings.refill_rate, 80000);
	assert_int_equal(read_with(OPTION_MAX_REFILL_RATE, "1.23456789", &settings), 0);
	assert_int_equal(settings.refill_rate, 1234);
	assert_int_equal(read_with(OPTION_MAX_BATCH_SIZE, "1", &settings), 0);
	assert_int_equal(settings.max_batch, 1);
	assert_int_equal(read_with(OPTION_EVICTION, "false", &settings), 0);
	assert_false(settings.eviction);
}

static void other_values_are_refused_and_logged(void **state)
{
	static const struct {
		uint32_t option;
		const char *value;
	} cases[] = {
		{ OPTION_MAX_BATCH_SIZE, "0" },
		{ OPTION_MAX_BATCH_SIZE, "-1" },
		{ OPTION_MAX_BATCH_SIZE, "" },
		{ OPTION_MAX_BATCH_SIZE, "many" },
		{ OPTION_MAX_BATCH_SIZE, "99999999999999999999999" },
		{ OPTION_REPLENISH_DELAY, "5m" },
		{ OPTION_REPLENISH_DELAY, "40000000000" },
		{ OPTION_MAX_REFILL_RATE, "1.x" },
		{ OPTION_MAX_REFILL_RATE, "1000001" },
		{ OPTION_READINESS_GRACE, " 1" },
		{ OPTION_UNSCHEDULABLE_RECHECK, "0" },
		{ OPTION_EVICTION, "maybe" },
	};
	struct warmpool_settings settings;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_with(cases[i].option, cases[i].value, &settings), -1);
		assert_int_equal(logged, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fallbacks_are_those_of_the_go_controller),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(other_values_are_refused_and_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
