/* SPDX-License-Identifier: Apache-2.0 */
/* Reads protobuf bodies by tables of messages. The API calls it for bodies of that media type. */
#include "config.h"

#include "apiserver/api/protobuf.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"

#define DEPTH_MAX 8 /* the deepest of ours has 5 levels */

enum field_type {
	FIELD_TEXT,
	FIELD_INT,
	FIELD_BOOL,
	FIELD_MESSAGE,
	FIELD_TEXTS,       /* repeated */
	FIELD_MESSAGES,    /* repeated */
	FIELD_TEXT_MAP,    /* map<string, string> */
	FIELD_BYTES_MAP,   /* map<string, bytes>: base64 in JSON */
	FIELD_TIME,        /* seconds, nanoseconds */
	FIELD_INT_OR_TEXT, /* which, int, text */
	FIELD_IGNORED      /* the server's own */
};

struct message;

struct field {
	uint32_t number;
	enum field_type type;
	const char *name;
	const struct message *message;
	bool pointer; /* present means said, also when it is 0 or false */
};

struct message {
	const struct field *fields; /* ends in number 0 */
};

/* ---- the messages, as the API's .proto files number them ---- */

#define MESSAGE(name, ...)                                                  \
	static const struct field name##_fields[] = { __VA_ARGS__, { 0 } }; \
	static const struct message name = { name##_fields }

MESSAGE(owner_reference, { 1, FIELD_TEXT, "kind" }, { 3, FIELD_TEXT, "name" },
	{ 4, FIELD_TEXT, "uid" }, { 5, FIELD_TEXT, "apiVersion" },
	{ 6, FIELD_BOOL, "controller", NULL, true },
	{ 7, FIELD_BOOL, "blockOwnerDeletion", NULL, true });
MESSAGE(object_meta, { 1, FIELD_TEXT, "name" }, { 2, FIELD_TEXT, "generateName" },
	{ 3, FIELD_TEXT, "namespace" }, { 4, FIELD_IGNORED, "selfLink" }, { 5, FIELD_TEXT, "uid" },
	{ 6, FIELD_TEXT, "resourceVersion" }, { 7, FIELD_INT, "generation" },
	{ 8, FIELD_TIME, "creationTimestamp" }, { 9, FIELD_TIME, "deletionTimestamp" },
	{ 10, FIELD_INT, "deletionGracePeriodSeconds", NULL, true },
	{ 11, FIELD_TEXT_MAP, "labels" }, { 12, FIELD_TEXT_MAP, "annotations" },
	{ 13, FIELD_MESSAGES, "ownerReferences", &owner_reference },
	{ 14, FIELD_TEXTS, "finalizers" }, { 17, FIELD_IGNORED, "managedFields" });
MESSAGE(config_map, { 1, FIELD_MESSAGE, "metadata", &object_meta }, { 2, FIELD_TEXT_MAP, "data" },
	{ 3, FIELD_BYTES_MAP, "binaryData" }, { 4, FIELD_BOOL, "immutable", NULL, true });
MESSAGE(secret, { 1, FIELD_MESSAGE, "metadata", &object_meta }, { 2, FIELD_BYTES_MAP, "data" },
	{ 3, FIELD_TEXT, "type" }, { 4, FIELD_TEXT_MAP, "stringData" },
	{ 5, FIELD_BOOL, "immutable", NULL, true });
MESSAGE(namespace_spec, { 1, FIELD_TEXTS, "finalizers" });
MESSAGE(namespace, { 1, FIELD_MESSAGE, "metadata", &object_meta },
	{ 2, FIELD_MESSAGE, "spec", &namespace_spec }, { 3, FIELD_IGNORED, "status" });
MESSAGE(name_reference, { 1, FIELD_TEXT, "name" });
MESSAGE(object_reference, { 1, FIELD_TEXT, "kind" }, { 2, FIELD_TEXT, "namespace" },
	{ 3, FIELD_TEXT, "name" }, { 4, FIELD_TEXT, "uid" }, { 5, FIELD_TEXT, "apiVersion" },
	{ 6, FIELD_TEXT, "resourceVersion" }, { 7, FIELD_TEXT, "fieldPath" });
MESSAGE(service_account, { 1, FIELD_MESSAGE, "metadata", &object_meta },
	{ 2, FIELD_MESSAGES, "secrets", &object_reference },
	{ 3, FIELD_MESSAGES, "imagePullSecrets", &name_reference },
	{ 4, FIELD_BOOL, "automountServiceAccountToken", NULL, true });
MESSAGE(service_port, { 1, FIELD_TEXT, "name" }, { 2, FIELD_TEXT, "protocol" },
	{ 3, FIELD_INT, "port" }, { 4, FIELD_INT_OR_TEXT, "targetPort" },
	{ 5, FIELD_INT, "nodePort" }, { 6, FIELD_TEXT, "appProtocol" });
MESSAGE(service_spec, { 1, FIELD_MESSAGES, "ports", &service_port },
	{ 2, FIELD_TEXT_MAP, "selector" }, { 3, FIELD_TEXT, "clusterIP" },
	{ 4, FIELD_TEXT, "type" }, { 5, FIELD_TEXTS, "externalIPs" },
	{ 7, FIELD_TEXT, "sessionAffinity" }, { 8, FIELD_TEXT, "loadBalancerIP" },
	{ 9, FIELD_TEXTS, "loadBalancerSourceRanges" }, { 10, FIELD_TEXT, "externalName" },
	{ 11, FIELD_TEXT, "externalTrafficPolicy" }, { 12, FIELD_INT, "healthCheckNodePort" },
	{ 13, FIELD_BOOL, "publishNotReadyAddresses" }, { 17, FIELD_TEXT, "ipFamilyPolicy" },
	{ 18, FIELD_TEXTS, "clusterIPs" }, { 19, FIELD_TEXTS, "ipFamilies" },
	{ 20, FIELD_BOOL, "allocateLoadBalancerNodePorts", NULL, true },
	{ 21, FIELD_TEXT, "loadBalancerClass" }, { 22, FIELD_TEXT, "internalTrafficPolicy" },
	{ 23, FIELD_TEXT, "trafficDistribution" });
MESSAGE(service, { 1, FIELD_MESSAGE, "metadata", &object_meta },
	{ 2, FIELD_MESSAGE, "spec", &service_spec }, { 3, FIELD_IGNORED, "status" });
MESSAGE(preconditions, { 1, FIELD_TEXT, "uid" }, { 2, FIELD_TEXT, "resourceVersion" });
MESSAGE(delete_options, { 1, FIELD_INT, "gracePeriodSeconds", NULL, true },
	{ 2, FIELD_MESSAGE, "preconditions", &preconditions },
	{ 3, FIELD_BOOL, "orphanDependents", NULL, true }, { 4, FIELD_TEXT, "propagationPolicy" },
	{ 5, FIELD_TEXTS, "dryRun" });
MESSAGE(eviction, { 1, FIELD_MESSAGE, "metadata", &object_meta },
	{ 2, FIELD_MESSAGE, "deleteOptions", &delete_options });
MESSAGE(bound_object, { 1, FIELD_TEXT, "kind" }, { 2, FIELD_TEXT, "apiVersion" },
	{ 3, FIELD_TEXT, "name" }, { 4, FIELD_TEXT, "uid" });
MESSAGE(token_spec, { 1, FIELD_TEXTS, "audiences" },
	{ 3, FIELD_MESSAGE, "boundObjectRef", &bound_object },
	{ 4, FIELD_INT, "expirationSeconds", NULL, true });
MESSAGE(token_request, { 1, FIELD_MESSAGE, "metadata", &object_meta },
	{ 2, FIELD_MESSAGE, "spec", &token_spec }, { 3, FIELD_IGNORED, "status" });

static const struct {
	const char *kind;
	const struct message *message;
} kinds[] = {
	{ "ConfigMap", &config_map }, { "Secret", &secret },
	{ "Namespace", &namespace },  { "ServiceAccount", &service_account },
	{ "Service", &service },      { "DeleteOptions", &delete_options },
	{ "Eviction", &eviction },    { "TokenRequest", &token_request },
};

/* ---- the wire ---- */

struct bytes {
	const unsigned char *at, *end;
	size_t *left; /* how many elements of lists the body may still have: two bytes make an object */
};

static bool protobuf_take_varint(struct bytes *bytes, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64 && bytes->at < bytes->end; shift += 7) {
		unsigned char byte = *bytes->at++;

		value |= (uint64_t)(byte & 0x7f) << shift;
		if ((byte & 0x80) == 0) {
			*ret = value;
			return true;
		}
	}
	return false;
}

