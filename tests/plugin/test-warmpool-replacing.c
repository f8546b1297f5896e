/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests which Sandboxes a pool deletes, replaces, holds and adopts: those of another blueprint,
 * those above replicas, those that are never Ready, and those without a controller. Run by `make
 * check`, on the fake host.
 */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/plugin/sandbox-pool-world.h"

#define RECREATE "updateStrategy: { type: Recreate }"
#define GRACE_MS 300000
#define UNSCHEDULABLE                                  \
	"{ type: Ready, status: \"False\" }, { type: " \
	"PodScheduled, status: \"False\", reason: Unschedulable }"
#define HELD                                                                                       \
	"Warning WarmPoolNotProgressing SandboxWarmPool ns/pool: 1/2 sandboxes are unschedulable " \
	"past the 5m0s readiness grace period; holding them instead of replacing (replacements "   \
	"would be equally unschedulable)"

/* ---- another blueprint ---- */

static struct asb_fake *recreate_world(int replicas)
{
	struct asb_fake *fake = beta_world(replicas, "one", NULL);

	put_beta_pool(fake, replicas, RECREATE);
	asb_fake_settle(fake);
	make_all_ready(fake);
	asb_fake_settle(fake);
	asb_fake_advance(fake, 1000);
	asb_fake_forget(fake);
	return fake;
}

static void recreate_deletes_stale_members_at_once(void **state)
{
	struct asb_fake *fake = recreate_world(3);

	(void)state;
	put_beta_template(fake, "two");
	asb_fake_settle(fake);
	assert_int_equal(members(fake), 3);
	assert_int_equal(members_of(fake, "two"), 3);
	assert_int_equal(wrote(fake, "REMOVE Sandbox"), 3);
	asb_fake_destroy(fake);
}

static void on_replenish_leaves_stale_members(void **state)
{
	struct asb_fake *fake = beta_world(3, "one", NULL);

	(void)state;
	asb_fake_settle(fake);
	put_beta_template(fake, "two");
	asb_fake_settle(fake);
	asb_fake_advance(fake, 5000);
	assert_int_equal(members_of(fake, "one"), 3);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	claim_sandbox(fake, member_name(fake, 0));
	asb_fake_settle(fake);
	assert_int_equal(members_of(fake, "one"), 2);
	assert_int_equal(members_of(fake, "two"), 1);
	asb_fake_destroy(fake);
}

static void changed_metadata_is_never_stale(void **state)
{
	struct asb_fake *fake = recreate_world(2);

	(void)state;
	asb_fake_merge(
		fake, "SandboxTemplate", "ns", "tmpl",
		"{ spec: { podTemplate: { metadata: { labels: { app: other }, annotations: { more: x } } } } }");
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	assert_int_equal(wrote(fake, "CREATE"), 0);
	asb_fake_destroy(fake);
}

static void each_field_of_the_blueprint_makes_members_stale(void **state)
{
	static const char *const changes[] = {
		"{ spec: { podTemplate: { spec: { hostname: x } } } }",
		"{ spec: { service: true } }",
		"{ spec: { volumeClaimTemplates: [ { metadata: { name: data }, spec: { accessModes: [ ReadWriteOnce ] } } ] } }",
		"{ spec: { networkPolicyManagement: Unmanaged } }",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct asb_fake *fake = recreate_world(2);

		asb_fake_merge(fake, "SandboxTemplate", "ns", "tmpl", changes[i]);
		asb_fake_settle(fake);
		assert_int_equal(wrote(fake, "REMOVE Sandbox"), 2);
		assert_int_equal(members(fake), 2);
		asb_fake_destroy(fake);
	}
}

static void members_of_another_template_of_the_same_spec_are_stale(void **state)
{
	struct asb_fake *fake = recreate_world(2);

	(void)state;
	asb_fake_put(
		fake,
		"{ " BETA
		"kind: SandboxTemplate, metadata: { namespace: ns, name: other }, spec: { podTemplate: { spec: { containers: [ { name: c, image: one } ] } } } }");
	asb_fake_merge(fake, POOL_KIND, "ns", "pool",
		       "{ spec: { sandboxTemplateRef: { name: other } } }");
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "REMOVE Sandbox"), 2);
	assert_string_equal(asb_annotation(member(fake, 0), "agents.x-k8s.io/sandbox-template-ref"),
			    "other");
	asb_fake_destroy(fake);
}

static void hash_of_another_controller_is_compared_field_by_field(void **state)
{
	struct asb_fake *fake = recreate_world(2);
	unsigned int writes;

	(void)state;
	for (unsigned int n = 0; n < 2; n++) {
		asb_fake_merge(
			fake, "Sandbox", "ns", member_name(fake, n),
			"{ metadata: { labels: { agents.x-k8s.io/sandbox-template-hash: abcdef01 } } }");
	}
	asb_fake_settle(fake);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	writes = asb_fake_writes(fake);
	asb_fake_advance(fake, 60000);
	assert_int_equal(asb_fake_writes(fake), writes);
	put_beta_template(fake, "two");
	asb_fake_settle(fake);
	assert_int_equal(members_of(fake, "two"), 2);
	asb_fake_destroy(fake);
}

