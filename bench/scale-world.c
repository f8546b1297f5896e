/* SPDX-License-Identifier: Apache-2.0 */
/* Makes up what an API server with very many objects would send. Used by store-scale.c, called by core's reflectors. */
#include "config.h"

#include "bench/scale-world.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FRAME_SIZE 16384
#define TIME "2026-01-02T03:04:05Z"
#define AGENTS "agents.x-k8s.io"
#define OWNER_FORMAT                                                 \
	"\"ownerReferences\":[{\"apiVersion\":\"%s/"                 \
	"v1alpha1\",\"kind\":\"%s\",\"name\":\"%s\",\"uid\":\"%s\"," \
	"\"controller\":true,\"blockOwnerDeletion\":true}]"
#define POOL_UID "00000000-0000-4000-8000-00000000f001"

#define POD_TEMPLATE_SPEC                                                                          \
	"{\"containers\":[{\"env\":[{\"name\":\"MODE\",\"value\":\"bench\"}],\"image\":\"example." \
	"com/runtime:v1\",\"name\":\"runtime\","                                                   \
	"\"ports\":[{\"containerPort\":8888,\"protocol\":\"TCP\"}],\"readinessProbe\":{"           \
	"\"httpGet\":{\"path\":\"/\",\"port\":8888},"                                              \
	"\"periodSeconds\":1},\"resources\":{\"limits\":{\"memory\":\"512Mi\"},\"requests\":{"     \
	"\"cpu\":\"10m\",\"memory\":\"32Mi\"}}}],"                                                 \
	"\"restartPolicy\":\"Always\"}"

#define FIELDS_OF_CONTAINER                                                                     \
	"\"f:containers\":{\"k:{\\\"name\\\":\\\"runtime\\\"}\":{\".\":{},\"f:env\":{\".\":{}," \
	"\"k:{\\\"name\\\":\\\"MODE\\\"}\":{"                                                   \
	"\".\":{},\"f:name\":{},\"f:value\":{}}},\"f:image\":{},\"f:imagePullPolicy\":{},\"f:"  \
	"name\":{},\"f:ports\":{\".\":{},"                                                      \
	"\"k:{\\\"containerPort\\\":8888,\\\"protocol\\\":\\\"TCP\\\"}\":{\".\":{},\"f:"        \
	"containerPort\":{},\"f:protocol\":{}}},"                                               \
	"\"f:readinessProbe\":{\".\":{},\"f:failureThreshold\":{},\"f:httpGet\":{\".\":{},\"f:" \
	"path\":{},\"f:port\":{},\"f:scheme\":{}},"                                             \
	"\"f:periodSeconds\":{},\"f:successThreshold\":{},\"f:timeoutSeconds\":{}},\"f:"        \
	"resources\":{\".\":{},\"f:limits\":{\".\":{},"                                         \
	"\"f:memory\":{}},\"f:requests\":{\".\":{},\"f:cpu\":{},\"f:memory\":{}}},\"f:"         \
	"terminationMessagePath\":{},"                                                          \
	"\"f:terminationMessagePolicy\":{}}}"

#define FIELDS_OF_CONDITION(type)                                                     \
	"\"k:{\\\"type\\\":\\\"" type "\\\"}\":{\".\":{},\"f:lastProbeTime\":{},\"f:" \
	"lastTransitionTime\":{},\"f:status\":{},\"f:type\":{}}"

#define POD_MANAGED_FIELDS                                                                                         \
	"\"managedFields\":[{\"manager\":\"agent-sandbox-controller\",\"operation\":\"Update\","                   \
	"\"apiVersion\":\"v1\",\"time\":\"" TIME                                                                   \
	"\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:"                 \
	"agents.x-k8s.io/sandbox-name-hash\":{},"                                                                  \
	"\"f:agents.x-k8s.io/"                                                                                     \
	"sandbox-uid\":{},\"f:app\":{}},\"f:ownerReferences\":{\".\":{}}},\"f:spec\":"                             \
	"{" FIELDS_OF_CONTAINER                                                                                    \
	",\"f:dnsPolicy\":{},\"f:enableServiceLinks\":{},\"f:restartPolicy\":{},\"f:"                              \
	"schedulerName\":{},\"f:securityContext\":{},"                                                             \
	"\"f:terminationGracePeriodSeconds\":{}}}},{\"manager\":\"kubelet\",\"operation\":"                        \
	"\"Update\",\"apiVersion\":\"v1\",\"time\":\"" TIME                                                        \
	"\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\"f:conditions\":"                             \
	"{" FIELDS_OF_CONDITION("ContainersReady") "," FIELDS_OF_CONDITION("Initialized") "," FIELDS_OF_CONDITION( \
		"PodReadyToStartContainers") "," FIELDS_OF_CONDITION("Ready") "},\"f:"                             \
									      "containerStatuses"                  \
									      "\":{},\"f:"                         \
									      "hostIP\":{},\"f:"                   \
									      "hostIPs\":{},\"f:"                  \
									      "phase\":{},\"f:"                    \
									      "podIP\":{},\"f:"                    \
									      "podIPs\":{\".\":{}"                 \
									      ","                                  \
									      "\"k:{\\\"ip\\\":"                   \
									      "\\\"10.1.0.1\\\"}"                  \
									      "\":{\".\":{},\"f:"                  \
									      "ip\":{}}},\"f:"                     \
									      "startTime\":{}}},"                  \
									      "\"subresource\":"                   \
									      "\"status\"}]"

