/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects and questions that the tests of the Sandbox plugin have in common. Linked into each of
 * them.
 */
#include "config.h"

#include "tests/plugin/sandbox-world.h"

int world_setup(void **state)
{
	*state = asb_fake_create(asb_plugin_entry());
	return 0;
}

int world_teardown(void **state)
{
	asb_fake_destroy(*state);
	return 0;
}

struct json_object *world_put(struct asb_fake *fake, const char *format, ...)
{
	va_list arguments;
	char text[8192];
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	assert_in_range(length, 1, sizeof(text) - 1);
	return asb_fake_put(fake, text);
}

struct json_object *world_sandbox(struct asb_fake *fake, const char *name, const char *spec)
{
	return world_put(fake,
			 "apiVersion: agents.x-k8s.io/v1beta1\n"
			 "kind: Sandbox\n"
			 "metadata: {namespace: ns, name: %s}\n"
			 "spec: {origin: v1alpha1, service: true, podTemplate: {spec: {containers: [{name: c, image: i}]}}%s%s}\n",
			 name, *spec != '\0' ? ", " : "", spec);
}

const char *world_uid(struct asb_fake *fake, const char *kind, const char *name)
{
	const char *uid = asb_uid(asb_fake_get(fake, kind, "ns", name));

	assert_non_null(uid);
	return uid;
}

void world_pool_pod(struct asb_fake *fake, const char *pod)
{
	char uid[64];

	if (!world_exists(fake, "SandboxWarmPool", "pool")) {
		world_put(fake, "apiVersion: extensions.agents.x-k8s.io/v1beta1\n"
				"kind: SandboxWarmPool\n"
				"metadata: {namespace: ns, name: pool}\n"
				"spec: {members: Pods, replicas: 1, sandboxTemplateRef: {name: tmpl}}\n");
	}
	snprintf(uid, sizeof(uid), "%s", world_uid(fake, "SandboxWarmPool", "pool"));
	world_put(
		fake,
		"apiVersion: v1\n"
		"kind: Pod\n"
		"metadata:\n"
		"  namespace: ns\n"
		"  name: %s\n"
		"  labels: {%s: aaaaaaaa, %s: bbbbbbbb, app: python}\n"
		"  ownerReferences:\n"
		"  - {apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxWarmPool, name: pool, uid: %s, controller: true, blockOwnerDeletion: true}\n"
		"spec: {containers: [{name: c, image: i}]}\n",
		pod, POOL_LABEL, TEMPLATE_LABEL, uid);
	asb_fake_pod_ready(fake, "ns", pod);
}

void world_claim(struct asb_fake *fake, const char *name)
{
	world_put(fake,
		  "apiVersion: extensions.agents.x-k8s.io/v1beta1\n"
		  "kind: SandboxClaim\n"
		  "metadata: {namespace: ns, name: %s}\n"
		  "spec: {sandboxTemplateRef: {name: tmpl}}\n",
		  name);
}

void world_claimed_sandbox(struct asb_fake *fake, const char *name, const char *pod)
{
	char uid[64];

	snprintf(uid, sizeof(uid), "%s", world_uid(fake, "SandboxClaim", name));
	world_put(
		fake,
		"apiVersion: agents.x-k8s.io/v1beta1\n"
		"kind: Sandbox\n"
		"metadata:\n"
		"  namespace: ns\n"
		"  name: %s\n"
		"  annotations: {%s: %s}\n"
		"  ownerReferences:\n"
		"  - {apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxClaim, name: %s, uid: %s, controller: true, blockOwnerDeletion: true}\n"
		"spec:\n"
		"  origin: v1alpha1\n"
		"  service: true\n"
		"  replicas: 1\n"
		"  podTemplate:\n"
		"    metadata: {labels: {%s: %s}}\n"
		"    spec: {containers: [{name: c, image: i}]}\n",
		name, POD_NAME, pod, name, uid, CLAIM_UID, uid);
}

void world_adopted(struct asb_fake *fake, const char *name, const char *pod)
{
	world_pool_pod(fake, pod);
	world_claim(fake, name);
	world_claimed_sandbox(fake, name, pod);
	assert_int_equal(asb_fake_settle(fake), 0);
	assert_true(world_owns(fake, name, "Pod", pod));
	asb_fake_forget(fake);
}

const char *world_other_uid(struct asb_fake *fake)
{
	if (!world_exists(fake, "PersistentVolumeClaim", "stranger")) {
		world_unowned(fake, "PersistentVolumeClaim", "stranger");
	}
	return world_uid(fake, "PersistentVolumeClaim", "stranger");
}

