/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests a warm pool whose writes fail, are refused or lose their responses, whose store is late, and
 * that starts again. Run by `make check`, on the fake host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/warmpool-world.h"

static void lost_answer_to_a_write_that_was_done_makes_no_second_pod(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", true);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	assert_int_equal(wrote(fake, "CREATE Pod"), 2);
	asb_fake_destroy(fake);
}

static void lost_write_is_done_again_under_the_same_name(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char first[300];

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	snprintf(first, sizeof(first), "%s", asb_fake_write(fake, 0));
	assert_int_equal(asb_fake_count(fake, "Pod"), 0);
	asb_fake_forget(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	assert_string_equal(asb_fake_write(fake, 0), first);
	assert_int_equal(spy.reads, 1);
	asb_fake_destroy(fake);
}

static void pod_that_a_late_store_does_not_show_is_counted(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	uint64_t after = 0;

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", true);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	spy.store_is_blind = true;
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", &after), ASB_REQUEUE_AFTER);
		assert_true(after <= 1000);
	}
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	spy.store_is_blind = false;
	asb_fake_advance(fake, 5000);
	assert_int_equal(wrote(fake, "CREATE Pod"), 1);
	asb_fake_destroy(fake);
}

static void nothing_is_made_while_the_api_server_does_not_answer(void **state)
{
	struct asb_fake *fake = world_with_pool(3, "one");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	asb_fake_forget(fake);
	spy.reads_fail = true;
	scale(fake, 4);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(wrote(fake, "CREATE"), 0);
	spy.reads_fail = false;
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 4);
	asb_fake_destroy(fake);
}

static void store_that_takes_no_pods_does_not_make_pods_without_end(void **state)
{
	struct asb_fake *fake = world_with_pool(100, "one");

	(void)state;
	spy.store_is_blind = true;
	for (unsigned int i = 0; i < 20; i++) {
		asb_fake_reconcile(fake, "ns", "pool", NULL);
	}
	assert_int_equal(wrote(fake, "CREATE Pod"), 8);
	spy.store_is_blind = false;
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 100);
	asb_fake_destroy(fake);
}

/* Puts the pod that the lost POST was for, as a POST that comes late. */
static void late_post(struct asb_fake *fake, void *arg)
{
	bool *done = (bool *)arg;
	const char *name = strrchr(asb_fake_write(fake, 0), '/') + 1;
	char owner[256];

	if (*done) {
		return;
	}
	*done = true;
	owner_text(owner, "extensions.agents.x-k8s.io/v1alpha1", POOL_KIND,
		   asb_fake_get(fake, POOL_KIND, "ns", "pool"));
	put_pod(fake, name, "", "", owner);
}

static void late_write_and_its_repetition_are_one_pod(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	bool done = false;

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", false);
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	asb_fake_before_write(fake, late_post, &done); /* read: not there; then it arrives */
	asb_fake_advance(fake, 5000);
	assert_true(done);
	assert_int_equal(asb_fake_count(fake, "Pod"), 1);
	asb_fake_destroy(fake);
}

static void late_name_that_belongs_to_another_is_left_alone(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");
	char name[254];

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "no response", false);
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	snprintf(name, sizeof(name), "%s", strrchr(asb_fake_write(fake, 0), '/') + 1);
	put_pod(fake, name, "", "", "");
	asb_fake_advance(fake, 5000);
	assert_int_equal(asb_fake_count(fake, "Pod"), 2);
	assert_int_equal(pods_of(fake, "foreign"), 1);
	asb_fake_destroy(fake);
}

static void quota_is_told_and_tried_one_pod_at_a_time(void **state)
{
	struct asb_fake *fake = world_with_pool(10, "one");
	char again[300];

	(void)state;
	for (unsigned int i = 0; i < 6; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_FORBIDDEN, "exceeded quota: q", false);
	}
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(wrote(fake, "CREATE"), ASB_WRITE_MAX);
	assert_int_equal(
		told(fake, "Warning FailedCreate SandboxWarmPool ns/pool: exceeded quota: q"), 1);
	asb_fake_forget(fake);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(wrote(fake, "CREATE"), 1);
	snprintf(again, sizeof(again), "%s", asb_fake_write(fake, 0));
	asb_fake_forget(fake);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_string_equal(asb_fake_write(fake, 0), again);
	assert_non_null(strstr(asb_fake_failure(fake), "exceeded quota: q"));
	asb_fake_advance(fake, 5000);
	assert_int_equal(live_pods(fake), 10);
	asb_fake_destroy(fake);
}

static void invalid_pod_is_told_in_the_servers_words(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_INVALID, "spec.containers: bad 100%", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(
		told(fake,
		     "Warning FailedCreate SandboxWarmPool ns/pool: spec.containers: bad 100%"),
		1);
	asb_fake_destroy(fake);
}

static void too_many_requests_is_told_and_the_pod_is_looked_for(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	spy.too_many = true;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_UNREACHABLE, "too many requests", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(told(fake, "Warning FailedCreate"), 1);
	asb_fake_advance(fake, 1000);
	assert_int_equal(live_pods(fake), 1);
	assert_int_equal(spy.reads, 1);
	asb_fake_destroy(fake);
}

