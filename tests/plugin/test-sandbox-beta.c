/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests what is different for a Sandbox of v1beta1: conditions, suspension, Services, adoption, and
 * the labels and annotations of the pod. Run by `make check`, on the fake host.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

#define ADOPTABLE "agents.x-k8s.io/adoptable"

/* A Sandbox "a" of v1beta1 with one container and this further spec. */
static void beta(struct asb_fake *fake, const char *spec)
{
	world_put(
		fake,
		"apiVersion: agents.x-k8s.io/v1beta1\n"
		"kind: Sandbox\n"
		"metadata: {namespace: ns, name: a}\n"
		"spec: {origin: v1beta1, podTemplate: {spec: {containers: [{name: c, image: i}]}}%s%s}\n",
		*spec != '\0' ? ", " : "", spec);
}

static void running(struct asb_fake *fake)
{
	asb_fake_merge(
		fake, "Pod", "ns", "a",
		"{spec: {nodeName: n1}, status: {phase: Running, podIPs: [{ip: 10.0.0.7}], conditions: [{type: Ready, status: 'True'}, {type: PodScheduled, status: 'True'}]}}");
	assert_int_equal(asb_fake_settle(fake), 0);
}

static struct json_object *sandbox(struct asb_fake *fake)
{
	return asb_fake_get(fake, "Sandbox", "ns", "a");
}

static void assert_one(struct asb_fake *fake, const char *type, const char *status,
		       const char *reason, const char *message)
{
	struct json_object *condition = asb_condition(sandbox(fake), type);

	assert_non_null(condition);
	assert_string_equal(status, asb_str(condition, "status"));
	assert_string_equal(reason, asb_str(condition, "reason"));
	assert_string_equal(message, asb_str(condition, "message"));
	assert_int_equal(asb_generation(sandbox(fake)),
			 asb_int(asb_at(condition, "observedGeneration"), -1));
}

static void a_running_one_has_three_conditions(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "");
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_one(fake, "Ready", "False", "DependenciesNotReady",
		   "Pod exists with phase: Pending");
	assert_one(fake, "Suspended", "False", "NotSuspended", "Sandbox is not suspended");
	assert_one(fake, "PodScheduled", "Unknown", "PodSchedulingUnknown",
		   "Pod has not reported a PodScheduled condition yet");
	assert_null(asb_at(sandbox(fake), "status", "nodeName"));
	running(fake);
	assert_one(fake, "Ready", "True", "DependenciesReady", "Pod is Ready");
	assert_one(fake, "PodScheduled", "True", "PodScheduled", "");
	assert_int_equal(3, asb_length(asb_array(sandbox(fake), "status", "conditions")));
	assert_status_str(fake, "a", "nodeName", "n1");
	assert_string_equal("10.0.0.7", json_object_get_string(json_object_array_get_idx(
						asb_array(sandbox(fake), "status", "podIPs"), 0)));
	assert_string_equal(
		"agents.x-k8s.io/v1beta1",
		asb_str(asb_controller(asb_fake_get(fake, "Pod", "ns", "a"), NULL), "apiVersion"));
	assert_null(asb_fake_get(fake, "Service", "ns", "a"));
}

static void a_ready_pod_needs_an_address(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Pod", "ns", "a",
		       "{status: {phase: Running, conditions: [{type: Ready, status: 'False'}]}}");
	asb_fake_settle(fake);
	assert_one(fake, "Ready", "False", "DependenciesNotReady", "Pod is Running but not Ready");
	asb_fake_merge(fake, "Pod", "ns", "a",
		       "{status: {conditions: [{type: Ready, status: 'True'}]}}");
	asb_fake_settle(fake);
	assert_one(fake, "Ready", "False", "DependenciesNotReady",
		   "Pod is Ready but has no podIPs yet");
}

