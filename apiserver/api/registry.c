/* SPDX-License-Identifier: Apache-2.0 */
/* Where objects, types and storage meet: which kinds are served, what happens between a body and
 * the store, what a change wakes. The API makes it at start and goes through it at each write. */
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

static int64_t now_ms(void *arg)
{
	const struct api *api = arg;

	return sched_wall_us(api->sched) / 1000;
}

static uint64_t random_number(void *arg)
{
	const struct api *api = arg;

	return sched_random(api->sched);
}

static struct json_object *get_object(void *arg, const struct type *type, const char *ns,
				      const char *name)
{
	const struct api *api = arg;

	return objects_get(api->objects, &type->kind, ns, name);
}

/* ---- admission ---- */

static void keep_result(struct api_call *call, struct type_request *request, int status)
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

/* Kinds that our own programs read, and that of anybody else: its strings are the owner's. */
static enum text_rule rule_of(const struct asb_kind *kind, bool custom)
{
	static const char ours[] = "agents.x-k8s.io";
	size_t length = strlen(kind->group), own = sizeof(ours) - 1;
	bool is_ours = length >= own && strcmp(kind->group + length - own, ours) == 0;

	return custom && !is_ours ? TEXT_METADATA : TEXT_OBJECT;
}

/* An object that was stored with such a string may still be changed, and so released. */
static int check_text(const struct objects_admission *admission, bool custom, struct error *reterr)
{
	enum text_rule rule = rule_of(admission->kind, custom);
	struct error error = { 0 };

	if (text_check_nul(admission->object, rule, &error) == 0 ||
	    (admission->old != NULL && text_check_nul(admission->old, rule, NULL) < 0)) {
		return 0;
	}
	return objects_fail(reterr, 422, "%s \"%.253s\" is invalid: %s", admission->kind->kind,
			    asb_name(admission->object), error.text);
}

static int admit(void *arg, const struct objects_admission *admission, struct error *reterr)
{
	struct api *api = arg;
	struct api_call *call = admission->caller;
	const struct asb_kind *kind = admission->kind;
	/* A client may have come by another version than the one that is stored. */
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
		return objects_fail(reterr, 404, "the kind '%s' is served no more", kind->plural);
	}

	int status = check_text(admission, request.type->custom, reterr);

	if (status != 0) {
		return status;
	}
	status = type_admit(&request, operation, admission->object, admission->old);

	if (status != 0) {
		const char *message = asb_str(request.status, "message");

		objects_fail(reterr, status, "%s", message != NULL ? message : "refused");
	}
	keep_result(call, &request, status);
	type_request_finish(&request);
	return status;
}

static bool serves(void *arg, const char *group, const char *version, const char *kind)
{
	const struct api *api = arg;

	return types_find_kind(api->types, group, version, kind) != NULL;
}

/* ---- changes ---- */

static bool is_crd(const struct asb_kind *kind)
{
	return strcmp(kind->plural, crd_kind.plural) == 0 &&
	       strcmp(kind->group, crd_kind.group) == 0;
}

/* Types keep a book of these two: what CRDs define, which addresses Services have. */
static bool types_care(const struct asb_kind *kind)
{
	return is_crd(kind) || (strcmp(kind->plural, "services") == 0 && *kind->group == '\0');
}

static void tell_types(struct api *api, const struct asb_kind *kind, int type,
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
	api->types_changed = api->types_changed || is_crd(kind);
}

static void changed(void *arg, const struct asb_kind *kind, int type,
		    const struct objects_state *state)
{
	struct api *api = arg;

	api->written = true;
	if (types_care(kind)) {
		tell_types(api, kind, type, state);
	}
	watch_changed(api, kind->group, kind->plural, state);
}

/* ---- which kinds are served ---- */

static void served_free(struct api_served *served)
{
	kind_copy_finish(&served->copy);
	free(served->key);
	free(served);
}

static char *served_key(const struct asb_kind *kind)
{
	return xprintf("%s/%s", kind->group, kind->plural);
}

/* Of the built-in kinds those whose spec the real server counts changes of. */
static bool has_generation(const struct type *type)
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

