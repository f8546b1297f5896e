/* SPDX-License-Identifier: Apache-2.0 */
/* The Sandbox plugin: the gauge of all Sandboxes. */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

/* How many Sandboxes have these labels. */
static double count(struct asb_fake *fake, const char *ready, const char *expired,
		    const char *launch, const char *claim_template, const char *owner,
		    const char *creator)
{
	const char *const labels[] = {
		"ns", ready, expired, launch, claim_template, owner, creator
	};

	return asb_fake_metric_with(fake, "agent_sandboxes", labels);
}

static void assert_all(struct asb_fake *fake, double all)
{
	assert_true(asb_fake_metric(fake, "agent_sandboxes") == all);
}

static void a_plain_sandbox_is_counted_by_its_state_until_it_is_gone(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "sb", "replicas: 1");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(count(fake, "false", "false", "cold", "unknown", "None", "unknown") == 1);
	world_phase(fake, "sb", "Running", "True");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(count(fake, "true", "false", "cold", "unknown", "None", "unknown") == 1);
	assert_all(fake, 1);
	asb_fake_merge(fake, "Sandbox", "ns", "sb",
		       "{metadata: {labels: {agents.x-k8s.io/created-by: python-client, "
		       "agents.x-k8s.io/launch-type: warm}, "
		       "annotations: {agents.x-k8s.io/sandbox-template-ref: tmpl}}}");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(count(fake, "true", "false", "warm", "tmpl", "None", "python-client") == 1);
	assert_all(fake, 1);
	asb_fake_delete(fake, "Sandbox", "ns", "sb");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_all(fake, 0);
}

static void what_a_pool_made_is_warm_and_its_owner_is_named(void **state)
{
	struct asb_fake *fake = *state;

	world_adopted(fake, "claimed", "pooled");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(count(fake, "true", "false", "warm", "unknown", "SandboxClaim", "unknown") ==
		    1);
	assert_all(fake, 1);
}

static void an_expired_sandbox_is_counted_as_such(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(
		fake, "sb",
		"replicas: 1, shutdownPolicy: Retain, shutdownTime: \"2026-01-02T03:05:05Z\"");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_int_equal(asb_fake_advance(fake, 120000), 0);
	assert_true(count(fake, "false", "true", "cold", "unknown", "None", "unknown") == 1);
	assert_all(fake, 1);
}

static void a_creator_of_another_name_makes_no_series(void **state)
{
	struct asb_fake *fake = *state;

	world_put(fake,
		  "{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: {namespace: ns, "
		  "name: sb, labels: {agents.x-k8s.io/created-by: me}}, spec: {origin: v1alpha1, service: true, podTemplate: {spec: "
		  "{containers: [{name: c, image: i}]}}}}");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(count(fake, "false", "false", "cold", "unknown", "None", "unknown") == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_plain_sandbox_is_counted_by_its_state_until_it_is_gone),
		WORLD_TEST(what_a_pool_made_is_warm_and_its_owner_is_named),
		WORLD_TEST(an_expired_sandbox_is_counted_as_such),
		WORLD_TEST(a_creator_of_another_name_makes_no_series),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
