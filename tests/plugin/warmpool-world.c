/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and reads the world that the tests of the warm pool play in. Called by test-warmpool*.c;
 * the table of ours is put in place for the length of each reconcile.
 */
#include "config.h"

#include "tests/plugin/warmpool-world.h"

#define WATCH_TEMPLATE 1
#define WATCH_POD 2
#define WATCH_SANDBOX 3
#define INDEX_LIVE 2
#define API "apiVersion: extensions.agents.x-k8s.io/v1beta1, "

const struct asb_plugin *asb_plugin_entry(void);

struct spy spy;

static const struct asb_host *real;
static struct asb_host ours;

static struct json_object *spy_get(struct asb_call *call, uint32_t watch, const char *ns,
				   const char *name)
{
	spy.calls++;
	if ((watch == WATCH_POD || watch == WATCH_SANDBOX) &&
	    (spy.store_is_blind || (spy.hides != NULL && strcmp(spy.hides, name) == 0))) {
		return NULL;
	}
	return real->get(call, watch, ns, name);
}

static uint32_t spy_list(struct asb_call *call, uint32_t index, const char *value, uint32_t limit,
			 uint32_t flags, struct json_object *const **ret)
{
	uint32_t count = spy.store_is_blind ? 0 : real->list(call, index, value, limit, flags, ret);

	spy.calls++;
	spy.listed += count;
	if (spy.racing != NULL && count > 0) {
		asb_fake_reserve(spy.racing, "Pod", "ns", asb_name((*ret)[0]), "ns/pool");
		spy.racing = NULL;
	}
	return count;
}

static uint64_t spy_count(struct asb_call *call, uint32_t index, const char *value)
{
	const char *tail = strchr(value, '/');
	bool hidden = spy.hides != NULL && index == INDEX_LIVE &&
		      (strcmp(tail, "/*") == 0 || strcmp(tail + 1, spy.hash) == 0);

	spy.calls++;
	return spy.store_is_blind ? 0 : real->count(call, index, value) - (hidden ? 1 : 0);
}

static void *spy_key_state(struct asb_call *call, uint64_t size)
{
	static uint64_t kept[512];

	if (!spy.keeps_memory) {
		memset(kept, 0, sizeof(kept));
		return real->key_state(call, size);
	}
	return kept;
}

static int32_t spy_get_live(struct asb_call *call, uint32_t watch, const char *ns, const char *name,
			    struct json_object **ret)
{
	spy.reads++;
	return spy.reads_fail ? ASB_UNREACHABLE : real->get_live(call, watch, ns, name, ret);
}

static int32_t spy_write_all(struct asb_call *call, struct asb_write *writes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		spy.priorities |= 1u << writes[i].priority;
		spy.bad_removes += writes[i].verb == ASB_DELETE &&
				   (writes[i].uid == NULL || writes[i].resource_version == NULL);
	}
	int32_t result = real->write_all(call, writes, count);

	for (uint32_t i = 0; i < count; i++) {
		if (spy.too_many && writes[i].result == ASB_UNREACHABLE) {
			writes[i].http_status = 429;
		}
	}
	return result;
}

static int32_t spied_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			       uint64_t *ret_requeue_after_ms)
{
	struct json_object *template;
	int32_t result;

	real = call->host;
	template = real->get(call, WATCH_TEMPLATE, "ns", "tmpl");
	if (template != NULL) {
		asb_tree_hash(call, asb_at(template, "spec", "podTemplate"), spy.hash);
	}
	ours = *real;
	ours.get = spy_get;
	ours.list = spy_list;
	ours.count = spy_count;
	ours.get_live = spy_get_live;
	ours.key_state = spy_key_state;
	ours.write_all = spy_write_all;
	call->host = &ours;
	result = asb_plugin_entry()->reconcile(state, call, key, ret_requeue_after_ms);
	call->host = real;
	return result;
}

static struct asb_plugin spied;

struct asb_fake *world_create(void)
{
	spy = (struct spy){ 0 };
	spied = *asb_plugin_entry();
	spied.reconcile = spied_reconcile;
	return asb_fake_create(&spied);
}

struct asb_fake *world_with_pool(int replicas, const char *image)
{
	struct asb_fake *fake = world_create();

	put_template(fake, image);
	put_pool(fake, replicas);
	return fake;
}

void put_template(struct asb_fake *fake, const char *image)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ " API
		"kind: SandboxTemplate, metadata: { namespace: ns, name: tmpl }, spec: { podTemplate: { metadata: { labels: { app: web }, annotations: { note: hi } }, spec: { containers: [ { name: c, image: %s } ] } } } }",
		image);
	asb_fake_put(fake, text);
}

