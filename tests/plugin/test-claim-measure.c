/* SPDX-License-Identifier: Apache-2.0 */
/* The claim plugin: the metrics of a claim's start. The clock starts at 2026-01-02T03:04:05Z. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define CLAIM(name, annotations)                                                                 \
	"{apiVersion: " WORLD_EXTENSIONS ", kind: SandboxClaim, metadata: {namespace: default, " \
	"name: " name                                                                            \
	", labels: {agents.x-k8s.io/created-by: python-client}, annotations: {" annotations      \
	"}}, spec: {sandboxTemplateRef: {name: t}}}"

static double observed(struct asb_fake *fake, const char *name, const char *launch)
{
	return asb_fake_metric_with(fake, name, (const char *const[]){ launch, "t" });
}

static void a_cold_start_is_measured_once_from_each_time_it_has(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(fake, "%s",
		  CLAIM("c",
			"agents.x-k8s.io/client-first-requested-at: \"2026-01-02T03:04:04.5Z\", "
			"agents.x-k8s.io/webhook-first-observed-at: \"2026-01-02T03:04:04.9Z\""));
	world_settle(fake);
	assert_true(asb_fake_metric_with(fake, "agent_sandbox_claim_creation_total",
					 (const char *const[]){ "default", "t", "cold", "",
								"not_ready", "python-client" }) ==
		    1);
	assert_true(asb_fake_metric(fake, "agent_sandbox_claim_startup_latency_ms") == 0);
	world_sandbox_ready(fake, "c");
	for (int again = 0; again < 2; again++) {
		assert_true(observed(fake, "agent_sandbox_claim_startup_latency_ms", "cold") == 1);
		assert_true(observed(fake, "agent_sandbox_client_claim_startup_latency_ms",
				     "cold") == 1);
		assert_true(observed(fake, "agent_sandbox_claim_controller_startup_latency_ms",
				     "cold") == 1);
		assert_true(asb_fake_metric_with(fake, "agent_sandbox_creation_latency_ms",
						 (const char *const[]){ "default", "cold", "t" }) ==
			    1);
		world_report(fake, "c", "False", "DependenciesNotReady", "not now");
		world_sandbox_ready(fake, "c");
	}
	asb_fake_destroy(fake);
}

static void a_claim_without_these_times_is_measured_by_the_controller_alone(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(fake, "%s",
		  CLAIM("c",
			"agents.x-k8s.io/client-first-requested-at: soon, "
			"agents.x-k8s.io/webhook-first-observed-at: \"2036-01-02T03:04:05Z\""));
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	assert_true(asb_fake_metric(fake, "agent_sandbox_claim_startup_latency_ms") == 0);
	assert_true(asb_fake_metric(fake, "agent_sandbox_client_claim_startup_latency_ms") == 0);
	assert_true(asb_fake_metric(fake, "agent_sandbox_claim_controller_startup_latency_ms") ==
		    1);
	asb_fake_destroy(fake);
}

static void a_start_with_a_pod_of_a_pool_is_warm(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_pool(fake, "pool", "t");
	world_pod(fake, "pool", "p", "2026-01-02T03:00:00Z", WORLD_HASH);
	world_settle(fake);
	world_claim(fake, "c", "");
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	assert_true(observed(fake, "agent_sandbox_claim_controller_startup_latency_ms", "warm") ==
		    1);
	assert_true(asb_fake_metric_with(fake, "agent_sandbox_claim_creation_total",
					 (const char *const[]){ "default", "t", "warm", "",
								"not_ready", "unknown" }) == 1);
	asb_fake_destroy(fake);
}

static void after_a_restart_only_times_that_are_written_count(void **state)
{
	struct asb_fake *fake = world_create();

	(void)state;
	world_put(fake, "%s",
		  CLAIM("c",
			"agents.x-k8s.io/client-first-requested-at: \"2026-01-02T03:04:04.5Z\""));
	world_settle(fake);
	asb_fake_restart(fake);
	world_settle(fake);
	world_sandbox_ready(fake, "c");
	assert_true(asb_fake_metric(fake, "agent_sandbox_client_claim_startup_latency_ms") == 1);
	assert_true(asb_fake_metric(fake, "agent_sandbox_claim_controller_startup_latency_ms") ==
		    0);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cold_start_is_measured_once_from_each_time_it_has),
		cmocka_unit_test(a_claim_without_these_times_is_measured_by_the_controller_alone),
		cmocka_unit_test(a_start_with_a_pod_of_a_pool_is_warm),
		cmocka_unit_test(after_a_restart_only_times_that_are_written_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
