/* SPDX-License-Identifier: Apache-2.0 */
/* The admission of pods: status, service account, priority, runtime class and tolerations. The
 * table of kinds calls it for every write of a pod. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/macros.h"
#include "kube/quantity.h"

#define TOKEN_FOLDER "/var/run/secrets/kubernetes.io/serviceaccount"
#define TOKEN_SECONDS 3607 /* as the API server: an hour, and a mark that it chose it */

/* ---- quality of service ---- */

/* The class of one container: 0 without limits and requests (BestEffort), 2 with equal ones of
 * each resource (Guaranteed), else 1. */
static int pod_container_class(struct json_object *container)
{
	static const char *const counted[] = { "cpu", "memory" };
	struct json_object *limits = asb_at(container, "resources", "limits"),
			   *requests = asb_at(container, "resources", "requests");
	size_t equal = 0, said = 0;

	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		struct quantity limit, request;
		bool limited = quantity_read(asb_at(limits, counted[i]), &limit) == 0 &&
			       quantity_positive(&limit);
		bool wanted = quantity_read(asb_at(requests, counted[i]), &request) == 0 &&
			      quantity_positive(&request);

		said += limited || wanted ? 1 : 0;
		equal += limited && (!wanted || quantity_compare(&limit, &request) == 0) ? 1 : 0;
	}
	return equal == ARRAY_LEN(counted) ? 2 : said > 0 ? 1 : 0;
}

static const char *pod_quality_of_service(struct json_object *spec)
{
	static const char *const lists[] = { "containers", "initContainers" };
	bool any = false, all = true;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(spec, lists[i]);

		for (size_t j = 0; j < asb_length(list); j++) {
			int class = pod_container_class(json_object_array_get_idx(list, j));

			any = any || class > 0;
			all = all && class == 2;
		}
	}
	return !any ? "BestEffort" : all ? "Guaranteed" : "Burstable";
}

/* ---- tolerations ---- */

static bool pod_tolerates(struct json_object *tolerations, const char *key)
{
	for (size_t i = 0; i < asb_length(tolerations); i++) {
		struct json_object *toleration = json_object_array_get_idx(tolerations, i);
		const char *own = asb_str(toleration, "key"),
			   *effect = asb_str(toleration, "effect");

		if ((own == NULL || *own == '\0' || strcmp(own, key) == 0) &&
		    (effect == NULL || *effect == '\0' || strcmp(effect, "NoExecute") == 0)) {
			return true;
		}
	}
	return false;
}

static void pod_add_tolerations(struct json_object *spec)
{
	static const char *const keys[] = { "node.kubernetes.io/not-ready",
					    "node.kubernetes.io/unreachable" };
	struct json_object *tolerations = asb_array(spec, "tolerations");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct json_object *toleration;

		if (pod_tolerates(tolerations, keys[i])) {
			continue;
		}
		if (tolerations == NULL) {
			tolerations = json_object_new_array();
			json_object_object_add(spec, "tolerations", tolerations);
		}
		toleration = json_object_new_object();
		asb_set_str(toleration, "key", keys[i]);
		asb_set_str(toleration, "operator", "Exists");
		asb_set_str(toleration, "effect", "NoExecute");
		json_object_object_add(toleration, "tolerationSeconds", json_object_new_int64(300));
		json_object_array_add(tolerations, toleration);
	}
}

/* ---- service accounts ---- */

static struct json_object *pod_object_with(const char *name, const char *value)
{
	struct json_object *object = json_object_new_object();

	asb_set_str(object, name, value);
	return object;
}

static void pod_add_in(struct json_object *array, const char *name, struct json_object *take_value)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, name, take_value);
	json_object_array_add(array, object);
}

/* token, ca.crt and namespace, as clients in pods look for them. */
static struct json_object *pod_token_volume(const char *name)
{
	struct json_object *volume = pod_object_with("name", name),
			   *sources = json_object_new_array(),
			   *projected = asb_object_in(volume, "projected"), *source, *items, *item;

	source = pod_object_with("path", "token");
	json_object_object_add(source, "expirationSeconds", json_object_new_int64(TOKEN_SECONDS));
	pod_add_in(sources, "serviceAccountToken", source);

	source = pod_object_with("name", "kube-root-ca.crt");
	items = json_object_new_array();
	item = pod_object_with("key", "ca.crt");
	asb_set_str(item, "path", "ca.crt");
	json_object_array_add(items, item);
	json_object_object_add(source, "items", items);
	pod_add_in(sources, "configMap", source);

	source = json_object_new_object();
	items = json_object_new_array();
	item = pod_object_with("path", "namespace");
	asb_set_str(asb_object_in(item, "fieldRef"), "apiVersion", "v1");
	asb_set_str(asb_object_in(item, "fieldRef"), "fieldPath", "metadata.namespace");
	json_object_array_add(items, item);
	json_object_object_add(source, "items", items);
	pod_add_in(sources, "downwardAPI", source);

	json_object_object_add(projected, "sources", sources);
	json_object_object_add(projected, "defaultMode", json_object_new_int64(420));
	return volume;
}

static struct json_object *pod_array_in(struct json_object *object, const char *name)
{
	struct json_object *array = asb_array(object, name);