static void suspending_deletes_the_pod_and_keeps_the_selector(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "service: true");
	asb_fake_settle(fake);
	running(fake);
	asb_fake_merge(fake, "Pod", "ns", "a", "{metadata: {finalizers: [test/hold]}}");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Suspended}}");
	asb_fake_start_deletion(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_one(fake, "Suspended", "False", "PodTerminating",
		   "Pod is terminating. Sandbox is suspending");
	assert_one(fake, "Ready", "False", "SandboxSuspended", "Sandbox is suspending");
	asb_fake_delete(fake, "Pod", "ns", "a");
	asb_fake_settle(fake);
	assert_one(fake, "Suspended", "True", "PodTerminated",
		   "Pod has been terminated. Sandbox is suspended");
	assert_one(fake, "Ready", "False", "SandboxSuspended", "Sandbox is suspended");
	assert_null(asb_condition(sandbox(fake), "PodScheduled"));
	assert_non_null(asb_at(sandbox(fake), "status", "selector"));
	assert_true(world_exists(fake, "Service", "a"));
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Running}}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_one(fake, "Suspended", "False", "NotSuspended", "Sandbox is not suspended");
}

static void a_pod_of_others_is_not_deleted(void **state)
{
	struct asb_fake *fake = *state;

	world_foreign(fake, "Pod", "a");
	world_show(fake, "Pod", "a");
	beta(fake, "operatingMode: Suspended");
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Pod", "a"));
	assert_one(fake, "Suspended", "False", "PodNotOwned",
		   "Refused to delete pod because it is not owned by this sandbox");
	assert_one(fake, "Ready", "False", "SandboxSuspended", "Sandbox is suspended");
}

static void replicas_suspend_too_and_the_mode_resumes(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "replicas: 0");
	asb_fake_settle(fake);
	assert_one(fake, "Ready", "False", "SandboxSuspended",
		   "Sandbox is suspended; set by spec.replicas");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Suspended}}");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {replicas: 1}}");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "a"));
	assert_one(fake, "Ready", "False", "SandboxSuspended", "Sandbox is suspended");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {replicas: 0}}");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Running}}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
	assert_int_equal(1, asb_int(asb_at(sandbox(fake), "spec", "replicas"), -1));
	/* The mode does not change now: replicas alone count. */
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {replicas: 0}}");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Pod", "a"));
}

static void one_of_v1alpha1_gets_conditions_with_its_first_mode(void **state)
{
	struct asb_fake *fake = *state;

	world_sandbox(fake, "a", "replicas: 1");
	asb_fake_settle(fake);
	assert_int_equal(1, asb_length(asb_array(sandbox(fake), "status", "conditions")));
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Suspended}}");
	asb_fake_settle(fake);
	assert_one(fake, "Suspended", "True", "PodTerminated",
		   "Pod has been terminated. Sandbox is suspended");
	assert_one(fake, "Ready", "False", "SandboxSuspended", "Sandbox is suspended");
}

static void an_ended_pod_is_not_replaced(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Pod", "ns", "a", "{status: {phase: Succeeded}}");
	asb_fake_settle(fake);
	assert_one(fake, "Finished", "True", "PodSucceeded", "Pod completed successfully");
	assert_one(fake, "Ready", "False", "PodSucceeded", "Pod completed successfully");
	asb_fake_merge(fake, "Pod", "ns", "a", "{status: {phase: Failed}}");
	asb_fake_settle(fake);
	assert_one(fake, "Finished", "True", "PodFailed", "Pod failed");
	assert_one(fake, "Ready", "False", "PodFailed", "Pod failed");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Suspended}}");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {operatingMode: Running}}");
	asb_fake_settle(fake);
	assert_null(asb_condition(sandbox(fake), "Finished"));
	assert_true(world_owns(fake, "a", "Pod", "a"));
}

static void several_pods_stop_everything(void **state)
{
	struct asb_fake *fake = *state;
	const char *message =
		"multiple Pods (2) are controlled by this Sandbox; refusing to choose or create a Pod";

	beta(fake, "operatingMode: Suspended");
	asb_fake_settle(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "{spec: {operatingMode: Running, service: true}}");
	for (int i = 0; i < 2; i++) {
		world_put(
			fake,
			"{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: b%d, ownerReferences: [{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, name: a, uid: %s, controller: true}]}, spec: {}}",
			i, world_uid(fake, "Sandbox", "a"));
	}
	asb_fake_forget(fake);
	asb_fake_settle(fake);
	assert_one(fake, "Ready", "False", "MultiplePods", message);
	assert_writes(fake, "SET_STATUS Sandbox ns/a", NULL);
	assert_int_equal(1, world_events(fake, "Warning MultiplePods"));
	asb_fake_delete(fake, "Pod", "ns", "b1");
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Service", "a"));
}