static int serve(struct api *api, const struct type *type, struct error *reterr)
{
	struct objects_serving serving = {
		.status = type_has_subresource(type, "status"),
		.namespaced = type->namespaced,
		.custom = type->custom,
		.graceful = type->graceful,
		.no_generation = !has_generation(type),
	};

	if (type->custom && type_has_subresource(type, "scale")) {
		serving.scale_spec = type->spec_replicas;
		serving.scale_status = type->status_replicas;
		serving.scale_selector = type->label_selector;
	}
	return objects_serve_with(api->objects, &type->kind, &serving, reterr);
}

/* A kind is one for the store, however many versions and groups it is served in. */
static bool stored_as_such(const struct type *type)
{
	return strcmp(type->kind.group, type->storage_group) == 0 &&
	       strcmp(type->kind.version, type->storage_version) == 0;
}

static int serve_type(struct api *api, const struct type *type, struct error *reterr)
{
	CLEANUP_FREE char *key = served_key(&type->kind);
	struct api_served *served = map_get(&api->served, key);
	int code = serve(api, type, reterr);

	if (code < 0 || served != NULL) {
		if (served != NULL) {
			served->seen = true;
		}
		return code;
	}
	served = xnew(struct api_served);
	kind_copy_init(&served->copy, &type->kind);
	served->seen = true;
	served->key = TAKE(key);
	map_put(&api->served, served->key, served);
	return 0;
}

/* A kind that is gone, or NULL. */
static struct api_served *unseen(struct api *api)
{
	struct api_served *served;
	size_t at = 0;

	while ((served = map_next(&api->served, &at, NULL)) != NULL && served->seen) {
	}
	return served;
}

static int serve_all(struct api *api, struct error *reterr)
{
	struct api_served *served;
	const struct type *type;
	size_t at = 0;
	int code = 0;

	while ((served = map_next(&api->served, &at, NULL)) != NULL) {
		served->seen = false;
	}
	for (size_t i = 0; code == 0 && (type = types_nth(api->types, i)) != NULL; i++) {
		code = stored_as_such(type) ? serve_type(api, type, reterr) : 0;
	}
	while (code == 0 && (served = unseen(api)) != NULL) {
		objects_unserve(api->objects, &served->copy.kind);
		watch_kind_gone(api, served->copy.kind.group, served->copy.kind.plural);
		map_remove(&api->served, served->key);
		served_free(served);
	}
	return code;
}

void world_sync(struct api *api)
{
	struct error error = { 0 };

	while (api->types_changed) {
		api->types_changed = false;
		/* A storage that fails here fails the next write with its reason. */
		(void)serve_all(api, &error);
	}
}

void world_written(struct api *api)
{
	world_sync(api);
	if (api->written) {
		sched_cond_signal(&api->clock);
	}
}

/* ---- life ---- */

static int open_storage(struct api *api, struct error *reterr)
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

/* What types have to know of what was loaded; it fires no hook. */
static void tell_loaded(struct api *api, const struct asb_kind *kind)
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

int world_init(struct api *api, struct error *reterr)
{
	static const struct asb_kind service_kind = {
		.group = "", .version = "v1", .kind = "Service", .plural = "services"
	};
	struct objects_config config = {
		.now_ms = now_ms, .random = random_number, .arg = api, .server = true
	};
	struct types_world world = {
		.get = get_object, .now_ms = now_ms, .random = random_number, .arg = api
	};
	struct objects_hooks hooks = { .arg = api,
				       .admit = admit,
				       .changed = changed,
				       .serves = serves,
				       .allocation_failed = allocation_failed };

	api->objects = objects_create(&config);
	api->types = types_create(&world);
	objects_set_hooks(api->objects, &hooks);

	int code = open_storage(api, reterr);

	if (code == 0) {
		code = serve_all(api, reterr);
	}
	if (code == 0) {
		tell_loaded(api, &service_kind);
		tell_loaded(api, &crd_kind);
		code = serve_all(api, reterr);
	}
	if (code < 0) {
		return code;
	}

	int status = request_bootstrap(api->objects, api->config.ca, reterr);

	world_sync(api);
	return status < 0 || status >= 300 ? error_prefix(reterr, "the first namespaces") : 0;
}

void world_finish(struct api *api)
{
	struct api_served *served;
	size_t at = 0;

	while ((served = map_next(&api->served, &at, NULL)) != NULL) {
		served_free(served);
	}
	map_finish(&api->served);
	if (api->objects != NULL) {
		objects_destroy(api->objects);
	}
	types_destroy(api->types);
	storage_close(api->storage);
}
