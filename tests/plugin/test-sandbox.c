/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Sandbox from its creation on, with no pool and nobody in the way: its pod, Service, volumes,
 * the words of its status. Run by make check.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

#define HASH_A "e40c292c" /* FNV-1a of "a" */

static void a_sandbox_gets_pod_service_and_status_in_three_writes(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_writes(fake, "CREATE Pod ns/a", "CREATE Service ns/a", "SET_STATUS Sandbox ns/a",
		      NULL);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void pod_carries_the_templates_metadata_and_the_systems_labels(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	world_put(fake, "apiVersion: agents.x-k8s.io/v1beta1\n"
			"kind: Sandbox\n"
			"metadata: {namespace: ns, name: a}\n"
			"spec:\n"
			"  origin: v1alpha1\n"
			"  service: true\n"
			"  podTemplate:\n"
			"    metadata: {labels: {app: x}, annotations: {note: y}}\n"
			"    spec: {containers: [{name: c, image: i}]}\n");
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_string_equal(asb_label(pod, "app"), "x");
	assert_string_equal(asb_annotation(pod, "note"), "y");
	assert_string_equal(asb_label(pod, NAME_HASH), HASH_A);
	assert_string_equal(asb_label(pod, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
}

static void pod_is_controlled_by_the_sandbox_and_blocks_its_deletion(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *owner;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	owner = asb_controller(asb_fake_get(fake, "Pod", "ns", "a"), NULL);
	assert_string_equal(asb_str(owner, "apiVersion"), "agents.x-k8s.io/v1alpha1");
	assert_string_equal(asb_str(owner, "kind"), "Sandbox");
	assert_string_equal(asb_str(owner, "name"), "a");
	assert_string_equal(asb_str(owner, "uid"), world_uid(fake, "Sandbox", "a"));
	assert_true(asb_true(asb_at(owner, "blockOwnerDeletion")));
}

static void labels_of_a_template_never_override_the_systems(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	world_put(
		fake,
		"apiVersion: agents.x-k8s.io/v1beta1\n"
		"kind: Sandbox\n"
		"metadata: {namespace: ns, name: a}\n"
		"spec:\n"
		"  origin: v1alpha1\n"
		"  service: true\n"
		"  podTemplate:\n"
		"    metadata: {labels: {%s: forged, %s: forged, %s: forged, %s: forged, %s: forged}}\n"
		"    spec: {containers: [{name: c, image: i}]}\n",
		NAME_HASH, SANDBOX_UID, CLAIM_UID, POOL_LABEL, TEMPLATE_LABEL);
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_string_equal(asb_label(pod, NAME_HASH), HASH_A);
	assert_string_equal(asb_label(pod, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
	assert_null(asb_label(pod, CLAIM_UID));
	assert_null(asb_label(pod, POOL_LABEL));
	assert_null(asb_label(pod, TEMPLATE_LABEL));
}

static void pod_of_a_claimed_sandbox_carries_the_claims_uid(void **state)
{
	struct asb_fake *fake = *state;

	world_claim(fake, "a");
	world_claimed_sandbox(fake, "a", "a");
	asb_fake_settle(fake);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "a"), CLAIM_UID),
			    world_uid(fake, "SandboxClaim", "a"));
}

static void pod_spec_is_kept_with_fields_nobody_knows(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *spec;

	world_put(fake, "apiVersion: agents.x-k8s.io/v1beta1\n"
			"kind: Sandbox\n"
			"metadata: {namespace: ns, name: a}\n"
			"spec:\n"
			"  origin: v1alpha1\n"
			"  service: true\n"
			"  podTemplate:\n"
			"    spec:\n"
			"      fieldOfTomorrow: {deep: [1, 2.5, null, true]}\n"
			"      containers: [{name: c, image: i, ports: [{containerPort: 80}]}]\n");
	asb_fake_settle(fake);
	spec = asb_at(asb_fake_get(fake, "Pod", "ns", "a"), "spec");
	assert_true(json_object_equal(spec, asb_at(asb_fake_get(fake, "Sandbox", "ns", "a"), "spec",
						   "podTemplate", "spec")));
	assert_null(asb_at(spec, "hostname"));
}

static void a_changed_template_leaves_the_running_pod_alone(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", "a");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {podTemplate: {metadata: {labels: {app: new}}}}");
	asb_fake_settle(fake);
	assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL); /* observedGeneration */
}