static void only_labelled_pods_are_adopted(void **state)
{
	struct asb_fake *fake = *state;

	world_unowned(fake, "Pod", "a");
	world_show(fake, "Pod", "a");
	asb_fake_merge(fake, "Pod", "ns", "a", "{metadata: {labels: {" NAME_HASH ": other}}}");
	beta(fake, "");
	asb_fake_settle(fake);
	assert_one(
		fake, "Ready", "False", "ReconcilerError",
		"Error seen: cannot adopt unowned pod \"a\": missing required pool authorization label (\"agents.x-k8s.io/adoptable\") or sandbox tracking label (\"agents.x-k8s.io/sandbox-name-hash\")");
	assert_false(world_owns(fake, "a", "Pod", "a"));
	asb_fake_merge(fake, "Pod", "ns", "a", "{metadata: {labels: {" ADOPTABLE ": 'true'}}}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Pod", "a"));
}

static void a_pod_of_another_controller_is_named(void **state)
{
	struct asb_fake *fake = *state;
	char text[256];

	world_foreign(fake, "Pod", "a");
	world_show(fake, "Pod", "a");
	beta(fake, "");
	asb_fake_settle(fake);
	snprintf(text, sizeof(text),
		 "Error seen: pod \"a\" is owned by ReplicaSet/rs (UID: %s), not by sandbox \"a\"",
		 world_other_uid(fake));
	assert_one(fake, "Ready", "False", "ReconcilerError", text);
}

static void a_service_is_made_kept_or_deleted_as_the_spec_says(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *ports;

	beta(fake, "service: true");
	asb_fake_merge(
		fake, "Sandbox", "ns", "a",
		"{spec: {podTemplate: {spec: {containers: [{name: c, image: i, ports: [{containerPort: 8080, name: http}, {containerPort: 53, protocol: UDP}]}], initContainers: [{name: s, image: i, restartPolicy: Always, ports: [{containerPort: 8080, name: late}, {containerPort: 53}]}, {name: o, image: i, ports: [{containerPort: 99}]}]}}}}");
	asb_fake_settle(fake);
	ports = asb_array(asb_fake_get(fake, "Service", "ns", "a"), "spec", "ports");
	assert_string_equal(
		"[ { \"name\": \"p-53-tcp\", \"port\": 53, \"protocol\": \"TCP\", \"targetPort\": 53 }, { \"name\": \"p-53-udp\", \"port\": 53, \"protocol\": \"UDP\", \"targetPort\": 53 }, { \"name\": \"http\", \"port\": 8080, \"protocol\": \"TCP\", \"targetPort\": 8080 } ]",
		json_object_to_json_string(ports));
	running(fake);
	assert_one(fake, "Ready", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	/* Ports and selector are repaired. */
	asb_fake_merge(fake, "Service", "ns", "a", "{spec: {ports: [], selector: {x: y}}}");
	asb_fake_settle(fake);
	ports = asb_array(asb_fake_get(fake, "Service", "ns", "a"), "spec", "ports");
	assert_int_equal(3, asb_length(ports));
	/* Without a word it stays, but its ports are the user's. */
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {service: null}}");
	asb_fake_merge(fake, "Service", "ns", "a", "{spec: {ports: []}}");
	asb_fake_settle(fake);
	ports = asb_array(asb_fake_get(fake, "Service", "ns", "a"), "spec", "ports");
	assert_int_equal(0, asb_length(ports));
	assert_one(fake, "Ready", "True", "DependenciesReady", "Pod is Ready; Service Exists");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {service: false}}");
	asb_fake_settle(fake);
	assert_false(world_exists(fake, "Service", "a"));
	assert_one(fake, "Ready", "True", "DependenciesReady", "Pod is Ready");
	assert_null(asb_at(sandbox(fake), "status", "serviceFQDN"));
}

