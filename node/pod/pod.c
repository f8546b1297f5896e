/* SPDX-License-Identifier: Apache-2.0 */
/* The reconciler of pods: observes, plans, acts and reports. Run by core/controller/manager as a
 * built-in plugin. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "node/env/env.h"
#include "node/pod/api.h"
#include "node/pod/scheduler.h"
#include "node/pod/pod-private.h"
#include "node/pod/status.h"

#define ROUNDS_MAX 64     /* of one reconcile: init containers run one after another */
#define RESYNC_MS 60000   /* for exits that were not reported, and changed config maps */
#define REFRESH_MS 60000  /* content of volumes, as a kubelet */
#define ORPHAN_GRACE_S 30 /* of an orphaned pod whose own grace period is not known */
#define OUTAGE_MS 5000    /* until the API server or the runtime is asked again */

/* ---- pods whose object is gone ---- */

/* Removes the directories of a pod: messages and volumes. */
static int pod_clear_directories(struct node *node, const char *uid, struct error *reterr)
{
	message_remove(node->options->state_dir, uid);
	return volumes_remove(node->options->state_dir, uid, reterr);
}

/* Ends an orphaned pod. 0: nothing of it is left. 1: it is still ending. */
static int pod_end_orphan(struct node *node, struct pod_record *record, struct error *reterr)
{
	struct runtime *runtime = node->runtime;
	struct runtime_list list = { 0 };
	int code = runtime->ops->list(runtime, record->uid, &list, reterr);
	int64_t grace_s = record->grace_s >= 0 ? record->grace_s : ORPHAN_GRACE_S;
	bool runs = false, any = list.count > 0;

	/* Without a grace period the removal below ends it in one step. */
	for (size_t i = 0; code == 0 && grace_s > 0 && i < list.count; i++) {
		runs = pod_stop_orphan(node, &list.items[i], grace_s) || runs;
	}
	runtime_list_finish(&list);
	if (code < 0 || runs) {
		return code < 0 ? code : 1;
	}
	if (any) {
		code = runtime->ops->remove_pod(runtime, record->uid, reterr);
	}
	return code < 0 ? code : pod_clear_directories(node, record->uid, reterr);
}

static void pod_end_probes_of(struct node *node, const struct pod_record *record)
{
	for (size_t i = 0; node->prober != NULL && i < record->container_count; i++) {
		if (record->containers[i].probed[0] != '\0') {
			prober_remove(node->prober, record->containers[i].probed);
		}
	}
}

/* Ends the orphaned pods of this key: all but the pod of this uid. 0: none is left; 1: some still
 * end. */
static int pod_end_orphans(struct node *node, const struct asb_key *key, const char *uid,
			   struct error *reterr)
{
	char **uids = pod_store_uids(node->pods, key->ns, key->name);
	int result = 0;

	for (char **at = uids; *at != NULL; at++) {
		struct pod_record *record;
		int left;

		if (asb_streq(*at, uid)) {
			continue;
		}
		record = pod_store_get(node->pods, *at, key->ns, key->name);
		pod_end_probes_of(node, record);
		left = pod_end_orphan(node, record, reterr);
		if (left == 0) {
			pod_store_remove(node->pods, *at);
		} else if (result >= 0) {
			result = left;
		}
	}
	strings_finish(uids);
	return result;
}

/* ---- a pod of this node ---- */

/* Retries soon where the API server or the runtime was out of reach. Other errors get the queue's
 * backoff, which grows to a quarter of an hour. */
static int32_t pod_retry_later(struct pod_call *pc, int code, const char *what, const char *why)
{
	if (code == ASB_UNREACHABLE || code == -EAGAIN) {
		pc->call->host->log(pc->call->instance, ASB_LOG_DEBUG,
				    "pod '%s/%s': %s, trying again soon: %s", asb_ns(pc->pod),
				    asb_name(pc->pod), what, why);
		pod_requeue_after(pc, OUTAGE_MS);
		return ASB_REQUEUE_AFTER;
	}
	return pc->call->host->fail(pc->call, ASB_ERROR, "%s: %s", what, why);
}