static void reserved_and_claimed_sandboxes_are_not_recreated(void **state)
{
	struct asb_fake *fake = recreate_world(3);
	char reserved[254], claimed[254];

	(void)state;
	snprintf(reserved, sizeof(reserved), "%s", member_name(fake, 0));
	snprintf(claimed, sizeof(claimed), "%s", member_name(fake, 1));
	assert_int_equal(asb_fake_reserve(fake, "Sandbox", "ns", reserved, "ns/claim"), ASB_OK);
	claim_sandbox(fake, claimed);
	put_beta_template(fake, "two");
	asb_fake_settle(fake);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", reserved));
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", claimed));
	assert_int_equal(members_of(fake, "two"), 2);
	assert_int_equal(members_of(fake, "one"), 1);
	asb_fake_destroy(fake);
}

/* ---- above replicas ---- */

static void surplus_is_not_ready_first_then_newest(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);
	char names[4][254];

	(void)state;
	for (int i = 0; i < 4; i++) {
		scale(fake, i + 1);
		asb_fake_settle(fake);
		for (unsigned int n = 0; n < members(fake); n++) {
			bool known = false;

			for (int j = 0; j < i; j++) {
				known = known || strcmp(names[j], member_name(fake, n)) == 0;
			}
			if (!known) {
				snprintf(names[i], sizeof(names[i]), "%s", member_name(fake, n));
			}
		}
		asb_fake_advance(fake, 2000);
	}
	make_ready(fake, names[0]);
	make_ready(fake, names[2]);
	make_ready(fake, names[3]);
	scale(fake, 3);
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", names[1])); /* the one not Ready */
	scale(fake, 2);
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", names[3])); /* the newest */
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", names[0]));
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", names[2]));
	asb_fake_destroy(fake);
}

static void ended_member_is_replaced_and_not_counted(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	char ended[254];

	(void)state;
	asb_fake_settle(fake);
	make_all_ready(fake);
	snprintf(ended, sizeof(ended), "%s", member_name(fake, 0));
	set_conditions(fake, ended,
		       "{ type: Ready, status: \"False\" }, { type: Finished, status: \"True\" }");
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", ended));
	assert_int_equal(members(fake), 2);
	asb_fake_destroy(fake);
}

/* ---- never Ready ---- */

static void member_that_is_not_ready_for_too_long_is_replaced(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	char late[254];

	(void)state;
	asb_fake_settle(fake);
	make_ready(fake, member_name(fake, 0));
	snprintf(late, sizeof(late), "%s", member_name(fake, 1));
	asb_fake_advance(fake, GRACE_MS - 2000);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", late));
	asb_fake_advance(fake, 3000); /* nothing but the time enqueues the pool */
	assert_null(asb_fake_get(fake, "Sandbox", "ns", late));
	assert_int_equal(members(fake), 2);
	asb_fake_destroy(fake);
}

static void grace_begins_anew_when_a_ready_member_fails(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);
	char name[254], condition[128], now[21];

	(void)state;
	asb_fake_settle(fake);
	snprintf(name, sizeof(name), "%s", member_name(fake, 0));
	make_ready(fake, name);
	asb_fake_advance(fake, 2 * GRACE_MS);
	asb_time_format(asb_fake_now_ms(fake), now);
	snprintf(condition, sizeof(condition),
		 "{ type: Ready, status: \"False\", lastTransitionTime: \"%s\" }", now);
	set_conditions(fake, name, condition);
	asb_fake_advance(fake, GRACE_MS / 2);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", name));
	asb_fake_advance(fake, GRACE_MS);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", name));
	asb_fake_destroy(fake);
}

static void unschedulable_members_are_held_and_reported_once(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	char held[254];

	(void)state;
	asb_fake_settle(fake);
	make_ready(fake, member_name(fake, 0));
	snprintf(held, sizeof(held), "%s", member_name(fake, 1));
	set_conditions(fake, held, UNSCHEDULABLE);
	asb_fake_advance(fake, GRACE_MS + 1000);
	asb_fake_advance(fake, 3 * 60000);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", held));
	assert_int_equal(told(fake, HELD), 1);
	assert_int_equal(told(fake, "Warning WarmPoolNotProgressing"), 1);
	assert_true(asb_fake_next_ms(fake) <= 60000);
	assert_int_equal(told(fake, "Normal WarmPoolProgressing"), 0);
	make_ready(fake, held);
	asb_fake_settle(fake);
	assert_int_equal(
		told(fake,
		     "Normal WarmPoolProgressing SandboxWarmPool ns/pool: Warm pool is progressing again"),
		1);
	assert_int_equal(wrote(fake, "REMOVE"), 0);
	asb_fake_destroy(fake);
}

