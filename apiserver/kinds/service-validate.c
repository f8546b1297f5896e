/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of a Service, with the API server's messages. The table of kinds calls it for every
 * write of a Service. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "apiserver/validation/name.h"
#include "base/macros.h"
#include "base/map.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FIELD_MAX 64
#define SAME_MAX 32 /* "SCTP/65535" */

/* What the ports seen so far have taken. */
struct ports {
	struct map names, numbers;
	char (*same)[SAME_MAX];
};

static void service_check_target(struct json_object *target, const char *field,
				 struct causes *causes)
{
	if (json_object_is_type(target, json_type_string)) {
		const char *name = json_object_get_string(target);

		if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(name)) {
			causes_add_str(
				causes, CAUSE_INVALID, field, name,
				"must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
		}
		if (strpbrk(name, "abcdefghijklmnopqrstuvwxyz") == NULL) {
			causes_add_str(causes, CAUSE_INVALID, field, name,
				       "must contain at least one letter (a-z)");
		}
		return;
	}
	validate_port(asb_int(target, 0), field, causes);
}

static void service_check_port(struct json_object *port, size_t place, bool many,
			       struct ports *seen, struct causes *causes)
{
	const char *name = asb_str(port, "name"), *protocol = asb_str(port, "protocol");
	char field[FIELD_MAX];

	snprintf(field, sizeof(field), "spec.ports[%zu].name", place);
	if (name != NULL && *name != '\0') {
		validate_label(name, field, causes);
		if (map_put(&seen->names, name, port) != NULL) {
			causes_add_str(causes, CAUSE_DUPLICATE, field, name, "%s", "");
		}
	} else if (many) {
		causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "%s", "");
	}
	snprintf(field, sizeof(field), "spec.ports[%zu].port", place);
	validate_port(asb_int(asb_at(port, "port"), 0), field, causes);
	snprintf(field, sizeof(field), "spec.ports[%zu].protocol", place);
	validate_option(protocol != NULL ? protocol : "", OPTIONS("SCTP", "TCP", "UDP"), field,
			causes);
	snprintf(field, sizeof(field), "spec.ports[%zu].targetPort", place);
	service_check_target(asb_at(port, "targetPort"), field, causes);

	snprintf(seen->same[place], SAME_MAX, "%.8s/%" PRId64, protocol != NULL ? protocol : "",
		 asb_int(asb_at(port, "port"), 0));
	if (map_put(&seen->numbers, seen->same[place], port) != NULL) {
		snprintf(field, sizeof(field), "spec.ports[%zu]", place);
		causes_add(causes, CAUSE_DUPLICATE, field, port, "%s", "");
	}
}

static void service_check_ports(struct json_object *spec, struct causes *causes)
{
	struct json_object *list = asb_array(spec, "ports");
	size_t count = asb_length(list);
	bool external = asb_streq(asb_str(spec, "type"), "ExternalName"),
	     headless = asb_streq(asb_str(spec, "clusterIP"), "None");
	struct ports seen = { .names = MAP_INIT };

	if (count == 0 && !external && !headless) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.ports", NULL, "%s", "");
	}
	seen.same = calloc(count + 1, SAME_MAX);
	if (seen.same == NULL) {
		abort();
	}
	for (size_t i = 0; i < count; i++) {
		service_check_port(json_object_array_get_idx(list, i), i, count > 1, &seen, causes);
	}
	map_finish(&seen.names);
	map_finish(&seen.numbers);
	free(seen.same);
}

static void service_check_addresses(struct json_object *spec, struct causes *causes)
{
	struct json_object *families = asb_array(spec, "ipFamilies");
	const char *address = asb_str(spec, "clusterIP");
	unsigned char bytes[16];
	bool headless = asb_streq(address, "None");

	if (address != NULL && *address != '\0' && !headless &&
	    inet_pton(AF_INET, address, bytes) != 1) {
		causes_add_str(causes, CAUSE_INVALID, "spec.clusterIPs[0]", address,
			       "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	}
	for (size_t i = 0; i < asb_length(families) && !headless; i++) {
		const char *family = asb_as_str(json_object_array_get_idx(families, i));
		char field[FIELD_MAX];

		if (!asb_streq(family, "IPv4")) {
			snprintf(field, sizeof(field), "spec.ipFamilies[%zu]", i);
			causes_add_str(causes, CAUSE_INVALID, field, family != NULL ? family : "",
				       "not configured on this cluster");
		}
	}
}

static void service_check_type(struct json_object *spec, struct causes *causes)
{
	const char *type = asb_str(spec, "type"), *name = asb_str(spec, "externalName"),
		   *affinity = asb_str(spec, "sessionAffinity");

	validate_option(type != NULL ? type : "",
			OPTIONS("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
			"spec.type", causes);
	validate_option(affinity != NULL ? affinity : "", OPTIONS("ClientIP", "None"),
			"spec.sessionAffinity", causes);
	if (!asb_streq(type, "ExternalName")) {
		return;
	}
	if (name == NULL || *name == '\0') {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.externalName", NULL, "%s", "");
	} else {
		validate_subdomain(name, "spec.externalName", causes);
	}
}

static void service_check_kept(struct json_object *spec, struct json_object *old,
			       struct causes *causes)
{
	const char *now = asb_str(spec, "clusterIP"), *before = asb_str(old, "clusterIP");

	if (before != NULL && !asb_streq(asb_str(spec, "type"), "ExternalName") &&
	    !asb_streq(now, before)) {
		causes_add(causes, CAUSE_INVALID, "spec.clusterIPs[0]", asb_at(spec, "clusterIPs"),
			   "may not change once set");
	}
}

void service_validate(struct json_object *service, struct json_object *old,
		      enum type_operation operation, struct causes *causes)
{
	struct json_object *spec = asb_at(service, "spec");

	if (operation == TYPE_OP_STATUS) {
		return;
	}
	service_check_ports(spec, causes);
	service_check_type(spec, causes);
	validate_labels(asb_at(spec, "selector"), "spec.selector", causes);
	service_check_addresses(spec, causes);
	if (old != NULL) {
		service_check_kept(spec, asb_at(old, "spec"), causes);
	}
}