void put_pool(struct asb_fake *fake, int replicas)
{
	char text[512];

	snprintf(
		text, sizeof(text),
		"{ " API
		"kind: SandboxWarmPool, metadata: { namespace: ns, name: pool }, spec: { members: Pods, replicas: %d, sandboxTemplateRef: { name: tmpl } } }",
		replicas);
	asb_fake_put(fake, text);
}

void put_pod(struct asb_fake *fake, const char *name, const char *labels, const char *annotations,
	     const char *owners)
{
	char text[1024];

	snprintf(
		text, sizeof(text),
		"{ apiVersion: v1, kind: Pod, metadata: { namespace: ns, name: %s, labels: { %s }, annotations: { %s }, ownerReferences: [ %s ] }, spec: { containers: [ { name: c, image: foreign } ] }, status: { phase: Running } }",
		name, labels, annotations, owners);
	asb_fake_put(fake, text);
}

void owner_text(char ret[256], const char *api_version, const char *kind, struct json_object *owner)
{
	snprintf(ret, 256, "{ apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true }",
		 api_version, kind, asb_name(owner), asb_uid(owner));
}

void scale(struct asb_fake *fake, int replicas)
{
	char text[64];

	snprintf(text, sizeof(text), "{ spec: { replicas: %d } }", replicas);
	asb_fake_merge(fake, POOL_KIND, "ns", "pool", text);
}

void set_phase(struct asb_fake *fake, const char *pod, const char *phase)
{
	char text[64];

	snprintf(text, sizeof(text), "{ status: { phase: %s } }", phase);
	asb_fake_merge(fake, "Pod", "ns", pod, text);
}

/* The template stands for the Sandbox: an owner must exist, or the pod is collected. */
void take_pod(struct asb_fake *fake, const char *pod)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "{ metadata: { labels: { agents.x-k8s.io/pool: null }, ownerReferences: [ { " API
		 "kind: SandboxTemplate, name: tmpl, uid: %s, controller: true } ] } }",
		 asb_uid(asb_fake_get(fake, "SandboxTemplate", "ns", "tmpl")));
	asb_fake_merge(fake, "Pod", "ns", pod, text);
}

void ready_all(struct asb_fake *fake)
{
	for (unsigned int n = 0; live_pod(fake, n) != NULL; n++) {
		if (!asb_condition_is(live_pod(fake, n), "Ready", "True")) {
			asb_fake_pod_ready(fake, "ns", live_name(fake, n));
		}
	}
}

struct json_object *live_pod(struct asb_fake *fake, unsigned int n)
{
	struct json_object *pod;

	for (unsigned int i = 0; (pod = asb_fake_nth(fake, "Pod", i)) != NULL; i++) {
		const char *phase = asb_str(pod, "status", "phase");
		bool ended = asb_streq(phase, "Failed") || asb_streq(phase, "Succeeded");

		if (!ended && !asb_deleting(pod) && n-- == 0) {
			return pod;
		}
	}
	return NULL;
}

unsigned int live_pods(struct asb_fake *fake)
{
	unsigned int count = 0;

	while (live_pod(fake, count) != NULL) {
		count++;
	}
	return count;
}

unsigned int pods_of(struct asb_fake *fake, const char *image)
{
	struct json_object *pod;
	unsigned int count = 0;

	for (unsigned int n = 0; (pod = live_pod(fake, n)) != NULL; n++) {
		struct json_object *first =
			json_object_array_get_idx(asb_at(pod, "spec", "containers"), 0);

		count += asb_streq(asb_str(first, "image"), image);
	}
	return count;
}

const char *live_name(struct asb_fake *fake, unsigned int n)
{
	static char names[16][254];
	struct json_object *pod = live_pod(fake, n);

	snprintf(names[n % 16], sizeof(names[0]), "%s", pod != NULL ? asb_name(pod) : "");
	return names[n % 16];
}

static unsigned int count_texts(struct asb_fake *fake,
				const char *(*next)(struct asb_fake *, unsigned int),
				const char *prefix)
{
	unsigned int count = 0;
	const char *text;

	for (unsigned int i = 0; (text = next(fake, i)) != NULL; i++) {
		count += strncmp(text, prefix, strlen(prefix)) == 0;
	}
	return count;
}

unsigned int wrote(struct asb_fake *fake, const char *prefix)
{
	return count_texts(fake, asb_fake_write, prefix);
}

unsigned int told(struct asb_fake *fake, const char *prefix)
{
	return count_texts(fake, asb_fake_event, prefix);
}

int64_t status_of(struct asb_fake *fake, const char *field)
{
	return asb_int(asb_at(asb_fake_get(fake, POOL_KIND, "ns", "pool"), "status", field), -1);
}
