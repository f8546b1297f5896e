/* SPDX-License-Identifier: Apache-2.0 */
/* Turns writes and reads into HTTP requests: method, path, query, body. Called by
 * core/client/client only.
 *  */
#include "config.h"

#include "core/client/client-private.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "kube/kind.h"

#define METADATA_ONLY "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
/* For the server; the same as CLIENT_DEADLINE_US, which is ours. */
#define SERVER_TIMEOUT "timeout=5s"

static const struct verb {
	const char *name, *method, *content_type, *subresource;
	const char *query;
} verbs[] = {
	[ASB_CREATE] = { "create", "POST", "application/json", NULL,
			 "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&" SERVER_TIMEOUT },
	[ASB_PATCH_JSON] = { "patch", "PATCH", "application/json-patch+json", NULL,
			     "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&" SERVER_TIMEOUT },
	[ASB_PATCH_MERGE] = { "patch", "PATCH", "application/merge-patch+json", NULL,
			      "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&" SERVER_TIMEOUT },
	[ASB_SET_STATUS] = { "status", "PATCH", "application/json-patch+json", "status",
			     "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&" SERVER_TIMEOUT },
	[ASB_DELETE] = { "delete", "DELETE", "application/json", NULL, "?" SERVER_TIMEOUT },
	[ASB_PATCH_STATUS] = { "status", "PATCH", "application/json-patch+json", "status",
			       "?fieldManager=agent-sandbox-controller&fieldValidation=Ignore&" SERVER_TIMEOUT },
};

const char *client_verb_name(uint32_t verb)
{
	return verb >= ASB_CREATE && verb <= ASB_PATCH_STATUS ? verbs[verb].name : "unknown";
}

const char *client_write_ns(const struct client_write *write)
{
	if (write->ns != NULL) {
		return write->ns;
	}
	return write->verb == ASB_CREATE ? asb_ns(write->body) : "";
}

const char *client_write_name(const struct client_write *write)
{
	const char *name = write->name;

	if (name == NULL && write->verb == ASB_CREATE) {
		name = asb_name(write->body);
	}
	return name != NULL && *name != '\0' ? name : NULL;
}

/* ---- bodies ---- */

static void request_append_test_uid(struct buf *out, const char *uid)
{
	buf_append_str(out, "{\"op\":\"test\",\"path\":\"/metadata/uid\",\"value\":");
	buf_append_json(out, uid, strlen(uid));
	buf_append_char(out, '}');
}

static void request_append_json_patch(struct buf *out, const struct client_write *write)
{
	buf_append_char(out, '[');
	if (write->uid != NULL) {
		request_append_test_uid(out, write->uid);
	}
	for (size_t i = 0; i < asb_length(write->body); i++) {
		if (i > 0 || write->uid != NULL) {
			buf_append_char(out, ',');
		}
		json_print(json_object_array_get_idx(write->body, i), out);
	}
	buf_append_char(out, ']');
}

/* A merge PATCH's uid is ignored on /status, so this is a JSON patch with a test. */
static void request_append_status(struct buf *out, const struct client_write *write)
{
	buf_append_char(out, '[');
	request_append_test_uid(out, write->uid);
	buf_append_str(out, ",{\"op\":\"add\",\"path\":\"/status\",\"value\":");
	json_print(write->body, out);
	buf_append_str(out, "}]");
}

/* A new object with the members of another, which is not changed. */
static struct json_object *request_shallow_copy(struct json_object *object)
{
	struct json_object *copy = json_object_new_object();

	if (json_object_is_type(object, json_type_object)) {
		json_object_object_foreach (object, name, member) {
			json_object_object_add(copy, name, json_object_get(member));
		}
	}
	return copy;
}

static void request_append_merge_patch(struct buf *out, const struct client_write *write)
{
	CLEANUP_JSON struct json_object *patch = NULL;
	struct json_object *metadata;

	if (write->uid == NULL && write->resource_version == NULL) {
		json_print(write->body, out);
		return;
	}
	patch = request_shallow_copy(write->body);
	metadata = request_shallow_copy(asb_at(write->body, "metadata"));
	if (write->uid != NULL) {
		asb_set_str(metadata, "uid", write->uid);
	}
	if (write->resource_version != NULL) {
		asb_set_str(metadata, "resourceVersion", write->resource_version);
	}
	json_object_object_add(patch, "metadata", metadata);
	json_print(patch, out);
}

