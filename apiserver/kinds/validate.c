/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of the small kinds: claims, secrets, config maps, runtime classes, leases, policies,
 * events. The table of kinds calls them for every write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/schema/schema-private.h"
#include "apiserver/types/types-private.h"
#include "apiserver/validation/name.h"
#include "base/buf.h"
#include "base/macros.h"
#include "kube/quantity.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FIELD_MAX 512

/* ---- claims ---- */

static void kind_check_storage(struct json_object *spec, struct causes *causes)
{
	struct json_object *storage = asb_at(spec, "resources", "requests", "storage");
	struct quantity amount;

	if (storage == NULL) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.resources[storage]", NULL, "%s", "");
	} else if (quantity_read(storage, &amount) < 0) {
		causes_add(
			causes, CAUSE_INVALID, "spec.resources[storage]", storage,
			"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
	} else if (!quantity_positive(&amount)) {
		causes_add(causes, CAUSE_INVALID, "spec.resources[storage]", storage,
			   "must be greater than zero");
	}
}

/* After creation only the size may change, and it may only grow. */
static void kind_check_claim_update(struct json_object *spec, struct json_object *old,
				    struct causes *causes)
{
	static const char *const fixed[] = { "accessModes", "volumeMode", "storageClassName",
					     "selector" };

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		struct json_object *before = asb_at(old, fixed[i]);

		if (before != NULL && !json_object_equal(asb_at(spec, fixed[i]), before)) {
			causes_add_str(
				causes, CAUSE_FORBIDDEN, "spec", NULL,
				"spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims");
			return;
		}
	}
}

void claim_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes)
{
	struct json_object *spec = asb_at(object, "spec"), *modes = asb_array(spec, "accessModes");
	const char *mode = asb_str(spec, "volumeMode");

	if (operation == TYPE_OP_STATUS) {
		return;
	}
	if (asb_length(modes) == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.accessModes", NULL,
			       "at least 1 access mode is required");
	}
	for (size_t i = 0; i < asb_length(modes); i++) {
		const char *text = asb_as_str(json_object_array_get_idx(modes, i));

		validate_option(text != NULL ? text : "",
				OPTIONS("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
					"ReadWriteOncePod"),
				"spec.accessModes", causes);
	}
	kind_check_storage(spec, causes);
	validate_option(mode != NULL ? mode : "", OPTIONS("Block", "Filesystem"), "spec.volumeMode",
			causes);
	if (old != NULL) {
		kind_check_claim_update(spec, asb_at(old, "spec"), causes);
	}
}

/* ---- secrets and config maps ---- */

static void kind_check_keys(struct json_object *data, const char *name, bool base64,
			    struct causes *causes)
{
	char field[FIELD_MAX];

	if (!json_object_is_type(data, json_type_object)) {
		return;
	}
	json_object_object_foreach (data, key, value) {
		const char *text = asb_as_str(value);

		snprintf(field, sizeof(field), "%s[%s]", name, key);
		validate_config_key(key, field, causes);
		if (text == NULL || (base64 && !schema_format_fits("byte", text))) {
			causes_add_str(causes, CAUSE_INVALID, field, "",
				       base64 ? "must be base64" : "must be a string");
		}
	}
}

/* An object that is marked as immutable can only be deleted. */
static void kind_check_immutable(struct json_object *object, struct json_object *old,
				 struct causes *causes)
{
	static const char *const fixed[] = { "data", "binaryData", "immutable" };

	if (old == NULL || !asb_true(asb_at(old, "immutable"))) {
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		if (!json_object_equal(asb_at(object, fixed[i]), asb_at(old, fixed[i]))) {
			causes_add_str(causes, CAUSE_FORBIDDEN, fixed[i], NULL,
				       "field is immutable when `immutable` is set");
		}
	}
}

void secret_validate(struct json_object *object, struct json_object *old,
		     enum type_operation operation, struct causes *causes)
{
	static const struct {
		const char *type, *key;
	} needed[] = {
		{ "kubernetes.io/dockerconfigjson", ".dockerconfigjson" },
		{ "kubernetes.io/dockercfg", ".dockercfg" },
		{ "kubernetes.io/ssh-auth", "ssh-privatekey" },
		{ "kubernetes.io/tls", "tls.crt" },
		{ "kubernetes.io/tls", "tls.key" },
	};
	const char *type = asb_str(object, "type"), *before = asb_str(old, "type");
	char field[FIELD_MAX];

	(void)operation;
	kind_check_keys(asb_at(object, "data"), "data", true, causes);
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (asb_streq(type, needed[i].type) &&
		    asb_at(object, "data", needed[i].key) == NULL) {
			snprintf(field, sizeof(field), "data[%s]", needed[i].key);
			causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "%s", "");
		}
	}
	if (before != NULL && !asb_streq(type, before)) {
		causes_add_str(causes, CAUSE_INVALID, "type", type != NULL ? type : "",
			       "field is immutable");
	}
	kind_check_immutable(object, old, causes);
}

void config_map_validate(struct json_object *object, struct json_object *old,
			 enum type_operation operation, struct causes *causes)
{
	struct json_object *data = asb_at(object, "data");
	char field[FIELD_MAX];

	(void)operation;
	kind_check_keys(data, "data", false, causes);
	kind_check_keys(asb_at(object, "binaryData"), "binaryData", true, causes);
	if (json_object_is_type(data, json_type_object)) {
		json_object_object_foreach (data, key, value) {
			(void)value;
			if (asb_at(object, "binaryData", key) != NULL) {
				snprintf(field, sizeof(field), "data[%s]", key);
				causes_add_str(causes, CAUSE_INVALID, field, key,
					       "duplicate of key present in binaryData");
			}
		}
	}
	kind_check_immutable(object, old, causes);
}

