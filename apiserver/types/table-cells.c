/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the built-in kinds but pods, as kubectl shows them. Tables call them. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/table-private.h"
#include "base/buf.h"
#include "base/macros.h"

#define LIST_MAX 4096 /* bytes of a cell that lists things */

static void cell_add_selector(struct json_object *row, struct json_object *labels)
{
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach (labels, name, value) {
			buf_printf(&text, "%s%s=%s", text.length > 0 ? "," : "", name,
				   json_object_get_string(value));
		}
	}
	cell_add_or_none(row, buf_str(&text));
}

static void cell_add_strings(struct json_object *row, struct json_object *list)
{
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	for (size_t i = 0; i < asb_length(list); i++) {
		buf_printf(&text, "%s%s", i > 0 ? "," : "",
			   json_object_get_string(json_object_array_get_idx(list, i)));
	}
	cell_add_or_none(row, buf_str(&text));
}

static int64_t cell_members(struct json_object *object)
{
	return json_object_is_type(object, json_type_object) ? json_object_object_length(object)
							     : 0;
}

/* ---- services ---- */

const struct type_column service_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", "How it is reached."),
	COLUMN("Cluster-IP", "Its address; None for one that only names pods."),
	COLUMN("External-IP", "Addresses from outside."),
	COLUMN("Port(s)", "Ports and protocols."),
	COLUMN_AGE,
	COLUMN_WIDE("Selector", "Labels of the pods it leads to."),
	{ 0 },
};

static void cell_add_external(struct json_object *row, struct json_object *service)
{
	const char *type = asb_str(service, "spec", "type");
	struct json_object *ips = asb_array(service, "spec", "externalIPs");

	if (asb_streq(type, "ExternalName")) {
		cell_add(row, asb_str(service, "spec", "externalName"));
	} else if (asb_streq(type, "LoadBalancer") && asb_length(ips) == 0) {
		cell_add(row, "<pending>");
	} else {
		cell_add_strings(row, ips);
	}
}

void service_cells(struct json_object *service, int64_t now_ms, struct json_object *row)
{
	struct json_object *ports = asb_array(service, "spec", "ports");
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	for (size_t i = 0; i < asb_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);
		int64_t node = asb_int(asb_at(port, "nodePort"), 0);
		const char *protocol = asb_str(port, "protocol");

		buf_printf(&text, "%s%" PRId64, i > 0 ? "," : "", asb_int(asb_at(port, "port"), 0));
		if (node > 0) {
			buf_printf(&text, ":%" PRId64, node);
		}
		buf_printf(&text, "/%s", protocol != NULL ? protocol : "TCP");
	}
	cell_add(row, asb_name(service));
	cell_add(row, asb_str(service, "spec", "type"));
	cell_add_or_none(row, asb_str(service, "spec", "clusterIP"));
	cell_add_external(row, service);
	cell_add_or_none(row, buf_str(&text));
	cell_add_age(row, service, now_ms);
	cell_add_selector(row, asb_at(service, "spec", "selector"));
}

/* ---- nodes ---- */

const struct type_column node_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "Whether it is ready."),
	COLUMN("Roles", "What it is for."),
	COLUMN_AGE,
	COLUMN("Version", "The version of what runs its pods."),
	COLUMN_WIDE("Internal-IP", "Its address."),
	COLUMN_WIDE("External-IP", "Its address from outside."),
	COLUMN_WIDE("OS-Image", "Its operating system."),
	COLUMN_WIDE("Kernel-Version", "Its kernel."),
	COLUMN_WIDE("Container-Runtime", "What runs containers, and its version."),
	{ 0 },
};

static const char *cell_node_address(struct json_object *node, const char *type)
{
	struct json_object *list = asb_array(node, "status", "addresses");

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *address = json_object_array_get_idx(list, i);

		if (asb_streq(asb_str(address, "type"), type)) {
			return asb_str(address, "address");
		}
	}
	return NULL;
}