/* A body hides the query's options from the API server, so a dry run is said here again. */
static void request_append_delete_options(struct buf *out, const struct client_write *write)
{
	CLEANUP_JSON struct json_object *options = json_object_new_object();

	asb_set_str(options, "kind", "DeleteOptions");
	asb_set_str(options, "apiVersion", "v1");
	if (write->uid != NULL) {
		asb_set_str(asb_object_in(options, "preconditions"), "uid", write->uid);
	}
	if (write->resource_version != NULL) {
		asb_set_str(asb_object_in(options, "preconditions"), "resourceVersion",
			    write->resource_version);
	}
	asb_set_str(options, "propagationPolicy", write->foreground ? "Foreground" : "Background");
	if (write->dry_run) {
		struct json_object *stages = json_object_new_array();

		json_object_array_add(stages, json_object_new_string("All"));
		json_object_object_add(options, "dryRun", stages);
	}
	json_print(options, out);
}

static void request_append_body(struct buf *out, const struct client_write *write)
{
	switch (write->verb) {
	case ASB_PATCH_JSON:
	case ASB_PATCH_STATUS:
		request_append_json_patch(out, write);
		break;
	case ASB_PATCH_MERGE:
		request_append_merge_patch(out, write);
		break;
	case ASB_SET_STATUS:
		request_append_status(out, write);
		break;
	case ASB_DELETE:
		request_append_delete_options(out, write);
		break;
	default:
		json_print(write->body, out);
		break;
	}
}

/* ---- requests ---- */

/* What plugin.h asks of a write. */
static int request_check_write(const struct client_write *write, struct error *reterr)
{
	bool array = json_object_is_type(write->body, json_type_array);
	bool object = json_object_is_type(write->body, json_type_object);

	if (write->verb < ASB_CREATE || write->verb > ASB_PATCH_STATUS) {
		return error_set(reterr, ASB_INVALID, "there is no verb %u", write->verb);
	}
	if ((write->verb == ASB_CREATE || write->verb == ASB_PATCH_MERGE) && !object) {
		return error_set(reterr, ASB_INVALID, "the body of a %s must be an object",
				 verbs[write->verb].name);
	}
	if ((write->verb == ASB_PATCH_JSON || write->verb == ASB_PATCH_STATUS) && !array) {
		return error_set(reterr, ASB_INVALID, "a JSON patch must be an array");
	}
	if (write->verb == ASB_SET_STATUS && (write->uid == NULL || write->body == NULL)) {
		return error_set(reterr, ASB_INVALID,
				 "a status write needs a body and the uid of its object");
	}
	if (client_write_name(write) == NULL) {
		return error_set(reterr, ASB_INVALID, "a %s needs a name", verbs[write->verb].name);
	}
	return 0;
}

static int request_address(struct outgoing *out, const char *method, bool metadata_only,
			   struct error *reterr)
{
	out->request.method = method;
	out->request.accept = metadata_only ? METADATA_ONLY : "application/json";
	out->request.path = buf_str(&out->path);
	out->request.timeout_ms = CLIENT_DEADLINE_US / 1000;
	if (out->path.failed || out->body.failed) {
		return error_set(reterr, ASB_INVALID, "the request is too large");
	}
	return 0;
}

int outgoing_write(struct outgoing *ret, const struct client_write *write, struct error *reterr)
{
	const struct verb *verb;
	int code = request_check_write(write, reterr);

	*ret = (struct outgoing){ .path = BUF_INIT(CLIENT_PATH_MAX),
				  .body = BUF_INIT(CLIENT_BODY_MAX) };
	if (code < 0) {
		return code;
	}
	verb = &verbs[write->verb];
	kind_path(&ret->path, write->kind, client_write_ns(write),
		  write->verb == ASB_CREATE ? NULL : client_write_name(write), verb->subresource);
	buf_append_str(&ret->path, verb->query);
	if (write->dry_run) {
		buf_append_str(&ret->path, "&dryRun=All");
	}
	request_append_body(&ret->body, write);
	ret->request.content_type = verb->content_type;
	ret->request.body = buf_str(&ret->body);
	ret->request.body_length = ret->body.length;
	return request_address(ret, verb->method, write->metadata_only, reterr);
}

int outgoing_read(struct outgoing *ret, const struct asb_kind *kind, const char *ns,
		  const char *name, bool metadata_only, struct error *reterr)
{
	*ret = (struct outgoing){ .path = BUF_INIT(CLIENT_PATH_MAX), .body = BUF_INIT(0) };
	kind_path(&ret->path, kind, ns, name, NULL);
	return request_address(ret, "GET", metadata_only, reterr);
}

void outgoing_finish(struct outgoing *outgoing)
{
	buf_finish(&outgoing->path);
	buf_finish(&outgoing->body);
}