/* ---- runtime classes and leases ---- */

void runtime_class_validate(struct json_object *object, struct json_object *old,
			    enum type_operation operation, struct causes *causes)
{
	const char *handler = asb_str(object, "handler"), *before = asb_str(old, "handler");

	(void)operation;
	if (handler == NULL || *handler == '\0') {
		causes_add_str(causes, CAUSE_REQUIRED, "handler", NULL, "%s", "");
		return;
	}
	validate_label(handler, "handler", causes);
	if (before != NULL && strcmp(handler, before) != 0) {
		causes_add_str(causes, CAUSE_INVALID, "handler", handler, "field is immutable");
	}
}

void lease_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes)
{
	struct json_object *spec = asb_at(object, "spec"),
			   *duration = asb_at(spec, "leaseDurationSeconds"),
			   *transitions = asb_at(spec, "leaseTransitions");

	(void)old;
	(void)operation;
	if (duration != NULL && asb_int(duration, 0) <= 0) {
		causes_add(causes, CAUSE_INVALID, "spec.leaseDurationSeconds", duration,
			   "must be greater than 0");
	}
	if (transitions != NULL && asb_int(transitions, -1) < 0) {
		causes_add(causes, CAUSE_INVALID, "spec.leaseTransitions", transitions,
			   "must be greater than or equal to 0");
	}
}

/* ---- network policies ---- */

static void kind_check_peer(struct json_object *peer, const char *field, struct causes *causes)
{
	const char *cidr = asb_str(peer, "ipBlock", "cidr");
	char path[FIELD_MAX];

	if (!json_object_is_type(peer, json_type_object) || json_object_object_length(peer) == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "must specify a peer");
	}
	if (asb_at(peer, "ipBlock") != NULL) {
		snprintf(path, sizeof(path), "%s.ipBlock.cidr", field);
		if (cidr == NULL || *cidr == '\0') {
			causes_add_str(causes, CAUSE_REQUIRED, path, NULL, "%s", "");
		} else if (!schema_format_fits("cidr", cidr)) {
			causes_add_str(
				causes, CAUSE_INVALID, path, cidr,
				"must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
		}
	}
	snprintf(path, sizeof(path), "%s.podSelector.matchLabels", field);
	validate_labels(asb_at(peer, "podSelector", "matchLabels"), path, causes);
	snprintf(path, sizeof(path), "%s.namespaceSelector.matchLabels", field);
	validate_labels(asb_at(peer, "namespaceSelector", "matchLabels"), path, causes);
}

static void kind_check_policy_port(struct json_object *port, const char *field,
				   struct causes *causes)
{
	const char *protocol = asb_str(port, "protocol");
	struct json_object *number = asb_at(port, "port");
	char path[FIELD_MAX];

	snprintf(path, sizeof(path), "%s.protocol", field);
	validate_option(protocol != NULL ? protocol : "", OPTIONS("TCP", "UDP", "SCTP"), path,
			causes);
	if (json_object_is_type(number, json_type_int)) {
		snprintf(path, sizeof(path), "%s.port", field);
		validate_port(asb_int(number, 0), path, causes);
	}
}

static void kind_check_rules(struct json_object *rules, const char *name, const char *peers,
			     struct causes *causes)
{
	char field[FIELD_MAX];

	for (size_t i = 0; i < asb_length(rules); i++) {
		struct json_object *rule = json_object_array_get_idx(rules, i),
				   *ports = asb_array(rule, "ports"),
				   *list = asb_array(rule, peers);

		for (size_t j = 0; j < asb_length(ports); j++) {
			snprintf(field, sizeof(field), "spec.%s[%zu].ports[%zu]", name, i, j);
			kind_check_policy_port(json_object_array_get_idx(ports, j), field, causes);
		}
		for (size_t j = 0; j < asb_length(list); j++) {
			snprintf(field, sizeof(field), "spec.%s[%zu].%s[%zu]", name, i, peers, j);
			kind_check_peer(json_object_array_get_idx(list, j), field, causes);
		}
	}
}

void policy_validate(struct json_object *object, struct json_object *old,
		     enum type_operation operation, struct causes *causes)
{
	struct json_object *spec = asb_at(object, "spec"), *types = asb_array(spec, "policyTypes");
	char field[FIELD_MAX];

	(void)old;
	(void)operation;
	validate_labels(asb_at(spec, "podSelector", "matchLabels"), "spec.podSelector.matchLabels",
			causes);
	kind_check_rules(asb_array(spec, "ingress"), "ingress", "from", causes);
	kind_check_rules(asb_array(spec, "egress"), "egress", "to", causes);
	for (size_t i = 0; i < asb_length(types); i++) {
		const char *type = asb_as_str(json_object_array_get_idx(types, i));

		snprintf(field, sizeof(field), "spec.policyTypes[%zu]", i);
		validate_option(type != NULL ? type : "", OPTIONS("Ingress", "Egress"), field,
				causes);
	}
}

/* ---- events ---- */

void event_validate(struct json_object *object, struct json_object *old,
		    enum type_operation operation, struct causes *causes)
{
	bool new_shape = asb_streq(asb_str(object, "apiVersion"), "events.k8s.io/v1");
	const char *about =
		asb_str(object, new_shape ? "regarding" : "involvedObject", "namespace");

	(void)old;
	(void)operation;
	/* Events about objects without a namespace are in the namespace "default". */
	about = about != NULL && *about != '\0' ? about : "default";
	if (strcmp(about, asb_ns(object)) != 0) {
		causes_add_str(causes, CAUSE_INVALID, "involvedObject.namespace", about,
			       "does not match event.namespace");
	}
}
