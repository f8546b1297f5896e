/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to an object between a request's body and the store: checks against the URL, pruning,
 * defaults, admission, validation. The API server calls it for every write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/requests/scale.h"
#include "apiserver/types/types-private.h"
#include "apiserver/validation/meta.h"
#include "base/buf.h"
#include "base/memory.h"

#define TEXT_MAX 2048
#define STRICT_MAX (64u * 1024)

void type_request_finish(struct type_request *request)
{
	json_object_put(request->status);
	json_object_put(request->warnings);
	causes_finish(&request->causes);
	request->status = NULL;
	request->warnings = NULL;
}

void request_forbid(struct type_request *request, struct json_object *object, const char *format,
		    ...)
{
	const struct asb_kind *kind = &request->type->kind;
	const char *name = asb_name(object);
	char text[TEXT_MAX];
	va_list args;

	if (request->status != NULL) {
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	request->status = status_failure(403, "Forbidden", kind->group, kind->plural, name,
					 "%s%s%s \"%s\" is forbidden: %s", kind->plural,
					 *kind->group != '\0' ? "." : "", kind->group,
					 name != NULL ? name : "", text);
}

void request_warn(struct type_request *request, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (request->warnings == NULL) {
		request->warnings = json_object_new_array();
	}
	if (asb_length(request->warnings) < VALIDATE_CAUSES_MAX) {
		json_object_array_add(request->warnings, json_object_new_string(text));
	}
}

static int type_refuse(struct type_request *request, const char *format, ...) PRINTF_LIKE(2, 3);
static int type_refuse(struct type_request *request, const char *format, ...)
{
	char text[TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	json_object_put(request->status);
	request->status = status_failure(400, "BadRequest", NULL, NULL, NULL, "%s", text);
	return 400;
}

/* ---- the body ---- */

static void type_api_version_of(const struct type *type, char ret[160])
{
	snprintf(ret, 160, "%s%s%s", type->kind.group, *type->kind.group != '\0' ? "/" : "",
		 type->kind.version);
}

/* Refuses what a typed decoder would refuse. */
static int type_check_shape(struct type_request *request, struct json_object *object)
{
	const struct asb_kind *kind = &request->type->kind;
	struct json_object *metadata = asb_at(object, "metadata");
	const char *field;

	if (!json_object_is_type(object, json_type_object)) {
		return type_refuse(request, "the body is not a %s: it must be a JSON object",
				   kind->kind);
	}
	if (metadata != NULL && !json_object_is_type(metadata, json_type_object)) {
		return type_refuse(
			request,
			"%s in version \"%s\" cannot be handled as a %s: metadata must be an object",
			kind->kind, kind->version, kind->kind);
	}
	field = metadata_mistyped(metadata);
	if (field != NULL) {
		return type_refuse(
			request,
			"%s in version \"%s\" cannot be handled as a %s: json: cannot unmarshal Go struct field ObjectMeta.%s: the type is wrong",
			kind->kind, kind->version, kind->kind, field);
	}
	return 0;
}

int type_check_body(struct type_request *request, struct json_object *object)
{
	const struct asb_kind *kind = &request->type->kind;
	const char *body_kind = asb_str(object, "kind"),
		   *body_version = asb_str(object, "apiVersion"), *body_name = asb_name(object),
		   *ns = request->ns != NULL ? request->ns : "";
	char version[160];
	int status = type_check_shape(request, object);

	if (status != 0) {
		return status;
	}
	type_api_version_of(request->type, version);
	if (body_version != NULL && *body_version != '\0' && strcmp(body_version, version) != 0) {
		return type_refuse(
			request,
			"the API version in the data (%s) does not match the expected API version (%s)",
			body_version, version);
	}
	if (body_kind != NULL && *body_kind != '\0' && strcmp(body_kind, kind->kind) != 0) {
		return type_refuse(request, "%s in version \"%s\" cannot be handled as a %s",
				   body_kind, kind->version, kind->kind);
	}
	if (request->type->namespaced && *asb_ns(object) != '\0' &&
	    strcmp(asb_ns(object), ns) != 0) {
		return type_refuse(
			request,
			"the namespace of the provided object does not match the namespace sent on the request");
	}
	if (request->name != NULL && body_name != NULL && *body_name != '\0' &&
	    strcmp(body_name, request->name) != 0) {
		return type_refuse(
			request,
			"the name of the object (%s) does not match the name on the URL (%s)",
			body_name, request->name);
	}
	asb_set_str(object, "apiVersion", version);
	asb_set_str(object, "kind", kind->kind);
	asb_object_in(object, "metadata");
	if (request->type->namespaced) {
		asb_set_str(asb_at(object, "metadata"), "namespace", ns);
	}
	return 0;
}

/* ---- unknown fields ---- */

static int type_say_unknown(struct type_request *request, struct json_object *unknown)
{
	const struct asb_kind *kind = &request->type->kind;
	CLEANUP_BUF struct buf text = BUF_INIT(STRICT_MAX);

	if (request->validation == TYPE_VALIDATION_IGNORE) {
		return 0;
	}
	for (size_t i = 0; i < asb_length(unknown); i++) {
		const char *path = asb_as_str(json_object_array_get_idx(unknown, i));

		if (request->validation == TYPE_VALIDATION_WARN) {
			request_warn(request, "unknown field \"%s\"", path);
		}
		buf_printf(&text, "%sunknown field \"%s\"", i > 0 ? ", " : "", path);
	}
	if (request->validation == TYPE_VALIDATION_WARN || asb_length(unknown) == 0) {
		return 0;
	}
	return type_refuse(
		request,
		"%s in version \"%s\" cannot be handled as a %s: strict decoding error: %s",
		kind->kind, kind->version, kind->kind, buf_str(&text));
}

/* ---- nulls ---- */

/* Removes nulls, which typed objects do not have: a null member is the same as a missing one.
 * The times of events are the exception and are added again. The depth is below JSON_DEPTH_MAX,
 * as of every tree. */
static void type_drop_nulls(struct json_object *value)
{
	struct json_object *names = NULL;

	if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value); i++) {
			type_drop_nulls(json_object_array_get_idx(value, i));
		}
		return;
	}
	if (!json_object_is_type(value, json_type_object)) {
		return;
	}
	json_object_object_foreach (value, name, member) {
		type_drop_nulls(member);
		if (member == NULL) {
			names = names != NULL ? names : json_object_new_array();
			json_object_array_add(names, json_object_new_string(name));
		}
	}
	for (size_t i = 0; i < asb_length(names); i++) {
		json_object_object_del(value, asb_as_str(json_object_array_get_idx(names, i)));
	}
	json_object_put(names);
}

