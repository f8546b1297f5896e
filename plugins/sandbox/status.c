/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status of a Sandbox: what users and the claim read, word for word as the contract has it.
 * Called at the end of a pass.
 */
#include "config.h"

#include "plugins/sandbox/sandbox.h"

/* A status whose only news is another error text waits so long after the last. */
#define ERROR_PAUSE_MS 60000

static bool pod_is_ready(struct json_object *pod)
{
	return asb_streq(asb_str(pod, "status", "phase"), "Running") && !asb_deleting(pod) &&
	       asb_condition_is(pod, "Ready", "True");
}

/* The text about the pod; says whether it is as wanted. */
static bool describe_pod(struct pass *p, struct json_object *pod, char *ret, size_t size)
{
	const char *phase = asb_str(pod, "status", "phase");

	if (pod == NULL) {
		snprintf(ret, size, "%s%s", TEXT_NO_POD, p->wanted ? "" : ", replicas is 0");
		return !p->wanted;
	}
	if (p->wanted && pod_is_ready(pod)) {
		snprintf(ret, size, "Pod is Ready");
		return true;
	}
	if (p->wanted && !asb_deleting(pod) && asb_streq(phase, "Running")) {
		snprintf(ret, size, "Pod is Running but not Ready");
	} else {
		snprintf(ret, size, "Pod exists with phase: %.32s",
			 phase != NULL ? phase : "Pending");
	}
	return false;
}

static struct json_object *new_ready(struct pass *p, bool ready, const char *reason,
				     const char *message)
{
	return asb_new_condition(p->sandbox, "Ready", ready ? "True" : "False", reason, message,
				 asb_generation(p->sandbox), asb_now_ms(p->call));
}

/*
 * An error's text may differ each time (a port, a counter) and a retry comes soon: the old text
 * stays for a minute, so that nothing is written unless something else has changed.
 */
static struct json_object *new_error(struct pass *p)
{
	struct json_object *old = asb_condition(p->sandbox, "Ready");
	const char *message = asb_str(old, "message");
	char text[sizeof(p->error) + 16];

	if (message != NULL && asb_streq(asb_str(old, "reason"), REASON_ERROR) &&
	    asb_int(asb_at(old, "observedGeneration"), 0) == asb_generation(p->sandbox) &&
	    asb_now_ms(p->call) - p->memory->error_ms < ERROR_PAUSE_MS) {
		return new_ready(p, false, REASON_ERROR, message);
	}
	snprintf(text, sizeof(text), "Error seen: %s", p->error);
	return new_ready(p, false, REASON_ERROR, text);
}

static struct json_object *condition(struct pass *p, struct json_object *pod, bool service)
{
	char pod_text[64], message[128];
	bool ready;

	if (*p->error != '\0') {
		return new_error(p);
	}
	ready = describe_pod(p, pod, pod_text, sizeof(pod_text)) && service;
	snprintf(message, sizeof(message), "%s; %s", pod_text,
		 service ? "Service Exists" : "Service does not exist");
	return new_ready(p, ready, ready ? REASON_READY : REASON_NOT_READY, message);
}

static void add_service(struct pass *p, struct json_object *status)
{
	char fqdn[640];

	snprintf(fqdn, sizeof(fqdn), "%.253s.%.63s.svc.%.253s", p->name, p->ns,
		 p->state->cluster_domain);
	asb_set_str(status, "service", p->name);
	asb_set_str(status, "serviceFQDN", fqdn);
}

static void add_selector(struct pass *p, struct json_object *status)
{
	char selector[80];

	snprintf(selector, sizeof(selector), "%s=%s", LABEL_NAME_HASH, p->hash);
	asb_set_str(status, "selector", selector);
}

/* Sends a status with this one condition. */
static void write_status(struct pass *p, struct json_object *take_status,
			 struct json_object *take_condition)
{
	struct json_object *conditions = json_object_new_array();
	struct asb_write write;

	json_object_array_add(conditions, take_condition);
	json_object_object_add(take_status, "conditions", conditions);
	write = asb_set_status(WATCH_SANDBOX, p->sandbox, take_status);
	/* A Sandbox that is gone has no status to write. */
	if (asb_write(p->call, &write) != ASB_OK && write.result != ASB_NOT_FOUND) {
		p->retry = true;
		pass_error(p, "status: %s", write.message);
	} else if (write.http_status != 0 && *p->error != '\0') {
		p->memory->error_ms = asb_now_ms(p->call);
	}
}

void status_write(struct pass *p)
{
	struct json_object *status, *pod = pass_owns(p, p->pod.object) ? p->pod.object : NULL;
	bool service = pass_owns(p, p->service.object) && !asb_deleting(p->service.object);

	if (p->stopped) {
		return;
	}
	status = json_object_new_object();
	if (service) {
		add_service(p, status);
	}
	json_object_object_add(status, "replicas", json_object_new_int(pod != NULL ? 1 : 0));
	if (pod != NULL) {
		add_selector(p, status);
	}
	write_status(p, status, condition(p, pod, service));
}

void status_write_expired(struct pass *p)
{
	struct json_object *status = json_object_new_object();

	json_object_object_add(status, "replicas", json_object_new_int(0));
	write_status(p, status, new_ready(p, false, REASON_EXPIRED, "Sandbox has expired"));
}