#define POD_SPEC                                                                                   \
	"{\"containers\":[{\"name\":\"runtime\",\"image\":\"example.com/"                          \
	"runtime:v1\",\"ports\":[{\"containerPort\":8888,\"protocol\":\"TCP\"}],"                  \
	"\"env\":[{\"name\":\"MODE\",\"value\":\"bench\"}],\"resources\":{\"limits\":{\"memory\":" \
	"\"512Mi\"},\"requests\":{\"cpu\":\"10m\","                                                \
	"\"memory\":\"32Mi\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/"                      \
	"\",\"port\":8888,\"scheme\":\"HTTP\"},\"timeoutSeconds\":1,"                              \
	"\"periodSeconds\":1,\"successThreshold\":1,\"failureThreshold\":3},"                      \
	"\"terminationMessagePath\":\"/dev/termination-log\","                                     \
	"\"terminationMessagePolicy\":\"File\",\"imagePullPolicy\":\"IfNotPresent\"}],"            \
	"\"restartPolicy\":\"Always\","                                                            \
	"\"terminationGracePeriodSeconds\":30,\"dnsPolicy\":\"ClusterFirst\","                     \
	"\"serviceAccountName\":\"default\",\"serviceAccount\":\"default\","                       \
	"\"automountServiceAccountToken\":false,\"nodeName\":\"node-1\",\"securityContext\":{},"   \
	"\"schedulerName\":\"default-scheduler\","                                                 \
	"\"tolerations\":[{\"key\":\"node.kubernetes.io/"                                          \
	"not-ready\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":300}," \
	"{\"key\":\"node.kubernetes.io/"                                                           \
	"unreachable\",\"operator\":\"Exists\",\"effect\":\"NoExecute\",\"tolerationSeconds\":"    \
	"300}],"                                                                                   \
	"\"priority\":0,\"enableServiceLinks\":true,\"preemptionPolicy\":"                         \
	"\"PreemptLowerPriority\"}"

#define CONDITION(type)     \
	"{\"type\":\"" type \
	"\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"" TIME "\"}"

#define SERVICE_MANAGED_FIELDS                                                                     \
	"\"managedFields\":[{\"manager\":\"agent-sandbox-controller\",\"operation\":\"Update\","   \
	"\"apiVersion\":\"v1\",\"time\":\"" TIME                                                   \
	"\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:metadata\":{\"f:labels\":{\".\":{},\"f:" \
	"agents.x-k8s.io/sandbox-name-hash\":{}},"                                                 \
	"\"f:ownerReferences\":{\".\":{}}},\"f:spec\":{\"f:clusterIP\":{},\"f:"                    \
	"internalTrafficPolicy\":{},\"f:selector\":{},"                                            \
	"\"f:sessionAffinity\":{},\"f:type\":{}}}}]"

#define SANDBOX_MANAGED_FIELDS                                                               \
	"\"managedFields\":[{\"apiVersion\":\"agents.x-k8s.io/"                              \
	"v1alpha1\",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":{\"f:status\":{\".\":{},"       \
	"\"f:conditions\":{},\"f:replicas\":{},\"f:selector\":{},\"f:service\":{},\"f:"      \
	"serviceFQDN\":{}}},"                                                                \
	"\"manager\":\"agent-sandbox-controller\",\"operation\":\"Update\",\"subresource\":" \
	"\"status\",\"time\":\"" TIME "\"}]"

struct names {
	char name[32], hash[9], uid[40], pod_uid[40];
};

static void name_of(unsigned int number, struct names *ret)
{
	snprintf(ret->name, sizeof(ret->name), "sandbox-%06u", number);
	asb_name_hash(ret->name, ret->hash);
	snprintf(ret->uid, sizeof(ret->uid), "fbba9fe9-4063-42c7-9fa7-%012u", number);
	snprintf(ret->pod_uid, sizeof(ret->pod_uid), "55cc4a60-03ea-473e-acf3-%012u", number);
}

/* ---- objects -------------------------------------------------------------------------------------------------- */

static void print_sandbox(const struct names *names, unsigned int version, struct buf *out)
{
	buf_printf(
		out,
		"{\"apiVersion\":\"agents.x-k8s.io/v1alpha1\",\"kind\":\"Sandbox\",\"metadata\":{\"creationTimestamp\":\"" TIME
		"\",\"generation\":1," SANDBOX_MANAGED_FIELDS
		",\"name\":\"%s\",\"namespace\":\"bench\",\"resourceVersion\":\"%u\",\"uid\":\"%s\"},\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"app\":\"agent\"}},\"spec\":" POD_TEMPLATE_SPEC
		"},\"replicas\":1,\"shutdownPolicy\":\"Retain\"},\"status\":{\"conditions\":[{\"lastTransitionTime\":\"" TIME
		"\",\"message\":\"Pod is Ready; Service Exists\",\"observedGeneration\":1,\"reason\":\"DependenciesReady\",\"status\":\"True\",\"type\":\"Ready\"}],\"replicas\":1,\"selector\":\"" AGENTS
		"/sandbox-name-hash=%s\",\"service\":\"%s\",\"serviceFQDN\":\"%s.bench.svc.cluster.local\"}}",
		names->name, version, names->uid, names->hash, names->name, names->name);
}

static void print_pod(const struct scale_world *world, const struct names *names,
		      unsigned int version, unsigned int touch, struct buf *out)
{
	char pool_hash[9], template_hash[9];

	asb_name_hash("pool", pool_hash);
	asb_name_hash("template", template_hash);
	buf_printf(
		out,
		"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"bench\",\"uid\":\"%s\",\"resourceVersion\":\"%u\",\"creationTimestamp\":\"" TIME
		"\",\"labels\":{",
		names->name, names->pod_uid, version);
	if (world->pool) {
		buf_printf(out,
			   "\"" AGENTS "/pool\":\"%s\",\"" AGENTS
			   "/sandbox-template-ref-hash\":\"%s\",\"app\":\"agent\"},",
			   pool_hash, template_hash);
		buf_printf(out, OWNER_FORMAT, "extensions." AGENTS, "SandboxWarmPool", "pool",
			   POOL_UID);
	} else {
		buf_printf(out,
			   "\"" AGENTS "/sandbox-name-hash\":\"%s\",\"" AGENTS
			   "/sandbox-uid\":\"%s\",\"app\":\"agent\"},",
			   names->hash, names->uid);
		buf_printf(out, OWNER_FORMAT, AGENTS, "Sandbox", names->name, names->uid);
	}
	buf_append_str(
		out,
		"," POD_MANAGED_FIELDS "},\"spec\":" POD_SPEC
		",\"status\":{\"phase\":\"Running\",\"conditions\":[" CONDITION("PodReadyToStartContainers") "," CONDITION(
			"Initialized") "," CONDITION("ContainersReady") ",");
	buf_printf(
		out,
		"{\"type\":\"Ready\",\"status\":\"True\",\"lastProbeTime\":null,\"lastTransitionTime\":\"2026-01-02T04:%02u:%02uZ\"},",
		touch / 60 % 60, touch % 60);
	buf_append_str(
		out,
		CONDITION(
			"PodScheduled") "],\"hostIP\":\"10.0.0.1\",\"hostIPs\":[{\"ip\":\"10.0.0.1\"}],\"podIP\":\"10.1.0.1\",\"podIPs\":[{\"ip\":\"10.1.0.1\"}],\"startTime\":\"" TIME
					"\",\"containerStatuses\":[{\"name\":\"runtime\",\"state\":{\"running\":{\"startedAt\":\"" TIME
					"\"}},\"lastState\":{},\"ready\":true,\"restartCount\":0,\"image\":\"example.com/runtime:v1\",\"imageID\":\"sha256:0\",\"containerID\":\"containerd://0\",\"started\":true}],\"qosClass\":\"Burstable\"}}");
}

static void print_service(const struct names *names, unsigned int version, struct buf *out)
{
	buf_printf(
		out,
		"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"bench\",\"uid\":\"4c745850-d24c-437f-a0be-18b742244d1c\",\"resourceVersion\":\"%u\",\"creationTimestamp\":\"" TIME
		"\",\"labels\":{\"" AGENTS "/sandbox-name-hash\":\"%s\"},",
		names->name, version, names->hash);
	buf_printf(out, OWNER_FORMAT, AGENTS, "Sandbox", names->name, names->uid);
	buf_printf(
		out,
		"," SERVICE_MANAGED_FIELDS "},\"spec\":{\"selector\":{\"" AGENTS
		"/sandbox-name-hash\":\"%s\",\"" AGENTS
		"/sandbox-uid\":\"%s\"},\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"],\"type\":\"ClusterIP\",\"sessionAffinity\":\"None\",\"ipFamilies\":[\"IPv4\"],\"ipFamilyPolicy\":\"SingleStack\",\"internalTrafficPolicy\":\"Cluster\"},\"status\":{\"loadBalancer\":{}}}",
		names->hash, names->uid);
}

static void print_pool(const struct scale_world *world, struct buf *out)
{
	buf_printf(
		out,
		"{\"apiVersion\":\"extensions.agents.x-k8s.io/v1alpha1\",\"kind\":\"SandboxWarmPool\",\"metadata\":{\"creationTimestamp\":\"" TIME
		"\",\"generation\":1,\"name\":\"pool\",\"namespace\":\"bench\",\"resourceVersion\":\"5\",\"uid\":\"" POOL_UID
		"\"},\"spec\":{\"replicas\":%u,\"sandboxTemplateRef\":{\"name\":\"template\"}},\"status\":{\"replicas\":%u,\"readyReplicas\":%u}}",
		world->count, world->count, world->count);
}

static void print_template(struct buf *out)
{
	buf_append_str(
		out,
		"{\"apiVersion\":\"extensions.agents.x-k8s.io/v1alpha1\",\"kind\":\"SandboxTemplate\",\"metadata\":{\"creationTimestamp\":\"" TIME
		"\",\"generation\":1,\"name\":\"template\",\"namespace\":\"bench\",\"resourceVersion\":\"4\",\"uid\":\"00000000-0000-4000-8000-00000000f002\"},\"spec\":{\"podTemplate\":{\"metadata\":{\"labels\":{\"app\":\"agent\"}},\"spec\":" POD_TEMPLATE_SPEC
		"}}}");
}

/* ---- streams -------------------------------------------------------------------------------------------------- */

enum collection { OTHER, SANDBOXES, PODS, SERVICES, POOLS, TEMPLATES };

static enum collection collection_of(const char *path)
{
	static const struct {
		const char *part;
		enum collection collection;
	} rows[] = {
		{ "/sandboxes?", SANDBOXES },        { "/pods?", PODS },
		{ "/services?", SERVICES },          { "/sandboxwarmpools?", POOLS },
		{ "/sandboxtemplates?", TEMPLATES },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strstr(path, rows[i].part) != NULL) {
			return rows[i].collection;
		}
	}
	return OTHER;
}

