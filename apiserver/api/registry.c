/* SPDX-License-Identifier: Apache-2.0 */
/* The registry connects objects, types and storage: it installs the resources of the types,
 * admits what is written, and wakes watches after a change. The API creates it at start and
 * calls it after each write. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/text-check.h"
#include "apiserver/api/watch-private.h"
#include "apiserver/storage/storage.h"
#include "base/allocation.h"
#include "base/json.h"
#include "base/memory.h"

static const struct asb_kind crd_kind = { .group = "apiextensions.k8s.io",
					  .version = "v1",
					  .kind = "CustomResourceDefinition",
					  .plural = "customresourcedefinitions" };

/* ---- what types and objects ask of the world ---- */

static int64_t registry_now_ms(void *arg)
{
	const struct api *api = arg;

	return sched_wall_us(api->sched) / 1000;
}

static uint64_t registry_random(void *arg)
{
	const struct api *api = arg;

	return sched_random(api->sched);
}

static struct json_object *registry_get(void *arg, const struct type *type, const char *ns,
					const char *name)
{
	const struct api *api = arg;

	return objects_get(api->objects, &type->kind, ns, name);
}

/* ---- admission ---- */

static void registry_keep_result(struct api_call *call, struct type_request *request, int status)
{
	if (call == NULL) {
		return;
	}
	if (status != 0) {
		json_object_put(call->refusal);
		call->refusal = TAKE(request->status);
	}
	for (size_t i = 0; i < asb_length(request->warnings); i++) {
		if (call->warnings == NULL) {
			call->warnings = json_object_new_array();
		}
		json_object_array_add(call->warnings, json_object_get(json_object_array_get_idx(
							      request->warnings, i)));
	}
}

/* The text of built-in kinds and of this project's kinds is checked, since programs of the project read it.
 * The strings of other custom kinds belong to their owners. */
static enum text_rule registry_text_rule(const struct asb_kind *kind, bool custom)
{
	static const char ours[] = "agents.x-k8s.io";
	size_t length = strlen(kind->group), own = sizeof(ours) - 1;
	bool is_ours = length >= own && strcmp(kind->group + length - own, ours) == 0;

	return custom && !is_ours ? TEXT_METADATA : TEXT_OBJECT;
}

/* An object that was stored with such a string may still be changed, so that it can be deleted. */
static int registry_check_text(const struct objects_admission *admission, bool custom,
			       struct error *reterr)
{
	enum text_rule rule = registry_text_rule(admission->kind, custom);
	struct error error = { 0 };

	if (text_check_nul(admission->object, rule, &error) == 0 ||
	    (admission->old != NULL && text_check_nul(admission->old, rule, NULL) < 0)) {
		return 0;
	}
	return objects_fail(reterr, 422, "%s \"%.253s\" is invalid: %s", admission->kind->kind,
			    asb_name(admission->object), error.text);
}

static int registry_admit(void *arg, const struct objects_admission *admission,
			  struct error *reterr)
{
	struct api *api = arg;
	struct api_call *call = admission->caller;
	const struct asb_kind *kind = admission->kind;
	/* The client may use another version than the stored one. */
	bool own = call != NULL && strcmp(kind->plural, call->kind.plural) == 0 &&
		   strcmp(kind->group, call->kind.group) == 0;
	struct type_request request = {
		.types = api->types,
		.type = types_find(api->types, kind->group,
				   own ? call->kind.version : kind->version, kind->plural),
		.ns = admission->ns,
		.name = admission->old != NULL ? admission->name : NULL,
		.validation = call != NULL ? call->validation : TYPE_VALIDATION_IGNORE,
		.dry_run = admission->dry_run,
		.causes = CAUSES_INIT,
	};
	enum type_operation operation = strcmp(admission->subresource, "status") == 0
						? TYPE_OP_STATUS
					: admission->old == NULL ? TYPE_OP_CREATE
								 : TYPE_OP_UPDATE;

	if (request.type == NULL) {
		return objects_fail(reterr, 404, "the kind '%s' is not served any more",
				    kind->plural);
	}

	int status = registry_check_text(admission, request.type->custom, reterr);