static void a_service_of_others_is_adopted_only_if_it_may_be(void **state)
{
	struct asb_fake *fake = *state;

	world_put(
		fake,
		"{apiVersion: v1, kind: Service, metadata: {namespace: ns, name: a, labels: {" NAME_HASH
		": other}}, spec: {clusterIP: 10.0.0.9}}");
	beta(fake, "");
	asb_fake_settle(fake);
	running(fake);
	assert_one(fake, "Ready", "True", "DependenciesReady", "Pod is Ready");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {service: false}}");
	asb_fake_settle(fake);
	assert_true(world_exists(fake, "Service", "a"));
	asb_fake_merge(fake, "Service", "ns", "a", "{metadata: {labels: {" ADOPTABLE ": 'true'}}}");
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {service: true}}");
	asb_fake_settle(fake);
	assert_one(
		fake, "Ready", "False", "ReconcilerError",
		"Error seen: cannot adopt service \"a\": ClusterIP is \"10.0.0.9\" (expected \"None\", field is immutable)");
	asb_fake_merge(fake, "Service", "ns", "a", "{spec: {clusterIP: None}}");
	asb_fake_settle(fake);
	assert_true(world_owns(fake, "a", "Service", "a"));
}

static const char *pod_label(struct asb_fake *fake, const char *key)
{
	return asb_label(asb_fake_get(fake, "Pod", "ns", "a"), key);
}

static void the_pod_follows_the_metadata_of_its_template(void **state)
{
	struct asb_fake *fake = *state;
	struct json_object *pod;

	beta(fake, "");
	asb_fake_merge(
		fake, "Sandbox", "ns", "a",
		"{spec: {podTemplate: {metadata: {labels: {app: x, b: y, agents.x-k8s.io/claim-uid: forged, extensions.agents.x-k8s.io/z: forged}, annotations: {n: '1', opentelemetry.io/trace-context: t}}}}}");
	asb_fake_settle(fake);
	/* The new pod needs no second write. */
	assert_writes(fake, "CREATE Pod ns/a", "SET_STATUS Sandbox ns/a", NULL);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_string_equal("app,b", asb_annotation(pod, "agents.x-k8s.io/propagated-labels"));
	assert_string_equal("n", asb_annotation(pod, "agents.x-k8s.io/propagated-annotations"));
	assert_null(asb_label(pod, CLAIM_UID));
	assert_null(asb_label(pod, "extensions.agents.x-k8s.io/z"));
	assert_null(asb_annotation(pod, "opentelemetry.io/trace-context"));
	asb_fake_merge(fake, "Pod", "ns", "a", "{metadata: {labels: {own: z}}}");
	asb_fake_merge(
		fake, "Sandbox", "ns", "a",
		"{spec: {podTemplate: {metadata: {labels: {app: new, b: null, c: d}, annotations: {n: null}}}}}");
	asb_fake_settle(fake);
	pod = asb_fake_get(fake, "Pod", "ns", "a");
	assert_string_equal("new", pod_label(fake, "app"));
	assert_string_equal("d", pod_label(fake, "c"));
	assert_string_equal("z", pod_label(fake, "own"));
	assert_null(pod_label(fake, "b"));
	assert_null(asb_annotation(pod, "n"));
	assert_string_equal("app,c", asb_annotation(pod, "agents.x-k8s.io/propagated-labels"));
	assert_null(asb_annotation(pod, "agents.x-k8s.io/propagated-annotations"));
	asb_fake_forget(fake);
	asb_fake_settle(fake);
	assert_writes(fake, (const char *)NULL);
}

