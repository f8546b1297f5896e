/* SPDX-License-Identifier: Apache-2.0 */
/* Defaults of the small kinds: namespaces, claims, secrets, policies, events, nodes. The table of
 * kinds calls them for every write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/buf.h"
#include "base/macros.h"

#define SECRET_MAX (4u << 20) /* of a value as base64: more than any object may have */

static void kind_set_str(struct json_object *object, const char *name, const char *value)
{
	if (asb_at(object, name) == NULL) {
		asb_set_str(object, name, value);
	}
}

static struct json_object *kind_one_string(const char *text)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(list, json_object_new_string(text));
	return list;
}

/* ---- namespaces ---- */

void namespace_set_defaults(struct json_object *object)
{
	const char *name = asb_name(object);

	if (name != NULL && *name != '\0') {
		asb_set_label(object, "kubernetes.io/metadata.name", name);
	}
}

void namespace_prepare(struct type_request *request, enum type_operation operation,
		       struct json_object *object, struct json_object *old)
{
	struct json_object *spec, *status;

	(void)request;
	if (operation == TYPE_OP_CREATE) {
		spec = asb_object_in(object, "spec");
		json_object_object_add(spec, "finalizers", kind_one_string("kubernetes"));
		json_object_object_del(object, "status");
		status = asb_object_in(object, "status");
		asb_set_str(status, "phase", "Active");
	} else if (operation == TYPE_OP_UPDATE && asb_at(old, "spec") != NULL) {
		/* Finalizers change through the /finalize subresource alone. */
		json_object_object_add(object, "spec", json_object_get(asb_at(old, "spec")));
	}
}

/* ---- claims ---- */

void claim_set_defaults(struct json_object *object)
{
	kind_set_str(asb_object_in(object, "spec"), "volumeMode", "Filesystem");
}

/* The node that has the volumes binds the claim; until then it is pending. */
void claim_prepare(struct type_request *request, enum type_operation operation,
		   struct json_object *object, struct json_object *old)
{
	(void)request;
	(void)old;
	if (operation == TYPE_OP_CREATE) {
		json_object_object_del(object, "status");
		asb_set_str(asb_object_in(object, "status"), "phase", "Pending");
	}
}

/* ---- secrets ---- */

static void kind_append_base64(struct buf *out, const unsigned char *data, size_t length)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < length; i += 3) {
		size_t rest = length - i;
		uint32_t bits = (uint32_t)data[i] << 16 |
				(rest > 1 ? (uint32_t)data[i + 1] << 8 : 0) |
				(rest > 2 ? (uint32_t)data[i + 2] : 0);

		buf_append_char(out, letters[bits >> 18]);
		buf_append_char(out, letters[bits >> 12 & 63]);
		buf_append_char(out, rest > 1 ? letters[bits >> 6 & 63] : '=');
		buf_append_char(out, rest > 2 ? letters[bits & 63] : '=');
	}
}

/* stringData is for writing only: it goes into data. */
void secret_set_defaults(struct json_object *object)
{
	struct json_object *plain = asb_at(object, "stringData"), *data;

	kind_set_str(object, "type", "Opaque");
	if (json_object_is_type(plain, json_type_object)) {
		data = asb_object_in(object, "data");
		json_object_object_foreach (plain, name, value) {
			CLEANUP_BUF struct buf text = BUF_INIT(SECRET_MAX);

			if (json_object_is_type(value, json_type_string)) {
				kind_append_base64(
					&text, (const unsigned char *)json_object_get_string(value),
					(size_t)json_object_get_string_len(value));
				asb_set_str(data, name, buf_str(&text));
			}
		}
	}
	json_object_object_del(object, "stringData");
}

/* ---- network policies ---- */

static void kind_policy_port_defaults(struct json_object *rules)
{
	for (size_t i = 0; i < asb_length(rules); i++) {
		struct json_object *ports = asb_array(json_object_array_get_idx(rules, i), "ports");

		for (size_t j = 0; j < asb_length(ports); j++) {
			struct json_object *port = json_object_array_get_idx(ports, j);

			if (json_object_is_type(port, json_type_object)) {
				kind_set_str(port, "protocol", "TCP");
			}
		}
	}
}

void policy_set_defaults(struct json_object *object)
{
	struct json_object *spec = asb_object_in(object, "spec"), *types;

	kind_policy_port_defaults(asb_array(spec, "ingress"));
	kind_policy_port_defaults(asb_array(spec, "egress"));
	asb_object_in(spec, "podSelector");
	if (asb_length(asb_at(spec, "policyTypes")) == 0) {
		types = kind_one_string("Ingress");
		if (asb_length(asb_at(spec, "egress")) > 0) {
			json_object_array_add(types, json_object_new_string("Egress"));
		}
		json_object_object_add(spec, "policyTypes", types);
	}
}

/* ---- events ---- */

/* An event is of two shapes that name one field differently; clients expect these members even
 * where they say nothing. */
void event_set_defaults(struct json_object *object)
{
	bool new_shape = asb_streq(asb_str(object, "apiVersion"), "events.k8s.io/v1");
	static const char *const old_nulls[] = { "firstTimestamp", "lastTimestamp", "eventTime" };
	static const char *const new_nulls[] = { "deprecatedFirstTimestamp",
						 "deprecatedLastTimestamp", "eventTime" };
	const char *const *nulls = new_shape ? new_nulls : old_nulls;

	for (size_t i = 0; i < ARRAY_LEN(old_nulls); i++) {
		if (asb_at(object, nulls[i]) == NULL) {
			json_object_object_add(object, nulls[i], NULL);
		}
	}
	asb_object_in(object, new_shape ? "deprecatedSource" : "source");
	if (!new_shape) {
		asb_object_in(object, "involvedObject");
		kind_set_str(object, "reportingComponent", "");
		kind_set_str(object, "reportingInstance", "");
	}
}

/* ---- nodes ---- */

void node_set_defaults(struct json_object *object)
{
	static const char *const texts[] = {
		"machineID",      "systemUUID",       "bootID",
		"kernelVersion",  "osImage",          "containerRuntimeVersion",
		"kubeletVersion", "kubeProxyVersion", "operatingSystem",
		"architecture",
	};
	struct json_object *status = asb_object_in(object, "status"),
			   *info = asb_object_in(status, "nodeInfo"), *endpoint;

	asb_object_in(object, "spec");
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		kind_set_str(info, texts[i], "");
	}
	endpoint = asb_object_in(asb_object_in(status, "daemonEndpoints"), "kubeletEndpoint");
	if (asb_at(endpoint, "Port") == NULL) {
		json_object_object_add(endpoint, "Port", json_object_new_int64(0));
	}
}
