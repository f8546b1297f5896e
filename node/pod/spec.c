/* SPDX-License-Identifier: Apache-2.0 */
/* Translates a container's spec for the runtime. Called by node/pod/start.c; pure. */
#include "config.h"

#include "node/pod/spec.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>

#include "kube/quantity.h"

/* The container's own field before the pod's. */
static struct json_object *spec_security(struct json_object *pod, struct json_object *container,
					 const char *field)
{
	struct json_object *own = asb_at(container, "securityContext", field);

	return own != NULL ? own : asb_at(pod, "spec", "securityContext", field);
}

static void spec_set_user(struct json_object *pod, struct json_object *container,
			  struct container_spec *ret)
{
	int64_t user = asb_int(spec_security(pod, container, "runAsUser"), -1);
	int64_t group = asb_int(spec_security(pod, container, "runAsGroup"), -1);

	if (user >= 0 && group >= 0) {
		snprintf(ret->user, sizeof(ret->user), "%lld:%lld", (long long)user,
			 (long long)group);
	} else if (user >= 0) {
		snprintf(ret->user, sizeof(ret->user), "%lld", (long long)user);
	} else {
		return;
	}
	ret->container.user = ret->user;
}

static void spec_add_group(struct container_spec *ret, size_t *count, int64_t group)
{
	if (group >= 0 && group <= UINT32_MAX && *count < SPEC_STRINGS_MAX) {
		snprintf(ret->numbers[*count], sizeof(ret->numbers[0]), "%u", (unsigned int)group);
		ret->groups[*count] = ret->numbers[*count];
		(*count)++;
	}
}

static void spec_set_groups(struct json_object *pod, struct container_spec *ret)
{
	struct json_object *context = asb_at(pod, "spec", "securityContext");
	struct json_object *groups = asb_array(context, "supplementalGroups");
	size_t count = 0;

	for (size_t i = 0; i < asb_length(groups); i++) {
		spec_add_group(ret, &count, asb_int(json_object_array_get_idx(groups, i), -1));
	}
	spec_add_group(ret, &count, asb_int(asb_at(context, "fsGroup"), -1));
	ret->container.groups = ret->groups;
}

static void spec_set_capabilities(struct json_object *list, const char **ret)
{
	size_t count = 0;

	for (size_t i = 0; i < asb_length(list) && count < SPEC_STRINGS_MAX; i++) {
		const char *name = asb_as_str(json_object_array_get_idx(list, i));

		if (name != NULL) {
			ret[count++] = name;
		}
	}
}

static uint32_t spec_milli(struct json_object *list)
{
	uint64_t value = quantity_milli_of(list, "cpu");

	return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

void container_spec_make(struct json_object *pod, struct json_object *container,
			 struct container_spec *ret)
{
	struct json_object *context = asb_at(container, "securityContext");
	struct json_object *limits = asb_at(container, "resources", "limits");
	struct json_object *escalation = asb_at(context, "allowPrivilegeEscalation");

	*ret = (struct container_spec){ 0 };
	ret->container = (struct runtime_container){
		.name = asb_str(container, "name"),
		.image = asb_str(container, "image"),
		.working_dir = asb_str(container, "workingDir"),
		.memory_limit = quantity_value_of(limits, "memory"),
		.cpu_limit = spec_milli(limits),
		.cpu_request = spec_milli(asb_at(container, "resources", "requests")),
		.non_root = asb_true(spec_security(pod, container, "runAsNonRoot")),
		.read_only_root = asb_true(asb_at(context, "readOnlyRootFilesystem")),
		.no_new_privileges = escalation != NULL && !asb_true(escalation),
		.privileged = asb_true(asb_at(context, "privileged")),
		.tty = asb_true(asb_at(container, "tty")),
		.stdin_open = asb_true(asb_at(container, "stdin")),
	};
	spec_set_user(pod, container, ret);
	spec_set_groups(pod, ret);
	spec_set_capabilities(asb_array(context, "capabilities", "add"), ret->cap_add);
	spec_set_capabilities(asb_array(context, "capabilities", "drop"), ret->cap_drop);
	ret->container.cap_add = ret->cap_add;
	ret->container.cap_drop = ret->cap_drop;
}