static void service_is_headless_owned_and_selects_by_hash_and_uid(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *service, *selector;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	service = asb_fake_get(fake, "Service", "ns", "a");
	selector = asb_at(service, "spec", "selector");
	assert_string_equal(asb_str(service, "spec", "clusterIP"), "None");
	assert_string_equal(asb_label(service, NAME_HASH), HASH_A);
	assert_true(world_owns(fake, "a", "Service", "a"));
	assert_int_equal(json_object_object_length(selector), 2);
	assert_string_equal(asb_str(selector, NAME_HASH), HASH_A);
	assert_string_equal(asb_str(selector, SANDBOX_UID), world_uid(fake, "Sandbox", "a"));
}

static void status_names_service_and_selector(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_status_str(fake, "a", "service", "a");
	assert_status_str(fake, "a", "serviceFQDN", "a.ns.svc.cluster.local");
	assert_status_str(fake, "a", "selector", NAME_HASH "=" HASH_A);
	assert_replicas(fake, "a", 1);
}

static void cluster_domain_is_an_option(void **state)
{
	static const char *const options[] = { "cluster-domain", "example.org", NULL };
	struct asb_fake *fake = asb_fake_create_with(asb_plugin_entry(), options);

	(void)state;
	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	assert_status_str(fake, "a", "serviceFQDN", "a.ns.svc.example.org");
	asb_fake_destroy(fake);
}

static void status_is_set_when_the_service_was_there_before(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "status: {service: null, serviceFQDN: null}");
	asb_fake_settle(fake);
	assert_status_str(fake, "a", "service", "a");
	assert_status_str(fake, "a", "serviceFQDN", "a.ns.svc.cluster.local");
}

static void ready_when_the_pod_is_running_and_ready(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	world_phase(fake, "a", "Running", "False");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod is Running but not Ready; Service Exists");
	world_phase(fake, "a", "Running", "True");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	world_phase(fake, "a", "Running", "False");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod is Running but not Ready; Service Exists");
}

static void a_ready_condition_outside_running_is_not_ready(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	world_phase(fake, "a", "Pending", "True");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void an_ended_pod_is_reported_by_phase_and_kept(void **state)
{
	static const char *const phases[] = { "Failed", "Succeeded", NULL };
	struct asb_fake *fake = *state;
	char message[80];

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	for (int i = 0; phases[i] != NULL; i++) {
		world_phase(fake, "a", phases[i], "False");
		asb_fake_forget(fake);
		asb_fake_settle(fake);
		snprintf(message, sizeof(message), "Pod exists with phase: %s; Service Exists",
			 phases[i]);
		assert_condition(fake, "a", "False", "DependenciesNotReady", message);
		assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL);
	}
}

static void a_pod_that_ends_is_there_but_not_ready(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", "a");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_start_deletion(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Running; Service Exists");
	assert_replicas(fake, "a", 1);
	assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL);
}

static void own_pod_that_vanishes_is_made_again_at_once(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", "a");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_delete(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_writes(fake, "CREATE Pod ns/a", "SET_STATUS Sandbox ns/a", NULL);
	assert_null(asb_fake_event(fake, 0));
}

static void service_that_vanishes_is_made_again(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	asb_fake_delete(fake, "Service", "ns", "a");
	asb_fake_settle(fake);
	assert_writes(fake, "CREATE Service ns/a", NULL);
}

static void condition_says_which_generation_it_is_about(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *sandbox;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "spec: {shutdownTime: \"2036-01-01T00:00:00Z\"}");
	asb_fake_settle(fake);
	sandbox = asb_fake_get(fake, "Sandbox", "ns", "a");
	assert_true(asb_generation(sandbox) > 1);
	assert_int_equal(asb_int(asb_at(asb_condition(sandbox, "Ready"), "observedGeneration"), 0),
			 asb_generation(sandbox));
}

static void status_holds_this_one_condition(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "status: {conditions: [{type: Other, status: \"True\"}]}");
	asb_fake_settle(fake);
	assert_condition(fake, "a", "False", "DependenciesNotReady",
			 "Pod exists with phase: Pending; Service Exists");
}

static void a_settled_sandbox_is_not_written_again(void **state)
{
	struct asb_fake *fake = *state;
	uint64_t after;

	world_sandbox(fake, "a", "");
	asb_fake_settle(fake);
	asb_fake_pod_ready(fake, "ns", "a");
	asb_fake_settle(fake);
	asb_fake_forget(fake);
	assert_int_equal(asb_fake_reconcile(fake, "ns", "a", &after), ASB_DONE);
	asb_fake_restart(fake);
	asb_fake_settle(fake);
	assert_writes(fake, NULL);
}