static void held_member_goes_when_the_pool_shrinks(void **state)
{
	struct asb_fake *fake = beta_world(2, "one", NULL);
	char held[254];

	(void)state;
	asb_fake_settle(fake);
	make_ready(fake, member_name(fake, 0));
	snprintf(held, sizeof(held), "%s", member_name(fake, 1));
	set_conditions(fake, held, UNSCHEDULABLE);
	asb_fake_advance(fake, GRACE_MS + 1000);
	scale(fake, 1);
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", held));
	asb_fake_destroy(fake);
}

/* ---- without a controller ---- */

static bool is_member(struct asb_fake *fake, const char *name)
{
	struct json_object *sandbox = asb_fake_get(fake, "Sandbox", "ns", name);

	return asb_streq(asb_str(asb_controller(sandbox, NULL), "uid"),
			 asb_uid(asb_fake_get(fake, POOL_KIND, "ns", "pool")));
}

static void orphan_that_fits_is_adopted(void **state)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	(void)state;
	put_beta_template(fake, "one");
	put_orphan_sandbox(fake, "lost", "one", "more: x");
	put_beta_pool(fake, 2, "");
	asb_fake_settle(fake);
	assert_true(is_member(fake, "lost"));
	assert_int_equal(members(fake), 2);
	assert_int_equal(wrote(fake, "CREATE Sandbox"), 1);
	asb_fake_destroy(fake);
}

static void orphan_that_does_not_fit_is_deleted(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);

	(void)state;
	asb_fake_settle(fake);
	put_orphan_sandbox(fake, "stale", "other", "more: x");
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", "stale"));
	put_orphan_sandbox(fake, "many", "one", "more: x"); /* the pool is full */
	asb_fake_settle(fake);
	assert_null(asb_fake_get(fake, "Sandbox", "ns", "many"));
	assert_int_equal(members(fake), 1);
	asb_fake_destroy(fake);
}

static void orphans_of_others_are_left_alone(void **state)
{
	struct asb_fake *fake = beta_world(1, "one", NULL);

	(void)state;
	asb_fake_settle(fake);
	put_orphan_sandbox(fake, "claimed", "other", "agents.x-k8s.io/claim-uid: u");
	put_orphan_sandbox(fake, "reserved", "other", "more: x");
	assert_int_equal(asb_fake_reserve(fake, "Sandbox", "ns", "reserved", "ns/claim"), ASB_OK);
	asb_fake_put(
		fake,
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: ns, name: plain }, spec: { podTemplate: { spec: {} } } }");
	put_orphan_sandbox(fake, "alpha", "other", "more: x");
	asb_fake_merge(fake, "Sandbox", "ns", "alpha", "{ spec: { origin: v1alpha1 } }");
	asb_fake_settle(fake);
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", "claimed"));
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", "reserved"));
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", "plain"));
	assert_non_null(asb_fake_get(fake, "Sandbox", "ns", "alpha"));
	asb_fake_destroy(fake);
}

static void member_that_has_changed_since_is_not_deleted(void **state)
{
	struct asb_fake *fake = recreate_world(2);

	(void)state;
	/* The deletion carries the version that was seen. */
	asb_fake_fail(fake, ASB_DELETE, "Sandbox", ASB_CONFLICT, "changed", false);
	put_beta_template(fake, "two");
	assert_int_equal(asb_fake_reconcile(fake, "ns", "pool", NULL), ASB_ERROR);
	assert_int_equal(members_of(fake, "one"), 1);
	asb_fake_advance(fake, 5000);
	assert_int_equal(members_of(fake, "two"), 2);
	asb_fake_destroy(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recreate_deletes_stale_members_at_once),
		cmocka_unit_test(on_replenish_leaves_stale_members),
		cmocka_unit_test(changed_metadata_is_never_stale),
		cmocka_unit_test(each_field_of_the_blueprint_makes_members_stale),
		cmocka_unit_test(members_of_another_template_of_the_same_spec_are_stale),
		cmocka_unit_test(hash_of_another_controller_is_compared_field_by_field),
		cmocka_unit_test(reserved_and_claimed_sandboxes_are_not_recreated),
		cmocka_unit_test(surplus_is_not_ready_first_then_newest),
		cmocka_unit_test(ended_member_is_replaced_and_not_counted),
		cmocka_unit_test(member_that_is_not_ready_for_too_long_is_replaced),
		cmocka_unit_test(grace_begins_anew_when_a_ready_member_fails),
		cmocka_unit_test(unschedulable_members_are_held_and_reported_once),
		cmocka_unit_test(held_member_goes_when_the_pool_shrinks),
		cmocka_unit_test(orphan_that_fits_is_adopted),
		cmocka_unit_test(orphan_that_does_not_fit_is_deleted),
		cmocka_unit_test(orphans_of_others_are_left_alone),
		cmocka_unit_test(member_that_has_changed_since_is_not_deleted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
