/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in kinds as data: names, verbs, subresources, hooks. The table of kinds reads it. */
#include "config.h"

#include "apiserver/types/types-private.h"
#include "base/macros.h"

#define CHANGE (TYPE_GET | TYPE_PATCH | TYPE_UPDATE)
#define STATUS                                     \
	{                                          \
		"status", NULL, NULL, NULL, CHANGE \
	}
#define STREAM (TYPE_CREATE | TYPE_GET)

#define CORE(plural_, kind_) \
	.kind = { "", "v1", plural_, kind_ }, .storage_group = "", .storage_version = "v1"
#define OF(group_, plural_, kind_) \
	.kind = { group_, "v1", plural_, kind_ }, .storage_group = group_, .storage_version = "v1"

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static const struct type_subresource status_only[] = { STATUS, { 0 } };

static const struct type_subresource pod_subresources[] = {
	{ "attach", "", "v1", "PodAttachOptions", STREAM },
	{ "binding", "", "v1", "Binding", TYPE_CREATE },
	{ "eviction", "policy", "v1", "Eviction", TYPE_CREATE },
	{ "exec", "", "v1", "PodExecOptions", STREAM },
	{ "log", NULL, NULL, NULL, TYPE_GET },
	{ "portforward", "", "v1", "PodPortForwardOptions", STREAM },
	STATUS,
	{ 0 },
};

static const struct type_subresource account_subresources[] = {
	{ "token", "authentication.k8s.io", "v1", "TokenRequest", TYPE_CREATE },
	{ 0 },
};

static const struct type builtin[] = {
	{
		CORE("configmaps", "ConfigMap"),
		.singular = "configmap",
		.list_kind = "ConfigMapList",
		.short_names = NAMES("cm"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = config_map_columns,
		.hooks = { .validate = config_map_validate, .cells = config_map_cells },
	},
	{
		CORE("endpoints", "Endpoints"),
		.singular = "endpoints",
		.list_kind = "EndpointsList",
		.short_names = NAMES("ep"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = endpoints_columns,
		.hooks = { .cells = endpoints_cells },
	},
	{
		CORE("events", "Event"),
		.singular = "event",
		.list_kind = "EventList",
		.short_names = NAMES("ev"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = event_columns,
		.hooks = { .set_defaults = event_set_defaults,
			   .validate = event_validate,
			   .cells = event_cells },
	},
	{
		CORE("namespaces", "Namespace"),
		.singular = "namespace",
		.list_kind = "NamespaceList",
		.short_names = NAMES("ns"),
		.verbs = TYPE_VERBS_ALL & ~TYPE_DELETE_COLLECTION,
		.subresources = status_only,
		.columns = namespace_columns,
		.hooks = { .set_defaults = namespace_set_defaults,
			   .prepare = namespace_prepare,
			   .cells = namespace_cells },
	},
	{
		CORE("nodes", "Node"),
		.singular = "node",
		.list_kind = "NodeList",
		.short_names = NAMES("no"),
		.verbs = TYPE_VERBS_ALL,
		.subresources = status_only,
		.columns = node_columns,
		.hooks = { .set_defaults = node_set_defaults, .cells = node_cells },
	},
	{
		CORE("persistentvolumeclaims", "PersistentVolumeClaim"),
		.singular = "persistentvolumeclaim",
		.list_kind = "PersistentVolumeClaimList",
		.short_names = NAMES("pvc"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.subresources = status_only,
		.columns = claim_columns,
		.hooks = { .set_defaults = claim_set_defaults,
			   .prepare = claim_prepare,
			   .validate = claim_validate,
			   .cells = claim_cells },
	},
	{
		CORE("pods", "Pod"),
		.singular = "pod",
		.list_kind = "PodList",
		.short_names = NAMES("po"),
		.categories = NAMES("all"),
		.namespaced = true,
		.graceful = true,
		.verbs = TYPE_VERBS_ALL,
		.subresources = pod_subresources,
		.columns = pod_columns,
		.hooks = { .set_defaults = pod_set_defaults,
			   .prepare = pod_prepare,
			   .validate = pod_validate,
			   .cells = pod_cells },
	},
	{
		CORE("secrets", "Secret"),
		.singular = "secret",
		.list_kind = "SecretList",
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = secret_columns,
		.hooks = { .set_defaults = secret_set_defaults,
			   .validate = secret_validate,
			   .cells = secret_cells },
	},
	{
		CORE("serviceaccounts", "ServiceAccount"),
		.singular = "serviceaccount",
		.list_kind = "ServiceAccountList",
		.short_names = NAMES("sa"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.subresources = account_subresources,
	},
	{
		CORE("services", "Service"),
		.singular = "service",
		.list_kind = "ServiceList",
		.short_names = NAMES("svc"),
		.categories = NAMES("all"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.subresources = status_only,
		.columns = service_columns,
		.hooks = { .set_defaults = service_set_defaults,
			   .prepare = service_prepare,
			   .validate = service_validate,
			   .cells = service_cells },
	},
	{
		OF("apiextensions.k8s.io", "customresourcedefinitions", "CustomResourceDefinition"),
		.singular = "customresourcedefinition",
		.list_kind = "CustomResourceDefinitionList",
		.short_names = NAMES("crd", "crds"),
		.categories = NAMES("api-extensions"),
		.verbs = TYPE_VERBS_ALL,
		.subresources = status_only,
		.columns = crd_columns,
		.hooks = { .set_defaults = crd_set_defaults,
			   .prepare = crd_prepare,
			   .validate = crd_validate,
			   .cells = crd_cells },
	},
	{
		OF("coordination.k8s.io", "leases", "Lease"),
		.singular = "lease",
		.list_kind = "LeaseList",
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = lease_columns,
		.hooks = { .validate = lease_validate, .cells = lease_cells },
	},
	{
		OF("discovery.k8s.io", "endpointslices", "EndpointSlice"),
		.singular = "endpointslice",
		.list_kind = "EndpointSliceList",
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = slice_columns,
		.hooks = { .cells = slice_cells },
	},
	{
		.kind = { "events.k8s.io", "v1", "events", "Event" },
		.storage_group = "",
		.storage_version = "v1",
		.singular = "event",
		.list_kind = "EventList",
		.short_names = NAMES("ev"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = event_columns,
		.hooks = { .set_defaults = event_set_defaults,
			   .validate = event_validate,
			   .cells = event_cells },
	},
	{
		OF("networking.k8s.io", "networkpolicies", "NetworkPolicy"),
		.singular = "networkpolicy",
		.list_kind = "NetworkPolicyList",
		.short_names = NAMES("netpol"),
		.namespaced = true,
		.verbs = TYPE_VERBS_ALL,
		.columns = policy_columns,
		.hooks = { .set_defaults = policy_set_defaults,
			   .validate = policy_validate,
			   .cells = policy_cells },
	},
	{
		OF("node.k8s.io", "runtimeclasses", "RuntimeClass"),
		.singular = "runtimeclass",
		.list_kind = "RuntimeClassList",
		.verbs = TYPE_VERBS_ALL,
		.columns = runtime_class_columns,
		.hooks = { .validate = runtime_class_validate, .cells = runtime_class_cells },
	},
};

const struct type *types_builtin(size_t *ret_count)
{
	*ret_count = ARRAY_LEN(builtin);
	return builtin;
}