	if (status != 0) {
		return status;
	}
	status = type_admit(&request, operation, admission->object, admission->old);

	if (status != 0) {
		const char *message = asb_str(request.status, "message");

		objects_fail(reterr, status, "%s", message != NULL ? message : "refused");
	}
	registry_keep_result(call, &request, status);
	type_request_finish(&request);
	return status;
}

static bool registry_serves(void *arg, const char *group, const char *version, const char *kind)
{
	const struct api *api = arg;

	return types_find_kind(api->types, group, version, kind) != NULL;
}

/* ---- changes ---- */

static bool registry_is_crd(const struct asb_kind *kind)
{
	return strcmp(kind->plural, crd_kind.plural) == 0 &&
	       strcmp(kind->group, crd_kind.group) == 0;
}

/* Types keep what CRDs define and which addresses Services have. */
static bool registry_types_care(const struct asb_kind *kind)
{
	return registry_is_crd(kind) ||
	       (strcmp(kind->plural, "services") == 0 && *kind->group == '\0');
}

static void registry_update_types(struct api *api, const struct asb_kind *kind, int type,
				  const struct objects_state *state)
{
	size_t length = 0;
	const char *text = objects_state_text(state, &length);
	CLEANUP_JSON struct json_object *object = json_parse(text, length, NULL);
	const struct type *found = types_find(api->types, kind->group, kind->version, kind->plural);

	if (object == NULL || found == NULL) {
		return;
	}
	if (type == OBJECTS_DELETED) {
		types_removed(api->types, found, object);
	} else {
		types_stored(api->types, found, object);
	}
	api->types_changed = api->types_changed || registry_is_crd(kind);
}

static void registry_changed(void *arg, const struct asb_kind *kind, int type,
			     const struct objects_state *state)
{
	struct api *api = arg;

	api->written = true;
	if (registry_types_care(kind)) {
		registry_update_types(api, kind, type, state);
	}
	watch_changed(api, kind->group, kind->plural, state);
}

/* ---- which kinds are served ---- */

static void registry_free(struct api_resource *resource)
{
	kind_copy_finish(&resource->copy);
	free(resource->key);
	free(resource);
}

static char *registry_key(const struct asb_kind *kind)
{
	return xprintf("%s/%s", kind->group, kind->plural);
}

/* Among the built-in kinds the real server keeps metadata.generation for these only. */
static bool registry_has_generation(const struct type *type)
{
	static const char *const plurals[] = { "pods", "networkpolicies",
					       "customresourcedefinitions" };

	for (size_t i = 0; i < ARRAY_LEN(plurals); i++) {
		if (strcmp(type->kind.plural, plurals[i]) == 0) {
			return true;
		}
	}
	return type->custom;
}

static int registry_install_as(struct api *api, const struct type *type, struct error *reterr)
{
	struct objects_resource options = {
		.status = type_has_subresource(type, "status"),
		.namespaced = type->namespaced,
		.custom = type->custom,
		.graceful = type->graceful,
		.no_generation = !registry_has_generation(type),
	};

	if (type->custom && type_has_subresource(type, "scale")) {
		options.scale_spec = type->spec_replicas;
		options.scale_status = type->status_replicas;
		options.scale_selector = type->label_selector;
	}
	return objects_install_with(api->objects, &type->kind, &options, reterr);
}

/* The objects know each kind once, in the group and version it is stored in. */
static bool registry_is_stored(const struct type *type)
{
	return strcmp(type->kind.group, type->storage_group) == 0 &&
	       strcmp(type->kind.version, type->storage_version) == 0;
}

static int registry_install_type(struct api *api, const struct type *type, struct error *reterr)
{
	CLEANUP_FREE char *key = registry_key(&type->kind);
	struct api_resource *resource = map_get(&api->resources, key);
	int code = registry_install_as(api, type, reterr);

	if (code < 0 || resource != NULL) {
		if (resource != NULL) {
			resource->seen = true;
		}
		return code;
	}
	resource = xnew(struct api_resource);
	kind_copy_init(&resource->copy, &type->kind);
	resource->seen = true;
	resource->key = TAKE(key);
	map_put(&api->resources, resource->key, resource);
	return 0;
}