/* A pool's Sandbox becomes a claim's: its pod's labels follow. */
static void labels_of_the_owner_follow_it(void **state)
{
	struct asb_fake *fake = *state;

	world_put(fake, "{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, "
			"metadata: {namespace: ns, name: pool}, spec: {members: Sandboxes}}");
	world_claim(fake, "c");
	world_put(
		fake,
		"{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: {namespace: ns, name: a, labels: {agents.x-k8s.io/warm-pool-sandbox: p, agents.x-k8s.io/sandbox-template-ref-hash: t, agents.x-k8s.io/claim-uid: early}, ownerReferences: [{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, name: pool, uid: %s, controller: true}]}, spec: {origin: v1beta1, podTemplate: {spec: {containers: [{name: c, image: i}]}}}}",
		world_uid(fake, "SandboxWarmPool", "pool"));
	asb_fake_settle(fake);
	assert_string_equal("p", pod_label(fake, "agents.x-k8s.io/warm-pool-sandbox"));
	assert_string_equal("t", pod_label(fake, TEMPLATE_LABEL));
	assert_null(pod_label(fake, CLAIM_UID));
	world_put(
		fake,
		"{apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: {namespace: ns, name: a, labels: {agents.x-k8s.io/sandbox-template-ref-hash: t, agents.x-k8s.io/claim-uid: u}, ownerReferences: [{apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, name: c, uid: %s, controller: true}]}, spec: {origin: v1beta1, podTemplate: {spec: {containers: [{name: c, image: i}]}}}}",
		world_uid(fake, "SandboxClaim", "c"));
	asb_fake_settle(fake);
	assert_null(pod_label(fake, "agents.x-k8s.io/warm-pool-sandbox"));
	assert_string_equal("t", pod_label(fake, TEMPLATE_LABEL));
	assert_string_equal("u", pod_label(fake, CLAIM_UID));
}

static void what_the_server_refuses_for_good_is_not_tried_again(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "");
	world_refuse(fake, "Pod", ASB_INVALID, "Pod \"a\" is invalid", 3);
	asb_fake_settle(fake);
	assert_one(fake, "Ready", "False", "InvalidConfiguration",
		   "Error seen: Pod \"a\" is invalid");
	assert_int_equal(-1, asb_fake_next_ms(fake));
}

static void an_expired_one_says_so_before_the_pod_goes(void **state)
{
	struct asb_fake *fake = *state;

	beta(fake, "service: true");
	asb_fake_settle(fake);
	running(fake);
	asb_fake_forget(fake);
	asb_fake_merge(fake, "Sandbox", "ns", "a",
		       "{spec: {shutdownTime: '2001-01-01T00:00:00Z'}}");
	asb_fake_settle(fake);
	assert_string_equal("SET_STATUS Sandbox ns/a", asb_fake_write(fake, 0));
	assert_int_equal(3, asb_fake_writes(fake));
	assert_false(world_exists(fake, "Pod", "a"));
	assert_false(world_exists(fake, "Service", "a"));
	assert_one(fake, "Ready", "False", "SandboxExpired", "Sandbox has expired");
	assert_non_null(asb_condition(sandbox(fake), "Suspended"));
	assert_null(asb_condition(sandbox(fake), "PodScheduled"));
	asb_fake_merge(fake, "Sandbox", "ns", "a", "{spec: {shutdownPolicy: Delete}}");
	asb_fake_settle(fake);
	assert_null(sandbox(fake));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_running_one_has_three_conditions),
		TEST(a_ready_pod_needs_an_address),
		TEST(suspending_deletes_the_pod_and_keeps_the_selector),
		TEST(a_pod_of_others_is_not_deleted),
		TEST(replicas_suspend_too_and_the_mode_resumes),
		TEST(one_of_v1alpha1_gets_conditions_with_its_first_mode),
		TEST(an_ended_pod_is_not_replaced),
		TEST(several_pods_stop_everything),
		TEST(only_labelled_pods_are_adopted),
		TEST(a_pod_of_another_controller_is_named),
		TEST(a_service_is_made_kept_or_deleted_as_the_spec_says),
		TEST(a_service_of_others_is_adopted_only_if_it_may_be),
		TEST(the_pod_follows_the_metadata_of_its_template),
		TEST(labels_of_the_owner_follow_it),
		TEST(what_the_server_refuses_for_good_is_not_tried_again),
		TEST(an_expired_one_says_so_before_the_pod_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
