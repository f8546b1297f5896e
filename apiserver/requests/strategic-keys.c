/* SPDX-License-Identifier: Apache-2.0 */
/* The merge keys of the built-in kinds, as Kubernetes' types declare them (patchStrategy and
 * patchMergeKey). The strategic merge asks. */
#include "config.h"

#include "apiserver/requests/strategic-keys.h"

#include <string.h>

#include "base/macros.h"

/* Paths in a pod's spec. */
static const struct {
	const char *path, *merge_key;
} pod_lists[] = {
	{ "containers", "name" },
	{ "initContainers", "name" },
	{ "ephemeralContainers", "name" },
	{ "volumes", "name" },
	{ "imagePullSecrets", "name" },
	{ "hostAliases", "ip" },
	{ "topologySpreadConstraints", "topologyKey" },
	{ "resourceClaims", "name" },
	{ "schedulingGates", "name" },
};

/* In a container of any sort. */
static const struct {
	const char *path, *merge_key;
} container_lists[] = {
	{ "ports", "containerPort" },
	{ "env", "name" },
	{ "volumeMounts", "mountPath" },
	{ "volumeDevices", "devicePath" },
};

/* Whole paths; a kind NULL is any. */
static const struct {
	const char *kind, *path, *merge_key;
} lists[] = {
	{ NULL, "metadata.ownerReferences", "uid" },
	{ "Pod", "status.conditions", "type" },
	{ "Pod", "status.podIPs", "ip" },
	{ "Pod", "status.hostIPs", "ip" },
	{ "Pod", "status.resourceClaimStatuses", "name" },
	{ "Service", "spec.ports", "port" },
	{ "Service", "status.conditions", "type" },
	{ "ServiceAccount", "secrets", "name" },
	{ "Node", "spec.taints", "key" },
	{ "Node", "status.conditions", "type" },
	{ "Node", "status.addresses", "type" },
	{ "Namespace", "status.conditions", "type" },
	{ "PersistentVolumeClaim", "status.conditions", "type" },
};
/* ServiceAccount.imagePullSecrets, NetworkPolicy's rules and all else have no key: replaced. */

static const char *const sets[] = { "metadata.finalizers" };

static bool strategic_kind_is(const struct asb_kind *kind, const char *name)
{
	return name == NULL || strcmp(kind->kind, name) == 0;
}

/* What stands behind the pod spec's path, or NULL. */
static const char *strategic_in_pod_spec(const struct asb_kind *kind, const char *path)
{
	static const struct {
		const char *kind, *prefix;
	} places[] = {
		{ "Pod", "spec." },
		{ "PodTemplate", "template.spec." },
	};

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		size_t length = strlen(places[i].prefix);

		if (*kind->group == '\0' && strategic_kind_is(kind, places[i].kind) &&
		    strncmp(path, places[i].prefix, length) == 0) {
			return path + length;
		}
	}
	return NULL;
}

/* What stands behind a container's path, or NULL. */
static const char *strategic_in_container(const char *path)
{
	static const char *const places[] = { "containers[].", "initContainers[].",
					      "ephemeralContainers[]." };

	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		size_t length = strlen(places[i]);

		if (strncmp(path, places[i], length) == 0) {
			return path + length;
		}
	}
	return NULL;
}

static struct strategy strategic_pod_strategy(const char *path)
{
	const char *inside = strategic_in_container(path);

	for (size_t i = 0; inside != NULL && i < ARRAY_LEN(container_lists); i++) {
		if (strcmp(inside, container_lists[i].path) == 0) {
			return (struct strategy){ .merge_key = container_lists[i].merge_key };
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(pod_lists); i++) {
		if (strcmp(path, pod_lists[i].path) == 0) {
			return (struct strategy){ .merge_key = pod_lists[i].merge_key };
		}
	}
	return (struct strategy){ 0 };
}

struct strategy strategy_of(const struct asb_kind *kind, const char *path)
{
	const char *inside = strategic_in_pod_spec(kind, path);

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		if (strcmp(path, sets[i]) == 0) {
			return (struct strategy){ .set = true };
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		if (strategic_kind_is(kind, lists[i].kind) && strcmp(path, lists[i].path) == 0) {
			return (struct strategy){ .merge_key = lists[i].merge_key };
		}
	}
	return inside != NULL ? strategic_pod_strategy(inside) : (struct strategy){ 0 };
}