/* One field: a number, or bytes. Kubernetes uses no other wire types. */
static bool protobuf_take_field(struct bytes *bytes, uint32_t *number, bool *is_bytes,
				uint64_t *value, struct bytes *part)
{
	uint64_t key = 0;

	if (!protobuf_take_varint(bytes, &key) || (key >> 3) == 0 || (key >> 3) > UINT32_MAX ||
	    !protobuf_take_varint(bytes, value)) {
		return false;
	}
	*number = (uint32_t)(key >> 3);
	*is_bytes = (key & 7) == 2;
	if (!*is_bytes) {
		return (key & 7) == 0;
	}
	if (*value > (uint64_t)(bytes->end - bytes->at)) {
		return false;
	}
	*part = (struct bytes){ bytes->at, bytes->at + *value, bytes->left };
	bytes->at += *value;
	return true;
}

static struct json_object *protobuf_text_of(const struct bytes *part)
{
	return json_object_new_string_len((const char *)part->at, (int)(part->end - part->at));
}

static struct json_object *protobuf_base64_of(const struct bytes *part)
{
	size_t length = (size_t)(part->end - part->at);
	CLEANUP_FREE char *text = base64_encode(part->at, length);

	return json_object_new_string(text);
}

/* ---- values ---- */

static int protobuf_parse_message(const struct message *message, struct bytes bytes, int depth,
				  struct json_object *into, struct error *reterr);

