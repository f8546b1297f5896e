/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a Sandbox, for users and for its claim. The texts are part of the API: clients
 * compare them. Called at the end of a reconcile.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* A status that differs only in the text of an error is written at most once in this time. */
#define ERROR_PAUSE_MS 60000

static bool status_pod_is_ready(struct json_object *pod)
{
	return asb_streq(asb_str(pod, "status", "phase"), "Running") && !asb_deleting(pod) &&
	       asb_condition_is(pod, "Ready", "True");
}

/* Writes the text about the pod. Returns whether the pod is as it should be. */
static bool status_describe_pod(struct pass *pass, struct json_object *pod, char *ret, size_t size)
{
	const char *phase = asb_str(pod, "status", "phase");

	if (pod == NULL) {
		snprintf(ret, size, "%s%s", TEXT_NO_POD, pass->wanted ? "" : ", replicas is 0");
		return !pass->wanted;
	}
	if (pass->wanted && status_pod_is_ready(pod)) {
		snprintf(ret, size, "Pod is Ready");
		return true;
	}
	if (pass->wanted && !asb_deleting(pod) && asb_streq(phase, "Running")) {
		snprintf(ret, size, "Pod is Running but not Ready");
	} else {
		snprintf(ret, size, "Pod exists with phase: %.32s",
			 phase != NULL ? phase : "Pending");
	}
	return false;
}

static struct json_object *status_new_ready(struct pass *pass, bool ready, const char *reason,
					    const char *message)
{
	return asb_new_condition(pass->sandbox, "Ready", ready ? "True" : "False", reason, message,
				 asb_generation(pass->sandbox), asb_now_ms(pass->call));
}

/*
 * An error's text may differ each time (a port, a counter) and a retry comes soon. The old text
 * stays for a minute, so that the status is written only if something else has changed.
 */
static struct json_object *status_new_error(struct pass *pass)
{
	struct json_object *old = asb_condition(pass->sandbox, "Ready");
	const char *message = asb_str(old, "message");
	char text[sizeof(pass->error) + 16];

	if (message != NULL && asb_streq(asb_str(old, "reason"), pass->error_reason) &&
	    asb_int(asb_at(old, "observedGeneration"), 0) == asb_generation(pass->sandbox) &&
	    asb_now_ms(pass->call) - pass->memory->error_ms < ERROR_PAUSE_MS) {
		return status_new_ready(pass, false, pass->error_reason, message);
	}
	snprintf(text, sizeof(text), "%s%s",
		 strcmp(pass->error_reason, REASON_MANY) == 0 ? "" : "Error seen: ", pass->error);
	return status_new_ready(pass, false, pass->error_reason, text);
}

static struct json_object *status_condition(struct pass *pass, struct json_object *pod,
					    bool service)
{
	char pod_text[64], message[128];
	bool ready;

	if (*pass->error != '\0') {
		return status_new_error(pass);
	}
	if (pass->dialect == DIALECT_BETA || (pass->suspended & DIALECT_SUSPENDED_MODE) != 0) {
		return conditions_beta_ready(pass, pod, service);
	}
	ready = status_describe_pod(pass, pod, pod_text, sizeof(pod_text)) && service;
	snprintf(message, sizeof(message), "%s; %s", pod_text,
		 service ? "Service Exists" : "Service does not exist");
	return status_new_ready(pass, ready, ready ? REASON_READY : REASON_NOT_READY, message);
}

static void status_add_service(struct pass *pass, struct json_object *status)
{
	char fqdn[640];

	snprintf(fqdn, sizeof(fqdn), "%.253s.%.63s.svc.%.253s", pass->name, pass->ns,
		 pass->state->cluster_domain);
	asb_set_str(status, "service", pass->name);
	asb_set_str(status, "serviceFQDN", fqdn);
}

static void status_add_selector(struct pass *pass, struct json_object *status)
{
	char selector[80];

	snprintf(selector, sizeof(selector), "%s=%s", LABEL_NAME_HASH, pass->hash);
	asb_set_str(status, "selector", selector);
}

/* The addresses of a pod, and its node once the Sandbox is Ready or has addresses: the node alone
 * is not worth a write. */
static void status_add_pod(struct json_object *status, struct json_object *pod)
{
	struct json_object *addresses = asb_array(pod, "status", "podIPs"),
			   *list = json_object_new_array();

	for (size_t i = 0; i < asb_length(addresses); i++) {
		const char *ip = asb_str(json_object_array_get_idx(addresses, i), "ip");

		if (ip != NULL) {
			json_object_array_add(list, json_object_new_string(ip));
		}
	}
	if (asb_length(list) == 0) {
		json_object_put(list);
		return;
	}
	json_object_object_add(status, "podIPs", list);
	asb_set_str(status, "nodeName", asb_str(pod, "spec", "nodeName"));
}

/* Sends a status with these conditions. */
static void status_send(struct pass *pass, struct json_object *take_status,
			struct json_object *take_conditions)
{
	struct asb_write write;

	json_object_object_add(take_status, "conditions", take_conditions);
	write = asb_set_status(WATCH_SANDBOX, pass->sandbox, take_status);
	/* A Sandbox that is gone has no status: ASB_NOT_FOUND is not an error. */
	if (asb_write(pass->call, &write) != ASB_OK && write.result != ASB_NOT_FOUND) {
		pass->retry = true;
		pass_error(pass, "status: %s", write.message);
	} else if (write.http_status != 0 && *pass->error != '\0') {
		pass->memory->error_ms = asb_now_ms(pass->call);
	}
}

void status_write(struct pass *pass)
{
	struct json_object *status, *conditions,
		*pod = pass_owns(pass, pass->pod.object) ? pass->pod.object : NULL;
	bool service = pass_owns(pass, pass->service.object) && !asb_deleting(pass->service.object);

	if (pass->stopped) {
		return;
	}
	status = json_object_new_object();
	if (service) {
		status_add_service(pass, status);
	}
	json_object_object_add(status, "replicas", json_object_new_int(pod != NULL ? 1 : 0));
	/* In v1beta1 the selector stays while the Sandbox is suspended. */
	if (pod != NULL ||
	    (conditions_are_beta(pass) && asb_at(pass->sandbox, "status", "selector") != NULL)) {
		status_add_selector(pass, status);
	}
	conditions = json_object_new_array();
	json_object_array_add(conditions, status_condition(pass, pod, service));
	if (conditions_are_beta(pass)) {
		status_add_pod(status, pod);
		conditions_add_beta(pass, conditions, pod);
	}
	status_send(pass, status, conditions);
}

void status_write_expired(struct pass *pass)
{
	struct json_object *status = json_object_new_object(),
			   *conditions = json_object_new_array();

	json_object_object_add(status, "replicas", json_object_new_int(0));
	json_object_array_add(conditions,
			      status_new_ready(pass, false, REASON_EXPIRED, "Sandbox has expired"));
	if (conditions_are_beta(pass)) {
		conditions_keep(pass, conditions);
	}
	status_send(pass, status, conditions);
}
