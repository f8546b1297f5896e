/* SPDX-License-Identifier: Apache-2.0 */
/* What a claim says of itself: the condition Ready and the Sandbox's name, nothing written that is
 * there already. Every file of the plugin ends its pass here when there is something to say. */
#include "config.h"

#include "plugins/claim/claim.h"

/* A Sandbox that nobody reports on is said to be not ready after this long. Until then its first
 * report is awaited, so that a claim served from a pool costs one write of its status. */
#define SILENCE_MS 10000
/* An error whose words keep changing is written once in this time. */
#define ERROR_PERIOD_MS 60000
#define MESSAGE_SIZE 2048

bool status_reason_is(const struct pass *pass, const char *reason)
{
	return asb_streq(asb_str(asb_condition(pass->claim, "Ready"), "reason"), reason);
}

/* The stored status with another Ready; conditions and fields of others stay. */
static struct json_object *build(struct pass *pass, const char *value, const char *reason,
				 const char *message)
{
	struct json_object *status = asb_copy(asb_at(pass->claim, "status"));
	struct json_object *old = asb_array(pass->claim, "status", "conditions");
	struct json_object *conditions = json_object_new_array();

	if (!json_object_is_type(status, json_type_object)) {
		json_object_put(status);
		status = json_object_new_object();
	}
	json_object_array_add(conditions,
			      asb_new_condition(pass->claim, "Ready", value, reason, message,
						asb_generation(pass->claim), pass->now_ms));
	for (size_t i = 0; i < asb_length(old); i++) {
		struct json_object *condition = json_object_array_get_idx(old, i);

		if (!asb_streq(asb_str(condition, "type"), "Ready")) {
			json_object_array_add(conditions, asb_copy(condition));
		}
	}
	json_object_object_add(status, "conditions", conditions);
	if (pass->sandbox != NULL) {
		asb_set_str(asb_object_in(status, "sandbox"), "Name", pass->key->name);
	} else {
		json_object_object_del(status, "sandbox");
	}
	return status;
}