static void nothing_is_done_for_a_sandbox_that_is_being_deleted(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	asb_fake_start_deletion(fake, "Sandbox", "ns", "a");
	asb_fake_settle(fake);
	assert_writes(fake, NULL);
}

static void volumes_are_made_owned_and_mounted(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *volume, *mounted;

	world_sandbox(
		fake, "a",
		"volumeClaimTemplates: [{metadata: {name: data, labels: {l: x}, annotations: {n: y}}, spec: {accessModes: [ReadWriteOnce]}}]");
	asb_fake_settle(fake);
	assert_string_equal(asb_fake_write(fake, 0), "CREATE PersistentVolumeClaim ns/data-a");
	volume = asb_fake_get(fake, "PersistentVolumeClaim", "ns", "data-a");
	assert_true(world_owns(fake, "a", "PersistentVolumeClaim", "data-a"));
	assert_string_equal(asb_label(volume, "l"), "x");
	assert_string_equal(asb_annotation(volume, "n"), "y");
	assert_int_equal(asb_length(asb_array(volume, "spec", "accessModes")), 1);
	mounted = asb_array(asb_fake_get(fake, "Pod", "ns", "a"), "spec", "volumes");
	assert_int_equal(asb_length(mounted), 1);
	mounted = json_object_array_get_idx(mounted, 0);
	assert_string_equal(asb_str(mounted, "name"), "data");
	assert_string_equal(asb_str(mounted, "persistentVolumeClaim", "claimName"), "data-a");
}

static void a_volume_template_replaces_the_pods_volume_of_its_name(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *volumes;

	world_put(fake, "apiVersion: agents.x-k8s.io/v1beta1\n"
			"kind: Sandbox\n"
			"metadata: {namespace: ns, name: a}\n"
			"spec:\n"
			"  origin: v1alpha1\n"
			"  service: true\n"
			"  podTemplate:\n"
			"    spec:\n"
			"      containers: [{name: c, image: i}]\n"
			"      volumes: [{name: data, emptyDir: {}}, {name: tmp, emptyDir: {}}]\n"
			"  volumeClaimTemplates: [{metadata: {name: data}, spec: {}}]\n");
	asb_fake_settle(fake);
	volumes = asb_array(asb_fake_get(fake, "Pod", "ns", "a"), "spec", "volumes");
	assert_int_equal(asb_length(volumes), 2);
	assert_string_equal(asb_str(json_object_array_get_idx(volumes, 0), "name"), "tmp");
	assert_string_equal(asb_str(json_object_array_get_idx(volumes, 1), "persistentVolumeClaim",
				    "claimName"),
			    "data-a");
}

static void more_volumes_than_go_out_together_are_all_made(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(
		fake, "a",
		"volumeClaimTemplates: [{metadata: {name: v1}, spec: {}}, {metadata: {name: v2}, spec: {}}, {metadata: {name: v3}, spec: {}}, {metadata: {name: v4}, spec: {}}, {metadata: {name: v5}, spec: {}}]");
	asb_fake_settle(fake);
	assert_int_equal(asb_fake_count(fake, "PersistentVolumeClaim"), 5);
	assert_int_equal(
		asb_length(asb_array(asb_fake_get(fake, "Pod", "ns", "a"), "spec", "volumes")), 5);
	asb_fake_forget(fake);
	asb_fake_delete(fake, "PersistentVolumeClaim", "ns", "v3-a");
	asb_fake_settle(fake);
	assert_writes(fake, "CREATE PersistentVolumeClaim ns/v3-a", NULL);
}

static void two_sandboxes_of_one_hash_keep_their_traffic_apart(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *one, *other;

	/* Two names with the FNV-1a hash 6be08b09. */
	world_sandbox(fake, "sb-11mywsb", "");
	world_sandbox(fake, "sb-k9ep20c", "");
	asb_fake_settle(fake);
	one = asb_at(asb_fake_get(fake, "Service", "ns", "sb-11mywsb"), "spec", "selector");
	other = asb_at(asb_fake_get(fake, "Service", "ns", "sb-k9ep20c"), "spec", "selector");
	assert_string_equal(asb_str(one, NAME_HASH), asb_str(other, NAME_HASH));
	assert_string_not_equal(asb_str(one, SANDBOX_UID), asb_str(other, SANDBOX_UID));
}

