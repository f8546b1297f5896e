/* SPDX-License-Identifier: Apache-2.0 */
/* The objects that claims live among, made on the fake host in few words. The test programs of the
 * claim plugin link it. */
#include "config.h"

#include "tests/plugin/test-claim-world.h"

#define TEXT_SIZE 4096

void world_put(struct asb_fake *fake, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	assert_in_range(length, 1, TEXT_SIZE - 1);
	asb_fake_put(fake, text);
}

struct asb_fake *world_create(void)
{
	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());

	world_template(fake, "t", NULL);
	return fake;
}

void world_template(struct asb_fake *fake, const char *name, const char *network_policy)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxTemplate, metadata: { namespace: default, name: %s }, spec: { networkPolicyManagement: PerClaim, podTemplate: {"
		" metadata: { labels: { app: x } }, spec: { containers: [ { name: main, image: img } ] } }%s%s } }",
		name, network_policy != NULL ? ", networkPolicy: " : "",
		network_policy != NULL ? network_policy : "");
}

void world_claim(struct asb_fake *fake, const char *name, const char *more)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxClaim, metadata: { namespace: default, name: %s }, spec: { sandboxTemplateRef: { name: t }%s } }",
		name, more);
}

void world_pool(struct asb_fake *fake, const char *name, const char *claim_template)
{
	world_put(
		fake,
		"{ apiVersion: extensions.agents.x-k8s.io/v1beta1, kind: SandboxWarmPool, metadata: { namespace: default, name: %s }, spec: { members: Pods, replicas: 1, sandboxTemplateRef: { name: %s } } }",
		name, claim_template);
}

void world_pod(struct asb_fake *fake, const char *pool, const char *name, const char *ready_since,
	       const char *hash)
{
	const char *uid = asb_uid(world_get(fake, "SandboxWarmPool", pool));
	char status[256] = "{ phase: Pending }", annotation[256] = "";

	if (ready_since != NULL) {
		snprintf(
			status, sizeof(status),
			"{ phase: Running, conditions: [ { type: Ready, status: 'True', lastTransitionTime: '%s' } ] }",
			ready_since);
	}
	if (hash != NULL) {
		snprintf(annotation, sizeof(annotation),
			 ", annotations: { agents.x-k8s.io/pod-template-hash: '%s' }", hash);
	}
	world_put(
		fake,
		"{ apiVersion: v1, kind: Pod, metadata: { namespace: default, name: %s, labels: { agents.x-k8s.io/pool: '12345678' }%s, ownerReferences: [ {"
		" apiVersion: extensions.agents.x-k8s.io/v1alpha1, kind: SandboxWarmPool, name: %s, uid: '%s', controller: true, blockOwnerDeletion: true } ] }, spec: {}, status: %s }",
		name, annotation, pool, uid, status);
}

void world_owner(char ret[WORLD_OWNER_SIZE], const char *version, const char *kind, const char *uid,
		 bool controller)
{
	snprintf(ret, WORLD_OWNER_SIZE,
		 "{ apiVersion: %s, kind: %s, name: c, uid: '%s', controller: %s }", version, kind,
		 uid, controller ? "true" : "false");
}

void world_report(struct asb_fake *fake, const char *sandbox, const char *status,
		  const char *reason, const char *message)
{
	char text[TEXT_SIZE];

	snprintf(
		text, sizeof(text),
		"{ status: { replicas: 1, conditions: [ { type: Ready, status: '%s', reason: %s, message: '%s', observedGeneration: 77, lastTransitionTime: '2026-01-02T03:04:05Z' } ] } }",
		status, reason, message);
	asb_fake_merge(fake, "Sandbox", "default", sandbox, text);
	world_settle(fake);
}

void world_sandbox_ready(struct asb_fake *fake, const char *sandbox)
{
	world_report(fake, sandbox, "True", "DependenciesReady", "Pod is Ready; Service Exists");
}

struct json_object *world_get(struct asb_fake *fake, const char *kind, const char *name)
{
	struct json_object *object = asb_fake_get(fake, kind, "default", name);

	if (object == NULL) {
		fail_msg("no %s \"%s\"", kind, name);
	}
	return object;
}

bool world_has(struct asb_fake *fake, const char *kind, const char *name)
{
	return asb_fake_get(fake, kind, "default", name) != NULL;
}

const char *world_pod_of(struct asb_fake *fake, const char *sandbox)
{
	const char *pod =
		asb_annotation(world_get(fake, "Sandbox", sandbox), "agents.x-k8s.io/pod-name");

	return pod != NULL ? pod : "";
}

unsigned int world_events(struct asb_fake *fake, const char *text)
{
	unsigned int count = 0;
	const char *event;

	for (unsigned int i = 0; (event = asb_fake_event(fake, i)) != NULL; i++) {
		count += strstr(event, text) != NULL;
	}
	return count;
}

void world_assert_ready(struct asb_fake *fake, const char *claim, const char *status,
			const char *reason, const char *message)
{
	struct json_object *object = world_get(fake, "SandboxClaim", claim);
	struct json_object *ready = asb_condition(object, "Ready");

	if (ready == NULL) {
		fail_msg("claim \"%s\" has no condition Ready", claim);
	}
	assert_string_equal(asb_str(ready, "reason"), reason);
	assert_string_equal(asb_str(ready, "status"), status);
	if (message != NULL) {
		assert_string_equal(asb_str(ready, "message"), message);
	}
	assert_int_equal(asb_int(asb_at(ready, "observedGeneration"), -1), asb_generation(object));
}

void world_assert_writes(struct asb_fake *fake, ...)
{
	unsigned int position = 0;
	const char *expected, *write;
	va_list writes;

	va_start(writes, fake);
	while ((expected = va_arg(writes, const char *)) != NULL) {
		write = asb_fake_write(fake, position++);
		if (write == NULL || strcmp(write, expected) != 0) {
			fail_msg("write %u is \"%s\", not \"%s\"", position,
				 write != NULL ? write : "none", expected);
		}
	}
	va_end(writes);
	write = asb_fake_write(fake, position);
	if (write != NULL) {
		fail_msg("one write more: \"%s\"", write);
	}
	asb_fake_forget(fake);
}

void world_settle(struct asb_fake *fake)
{
	assert_int_not_equal(asb_fake_settle(fake), -1);
}