static int32_t write_ready(struct pass *pass, const char *value, const char *reason,
			   const char *message)
{
	struct json_object *status = build(pass, value, reason, message);
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

int32_t status_say(struct pass *pass, const char *reason, const char *message)
{
	return write_ready(pass, "False", reason, message);
}

/* The first time a claim is Ready: an event, and a sample if this process saw it from the start. */
static void provisioned(struct pass *pass)
{
	static const char *const names[LAUNCH_MAX] = {
		[LAUNCH_COLD] = "cold",
		[LAUNCH_WARM] = "warm",
	};
	const struct asb_host *host = pass->call->host;
	const char *pod = asb_annotation(pass->sandbox, ANNOTATION_POD_NAME);
	int64_t took = asb_now_ms(pass->call) - pass->memory->seen_ms;

	pass->memory->never_ready = 0;
	host->event(pass->call, pass->claim, "Normal", "SandboxProvisioned",
		    "Sandbox %s is ready%s%s", pass->key->name, pod != NULL ? ", in pod " : "",
		    pod != NULL ? pod : "");
	if (pass->memory->launch != LAUNCH_UNKNOWN) {
		host->metric(pass->call->instance, METRIC_STARTUP,
			     took > 0 ? (double)took / 1000.0 : 0, &names[pass->memory->launch]);
	}
}

/* No word from the Sandbox yet. */
static int32_t await(struct pass *pass)
{
	int64_t created = pass->now_ms, left;

	(void)asb_time_parse(asb_str(pass->sandbox, "metadata", "creationTimestamp"), &created);
	left = created + SILENCE_MS - pass->now_ms;
	if (left > 0 && !asb_condition_is(pass->claim, "Ready", "True")) {
		/* Not longer, however the clocks of the API server and of this process differ. */
		pass_again_after(pass, (uint64_t)(left < SILENCE_MS ? left : SILENCE_MS));
		return ASB_DONE;
	}
	return status_say(pass, "SandboxNotReady", "Sandbox is not ready");
}

int32_t status_pass_on(struct pass *pass)
{
	struct json_object *ready = asb_condition(pass->sandbox, "Ready");
	const char *value = asb_str(ready, "status"), *reason = asb_str(ready, "reason");
	const char *message = asb_str(ready, "message");
	int32_t result;

	if (value == NULL) {
		return await(pass);
	}
	result = write_ready(pass, value,
			     reason != NULL && *reason != '\0' ? reason : "SandboxNotReady",
			     message != NULL ? message : "");
	if (result == ASB_DONE && asb_streq(value, "True") && pass->memory->never_ready) {
		provisioned(pass);
	}
	return result;
}

/* Cuts a character of several bytes that the end of the buffer has halved: JSON takes whole ones
 * only. */
static void trim_utf8(char *text)
{
	size_t length = strlen(text), lead = length, tail = 0;

	while (lead > 0 && tail < 4 && ((unsigned char)text[lead - 1] & 0xc0) == 0x80) {
		lead--;
		tail++;
	}
	if (lead > 0 && (unsigned char)text[lead - 1] >= 0xc0) {
		unsigned char first = (unsigned char)text[lead - 1];

		if (tail < (first >= 0xf0 ? 3u : first >= 0xe0 ? 2u : 1u)) {
			text[lead - 1] = '\0';
		}
	}
}

/* Whether another error was written so lately that this one has to wait. A new generation never
 * waits. */
static bool too_soon(struct pass *pass, const char *message)
{
	struct json_object *ready = asb_condition(pass->claim, "Ready");
	int64_t passed = pass->now_ms - pass->memory->error_ms;

	if (!status_reason_is(pass, "ReconcilerError") || passed < 0 || passed >= ERROR_PERIOD_MS ||
	    asb_streq(asb_str(ready, "message"), message) ||
	    asb_int(asb_at(ready, "observedGeneration"), 0) != asb_generation(pass->claim)) {
		return false;
	}
	pass_again_after(pass, (uint64_t)(ERROR_PERIOD_MS - passed));
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
	trim_utf8(message);
	if (!too_soon(pass, message)) {
		if (status_say(pass, "ReconcilerError", message) != ASB_DONE) {
			return ASB_ERROR;
		}
		pass->memory->error_ms = pass->now_ms;
	}
	return pass->call->host->fail(pass->call, result, "%s", message + sizeof(prefix) - 1);
}

static const char *or_unknown(const char *text)
{
	return text != NULL ? text : "unknown";
}

int32_t status_foreign(struct pass *pass, int32_t result, struct json_object *object)
{
	struct json_object *owner = asb_controller(object, NULL);
	const char *kind = or_unknown(asb_str(object, "kind"));
	const char *name = or_unknown(asb_name(object));

	if (owner == NULL) {
		return status_error(
			pass, result,
			"%s \"%s\" exists and has no controller: it is not this claim's", kind,
			name);
	}
	return status_error(pass, result, "%s \"%s\" exists and belongs to %s \"%s\" (UID %s)",
			    kind, name, or_unknown(asb_str(owner, "kind")),
			    or_unknown(asb_str(owner, "name")), or_unknown(asb_str(owner, "uid")));
}

int32_t status_write_failed(struct pass *pass, const struct asb_write *write, const char *what)
{
	const char *words = write->message != NULL ? write->message : "";

	switch (write->result) {
	case ASB_UNREACHABLE:
		/* One lost response says nothing about the claim; several in a row do. */
		if (pass->memory->failures++ > 0) {
			break;
		}
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot %s: %s", what, words);
	case ASB_NOT_FOUND:
	case ASB_CONFLICT:
	case ASB_CANCELLED:
		/* The world has moved on: the next pass sees it. */
		return pass->call->host->fail(pass->call, ASB_ERROR, "cannot %s: %s", what, words);
	default:
		break;
	}
	return status_error(pass, ASB_ERROR, "cannot %s: %s", what, words);
}