static int32_t pod_write_status(struct pod_call *pc)
{
	struct status_facts facts = { .runtime = pc->node->runtime_name,
				      .host_ip = pc->node->host_ip };
	struct asb_write write =
		asb_set_status(WATCH_PODS, pc->pod, status_make(&pc->view, &facts));
	int32_t result = asb_write(pc->call, &write);

	if (result == ASB_NOT_FOUND || result == ASB_OK) {
		return ASB_OK;
	}
	return pod_retry_later(pc, result, "cannot write the status", write.message);
}

/* Nothing runs any more: removes what is left on this machine, then the object. */
static int32_t pod_remove_object(struct pod_call *pc)
{
	struct node *node = pc->node;
	const char *uid = asb_uid(pc->pod);
	struct error error = { 0 };
	int code;

	if ((pc->list.count > 0 &&
	     node->runtime->ops->remove_pod(node->runtime, uid, &error) < 0) ||
	    pod_clear_directories(node, uid, &error) < 0) {
		pod_event(pc, "Warning", "FailedKillPod", "error killing pod: %s", error.text);
		return pc->call->host->fail(pc->call, ASB_ERROR,
					    "cannot remove the pod from this machine: %s",
					    error.text);
	}
	code = api_remove_pod(node->client, pc->pod, &error);
	return code == ASB_OK ? ASB_DONE
			      : pod_retry_later(pc, code, "cannot remove the pod", error.text);
}

static void pod_report_backoffs(struct pod_call *pc)
{
	for (size_t i = 0; i < pc->view.count; i++) {
		const struct container_view *container = &pc->view.containers[i];
		struct container_record *past = &pc->record->containers[i];

		if (container->left_ms > 0 && past->backoff_reported != container->attempt + 1) {
			past->backoff_reported = container->attempt + 1;
			pod_event(pc, "Warning", "BackOff",
				  "Back-off restarting failed container %s in pod %s_%s(%s)",
				  container->name, asb_name(pc->pod), asb_ns(pc->pod),
				  asb_uid(pc->pod));
		}
	}
}

/* Observes, plans and acts until nothing is left to do at once. */
static int pod_act(struct pod_call *pc, struct error *reterr)
{
	struct plan plan;

	for (int round = 0; round < ROUNDS_MAX; round++) {
		int code = pod_observe(pc, reterr);

		if (code < 0) {
			return code;
		}
		plan_make(&pc->view, &plan);
		if (!pod_perform(pc, &plan)) {
			/* Steps that failed were recorded: the status must show them. */
			pod_refresh_view(pc);
			plan_make(&pc->view, &plan);
			return 0;
		}
	}
	pod_requeue_after(pc, 1);
	return 0;
}

/* Config maps, secrets and tokens may have changed. */
static void pod_refresh_volumes(struct pod_call *pc)
{
	if (pc->view.sandbox != NULL && !pc->view.over && !pc->has_volumes &&
	    pc->view.now_ms - pc->record->volumes_ms >= REFRESH_MS) {
		pod_make_volumes(pc);
	}
}

static int32_t pod_sync(struct pod_call *pc)
{
	struct error error = { 0 };
	int32_t result;
	int code = pod_act(pc, &error);

	if (code < 0) {
		/* The runtime does not respond: the Node's condition Ready says so too. */
		return pod_retry_later(pc, code == -EINVAL ? code : -EAGAIN,
				       "cannot observe the pod", error.text);
	}
	pod_report(pc);
	pod_report_backoffs(pc);
	pod_refresh_volumes(pc);
	result = pod_write_status(pc);
	if (result != ASB_OK) {
		return result;
	}
	if (pc->view.deleting && !pod_anything_runs(&pc->view)) {
		return pod_remove_object(pc);
	}
	if (!pc->view.terminal || pc->view.deleting) {
		pod_requeue_after(pc, RESYNC_MS);
	}
	return pc->requeue_after_ms > 0 ? ASB_REQUEUE_AFTER : ASB_DONE;
}

