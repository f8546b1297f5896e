/* SPDX-License-Identifier: Apache-2.0 */
/* Bindings and evictions of pods, tokens of service accounts. request_create comes here. */
#include "config.h"

#include "apiserver/requests/subresource.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/update.h"
#include "base/json.h"

#define TOKEN_SECONDS 3600
#define TOKEN_SECONDS_MAX (INT64_C(1) << 32) /* as the real server */

static struct objects_state *subresource_success(void)
{
	struct json_object *status = json_object_new_object();

	asb_set_str(status, "kind", "Status");
	asb_set_str(status, "apiVersion", "v1");
	asb_object_in(status, "metadata");
	asb_set_str(status, "status", "Success");
	json_object_object_add(status, "code", json_object_new_int(201));
	return state_of_text(status);
}

static void subresource_response(struct objects_state **ret, struct objects_state *take_state)
{
	if (ret != NULL) {
		*ret = take_state;
	} else {
		objects_state_unref(take_state);
	}
}

/* The pod's tree on its node, with what the binding's annotations add. */
static struct json_object *subresource_bound(struct objects *objects, struct json_object *pod,
					     struct json_object *binding, const char *node)
{
	struct json_object *copy = asb_copy(pod), *status = asb_object_in(copy, "status"),
			   *conditions = json_object_new_array(),
			   *condition = json_object_new_object(),
			   *old = asb_array(pod, "status", "conditions"),
			   *annotations = asb_at(binding, "metadata", "annotations");

	asb_set_str(asb_object_in(copy, "spec"), "nodeName", node);
	asb_set_str(condition, "type", "PodScheduled");
	asb_set_str(condition, "status", "True");
	json_object_object_add(condition, "lastProbeTime", NULL);
	json_object_object_add(condition, "lastTransitionTime", time_now(objects, 0));
	for (size_t i = 0; i < asb_length(old); i++) {
		struct json_object *other = json_object_array_get_idx(old, i);

		if (!asb_streq(asb_str(other, "type"), "PodScheduled")) {
			json_object_array_add(conditions, asb_copy(other));
		}
	}
	json_object_array_add(conditions, condition);
	json_object_object_add(status, "conditions", conditions);
	if (json_object_is_type(annotations, json_type_object)) {
		json_object_object_foreach (annotations, name, value) {
			if (asb_as_str(value) != NULL) {
				asb_set_annotation(copy, name, asb_as_str(value));
			}
		}
	}
	metadata_set(copy, "generation", json_object_new_int64(asb_generation(pod) + 1));
	return copy;
}

static int subresource_conflict(struct error *reterr, const char *name, const char *why,
				const char *node)
{
	return objects_fail(
		reterr, 409,
		"Operation cannot be fulfilled on pods/binding \"%.253s\": pod %s%s%.253s%s", name,
		why, *node != '\0' ? " \"" : "", node, *node != '\0' ? "\"" : "");
}

int subresource_bind(struct objects *objects, const struct request *request,
		     struct json_object *binding, struct objects_state **ret, struct error *reterr)
{
	const struct resource *resource = resource_find(objects, request->kind);
	struct record *record = record_find(objects, resource, request->ns, request->name);
	CLEANUP_JSON struct json_object *pod = NULL;
	const char *node = asb_str(binding, "target", "name"), *now;
	int status;

	if (record == NULL) {
		return refusal_not_found(resource, request->name, reterr);
	}
	pod = state_hold(objects, record->state);
	status = update_check_uid(resource, pod, asb_uid(binding), reterr);
	if (status != 0) {
		return status;
	}
	if (node == NULL || *node == '\0') {
		return objects_fail(reterr, 422,
				    "Binding \"%.253s\" is invalid: target.name: Required value",
				    request->name);
	}
	now = asb_str(pod, "spec", "nodeName");
	if (asb_deleting(pod)) {
		return subresource_conflict(reterr, request->name,
					    "is being deleted, cannot be assigned to a host", "");
	}
	if (now != NULL && *now != '\0') {
		return subresource_conflict(reterr, request->name, "is already assigned to node",
					    now);
	}
	if (!request->dry_run) {
		status = record_update(objects, record,
				       subresource_bound(objects, pod, binding, node), reterr);
	}
	if (status == 0) {
		subresource_response(ret, subresource_success());
	}
	return status == 0 ? 201 : status;
}

int subresource_evict(struct objects *objects, const struct request *request,
		      struct json_object *eviction, struct objects_state **ret,
		      struct error *reterr)
{
	struct json_object *given = asb_at(eviction, "deleteOptions");
	struct objects_delete_options options = {
		.uid = asb_str(given, "preconditions", "uid"),
		.resource_version = asb_str(given, "preconditions", "resourceVersion"),
		.grace = asb_int(asb_at(given, "gracePeriodSeconds"), -1),
		.dry_run = request->dry_run,
	};
	int status = objects_delete_with(objects, request->kind, request->ns, request->name,
					 &options, NULL, reterr);

	if (status != 200) {
		return status;
	}
	subresource_response(ret, subresource_success());
	return 201;
}

int subresource_token(struct objects *objects, const struct request *request,
		      struct json_object *token_request, struct objects_state **ret,
		      struct error *reterr)
{
	const struct objects_config *config = &objects->config;
	int64_t seconds =
		asb_int(asb_at(token_request, "spec", "expirationSeconds"), TOKEN_SECONDS);
	struct json_object *object, *status;
	char token[80];

	if (objects_state_of(objects, request->kind, request->ns, request->name) == NULL) {
		return refusal_not_found(resource_find(objects, request->kind), request->name,
					 reterr);
	}
	if (seconds < 600 || seconds > TOKEN_SECONDS_MAX) {
		return objects_fail(
			reterr, 422,
			"TokenRequest.authentication.k8s.io \"\" is invalid: spec.expirationSeconds: Invalid value: %" PRId64
			": may not specify a duration less than 10 minutes, or larger than 1<<32 seconds",
			seconds);
	}
	snprintf(token, sizeof(token), "sa-%016" PRIx64 "%016" PRIx64 "%016" PRIx64,
		 config->random(config->arg), config->random(config->arg),
		 config->random(config->arg));
	object = asb_copy(token_request);
	asb_set_str(object, "kind", "TokenRequest");
	asb_set_str(object, "apiVersion", "authentication.k8s.io/v1");
	asb_set_str(asb_object_in(object, "metadata"), "name", request->name);
	asb_set_str(asb_object_in(object, "metadata"), "namespace", request->ns);
	json_object_object_add(asb_object_in(object, "spec"), "expirationSeconds",
			       json_object_new_int64(seconds));
	status = asb_object_in(object, "status");
	asb_set_str(status, "token", token);
	json_object_object_add(status, "expirationTimestamp", time_now(objects, seconds));
	subresource_response(ret, state_of_text(object));
	return 201;
}