static int protobuf_bad(struct error *reterr)
{
	return error_set(reterr, -EINVAL, "the protobuf ends too early or is none");
}

static int protobuf_add_entry(struct json_object *into, const struct field *field,
			      struct bytes bytes, struct error *reterr)
{
	struct bytes part, key = { NULL, NULL, NULL }, value = { NULL, NULL, NULL };
	uint32_t number;
	uint64_t length;
	bool is_bytes;

	while (bytes.at < bytes.end) {
		if (!protobuf_take_field(&bytes, &number, &is_bytes, &length, &part) || !is_bytes) {
			return protobuf_bad(reterr);
		}
		*(number == 1 ? &key : &value) = part;
	}

	/* The tree's names end at a NUL. */
	if (key.at != NULL && memchr(key.at, '\0', (size_t)(key.end - key.at)) != NULL) {
		return error_set(reterr, -EINVAL, "the protobuf has a name with a NUL in '%s'",
				 field->name);
	}

	CLEANUP_FREE char *name =
		xstrndup(key.at != NULL ? (const char *)key.at : "", (size_t)(key.end - key.at));

	json_object_object_add(asb_object_in(into, field->name), name,
			       field->type == FIELD_BYTES_MAP ? protobuf_base64_of(&value)
							      : protobuf_text_of(&value));
	return 0;
}

static int protobuf_add_time(struct json_object *into, const struct field *field,
			     struct bytes bytes, struct error *reterr)
{
	uint64_t values[3] = { 0 }, value;
	struct bytes part;
	uint32_t number;
	bool is_bytes;
	char text[21];

	while (bytes.at < bytes.end) {
		if (!protobuf_take_field(&bytes, &number, &is_bytes, &value, &part) || is_bytes) {
			return protobuf_bad(reterr);
		}
		values[number < 3 ? number : 0] = value;
	}
	if (values[1] > 0 && values[1] < UINT64_C(253402300800)) {
		asb_time_format((int64_t)values[1] * 1000, text);
		asb_set_str(into, field->name, text);
	}
	return 0;
}

static int protobuf_add_int_or_text(struct json_object *into, const struct field *field,
				    struct bytes bytes, struct error *reterr)
{
	struct bytes part, text = { NULL, NULL, NULL };
	uint64_t value, which = 0, integer = 0;
	uint32_t number;
	bool is_bytes;

	while (bytes.at < bytes.end) {
		if (!protobuf_take_field(&bytes, &number, &is_bytes, &value, &part)) {
			return protobuf_bad(reterr);
		}
		if (is_bytes) {
			text = part;
		} else {
			*(number == 1 ? &which : &integer) = value;
		}
	}
	if (which != 0 || integer != 0) {
		json_object_object_add(into, field->name,
				       which != 0 ? protobuf_text_of(&text)
						  : json_object_new_int64((int64_t)integer));
	}
	return 0;
}

static int protobuf_add_to_list(struct json_object *into, const char *name,
				const struct bytes *part, struct json_object *take,
				struct error *reterr)
{
	struct json_object *list = asb_array(into, name);

	if (*part->left == 0) {
		json_object_put(take);
		return error_set(reterr, -EINVAL,
				 "the protobuf body has too many elements of lists");
	}
	--*part->left;

	if (list == NULL) {
		list = json_object_new_array();
		json_object_object_add(into, name, list);
	}
	json_object_array_add(list, take);
	return 0;
}

static int protobuf_add_bytes(struct json_object *into, const struct field *field,
			      struct bytes part, int depth, struct error *reterr)
{
	struct json_object *object;