/* How many objects of it there are. */
static unsigned int size_of(const struct scale_world *world, enum collection collection)
{
	switch (collection) {
	case PODS:
		return world->count;
	case SANDBOXES:
	case SERVICES:
		return world->pool ? 0 : world->count;
	case POOLS:
	case TEMPLATES:
		return world->pool ? 1 : 0;
	default:
		return 0;
	}
}

static void print_object(const struct scale_world *world, enum collection collection,
			 unsigned int number, struct buf *out)
{
	struct names names;

	name_of(number, &names);
	switch (collection) {
	case SANDBOXES:
		print_sandbox(&names, number + 10, out);
		break;
	case PODS:
		print_pod(world, &names, number + 10, 0, out);
		break;
	case SERVICES:
		print_service(&names, number + 10, out);
		break;
	case POOLS:
		print_pool(world, out);
		break;
	default:
		print_template(out);
	}
}

struct reader {
	transport_bytes bytes;
	void *arg;
	struct buf frame;
};

static int send_frame(struct reader *reader)
{
	int result;

	buf_append_char(&reader->frame, '\n');
	if (reader->frame.failed) {
		abort(); /* FRAME_SIZE is too small for what is printed above */
	}
	result = reader->bytes(reader->arg, reader->frame.data, reader->frame.length);
	buf_clear(&reader->frame);
	return result;
}

