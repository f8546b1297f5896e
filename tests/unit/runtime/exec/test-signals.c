/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/signals: whose signals end the first process of a PID namespace. */
#include "config.h"

#include "runtime/exec/signals.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/signalfd.h>

#include <cmocka.h>

static bool counts(uint32_t sender, int code, pid_t self)
{
	const struct signalfd_siginfo info = { .ssi_signo = SIGTERM,
					       .ssi_pid = sender,
					       .ssi_code = code };

	return signals_count(&info, self);
}

static void those_from_outside_and_from_the_terminal_count(void **state)
{
	(void)state;
	assert_true(counts(0, SI_USER, 1));   /* kill */
	assert_true(counts(0, SI_TKILL, 1));  /* tgkill */
	assert_true(counts(0, SI_KERNEL, 1)); /* Ctrl-C */
}

static void those_from_inside_do_not_count(void **state)
{
	(void)state;
	assert_false(counts(7, SI_USER, 1));
	assert_false(counts(7, SI_TKILL, 1));
	assert_false(counts(1, SI_USER, 1));
	assert_false(counts(7, SI_QUEUE, 1));
}

static void a_number_that_the_sender_wrote_does_not_count(void **state)
{
	static const int codes[] = { SI_QUEUE, SI_TIMER, SI_MESGQ, SI_ASYNCIO, SI_SIGIO, -60 };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		assert_false(counts(0, codes[i], 1));
	}
	assert_false(counts(0, POLL_IN, 1));
	assert_false(counts(0, POLL_HUP, 1));
}

static void any_other_process_is_ended_by_whoever_may(void **state)
{
	(void)state;
	assert_true(counts(0, SI_USER, 2));
	assert_true(counts(7, SI_USER, 2));
	assert_true(counts(7, SI_QUEUE, 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_from_outside_and_from_the_terminal_count),
		cmocka_unit_test(those_from_inside_do_not_count),
		cmocka_unit_test(a_number_that_the_sender_wrote_does_not_count),
		cmocka_unit_test(any_other_process_is_ended_by_whoever_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