static void cell_add_roles(struct json_object *row, struct json_object *node)
{
	static const char prefix[] = "node-role.kubernetes.io/";
	struct json_object *labels = asb_at(node, "metadata", "labels");
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach (labels, name, value) {
			(void)value;
			if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
				buf_printf(&text, "%s%s", text.length > 0 ? "," : "",
					   name + sizeof(prefix) - 1);
			}
		}
	}
	cell_add_or_none(row, buf_str(&text));
}

static const char *cell_or_unknown(const char *text)
{
	return text != NULL && *text != '\0' ? text : "<unknown>";
}

void node_cells(struct json_object *node, int64_t now_ms, struct json_object *row)
{
	struct json_object *info = asb_at(node, "status", "nodeInfo");
	const char *ready = asb_str(asb_condition(node, "Ready"), "status");
	char status[64];

	snprintf(status, sizeof(status), "%s%s",
		 ready == NULL                ? "Unknown"
		 : strcmp(ready, "True") == 0 ? "Ready"
					      : "NotReady",
		 asb_true(asb_at(node, "spec", "unschedulable")) ? ",SchedulingDisabled" : "");
	cell_add(row, asb_name(node));
	cell_add(row, status);
	cell_add_roles(row, node);
	cell_add_age(row, node, now_ms);
	cell_add(row, asb_str(info, "kubeletVersion"));
	cell_add_or_none(row, cell_node_address(node, "InternalIP"));
	cell_add_or_none(row, cell_node_address(node, "ExternalIP"));
	cell_add(row, cell_or_unknown(asb_str(info, "osImage")));
	cell_add(row, cell_or_unknown(asb_str(info, "kernelVersion")));
	cell_add(row, cell_or_unknown(asb_str(info, "containerRuntimeVersion")));
}

/* ---- events ---- */

const struct type_column event_columns[] = {
	COLUMN("Last Seen", "When it happened last."),
	COLUMN("Type", "Normal or Warning."),
	COLUMN("Reason", "Why, in one word."),
	COLUMN("Object", "What it is about."),
	COLUMN_WIDE("Subobject", "Which part of that."),
	COLUMN_WIDE("Source", "Who says so."),
	COLUMN("Message", "What happened."),
	COLUMN_WIDE("First Seen", "When it happened first."),
	COLUMN_WIDE("Count", "How often it happened."),
	{ "Name", "string", "name", "The object's name.", 1, NULL },
	{ 0 },
};

/* The old shape's member, or the new one's. */
static const char *cell_either(struct json_object *event, const char *old, const char *new)
{
	const char *text = asb_str(event, old);

	return text != NULL && *text != '\0' ? text : asb_str(event, new);
}

static void cell_add_since(struct json_object *row, const char *time, int64_t now_ms)
{
	char text[32];

	age_words(time, now_ms, text);
	cell_add(row, text);
}

static void cell_add_event_object(struct json_object *row, struct json_object *about)
{
	const char *kind = asb_str(about, "kind"), *name = asb_str(about, "name");
	char text[400];
	size_t i = 0;

	snprintf(text, sizeof(text), "%.100s/%.255s", kind != NULL ? kind : "",
		 name != NULL ? name : "");
	for (; text[i] != '/' && text[i] != '\0'; i++) {
		text[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] + 'a' - 'A' : text[i]);
	}
	cell_add(row, text);
}

static void cell_add_event_source(struct json_object *row, struct json_object *event)
{
	const char *component = asb_str(event, "source", "component"),
		   *host = asb_str(event, "source", "host");
	char text[400];

	if (component == NULL) {
		component = cell_either(event, "reportingComponent", "reportingController");
		host = asb_str(event, "reportingInstance");
	}
	snprintf(text, sizeof(text), "%.150s%s%.200s", component != NULL ? component : "",
		 host != NULL && *host != '\0' ? ", " : "", host != NULL ? host : "");
	cell_add(row, text);
}

