/* SPDX-License-Identifier: Apache-2.0 */
/* The status of a claim: the condition Ready and the Sandbox's name, written only if they differ.
 * Every step that has something to report ends here. */
#include "config.h"

#include "plugins/claim/claim.h"

/* A Sandbox without a condition Ready is reported as not ready after this time. Until then the
 * claim waits for the condition, so that a claim served from a pool costs one write of its
 * status. */
#define SILENCE_MS 10000
/* An error whose text keeps changing is written once in this time. */
#define ERROR_PERIOD_MS 60000
#define MESSAGE_SIZE 2048

bool status_reason_is(const struct pass *pass, const char *reason)
{
	return asb_streq(asb_str(asb_condition(pass->claim, "Ready"), "reason"), reason);
}

/* The Sandbox of a claim of v1beta1: clients wait for its name and Ready in one write. Errors that
 * pass do not empty it. */
static void status_add_sandbox(struct pass *pass, struct json_object *status)
{
	struct json_object *of = asb_at(pass->sandbox, "status"), *sandbox;
	struct json_object *addresses = asb_array(of, "podIPs");

	if (pass->sandbox == NULL) {
		return;
	}
	sandbox = json_object_new_object();
	asb_set_str(sandbox, "name", asb_name(pass->sandbox));
	asb_set_str(sandbox, "Name", asb_name(pass->sandbox));
	if (asb_length(addresses) > 0) {
		json_object_object_add(sandbox, "podIPs", asb_copy(addresses));
	}
	asb_set_str(sandbox, "serviceFQDN", asb_str(of, "serviceFQDN"));
	json_object_object_add(status, "sandbox", sandbox);
}

/* The stored status with a new condition Ready; other conditions and fields stay. */
static struct json_object *status_new(struct pass *pass, const char *value, const char *reason,
				      const char *message)
{
	struct json_object *status = asb_copy(asb_at(pass->claim, "status"));
	struct json_object *old = asb_array(pass->claim, "status", "conditions");
	struct json_object *finished = asb_condition(pass->sandbox, "Finished");
	struct json_object *conditions = json_object_new_array();
	bool beta = pass->dialect == DIALECT_BETA;

	if (!json_object_is_type(status, json_type_object)) {
		json_object_put(status);
		status = json_object_new_object();
	}
	json_object_array_add(conditions,
			      asb_new_condition(pass->claim, "Ready", value, reason, message,
						asb_generation(pass->claim), pass->now_ms));
	for (size_t i = 0; i < asb_length(old); i++) {
		struct json_object *condition = json_object_array_get_idx(old, i);

		if (!asb_streq(asb_str(condition, "type"), "Ready") &&
		    !(beta && finished != NULL &&
		      asb_streq(asb_str(condition, "type"), "Finished"))) {
			json_object_array_add(conditions, asb_copy(condition));
		}
	}
	if (beta && finished != NULL) {
		/* It stays when the Sandbox is gone: the claim's TTL counts from it. */
		json_object_array_add(conditions, asb_copy(finished));
	}
	json_object_object_add(status, "conditions", conditions);
	if (beta) {
		status_add_sandbox(pass, status);
	} else if (pass->sandbox != NULL) {
		asb_set_str(asb_object_in(status, "sandbox"), "Name", pass->key->name);
	} else {
		json_object_object_del(status, "sandbox");
	}
	return status;
}

static int32_t status_write(struct pass *pass, const char *value, const char *reason,
			    const char *message)
{
	struct json_object *status = status_new(pass, value, reason, message);
	struct asb_write write = asb_set_status(WATCH_CLAIM, pass->claim, asb_copy(status));
	int32_t result = asb_write(pass->call, &write);

	if (result != ASB_OK) {
		json_object_put(status);
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot write the status: %s",
					      write.message);
	}
	json_object_object_add(pass->claim, "status", status);
	return ASB_DONE;
}

int32_t status_not_ready(struct pass *pass, const char *reason, const char *message)
{
	return status_write(pass, "False", reason, message);
}

/* Reports the first time that a claim is Ready: with an event, and with a sample if this process
 * has seen the claim from its start. */
static void status_provisioned(struct pass *pass)
{
	static const char *const names[LAUNCH_MAX] = {
		[LAUNCH_COLD] = "cold",
		[LAUNCH_WARM] = "warm",
	};
	const struct asb_host *host = pass->call->host;
	const char *pod = asb_annotation(pass->sandbox, ANNOTATION_POD_NAME);
	int64_t took = asb_now_ms(pass->call) - pass->memory->seen_ms;

	pass->memory->never_ready = 0;
	if (pass->dialect == DIALECT_ALPHA) {
		host->event(pass->call, pass->claim, "Normal", "SandboxProvisioned",
			    "Sandbox %s is ready%s%s", pass->key->name,
			    pod != NULL ? ", in pod " : "", pod != NULL ? pod : "");
	}
	if (pass->memory->launch != LAUNCH_UNKNOWN) {
		host->metric(pass->call->instance, METRIC_STARTUP,
			     took > 0 ? (double)took / 1000.0 : 0, &names[pass->memory->launch]);
	}
	measure_ready(pass);
}