/* Later than any version of the list. */
static unsigned int list_version(const struct scale_world *world)
{
	return world->count + 100;
}

static int send_list(const struct scale_world *world, enum collection collection,
		     struct reader *reader)
{
	for (unsigned int i = 0; i < size_of(world, collection); i++) {
		buf_append_str(&reader->frame, "{\"type\":\"ADDED\",\"object\":");
		print_object(world, collection, i, &reader->frame);
		buf_append_char(&reader->frame, '}');
		if (send_frame(reader) != 0) {
			return -1;
		}
	}
	buf_printf(
		&reader->frame,
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"Stub\",\"metadata\":{\"resourceVersion\":\"%u\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}",
		list_version(world));
	return send_frame(reader);
}

/* Waits for touches beyond those sent. False at the end. */
static bool wait_for_touch(struct scale_world *world, unsigned int sent)
{
	LOCKED(&world->lock);
	while (world->touched == sent && !world->stopped) {
		sched_cond_wait(&world->changed, &world->lock, SCHED_FOREVER);
	}
	return !world->stopped;
}

static void note_sent(struct scale_world *world, unsigned int sent)
{
	LOCKED(&world->lock);
	world->sent = sent;
}

static void stream(struct transport *transport, const struct http_request *request,
		   uint32_t idle_ms, transport_bytes bytes, void *arg, struct http_response *ret)
{
	struct scale_world *world = (struct scale_world *)transport;
	enum collection collection = collection_of(request->path);
	struct reader reader = { .bytes = bytes, .arg = arg, .frame = BUF_INIT(FRAME_SIZE) };
	unsigned int sent = 0;
	struct names names;

	(void)idle_ms;
	*ret = (struct http_response){ .status = 200, .body = BUF_INIT(RESPONSE_MAX) };
	if (send_list(world, collection, &reader) == 0) {
		while (wait_for_touch(world, sent)) {
			unsigned int pod = sent++ % world->count;

			if (collection != PODS) {
				continue;
			}
			name_of(pod, &names);
			buf_append_str(&reader.frame, "{\"type\":\"MODIFIED\",\"object\":");
			print_pod(world, &names, list_version(world) + sent, sent, &reader.frame);
			buf_append_char(&reader.frame, '}');
			if (send_frame(&reader) != 0) {
				break;
			}
			note_sent(world, sent);
		}
	}
	buf_finish(&reader.frame);
	ret->result = -ECANCELED;
}