void event_cells(struct json_object *event, int64_t now_ms, struct json_object *row)
{
	struct json_object *about = asb_at(event, "involvedObject"),
			   *series = asb_at(event, "series");
	const char *first = cell_either(event, "firstTimestamp", "deprecatedFirstTimestamp"),
		   *last = cell_either(event, "lastTimestamp", "deprecatedLastTimestamp");
	int64_t count =
		asb_int(asb_at(event, "count"), asb_int(asb_at(event, "deprecatedCount"), 1));

	about = about != NULL ? about : asb_at(event, "regarding");
	first = first != NULL ? first : asb_str(event, "eventTime");
	last = series != NULL ? asb_str(series, "lastObservedTime") : last != NULL ? last : first;
	count = asb_int(asb_at(series, "count"), count);
	cell_add_since(row, last, now_ms);
	cell_add(row, asb_str(event, "type"));
	cell_add(row, asb_str(event, "reason"));
	cell_add_event_object(row, about);
	cell_add(row, asb_str(about, "fieldPath"));
	cell_add_event_source(row, event);
	cell_add(row, cell_either(event, "message", "note"));
	cell_add_since(row, first, now_ms);
	cell_add_int(row, count);
	cell_add(row, asb_name(event));
}

/* ---- claims ---- */

const struct type_column claim_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "Whether it is bound."),
	COLUMN("Volume", "The volume it is bound to."),
	COLUMN("Capacity", "How large that is."),
	COLUMN("Access Modes", "Who may use it at a time."),
	COLUMN("StorageClass", "The class it asked for."),
	COLUMN("VolumeAttributesClass", "The attributes it asked for."),
	COLUMN_AGE,
	COLUMN_WIDE("VolumeMode", "A file system or a device."),
	{ 0 },
};

static void cell_add_modes(struct json_object *row, struct json_object *modes)
{
	static const struct {
		const char *mode, *word;
	} words[] = {
		{ "ReadWriteOnce", "RWO" },
		{ "ReadOnlyMany", "ROX" },
		{ "ReadWriteMany", "RWX" },
		{ "ReadWriteOncePod", "RWOP" },
	};
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		for (size_t j = 0; j < asb_length(modes); j++) {
			if (asb_streq(asb_as_str(json_object_array_get_idx(modes, j)),
				      words[i].mode)) {
				buf_printf(&text, "%s%s", text.length > 0 ? "," : "",
					   words[i].word);
				break;
			}
		}
	}
	cell_add(row, buf_str(&text));
}

void claim_cells(struct json_object *claim, int64_t now_ms, struct json_object *row)
{
	const char *volume = asb_str(claim, "spec", "volumeName");
	bool bound = volume != NULL && *volume != '\0';
	struct json_object *capacity = asb_at(claim, "status", "capacity", "storage");

	cell_add(row, asb_name(claim));
	cell_add(row, asb_deleting(claim) ? "Terminating" : asb_str(claim, "status", "phase"));
	cell_add(row, volume);
	cell_add(row, bound && capacity != NULL ? json_object_get_string(capacity) : "");
	if (bound) {
		cell_add_modes(row, asb_at(claim, "status", "accessModes"));
	} else {
		cell_add(row, "");
	}
	cell_add(row, asb_str(claim, "spec", "storageClassName"));
	cell_add(row, "<unset>");
	cell_add_age(row, claim, now_ms);
	cell_add(row, asb_str(claim, "spec", "volumeMode"));
}

/* ---- the small ones ---- */

const struct type_column namespace_columns[] = {
	COLUMN_NAME,
	COLUMN("Status", "Active, or Terminating."),
	COLUMN_AGE,
	{ 0 },
};

void namespace_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "status", "phase"));
	cell_add_age(row, object, now_ms);
}

const struct type_column config_map_columns[] = {
	COLUMN_NAME,
	COLUMN("Data", "How many entries it has."),
	COLUMN_AGE,
	{ 0 },
};

void config_map_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add_int(row, cell_members(asb_at(object, "data")) +
				  cell_members(asb_at(object, "binaryData")));
	cell_add_age(row, object, now_ms);
}

const struct type_column secret_columns[] = {
	COLUMN_NAME,
	COLUMN("Type", "What it is for."),
	COLUMN("Data", "How many entries it has."),
	COLUMN_AGE,
	{ 0 },
};

void secret_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "type"));
	cell_add_int(row, cell_members(asb_at(object, "data")));
	cell_add_age(row, object, now_ms);
}

const struct type_column lease_columns[] = {
	COLUMN_NAME,
	COLUMN("Holder", "Who has it."),
	COLUMN_AGE,
	{ 0 },
};