	if (array == NULL) {
		array = json_object_new_array();
		json_object_object_add(object, name, array);
	}
	return array;
}

static bool pod_mounts_at(struct json_object *container, const char *path)
{
	struct json_object *mounts = asb_array(container, "volumeMounts");

	for (size_t i = 0; i < asb_length(mounts); i++) {
		if (asb_streq(asb_str(json_object_array_get_idx(mounts, i), "mountPath"), path)) {
			return true;
		}
	}
	return false;
}

/* Mounts the volume in each container that has nothing at its path. Returns whether there was
 * one. */
static bool pod_mount_token(struct json_object *spec, const char *volume)
{
	static const char *const lists[] = { "initContainers", "containers" };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(spec, lists[i]);

		for (size_t j = 0; j < asb_length(list); j++) {
			struct json_object *container = json_object_array_get_idx(list, j), *mount;

			if (!json_object_is_type(container, json_type_object) ||
			    pod_mounts_at(container, TOKEN_FOLDER)) {
				continue;
			}
			mount = pod_object_with("name", volume);
			json_object_object_add(mount, "readOnly", json_object_new_boolean(1));
			asb_set_str(mount, "mountPath", TOKEN_FOLDER);
			json_object_array_add(pod_array_in(container, "volumeMounts"), mount);
			any = true;
		}
	}
	return any;
}

static bool pod_automounts(struct json_object *spec, struct json_object *account)
{
	struct json_object *own = asb_at(spec, "automountServiceAccountToken"),
			   *theirs = asb_at(account, "automountServiceAccountToken");

	return own != NULL ? asb_true(own) : theirs == NULL || asb_true(theirs);
}

static void pod_admit_account(struct type_request *request, struct json_object *pod)
{
	const struct types *types = request->types;
	struct json_object *spec = asb_at(pod, "spec"), *account;
	const char *name = asb_str(spec, "serviceAccountName");
	char random[254], volume[280];

	if (name == NULL) {
		asb_set_str(spec, "serviceAccountName", "default");
		asb_set_str(spec, "serviceAccount", "default");
		name = "default";
	}
	account = types_get(types, "", "v1", "serviceaccounts", request->ns, name);
	if (account == NULL) {
		request_forbid(
			request, pod,
			"error looking up service account %s/%s: serviceaccount \"%s\" not found",
			request->ns, name, name);
		return;
	}
	if (!pod_automounts(spec, account)) {
		return;
	}
	asb_random_name(types->callbacks.random(types->callbacks.arg), "kube-api-access", random);
	snprintf(volume, sizeof(volume), "%s", random);
	if (pod_mount_token(spec, volume)) {
		json_object_array_add(pod_array_in(spec, "volumes"), pod_token_volume(volume));
	}
}

/* ---- runtime classes and priority ---- */

static void pod_add_overhead(struct json_object *spec, struct json_object *class)
{
	struct json_object *overhead = asb_at(class, "overhead", "podFixed");

	if (overhead != NULL && asb_at(spec, "overhead") == NULL) {
		json_object_object_add(spec, "overhead", asb_copy(overhead));
	}
}

static void pod_admit_runtime_class(struct type_request *request, struct json_object *pod)
{
	struct json_object *spec = asb_at(pod, "spec"), *class;
	const char *name = asb_str(spec, "runtimeClassName");

	if (name == NULL) {
		return;
	}
	class = types_get(request->types, "node.k8s.io", "v1", "runtimeclasses", "", name);
	if (class == NULL) {
		request_forbid(request, pod, "pod rejected: RuntimeClass \"%s\" not found", name);
		return;
	}
	pod_add_overhead(spec, class);
}

/* The two classes every cluster has; PriorityClasses are not served. */
static void pod_admit_priority(struct type_request *request, struct json_object *pod)
{
	struct json_object *spec = asb_at(pod, "spec");
	const char *name = asb_str(spec, "priorityClassName");
	int64_t priority = 0;

	if (asb_streq(name, "system-node-critical")) {
		priority = 2000001000;
	} else if (asb_streq(name, "system-cluster-critical")) {
		priority = 2000000000;
	} else if (name != NULL && *name != '\0') {
		request_forbid(request, pod, "no PriorityClass with name %s was found", name);
		return;
	}
	json_object_object_add(spec, "priority", json_object_new_int64(priority));
	if (asb_at(spec, "preemptionPolicy") == NULL) {
		asb_set_str(spec, "preemptionPolicy", "PreemptLowerPriority");
	}
}

void pod_prepare(struct type_request *request, enum type_operation operation,
		 struct json_object *pod, struct json_object *old)
{
	struct json_object *status;

	(void)old;
	if (operation != TYPE_OP_CREATE) {
		return;
	}
	pod_admit_account(request, pod);
	if (request->status == NULL) {
		pod_admit_priority(request, pod);
	}
	if (request->status == NULL) {
		pod_admit_runtime_class(request, pod);
	}
	pod_add_tolerations(asb_at(pod, "spec"));
	json_object_object_del(pod, "status");
	status = asb_object_in(pod, "status");
	asb_set_str(status, "phase", "Pending");
	asb_set_str(status, "qosClass", pod_quality_of_service(asb_at(pod, "spec")));
}