/* A pod and a Service as the Go controller leaves them. */
static void put_go_objects(struct asb_fake *fake)
{
	char uid[64];

	snprintf(uid, sizeof(uid), "%s", world_uid(fake, "Sandbox", "a"));
	for (int i = 0; i < 2; i++) {
		world_put(
			fake,
			"apiVersion: v1\n"
			"kind: %s\n"
			"metadata:\n"
			"  namespace: ns\n"
			"  name: a\n"
			"  labels: {%s: %s}\n"
			"  ownerReferences:\n"
			"  - {apiVersion: agents.x-k8s.io/v1alpha1, kind: Sandbox, name: a, uid: %s, controller: true, blockOwnerDeletion: true}\n"
			"spec: {%s}\n",
			i == 0 ? "Pod" : "Service", NAME_HASH, HASH_A, uid,
			i == 0 ? "containers: [{name: c, image: i}]"
			       : "clusterIP: None, selector: {" NAME_HASH ": " HASH_A "}");
	}
}

static void taking_over_from_go_labels_the_pod_before_the_service_selects_it(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	put_go_objects(fake);
	asb_fake_settle(fake);
	assert_writes(fake, "PATCH_JSON Pod ns/a", "PATCH_JSON Service ns/a",
		      "SET_STATUS Sandbox ns/a", NULL);
	assert_string_equal(asb_label(asb_fake_get(fake, "Pod", "ns", "a"), SANDBOX_UID),
			    world_uid(fake, "Sandbox", "a"));
	assert_string_equal(
		asb_str(asb_fake_get(fake, "Service", "ns", "a"), "spec", "selector", SANDBOX_UID),
		world_uid(fake, "Sandbox", "a"));
}

static void the_selector_waits_for_a_pod_that_could_not_be_labelled(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "");
	put_go_objects(fake);
	for (int i = 0; i < 3; i++) {
		asb_fake_fail(fake, ASB_PATCH_JSON, "Pod", ASB_FORBIDDEN, "no", false);
	}
	asb_fake_settle(fake);
	assert_null(
		asb_str(asb_fake_get(fake, "Service", "ns", "a"), "spec", "selector", SANDBOX_UID));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORLD_TEST(a_sandbox_gets_pod_service_and_status_in_three_writes),
		WORLD_TEST(pod_carries_the_templates_metadata_and_the_systems_labels),
		WORLD_TEST(pod_is_controlled_by_the_sandbox_and_blocks_its_deletion),
		WORLD_TEST(labels_of_a_template_never_override_the_systems),
		WORLD_TEST(pod_of_a_claimed_sandbox_carries_the_claims_uid),
		WORLD_TEST(pod_spec_is_kept_with_fields_nobody_knows),
		WORLD_TEST(a_changed_template_leaves_the_running_pod_alone),
		WORLD_TEST(service_is_headless_owned_and_selects_by_hash_and_uid),
		WORLD_TEST(status_names_service_and_selector),
		cmocka_unit_test(cluster_domain_is_an_option),
		WORLD_TEST(status_is_set_when_the_service_was_there_before),
		WORLD_TEST(ready_when_the_pod_is_running_and_ready),
		WORLD_TEST(a_ready_condition_outside_running_is_not_ready),
		WORLD_TEST(an_ended_pod_is_reported_by_phase_and_kept),
		WORLD_TEST(a_pod_that_ends_is_there_but_not_ready),
		WORLD_TEST(own_pod_that_vanishes_is_made_again_at_once),
		WORLD_TEST(service_that_vanishes_is_made_again),
		WORLD_TEST(condition_says_which_generation_it_is_about),
		WORLD_TEST(status_holds_this_one_condition),
		WORLD_TEST(a_settled_sandbox_is_not_written_again),
		WORLD_TEST(nothing_is_done_for_a_sandbox_that_is_being_deleted),
		WORLD_TEST(volumes_are_made_owned_and_mounted),
		WORLD_TEST(a_volume_template_replaces_the_pods_volume_of_its_name),
		WORLD_TEST(more_volumes_than_go_out_together_are_all_made),
		WORLD_TEST(two_sandboxes_of_one_hash_keep_their_traffic_apart),
		WORLD_TEST(taking_over_from_go_labels_the_pod_before_the_service_selects_it),
		WORLD_TEST(the_selector_waits_for_a_pod_that_could_not_be_labelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