/* ---- requests ------------------------------------------------------------------------------------------------- */

/* Nothing has to be written in this world; what is written all the same gets its own text for a response. */
static void perform(struct transport *transport, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct scale_world *world = (struct scale_world *)transport;

	for (size_t i = 0; i < count; i++) {
		bool dry = strstr(requests[i].path, "dryRun=All") != NULL;

		responses[i] =
			(struct http_response){ .status = 201, .body = BUF_INIT(RESPONSE_MAX) };
		buf_append(&responses[i].body, requests[i].body != NULL ? requests[i].body : "{}",
			   requests[i].body != NULL ? requests[i].body_length : 2);
		if (!dry && strcmp(requests[i].method, "GET") != 0) {
			LOCKED(&world->lock);
			if (world->writes++ < 3) {
				fprintf(stderr, "not expected: %s %s %.400s\n", requests[i].method,
					requests[i].path,
					requests[i].body != NULL ? requests[i].body : "");
			}
		}
	}
}

static void stop(struct transport *transport)
{
	struct scale_world *world = (struct scale_world *)transport;

	LOCKED(&world->lock);
	world->stopped = true;
	sched_cond_broadcast(&world->changed);
}

static const struct transport_ops ops = { .perform = perform, .stream = stream, .stop = stop };

void scale_world_init(struct scale_world *world, struct sched *sched, unsigned int count, bool pool)
{
	*world = (struct scale_world){
		.transport = { &ops }, .sched = sched, .count = count, .pool = pool
	};
	sched_mutex_init(&world->lock, sched);
	sched_cond_init(&world->changed, sched);
}

void scale_world_finish(struct scale_world *world)
{
	sched_cond_finish(&world->changed);
	sched_mutex_finish(&world->lock);
}

void scale_world_touch(struct scale_world *world, unsigned int pods)
{
	LOCKED(&world->lock);
	world->touched += pods;
	sched_cond_broadcast(&world->changed);
}

bool scale_world_settled(struct scale_world *world)
{
	LOCKED(&world->lock);
	return world->sent == world->touched;
}