/* A resource whose type is gone, or NULL. */
static struct api_resource *registry_unseen(struct api *api)
{
	struct api_resource *resource;
	size_t at = 0;

	while ((resource = map_next(&api->resources, &at, NULL)) != NULL && resource->seen) {
	}
	return resource;
}

static int registry_install_all(struct api *api, struct error *reterr)
{
	struct api_resource *resource;
	const struct type *type;
	size_t at = 0;
	int code = 0;

	while ((resource = map_next(&api->resources, &at, NULL)) != NULL) {
		resource->seen = false;
	}
	for (size_t i = 0; code == 0 && (type = types_nth(api->types, i)) != NULL; i++) {
		code = registry_is_stored(type) ? registry_install_type(api, type, reterr) : 0;
	}
	while (code == 0 && (resource = registry_unseen(api)) != NULL) {
		objects_uninstall(api->objects, &resource->copy.kind);
		watch_kind_gone(api, resource->copy.kind.group, resource->copy.kind.plural);
		map_remove(&api->resources, resource->key);
		registry_free(resource);
	}
	return code;
}

void registry_sync(struct api *api)
{
	struct error error = { 0 };

	while (api->types_changed) {
		api->types_changed = false;
		/* If the storage fails here, the next write fails with its reason. */
		(void)registry_install_all(api, &error);
	}
}

void registry_written(struct api *api)
{
	registry_sync(api);
	if (api->written) {
		sched_cond_signal(&api->clock);
	}
}

/* ---- life ---- */

static int registry_open_storage(struct api *api, struct error *reterr)
{
	if (api->config.state_dir == NULL) {
		return 0;
	}

	int code = storage_open(api->config.state_dir, 0, &api->storage, reterr);

	if (code == 0) {
		objects_attach(api->objects, storage_hooks(api->storage));
	}
	return code;
}

/* Passes loaded objects to the types; loading does not call the hooks. */
static void registry_load_types(struct api *api, const struct asb_kind *kind)
{
	for (size_t i = 0; i < objects_count(api->objects, kind); i++) {
		struct json_object *object = objects_nth(api->objects, kind, i);
		const struct type *type =
			types_find(api->types, kind->group, kind->version, kind->plural);

		if (object != NULL && type != NULL) {
			CLEANUP_JSON struct json_object *own = json_object_get(object);

			types_stored(api->types, type, own);
		}
	}
}

int registry_init(struct api *api, struct error *reterr)
{
	static const struct asb_kind service_kind = {
		.group = "", .version = "v1", .kind = "Service", .plural = "services"
	};
	struct objects_config config = {
		.now_ms = registry_now_ms, .random = registry_random, .arg = api, .server = true
	};
	struct types_callbacks callbacks = { .get = registry_get,
					     .now_ms = registry_now_ms,
					     .random = registry_random,
					     .arg = api };
	struct objects_hooks hooks = { .arg = api,
				       .admit = registry_admit,
				       .changed = registry_changed,
				       .serves = registry_serves,
				       .allocation_failed = allocation_failed };

	api->objects = objects_create(&config);
	api->types = types_create(&callbacks);
	objects_set_hooks(api->objects, &hooks);

	int code = registry_open_storage(api, reterr);

	if (code == 0) {
		code = registry_install_all(api, reterr);
	}
	if (code == 0) {
		registry_load_types(api, &service_kind);
		registry_load_types(api, &crd_kind);
		code = registry_install_all(api, reterr);
	}
	if (code < 0) {
		return code;
	}

	int status = request_bootstrap(api->objects, api->config.ca, reterr);

	registry_sync(api);
	return status < 0 || status >= 300 ? error_prefix(reterr, "the first namespaces") : 0;
}

void registry_finish(struct api *api)
{
	struct api_resource *resource;
	size_t at = 0;

	while ((resource = map_next(&api->resources, &at, NULL)) != NULL) {
		registry_free(resource);
	}
	map_finish(&api->resources);
	if (api->objects != NULL) {
		objects_destroy(api->objects);
	}
	types_destroy(api->types);
	storage_close(api->storage);
}