/* ---- admission ---- */

/* Gives to object a member of from, or takes it away. */
static void type_take_from(struct json_object *object, struct json_object *from, const char *name)
{
	struct json_object *value = NULL;

	if (json_object_object_get_ex(from, name, &value)) {
		json_object_object_add(object, name, json_object_get(value));
	} else {
		json_object_object_del(object, name);
	}
}

/* Keeps the half of the object (status or all but status) that this write may not change. */
static void type_keep_other_half(const struct type *type, enum type_operation operation,
				 struct json_object *object, struct json_object *old)
{
	if (!type_has_subresource(type, "status")) {
		return;
	}
	if (operation == TYPE_OP_CREATE) {
		json_object_object_del(object, "status");
	} else if (operation == TYPE_OP_UPDATE && old != NULL) {
		type_take_from(object, old, "status");
	}
}

static void type_check_custom_scale(const struct type *type, struct json_object *object,
				    struct causes *causes)
{
	struct json_object *replicas = scale_at(object, type->spec_replicas);

	if (asb_int(replicas, 0) < 0) {
		causes_add(causes, CAUSE_INVALID, type->spec_replicas, replicas,
			   "should be a non-negative integer");
	} else if (asb_int(replicas, 0) > INT32_MAX) {
		causes_add(causes, CAUSE_INVALID, type->spec_replicas, replicas,
			   "should be less than or equal to 2147483647");
	}
}

/* The schema asks for more than a request may do. */
static int type_too_much(struct type_request *request, const struct effort *effort)
{
	json_object_put(request->status);
	request->status = status_failure(413, "RequestEntityTooLarge", NULL, NULL, NULL,
					 "Request entity too large: %s", effort_refusal(effort));
	return 413;
}

static int type_admit_custom(struct type_request *request, enum type_operation operation,
			     struct json_object *object, struct json_object *old,
			     struct json_object *unknown)
{
	const struct type *type = request->type;
	struct effort effort = { 0 };

	if (type->schema != NULL) {
		schema_prune(type->schema, object, unknown);
	}
	type_keep_other_half(type, operation, object, old);
	if (type->schema != NULL) {
		schema_default(type->schema, object, &effort);
	}
	if (effort_refusal(&effort) != NULL) {
		return type_too_much(request, &effort);
	}
	if (type->warning != NULL) {
		request_warn(request, "%s", type->warning);
	}
	validate_metadata(type->kind.kind, object, old, &request->causes);
	if (type->schema != NULL) {
		schema_validate(type->schema, object, &request->causes, &effort);
	}
	if (effort_refusal(&effort) != NULL) {
		return type_too_much(request, &effort);
	}
	if (operation != TYPE_OP_STATUS) {
		type_check_custom_scale(type, object, &request->causes);
	}
	return 0;
}

static int type_admit_builtin(struct type_request *request, enum type_operation operation,
			      struct json_object *object, struct json_object *old)
{
	const struct type_hooks *hooks = &request->type->hooks;

	type_drop_nulls(object);
	type_keep_other_half(request->type, operation, object, old);
	if (hooks->set_defaults != NULL) {
		hooks->set_defaults(object);
	}
	if (hooks->prepare != NULL) {
		hooks->prepare(request, operation, object, old);
	}
	validate_metadata(request->type->kind.kind, object, old, &request->causes);
	if (hooks->validate != NULL && request->status == NULL) {
		hooks->validate(object, old, operation, &request->causes);
	}
	return request->status != NULL ? (int)asb_int(asb_at(request->status, "code"), 500) : 0;
}

int type_admit(struct type_request *request, enum type_operation operation,
	       struct json_object *object, struct json_object *old)
{
	const struct type *type = request->type;
	struct json_object *unknown = json_object_new_array();
	int status = type_check_shape(request, object);

	if (status == 0) {
		metadata_clean(asb_object_in(object, "metadata"), unknown);
		status = type->custom ? type_admit_custom(request, operation, object, old, unknown)
				      : type_admit_builtin(request, operation, object, old);
	}
	if (status == 0) {
		status = type_say_unknown(request, unknown);
	}
	json_object_put(unknown);
	if (status == 0 && causes_any(&request->causes)) {
		/* The API server calls events by the group they are stored in. */
		request->status = causes_status(&request->causes, type->storage_group,
						type->kind.kind, asb_name(object));
		status = 422;
	}
	return status;
}