static int32_t pod_reconcile_ours(struct node *node, struct asb_call *call, struct json_object *pod,
				  uint64_t *ret_requeue_after_ms)
{
	struct pod_call pc = { .node = node, .call = call, .pod = pod };
	int32_t result;

	pc.record = pod_store_get(node->pods, asb_uid(pod), asb_ns(pod), asb_name(pod));
	pc.record->grace_s =
		asb_int(asb_at(pod, "spec", "terminationGracePeriodSeconds"), ORPHAN_GRACE_S);
	result = pod_sync(&pc);
	*ret_requeue_after_ms = (uint64_t)pc.requeue_after_ms;
	pod_observation_finish(&pc);
	volume_set_finish(&pc.volumes);
	return result;
}

static int32_t pod_reconcile(void *state, struct asb_call *call, const struct asb_key *key,
			     uint64_t *ret_requeue_after_ms)
{
	struct node *node = state;
	struct json_object *pod = asb_get(call, WATCH_PODS, key->ns, key->name);
	const char *on = asb_str(pod, "spec", "nodeName");
	bool ours = asb_streq(on, node->name);
	struct error error = { 0 };
	int32_t result = ASB_DONE;
	int orphans;

	if (node->scheduler != NULL) {
		scheduler_observe(node->scheduler, key, pod);
	}
	orphans = pod_end_orphans(node, key, ours ? asb_uid(pod) : NULL, &error);

	if (ours && asb_uid(pod) != NULL) {
		result = pod_reconcile_ours(node, call, pod, ret_requeue_after_ms);
	} else if (pod != NULL && (on == NULL || *on == '\0') && node->scheduler != NULL) {
		result = scheduler_bind(node, call, pod, ret_requeue_after_ms);
	}
	if (orphans > 0 && result == ASB_DONE) {
		/* The end of its job enqueues this key; this is for a job that could not be
		 * started. */
		*ret_requeue_after_ms = OUTAGE_MS;
		return ASB_REQUEUE_AFTER;
	}
	if (orphans < 0 && (result == ASB_DONE || result == ASB_REQUEUE_AFTER)) {
		return call->host->fail(call, ASB_ERROR, "cannot end a pod that is gone: %s",
					error.text);
	}
	return result;
}

/* ---- the plugin ---- */

static const char *const pod_fields[] = { "spec", "status", NULL };

static const struct asb_watch watches[] = {
	[WATCH_PODS] = { .kind = { "", "v1", "pods", "Pod" },
			 .enqueue = ASB_ENQUEUE_SELF,
			 .fields = pod_fields },
	[WATCH_RUNTIME_CLASSES] = { .kind = { "node.k8s.io", "v1", "runtimeclasses",
					      "RuntimeClass" },
				    .flags = ASB_WATCH_UNWATCHED },
	{ .enqueue = 0 },
};

/* Indexes the pods that use capacity of a node. */
static void pod_index_node(struct json_object *pod, struct asb_values *out)
{
	const char *node = asb_str(pod, "spec", "nodeName");
	const char *phase = asb_str(pod, "status", "phase");

	if (node != NULL && *node != '\0' && !asb_streq(phase, "Succeeded") &&
	    !asb_streq(phase, "Failed")) {
		out->add(out, node, 0);
	}
}

static const struct asb_index indexes[] = {
	[INDEX_NODE] = { .name = "node", .watch = WATCH_PODS, .values = pod_index_node },
	{ 0 },
};

static const struct asb_rule rules[] = {
	{ "", "pods", "get,list,watch,delete" },
	{ "", "pods/status", "patch" },
	{ "", "pods/binding", "create" },
	{ "", "configmaps,secrets,persistentvolumeclaims", "get" },
	{ "", "serviceaccounts/token", "create" },
	{ "", "nodes", "get,create,patch" },
	{ "", "nodes/status", "patch" },
	{ "", "namespaces", "create" },
	{ "", "events", "create,patch" },
	{ "coordination.k8s.io", "leases", "get,create,patch" },
	{ "node.k8s.io", "runtimeclasses", "get" },
	{ 0 },
};

const struct asb_plugin pod_plugin = {
	ASB_PLUGIN_HEAD,
	.name = "node",
	.version = PACKAGE_VERSION,
	.description = "runs the pods of one machine",
	.workers = NODE_WORKERS_DEFAULT,
	.watches = watches,
	.indexes = indexes,
	.rules = rules,
	.reconcile = pod_reconcile,
};