void world_change_owner(struct asb_fake *fake, const char *kind, const char *name, const char *uid)
{
	struct json_object *object = asb_copy(asb_fake_get(fake, kind, "ns", name));

	asb_set_str(asb_controller(object, NULL), "uid", uid);
	asb_fake_put(fake, json_object_to_json_string_ext(object, JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(object);
}

static const char *some_spec(const char *kind)
{
	return strcmp(kind, "Pod") == 0       ? "containers: [{name: c, image: i}]"
	       : strcmp(kind, "Service") == 0 ? "clusterIP: None, selector: {app: foreign}"
					      : "accessModes: [ReadWriteOnce]";
}

void world_unowned(struct asb_fake *fake, const char *kind, const char *name)
{
	world_put(fake,
		  "apiVersion: v1\n"
		  "kind: %s\n"
		  "metadata: {namespace: ns, name: %s}\n"
		  "spec: {%s}\n",
		  kind, name, some_spec(kind));
}

void world_foreign(struct asb_fake *fake, const char *kind, const char *name)
{
	char uid[64];

	snprintf(uid, sizeof(uid), "%s", world_other_uid(fake));
	world_put(
		fake,
		"apiVersion: v1\n"
		"kind: %s\n"
		"metadata:\n"
		"  namespace: ns\n"
		"  name: %s\n"
		"  ownerReferences:\n"
		"  - {apiVersion: apps/v1, kind: ReplicaSet, name: rs, uid: %s, controller: true}\n"
		"spec: {%s}\n",
		kind, name, uid, some_spec(kind));
}

void world_show(struct asb_fake *fake, const char *kind, const char *name)
{
	asb_fake_merge(fake, kind, "ns", name, "metadata: {labels: {" NAME_HASH ": forged}}");
}

void world_phase(struct asb_fake *fake, const char *pod, const char *phase, const char *ready)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "status: {phase: %s, conditions: [{type: Ready, status: \"%s\"}]}", phase, ready);
	asb_fake_merge(fake, "Pod", "ns", pod, text);
}

void world_refuse(struct asb_fake *fake, const char *kind, int32_t result, const char *message,
		  int times)
{
	for (int i = 0; i < times; i++) {
		asb_fake_fail(fake, ASB_CREATE, kind, result, message, false);
	}
}

void assert_condition(struct asb_fake *fake, const char *name, const char *status,
		      const char *reason, const char *message)
{
	struct json_object *sandbox = asb_fake_get(fake, "Sandbox", "ns", name);
	struct json_object *ready = asb_condition(sandbox, "Ready");

	assert_non_null(sandbox);
	assert_int_equal(asb_length(asb_array(sandbox, "status", "conditions")), 1);
	assert_non_null(ready);
	assert_string_equal(asb_str(ready, "message"), message);
	assert_string_equal(asb_str(ready, "reason"), reason);
	assert_string_equal(asb_str(ready, "status"), status);
}

void assert_status_str(struct asb_fake *fake, const char *name, const char *member,
		       const char *value)
{
	const char *found = asb_str(asb_fake_get(fake, "Sandbox", "ns", name), "status", member);

	if (value == NULL) {
		assert_null(found);
		return;
	}
	assert_non_null(found);
	assert_string_equal(found, value);
}

void assert_replicas(struct asb_fake *fake, const char *name, int replicas)
{
	struct json_object *sandbox = asb_fake_get(fake, "Sandbox", "ns", name);

	assert_int_equal(asb_int(asb_at(sandbox, "status", "replicas"), -1), replicas);
}

void assert_writes(struct asb_fake *fake, ...)
{
	unsigned int position = 0;
	const char *expected;
	va_list list;

	va_start(list, fake);
	while ((expected = va_arg(list, const char *)) != NULL) {
		const char *found = asb_fake_write(fake, position++);

		assert_string_equal(found != NULL ? found : "nothing", expected);
	}
	va_end(list);
	assert_string_equal(asb_fake_writes(fake) > position ? asb_fake_write(fake, position) : "",
			    "");
}

unsigned int world_events(struct asb_fake *fake, const char *beginning)
{
	unsigned int found = 0;
	const char *event;

	for (unsigned int i = 0; (event = asb_fake_event(fake, i)) != NULL; i++) {
		found += strncmp(event, beginning, strlen(beginning)) == 0;
	}
	return found;
}

bool world_owns(struct asb_fake *fake, const char *sandbox, const char *kind, const char *name)
{
	struct json_object *owner = asb_controller(asb_fake_get(fake, kind, "ns", name), NULL);

	return asb_streq(asb_str(owner, "kind"), "Sandbox") &&
	       asb_streq(asb_str(owner, "uid"), world_uid(fake, "Sandbox", sandbox));
}

bool world_exists(struct asb_fake *fake, const char *kind, const char *name)
{
	return asb_fake_get(fake, kind, "ns", name) != NULL;
}