static void refusal_does_not_hold_up_status(void **state)
{
	struct asb_fake *fake = world_with_pool(2, "one");

	(void)state;
	asb_fake_settle(fake);
	for (unsigned int i = 0; i < 30; i++) {
		asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_FORBIDDEN, "quota", false);
	}
	scale(fake, 3);
	asb_fake_advance(fake, 3000); /* the backoff is long by now */
	asb_fake_pod_ready(fake, "ns", live_name(fake, 0));
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", live_name(fake, 1));
	asb_fake_settle(fake);
	asb_fake_advance(fake, 500);
	assert_int_equal(status_of(fake, "readyReplicas"), 2);
	asb_fake_destroy(fake);
}

static void cancelled_write_is_not_in_doubt(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_fail(fake, ASB_CREATE, "Pod", ASB_CANCELLED, "not leading", false);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	asb_fake_advance(fake, 1000);
	assert_int_equal(live_pods(fake), 1);
	assert_int_equal(spy.reads, 0);
	asb_fake_destroy(fake);
}

static void restart_doubles_nothing(void **state)
{
	struct asb_fake *fake = world_with_pool(4, "one");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	asb_fake_restart(fake);
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_writes(fake), 0);
	assert_int_equal(asb_fake_count(fake, "Pod"), 4);
	asb_fake_destroy(fake);
}

static void pool_made_again_starts_afresh(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	spy.keeps_memory = true;
	put_pool(fake, 1);
	asb_fake_settle(fake);
	asb_fake_delete(fake, POOL_KIND, "ns", "pool");
	put_pool(fake, 1);
	asb_fake_settle(fake);
	assert_int_equal(told(fake, "Warning TemplateNotFound"), 2);
	asb_fake_reconcile(fake, "ns", "pool", NULL);
	assert_int_equal(told(fake, "Warning TemplateNotFound"), 2);
	asb_fake_destroy(fake);
}

static void status_is_written_twice_a_second_at_most(void **state)
{
	struct asb_fake *fake = world_with_pool(8, "one");

	(void)state;
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "SET_STATUS"), 1);
	assert_int_equal(status_of(fake, "replicas"), 8);
	assert_int_equal(status_of(fake, "readyReplicas"), 0);
	for (unsigned int n = 0; n < 8; n++) {
		asb_fake_pod_ready(fake, "ns", live_name(fake, n));
		asb_fake_settle(fake);
		asb_fake_advance(fake, 50);
	}
	assert_int_equal(wrote(fake, "SET_STATUS"), 1);
	asb_fake_advance(fake, 99);
	assert_int_equal(wrote(fake, "SET_STATUS"), 1);
	asb_fake_advance(fake, 1);
	assert_int_equal(wrote(fake, "SET_STATUS"), 2); /* at rest: once, with the last word */
	assert_int_equal(status_of(fake, "readyReplicas"), 8);
	asb_fake_advance(fake, 10000);
	assert_int_equal(wrote(fake, "SET_STATUS"), 2);
	assert_int_equal(asb_fake_next_ms(fake), -1);
	asb_fake_destroy(fake);
}

static void status_keeps_what_it_does_not_know(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_merge(fake, POOL_KIND, "ns", "pool", "{ status: { tomorrow: 7 } }");
	asb_fake_settle(fake);
	assert_int_equal(status_of(fake, "tomorrow"), 7);
	assert_int_equal(status_of(fake, "replicas"), 1);
	asb_fake_destroy(fake);
}

static void failed_status_is_written_again(void **state)
{
	struct asb_fake *fake = world_with_pool(1, "one");

	(void)state;
	asb_fake_fail(fake, ASB_SET_STATUS, POOL_KIND, ASB_UNREACHABLE, "no response", false);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 2000);
	assert_int_equal(status_of(fake, "replicas"), 1);
	asb_fake_destroy(fake);
}

static void metrics_tell_size_and_ready_and_end_at_zero(void **state)
{
	struct asb_fake *fake = world_with_pool(3, "one");

	(void)state;
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", live_name(fake, 0));
	asb_fake_settle(fake);
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_size") == 3);
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_ready") == 1);
	asb_fake_delete(fake, POOL_KIND, "ns", "pool");
	asb_fake_settle(fake);
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_size") == 0);
	assert_true(asb_fake_metric(fake, "agent_sandbox_warm_pool_ready") == 0);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lost_answer_to_a_write_that_was_done_makes_no_second_pod),
		cmocka_unit_test(lost_write_is_done_again_under_the_same_name),
		cmocka_unit_test(pod_that_a_late_store_does_not_show_is_counted),
		cmocka_unit_test(store_that_takes_no_pods_does_not_make_pods_without_end),
		cmocka_unit_test(nothing_is_made_while_the_api_server_does_not_answer),
		cmocka_unit_test(late_write_and_its_repetition_are_one_pod),
		cmocka_unit_test(late_name_that_belongs_to_another_is_left_alone),
		cmocka_unit_test(quota_is_told_and_tried_one_pod_at_a_time),
		cmocka_unit_test(invalid_pod_is_told_in_the_servers_words),
		cmocka_unit_test(too_many_requests_is_told_and_the_pod_is_looked_for),
		cmocka_unit_test(refusal_does_not_hold_up_status),
		cmocka_unit_test(cancelled_write_is_not_in_doubt),
		cmocka_unit_test(restart_doubles_nothing),
		cmocka_unit_test(pool_made_again_starts_afresh),
		cmocka_unit_test(status_is_written_twice_a_second_at_most),
		cmocka_unit_test(status_keeps_what_it_does_not_know),
		cmocka_unit_test(failed_status_is_written_again),
		cmocka_unit_test(metrics_tell_size_and_ready_and_end_at_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