	switch (field->type) {
	case FIELD_TEXT:
		if (part.at < part.end) {
			json_object_object_add(into, field->name, protobuf_text_of(&part));
		}
		return 0;
	case FIELD_TEXTS:
		return protobuf_add_to_list(into, field->name, &part, protobuf_text_of(&part),
					    reterr);
	case FIELD_MESSAGE:
		return protobuf_parse_message(field->message, part, depth + 1,
					      asb_object_in(into, field->name), reterr);
	case FIELD_MESSAGES:
		object = json_object_new_object();
		return protobuf_add_to_list(into, field->name, &part, object, reterr) < 0
			       ? -EINVAL
			       : protobuf_parse_message(field->message, part, depth + 1, object,
							reterr);
	case FIELD_TEXT_MAP:
	case FIELD_BYTES_MAP:
		return protobuf_add_entry(into, field, part, reterr);
	case FIELD_TIME:
		return protobuf_add_time(into, field, part, reterr);
	case FIELD_INT_OR_TEXT:
		return protobuf_add_int_or_text(into, field, part, reterr);
	default:
		return protobuf_bad(reterr);
	}
}

static int protobuf_add_number(struct json_object *into, const struct field *field, uint64_t value,
			       struct error *reterr)
{
	if (field->type != FIELD_INT && field->type != FIELD_BOOL) {
		return protobuf_bad(reterr);
	}
	if (value != 0 || field->pointer) {
		json_object_object_add(into, field->name,
				       field->type == FIELD_BOOL
					       ? json_object_new_boolean(value != 0)
					       : json_object_new_int64((int64_t)value));
	}
	return 0;
}

static int protobuf_parse_message(const struct message *message, struct bytes bytes, int depth,
				  struct json_object *into, struct error *reterr)
{
	if (depth > DEPTH_MAX) {
		return protobuf_bad(reterr);
	}
	while (bytes.at < bytes.end) {
		const struct field *field = message->fields;
		struct bytes part = { NULL, NULL, NULL };
		uint32_t number = 0;
		uint64_t value = 0;
		bool is_bytes = false;

		if (!protobuf_take_field(&bytes, &number, &is_bytes, &value, &part)) {
			return protobuf_bad(reterr);
		}
		while (field->number != 0 && field->number != number) {
			field++;
		}
		if (field->number == 0) {
			return error_set(reterr, -ENOTSUP,
					 "field %" PRIu32
					 " of the protobuf is not known here: send JSON",
					 number);
		}
		if (field->type == FIELD_IGNORED) {
			continue;
		}

		int code = is_bytes ? protobuf_add_bytes(into, field, part, depth, reterr)
				    : protobuf_add_number(into, field, value, reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

/* ---- the envelope ---- */

/* Unknown: 1 is {1: apiVersion, 2: kind}, 2 the object. */
static const struct message *protobuf_open_envelope(struct bytes bytes, struct json_object *object,
						    struct bytes *ret, struct error *reterr)
{
	static const struct field type_fields[] = { { 1, FIELD_TEXT, "apiVersion" },
						    { 2, FIELD_TEXT, "kind" },
						    { 0 } };
	static const struct message type_meta = { type_fields };
	struct bytes part;
	uint32_t number;
	uint64_t value;
	bool is_bytes;

	while (bytes.at < bytes.end) {
		if (!protobuf_take_field(&bytes, &number, &is_bytes, &value, &part) || !is_bytes) {
			protobuf_bad(reterr);
			return NULL;
		}
		if (number == 1 &&
		    protobuf_parse_message(&type_meta, part, 0, object, reterr) < 0) {
			return NULL;
		}
		if (number == 2) {
			*ret = part;
		}
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (asb_streq(asb_str(object, "kind"), kinds[i].kind)) {
			return kinds[i].message;
		}
	}
	error_set(reterr, -ENOTSUP, "the kind '%.64s' is not known in protobuf here: send JSON",
		  asb_str(object, "kind") != NULL ? asb_str(object, "kind") : "");
	return NULL;
}

struct json_object *protobuf_parse(const void *data, size_t length, struct error *reterr)
{
	static const unsigned char magic[] = { 'k', '8', 's', 0 };
	/* As many as JSON text of that length may have. */
	size_t left = JSON_CONTAINERS_MAX + length / JSON_CONTAINER_BYTES;
	struct bytes bytes = { data, (const unsigned char *)data + length, &left };
	struct bytes raw = { NULL, NULL, &left };

	if (length < sizeof(magic) || memcmp(data, magic, sizeof(magic)) != 0) {
		protobuf_bad(reterr);
		return NULL;
	}
	bytes.at += sizeof(magic);

	struct json_object *object = json_object_new_object();
	const struct message *message = protobuf_open_envelope(bytes, object, &raw, reterr);

	if (message == NULL || protobuf_parse_message(message, raw, 0, object, reterr) < 0) {
		json_object_put(object);
		return NULL;
	}
	return object;
}
