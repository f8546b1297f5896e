/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conditions of a Sandbox of v1beta1. Their reasons and messages are part of the API: clients
 * compare them. Called by status.c.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

#define REASON_SUSPENDED "SandboxSuspended"
#define REASON_UNSCHEDULED "PodSchedulingUnknown"

bool conditions_are_beta(const struct pass *pass)
{
	return pass->dialect == DIALECT_BETA ||
	       asb_at(pass->sandbox, "spec", "operatingMode") != NULL;
}

static void conditions_add(struct pass *pass, struct json_object *list, const char *type,
			   const char *status, const char *reason, const char *message)
{
	json_object_array_add(list, asb_new_condition(pass->sandbox, type, status, reason, message,
						      asb_generation(pass->sandbox),
						      asb_now_ms(pass->call)));
}

static void conditions_add_suspended(struct pass *pass, struct json_object *list,
				     struct json_object *owned)
{
	if (pass->wanted) {
		conditions_add(pass, list, "Suspended", "False", "NotSuspended",
			       "Sandbox is not suspended");
	} else if (owned != NULL) {
		conditions_add(pass, list, "Suspended", "False", "PodTerminating",
			       "Pod is terminating. Sandbox is suspending");
	} else if (pass->pod.object != NULL) {
		conditions_add(pass, list, "Suspended", "False", "PodNotOwned",
			       "Refused to delete pod because it is not owned by this sandbox");
	} else if (pass->pod.failed) {
		conditions_add(pass, list, "Suspended", "Unknown", "PodStateUnknown",
			       "Pod state is unknown. Sandbox suspension cannot be confirmed");
	} else {
		conditions_add(pass, list, "Suspended", "True", "PodTerminated",
			       "Pod has been terminated. Sandbox is suspended");
	}
}

static void conditions_add_scheduled(struct pass *pass, struct json_object *list,
				     struct json_object *owned)
{
	struct json_object *scheduled = asb_condition(owned, "PodScheduled");
	const char *status = asb_str(scheduled, "status"), *reason = asb_str(scheduled, "reason"),
		   *message = asb_str(scheduled, "message");

	if (owned == NULL && pass->pod.failed) {
		conditions_add(pass, list, "PodScheduled", "Unknown", REASON_UNSCHEDULED,
			       "Pod state is unknown. Pod scheduling cannot be determined");
	}
	if (owned == NULL) {
		return;
	}
	if (status == NULL) {
		conditions_add(pass, list, "PodScheduled", "Unknown", REASON_UNSCHEDULED,
			       "Pod has not reported a PodScheduled condition yet");
		return;
	}
	if (reason == NULL || *reason == '\0') {
		reason = strcmp(status, "True") == 0 ? "PodScheduled" : REASON_UNSCHEDULED;
	}
	conditions_add(pass, list, "PodScheduled", status, reason, message != NULL ? message : "");
}

/* The reason and message of a pod that has ended; false: it has not. */
static bool conditions_ended(struct json_object *owned, const char **ret_reason,
			     const char **ret_message)
{
	if (owned == NULL || !object_pod_ended(owned)) {
		return false;
	}
	if (asb_streq(asb_str(owned, "status", "phase"), "Succeeded")) {
		*ret_reason = "PodSucceeded";
		*ret_message = "Pod completed successfully";
	} else {
		*ret_reason = "PodFailed";
		*ret_message = "Pod failed";
	}
	return true;
}

static struct json_object *conditions_ready(struct pass *pass, bool ready, const char *reason,
					    const char *message)
{
	return asb_new_condition(pass->sandbox, "Ready", ready ? "True" : "False", reason, message,
				 asb_generation(pass->sandbox), asb_now_ms(pass->call));
}

static struct json_object *conditions_of_suspended(struct pass *pass, struct json_object *owned)
{
	char message[80];

	snprintf(message, sizeof(message), "Sandbox is %s%s",
		 owned != NULL ? "suspending" : "suspended",
		 (pass->suspended & DIALECT_SUSPENDED_MODE) != 0 ? "" : "; set by spec.replicas");
	return conditions_ready(pass, false, REASON_SUSPENDED, message);
}

/* Writes the text about the pod. Returns whether the pod is as it should be. */
static bool conditions_describe_pod(struct json_object *owned, char *ret, size_t size)
{
	const char *phase = asb_str(owned, "status", "phase");

	if (owned == NULL) {
		snprintf(ret, size, TEXT_NO_POD);
	} else if (!asb_streq(phase, "Running") || asb_deleting(owned)) {
		snprintf(ret, size, "Pod exists with phase: %.32s",
			 phase != NULL ? phase : "Pending");
	} else if (!asb_condition_is(owned, "Ready", "True")) {
		snprintf(ret, size, "Pod is Running but not Ready");
	} else if (asb_length(asb_array(owned, "status", "podIPs")) == 0) {
		snprintf(ret, size, "Pod is Ready but has no podIPs yet");
	} else {
		snprintf(ret, size, "Pod is Ready");
		return true;
	}
	return false;
}

/* A Service counts if one is asked for, or if nothing is said and the Sandbox has one. */
static bool conditions_count_service(struct pass *pass, bool service)
{
	return pass->service_wish == DIALECT_SERVICE_TRUE ||
	       (pass->service_wish == DIALECT_SERVICE_UNSET && service);
}

static struct json_object *conditions_of_children(struct pass *pass, struct json_object *owned,
						  bool service)
{
	bool counts = conditions_count_service(pass, service), ready;
	char pod[64], message[128];

	ready = conditions_describe_pod(owned, pod, sizeof(pod)) && (service || !counts);
	snprintf(message, sizeof(message), "%s%s", pod,
		 !counts   ? ""
		 : service ? "; Service Exists"
			   : "; Service does not exist");
	return conditions_ready(pass, ready, ready ? REASON_READY : REASON_NOT_READY, message);
}

struct json_object *conditions_beta_ready(struct pass *pass, struct json_object *owned,
					  bool service)
{
	const char *reason, *message;

	if (!pass->wanted) {
		return conditions_of_suspended(pass, owned);
	}
	if (conditions_ended(owned, &reason, &message)) {
		return conditions_ready(pass, false, reason, message);
	}
	return conditions_of_children(pass, owned, service);
}

void conditions_add_beta(struct pass *pass, struct json_object *list, struct json_object *owned)
{
	const char *reason, *message;

	conditions_add_suspended(pass, list, owned);
	conditions_add_scheduled(pass, list, owned);
	if (conditions_ended(owned, &reason, &message)) {
		conditions_add(pass, list, "Finished", "True", reason, message);
	}
}

void conditions_keep(struct pass *pass, struct json_object *list)
{
	static const char *const kept[] = { "Suspended", "Finished" };

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct json_object *old = asb_condition(pass->sandbox, kept[i]);

		if (old != NULL) {
			json_object_array_add(list, asb_copy(old));
		}
	}
}