void lease_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "spec", "holderIdentity"));
	cell_add_age(row, object, now_ms);
}

const struct type_column runtime_class_columns[] = {
	COLUMN_NAME,
	COLUMN("Handler", "The runtime by its name on the node."),
	COLUMN_AGE,
	{ 0 },
};

void runtime_class_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "handler"));
	cell_add_age(row, object, now_ms);
}

const struct type_column policy_columns[] = {
	COLUMN_NAME,
	COLUMN("Pod-Selector", "Labels of the pods it is about."),
	COLUMN_AGE,
	{ 0 },
};

void policy_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	cell_add(row, asb_name(object));
	cell_add_selector(row, asb_at(object, "spec", "podSelector", "matchLabels"));
	cell_add_age(row, object, now_ms);
}

const struct type_column crd_columns[] = {
	COLUMN_NAME,
	{ "Created At", "date", "", "When it was created.", 0, NULL },
	{ 0 },
};

void crd_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	(void)now_ms;
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "metadata", "creationTimestamp"));
}

/* ---- endpoints ---- */

const struct type_column endpoints_columns[] = {
	COLUMN_NAME,
	COLUMN("Endpoints", "Addresses and ports."),
	COLUMN_AGE,
	{ 0 },
};

static void cell_add_subset(struct buf *text, struct json_object *subset)
{
	struct json_object *addresses = asb_array(subset, "addresses"),
			   *ports = asb_array(subset, "ports");

	/* Each with each, up to what the cell holds. */
	for (size_t i = 0; i < asb_length(addresses) && !text->failed; i++) {
		const char *ip = asb_str(json_object_array_get_idx(addresses, i), "ip");

		for (size_t j = 0; j < asb_length(ports) && !text->failed; j++) {
			buf_printf(text, "%s%s:%" PRId64, text->length > 0 ? "," : "",
				   ip != NULL ? ip : "",
				   asb_int(asb_at(json_object_array_get_idx(ports, j), "port"), 0));
		}
	}
}

void endpoints_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	struct json_object *subsets = asb_array(object, "subsets");
	CLEANUP_BUF struct buf text = BUF_INIT(LIST_MAX);

	for (size_t i = 0; i < asb_length(subsets); i++) {
		cell_add_subset(&text, json_object_array_get_idx(subsets, i));
	}
	cell_add(row, asb_name(object));
	cell_add_or_none(row, buf_str(&text));
	cell_add_age(row, object, now_ms);
}

const struct type_column slice_columns[] = {
	COLUMN_NAME,
	COLUMN("AddressType", "What kind of addresses it has."),
	COLUMN("Ports", "The ports of each."),
	COLUMN("Endpoints", "The addresses."),
	COLUMN_AGE,
	{ 0 },
};

void slice_cells(struct json_object *object, int64_t now_ms, struct json_object *row)
{
	struct json_object *ports = asb_array(object, "ports"),
			   *endpoints = asb_array(object, "endpoints");
	CLEANUP_BUF struct buf numbers = BUF_INIT(LIST_MAX);
	CLEANUP_BUF struct buf addresses = BUF_INIT(LIST_MAX);

	for (size_t i = 0; i < asb_length(ports); i++) {
		buf_printf(&numbers, "%s%" PRId64, i > 0 ? "," : "",
			   asb_int(asb_at(json_object_array_get_idx(ports, i), "port"), 0));
	}
	for (size_t i = 0; i < asb_length(endpoints); i++) {
		struct json_object *list =
			asb_array(json_object_array_get_idx(endpoints, i), "addresses");

		for (size_t j = 0; j < asb_length(list); j++) {
			buf_printf(&addresses, "%s%s", addresses.length > 0 ? "," : "",
				   json_object_get_string(json_object_array_get_idx(list, j)));
		}
	}
	cell_add(row, asb_name(object));
	cell_add(row, asb_str(object, "addressType"));
	cell_add(row, numbers.length > 0 ? buf_str(&numbers) : "<unset>");
	cell_add(row, addresses.length > 0 ? buf_str(&addresses) : "<unset>");
	cell_add_age(row, object, now_ms);
}