/* The Sandbox has no condition Ready yet. */
static int32_t status_await(struct pass *pass)
{
	int64_t created = pass->now_ms, left;

	(void)asb_time_parse(asb_str(pass->sandbox, "metadata", "creationTimestamp"), &created);
	left = created + SILENCE_MS - pass->now_ms;
	if (left > 0 && !asb_condition_is(pass->claim, "Ready", "True")) {
		/* The clocks of the API server and of this process may differ: wait no longer. */
		pass_again(pass, (uint64_t)(left < SILENCE_MS ? left : SILENCE_MS));
		return ASB_DONE;
	}
	return status_not_ready(pass, "SandboxNotReady", "Sandbox is not ready");
}

int32_t status_copy(struct pass *pass)
{
	struct json_object *ready = asb_condition(pass->sandbox, "Ready");
	const char *value = asb_str(ready, "status"), *reason = asb_str(ready, "reason");
	const char *message = asb_str(ready, "message");
	int32_t result;

	if (value == NULL) {
		return status_await(pass);
	}
	if (pass->dialect == DIALECT_BETA && asb_streq(reason, "SandboxExpired")) {
		message = "Underlying Sandbox resource has expired independently of the Claim.";
	}
	result = status_write(pass, value,
			      reason != NULL && *reason != '\0' ? reason : "SandboxNotReady",
			      message != NULL ? message : "");
	if (result == ASB_DONE && asb_streq(value, "True") && pass->memory->never_ready) {
		status_provisioned(pass);
	}
	return result;
}

/* Whether the last error was written so recently that this one has to wait. A new generation never
 * waits. */
static bool status_too_soon(struct pass *pass, const char *message)
{
	struct json_object *ready = asb_condition(pass->claim, "Ready");
	int64_t passed = pass->now_ms - pass->memory->error_ms;

	if (!status_reason_is(pass, "ReconcilerError") || passed < 0 || passed >= ERROR_PERIOD_MS ||
	    asb_streq(asb_str(ready, "message"), message) ||
	    asb_int(asb_at(ready, "observedGeneration"), 0) != asb_generation(pass->claim)) {
		return false;
	}
	pass_again(pass, (uint64_t)(ERROR_PERIOD_MS - passed));
	return true;
}

int32_t status_error(struct pass *pass, int32_t result, const char *format, ...)
{
	static const char prefix[] = "Error seen: ";
	char message[MESSAGE_SIZE];
	va_list arguments;

	memcpy(message, prefix, sizeof(prefix));
	va_start(arguments, format);
	vsnprintf(message + sizeof(prefix) - 1, sizeof(message) - sizeof(prefix) + 1, format,
		  arguments);
	va_end(arguments);
	object_trim_text(message);
	if (!status_too_soon(pass, message)) {
		if (status_not_ready(pass, "ReconcilerError", message) != ASB_DONE) {
			return ASB_ERROR;
		}
		pass->memory->error_ms = pass->now_ms;
	}
	return pass->call->host->fail(pass->call, result, "%s", message + sizeof(prefix) - 1);
}

static const char *status_text(const char *text)
{
	return text != NULL ? text : "unknown";
}

int32_t status_foreign(struct pass *pass, int32_t result, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *kind = status_text(asb_str(object, "kind"));
	const char *name = status_text(asb_name(object));

	if (owner == NULL) {
		return status_error(
			pass, result,
			"%s \"%s\" exists and has no controller: it is not this claim's", kind,
			name);
	}
	return status_error(pass, result, "%s \"%s\" exists and belongs to %s \"%s\" (UID %s)",
			    kind, name, status_text(asb_str(owner, "kind")),
			    status_text(asb_str(owner, "name")),
			    status_text(asb_str(owner, "uid")));
}

int32_t status_write_failed(struct pass *pass, const struct asb_write *write, const char *what)
{
	const char *message = write->message != NULL ? write->message : "";

	switch (write->result) {
	case ASB_UNREACHABLE:
		/* One lost response says nothing about the claim, but several in a row do. */
		if (pass->memory->failures++ > 0) {
			break;
		}
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot %s: %s", what,
					      message);
	case ASB_NOT_FOUND:
	case ASB_CONFLICT:
	case ASB_CANCELLED:
		/* The objects have changed: the next reconcile sees the change. */
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot %s: %s", what,
					      message);
	default:
		break;
	}
	return status_error(pass, ASB_ERROR, "cannot %s: %s", what, message);
}
