/* SPDX-License-Identifier: Apache-2.0 */
/* Makes and reads the world of pools of Sandboxes. Called by test-warmpool-sandbox*.c. */
#include "config.h"

#include "tests/plugin/sandbox-pool-world.h"

#include "plugins/common/kinds.h"

struct asb_fake *beta_world(int replicas, const char *image, const char *const *options)
{
	struct asb_fake *fake = asb_fake_create_with(asb_plugin_entry(), options);

	put_beta_template(fake, image);
	put_beta_pool(fake, replicas, "");
	return fake;
}

void put_beta_template(struct asb_fake *fake, const char *image)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ " BETA
		"kind: SandboxTemplate, metadata: { namespace: ns, name: tmpl }, spec: { podTemplate: { metadata: { labels: { app: web }, annotations: { note: hi } }, spec: { containers: [ { name: c, image: %s } ] } } } }",
		image);
	asb_fake_put(fake, text);
}

void put_beta_pool(struct asb_fake *fake, int replicas, const char *fields)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ " BETA
		"kind: SandboxWarmPool, metadata: { namespace: ns, name: pool }, spec: { replicas: %d, sandboxTemplateRef: { name: tmpl }%s%s } }",
		replicas, *fields != '\0' ? ", " : "", fields);
	asb_fake_put(fake, text);
}

void put_orphan_sandbox(struct asb_fake *fake, const char *name, const char *image,
			const char *labels)
{
	char text[1024], pool[9], template[9];

	asb_name_hash("pool", pool);
	asb_name_hash("tmpl", template);
	snprintf(
		text, sizeof(text),
		"{ apiVersion: agents.x-k8s.io/v1beta1, kind: Sandbox, metadata: { namespace: ns, name: %s, labels: { agents.x-k8s.io/warm-pool-sandbox: \"%s\", agents.x-k8s.io/sandbox-template-ref-hash: \"%s\", %s } }, spec: { podTemplate: { spec: { automountServiceAccountToken: false, dnsPolicy: None, dnsConfig: { nameservers: [ 8.8.8.8, 1.1.1.1 ] }, containers: [ { name: c, image: %s, resources: {} } ] } } } }",
		name, pool, template, labels, image);
	asb_fake_put(fake, text);
}

void set_conditions(struct asb_fake *fake, const char *name, const char *conditions)
{
	char text[512];

	snprintf(text, sizeof(text), "{ status: { conditions: [ %s ] } }", conditions);
	asb_fake_merge(fake, "Sandbox", "ns", name, text);
}

void make_ready(struct asb_fake *fake, const char *name)
{
	set_conditions(fake, name, "{ type: Ready, status: \"True\" }");
}

void make_all_ready(struct asb_fake *fake)
{
	for (unsigned int n = 0; member(fake, n) != NULL; n++) {
		make_ready(fake, member_name(fake, n));
	}
}

void claim_sandbox(struct asb_fake *fake, const char *name)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ metadata: { labels: { agents.x-k8s.io/warm-pool-sandbox: null }, ownerReferences: [ { " BETA
		"kind: SandboxTemplate, name: tmpl, uid: %s, controller: true } ] } }",
		asb_uid(asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl")));
	asb_fake_merge(fake, "Sandbox", "ns", name, text);
}

struct json_object *member(struct asb_fake *fake, unsigned int n)
{
	const char *uid = asb_uid(asb_fake_get(fake, POOL_KIND, "ns", "pool"));
	struct json_object *sandbox;

	for (unsigned int i = 0; (sandbox = asb_fake_nth(fake, "Sandbox", i)) != NULL; i++) {
		if (asb_controlled_by(sandbox, &kind_pool, uid) && n-- == 0) {
			return sandbox;
		}
	}
	return NULL;
}

unsigned int members(struct asb_fake *fake)
{
	unsigned int count = 0;

	while (member(fake, count) != NULL) {
		count++;
	}
	return count;
}

const char *member_name(struct asb_fake *fake, unsigned int n)
{
	static char names[16][254];
	struct json_object *sandbox = member(fake, n);

	snprintf(names[n % 16], sizeof(names[0]), "%s", sandbox != NULL ? asb_name(sandbox) : "");
	return names[n % 16];
}

unsigned int members_of(struct asb_fake *fake, const char *image)
{
	struct json_object *sandbox;
	unsigned int count = 0;

	for (unsigned int n = 0; (sandbox = member(fake, n)) != NULL; n++) {
		struct json_object *first = json_object_array_get_idx(
			asb_at(sandbox, "spec", "podTemplate", "spec", "containers"), 0);

		count += asb_streq(asb_str(first, "image"), image);
	}
	return count;
}
