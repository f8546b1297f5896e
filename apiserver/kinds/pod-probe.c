/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of probes and lifecycle handlers. That of containers calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/kinds/pod-private.h"
#include "apiserver/validation/name.h"
#include "base/macros.h"

static void pod_check_handler_port(struct json_object *handler, const char *field,
				   struct causes *causes)
{
	struct json_object *port = asb_at(handler, "port");
	char path[VALIDATE_FIELD_MAX];

	snprintf(path, sizeof(path), "%s.port", field);
	if (!json_object_is_type(port, json_type_string)) {
		validate_port(asb_int(port, 0), path, causes);
	}
}

static void pod_check_handler(struct json_object *handler, const char *field, struct causes *causes)
{
	static const char *const kinds[] = { "exec", "httpGet", "tcpSocket", "grpc", "sleep" };
	size_t count = 0;
	char path[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct json_object *own = asb_at(handler, kinds[i]);

		if (own == NULL) {
			continue;
		}
		snprintf(path, sizeof(path), "%s.%s", field, kinds[i]);
		if (count++ > 0) {
			causes_add_str(causes, CAUSE_FORBIDDEN, path, NULL,
				       "may not specify more than 1 handler type");
		} else if (strcmp(kinds[i], "exec") == 0) {
			if (asb_length(asb_at(own, "command")) == 0) {
				snprintf(path, sizeof(path), "%s.exec.command", field);
				causes_add_str(causes, CAUSE_REQUIRED, path, NULL, "%s", "");
			}
		} else if (strcmp(kinds[i], "sleep") != 0) {
			pod_check_handler_port(own, path, causes);
		}
	}
	if (count == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "must specify a handler type");
	}
}

static void pod_check_probe(struct json_object *container, const char *field, const char *name,
			    struct causes *causes)
{
	static const char *const numbers[] = { "initialDelaySeconds", "timeoutSeconds",
					       "periodSeconds", "successThreshold",
					       "failureThreshold" };
	struct json_object *probe = asb_at(container, name), *success;
	char path[VALIDATE_FIELD_MAX], member[VALIDATE_FIELD_MAX + 32];

	if (probe == NULL) {
		return;
	}
	snprintf(path, sizeof(path), "%s.%s", field, name);
	pod_check_handler(probe, path, causes);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct json_object *number = asb_at(probe, numbers[i]);

		if (asb_int(number, 0) < 0) {
			snprintf(member, sizeof(member), "%s.%s", path, numbers[i]);
			causes_add(causes, CAUSE_INVALID, member, number,
				   "must be greater than or equal to 0");
		}
	}
	success = asb_at(probe, "successThreshold");
	if (strcmp(name, "readinessProbe") != 0 && asb_int(success, 1) != 1) {
		snprintf(member, sizeof(member), "%s.successThreshold", path);
		causes_add(causes, CAUSE_INVALID, member, success, "must be 1");
	}
}

void pod_validate_probes(struct json_object *container, const char *field, struct causes *causes)
{
	static const char *const hooks[] = { "postStart", "preStop" };
	char path[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		struct json_object *handler = asb_at(container, "lifecycle", hooks[i]);

		if (handler != NULL) {
			snprintf(path, sizeof(path), "%s.lifecycle.%s", field, hooks[i]);
			pod_check_handler(handler, path, causes);
		}
	}
	pod_check_probe(container, field, "livenessProbe", causes);
	pod_check_probe(container, field, "readinessProbe", causes);
	pod_check_probe(container, field, "startupProbe", causes);
}
