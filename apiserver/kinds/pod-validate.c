/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of a pod's spec, with the API server's messages. The table of kinds calls it for
 * every write of a pod. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <string.h>

#include "apiserver/kinds/pod-private.h"
#include "apiserver/types/types-private.h"
#include "apiserver/validation/name.h"
#include "base/macros.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void pod_check_numbers(struct json_object *spec, struct causes *causes)
{
	struct json_object *deadline = asb_at(spec, "activeDeadlineSeconds");

	if (deadline != NULL && (asb_int(deadline, 0) < 1 || asb_int(deadline, 0) > INT32_MAX)) {
		causes_add(causes, CAUSE_INVALID, "spec.activeDeadlineSeconds", deadline,
			   "must be between 1 and 2147483647, inclusive");
	}
}

static void pod_check_policies(struct json_object *spec, struct causes *causes)
{
	const char *restart = asb_str(spec, "restartPolicy"), *dns = asb_str(spec, "dnsPolicy");

	validate_option(restart != NULL ? restart : "", OPTIONS("Always", "OnFailure", "Never"),
			"spec.restartPolicy", causes);
	validate_option(dns != NULL ? dns : "",
			OPTIONS("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
			"spec.dnsPolicy", causes);
	if (asb_streq(dns, "None") && asb_length(asb_at(spec, "dnsConfig", "nameservers")) == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.dnsConfig.nameservers", NULL,
			       "must provide at least one DNS nameserver when `dnsPolicy` is None");
	}
}

static void pod_check_names(struct json_object *spec, struct causes *causes)
{
	static const struct {
		const char *name, *field;
		void (*check)(const char *text, const char *field, struct causes *causes);
	} names[] = {
		{ "hostname", "spec.hostname", validate_label },
		{ "subdomain", "spec.subdomain", validate_label },
		{ "serviceAccountName", "spec.serviceAccountName", validate_subdomain },
		{ "nodeName", "spec.nodeName", validate_subdomain },
		{ "runtimeClassName", "spec.runtimeClassName", validate_subdomain },
		{ "priorityClassName", "spec.priorityClassName", validate_subdomain },
		{ "schedulerName", "spec.schedulerName", validate_subdomain },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *text = asb_str(spec, names[i].name);

		if (text != NULL && *text != '\0') {
			names[i].check(text, names[i].field, causes);
		}
	}
}

static void pod_check_toleration(struct json_object *toleration, const char *field,
				 struct causes *causes)
{
	const char *key = asb_str(toleration, "key"), *operator= asb_str(toleration, "operator"),
		   *effect = asb_str(toleration, "effect");
	char path[VALIDATE_FIELD_MAX];
	bool any = key == NULL || *key == '\0';

	snprintf(path, sizeof(path), "%s.operator", field);
	if (!any) {
		validate_qualified(key, field, causes);
	} else if (!asb_streq(operator, "Exists")) {
		causes_add_str(causes, CAUSE_INVALID, path, operator != NULL ? operator : "",
			       "operator must be Exists when `key` is empty, which means \"match all values and all keys\"");
	}
	if (operator!= NULL && * operator!= '\0') {
		validate_option(operator, OPTIONS("Equal", "Exists"), path, causes);
	}
	if (effect != NULL && *effect != '\0') {
		snprintf(path, sizeof(path), "%s.effect", field);
		validate_option(effect, OPTIONS("NoSchedule", "PreferNoSchedule", "NoExecute"),
				path, causes);
	}
}

static void pod_check_tolerations(struct json_object *spec, struct causes *causes)
{
	struct json_object *list = asb_array(spec, "tolerations");
	char field[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < asb_length(list); i++) {
		snprintf(field, sizeof(field), "spec.tolerations[%zu]", i);
		pod_check_toleration(json_object_array_get_idx(list, i), field, causes);
	}
}

static void pod_check_security(struct json_object *spec, struct causes *causes)
{
	static const char *const ids[] = { "runAsUser", "runAsGroup", "fsGroup" };
	struct json_object *security = asb_at(spec, "securityContext");
	char field[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct json_object *id = asb_at(security, ids[i]);

		snprintf(field, sizeof(field), "spec.securityContext.%s", ids[i]);
		if (id != NULL && (asb_int(id, -1) < 0 || asb_int(id, -1) > INT32_MAX)) {
			causes_add(causes, CAUSE_INVALID, field, id,
				   "must be between 0 and 2147483647, inclusive");
		}
	}
}

static void pod_check_spec(struct json_object *spec, struct causes *causes)
{
	pod_validate_volumes(asb_array(spec, "volumes"), causes);
	pod_validate_containers(spec, causes);
	pod_check_policies(spec, causes);
	pod_check_numbers(spec, causes);
	pod_check_security(spec, causes);
	pod_check_names(spec, causes);
	validate_labels(asb_at(spec, "nodeSelector"), "spec.nodeSelector", causes);
	pod_check_tolerations(spec, causes);
}

void pod_validate(struct json_object *pod, struct json_object *old, enum type_operation operation,
		  struct causes *causes)
{
	if (operation == TYPE_OP_STATUS) {
		return;
	}
	pod_check_spec(asb_at(pod, "spec"), causes);
	if (old != NULL) {
		pod_validate_update(pod, old, causes);
	}
}
