/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds and objects of the in-memory API, and reading them. The simulation and the fake host
 * stand on it. */
#include "config.h"

#include "apiserver/objects/objects.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"

struct objects *objects_create(const struct objects_config *config)
{
	struct objects *objects = xnew(struct objects);

	objects->config = *config;
	/* A watch from version 0 would mean "any": begin behind it. */
	objects->version = 1;
	objects->compacted = 1;
	return objects;
}

static void serving_finish(struct served *served)
{
	for (char **path = served->fields; path != NULL && *path != NULL; path++) {
		free(*path);
	}
	free(served->fields);
	free((char *)(uintptr_t)served->serving.scale_spec);
	free((char *)(uintptr_t)served->serving.scale_status);
	free((char *)(uintptr_t)served->serving.scale_selector);
}

static void served_free(struct served *served)
{
	records_finish(served);
	serving_finish(served);
	free(served->records);
	free(served->versions);
	free((char *)(uintptr_t)served->kind.group);
	free((char *)(uintptr_t)served->kind.version);
	free((char *)(uintptr_t)served->kind.plural);
	free((char *)(uintptr_t)served->kind.kind);
	free(served->id);
	free(served);
}

void objects_destroy(struct objects *objects)
{
	if (objects == NULL) {
		return;
	}
	history_finish(objects);
	owners_finish(objects);
	for (size_t i = 0; i < objects->served_count; i++) {
		served_free(objects->served[i]);
	}
	free(objects->served);
	map_finish(&objects->kinds);
	map_finish(&objects->by_uid);
	objects_state_unref(objects->scratch);
	state_trees_finish(objects);
	free(objects);
}

static void kind_id(const struct asb_kind *kind, char ret[KEY_MAX])
{
	snprintf(ret, KEY_MAX, "%s/%s", kind->group, kind->kind);
}

struct served *served_find(const struct objects *objects, const struct asb_kind *kind)
{
	char id[KEY_MAX];

	kind_id(kind, id);
	/* A server keeps the events of both groups as one kind. */
	return map_get(&objects->kinds,
		       objects->config.server && strcmp(id, "events.k8s.io/Event") == 0 ? "/Event"
											: id);
}

static struct served *served_new(struct objects *objects, const struct asb_kind *kind)
{
	struct served *served = xnew(struct served);
	char id[KEY_MAX];

	kind_id(kind, id);
	served->kind.group = xstrdup(kind->group);
	served->kind.version = xstrdup(kind->version);
	served->kind.plural = xstrdup(kind->plural);
	served->kind.kind = xstrdup(kind->kind);
	served->id = xstrdup(id);
	objects->served = xrealloc(objects->served, (objects->served_count + 1) * sizeof(served));
	objects->served[objects->served_count++] = served;
	map_put(&objects->kinds, served->id, served);
	return served;
}

void objects_serve(struct objects *objects, const struct asb_kind *kind, bool status)
{
	struct served *served = served_find(objects, kind);

	if (served == NULL) {
		served = served_new(objects, kind);
	}
	served->serving.status = status;
}

/* ---- a server's kinds ---- */

static const char *dup_or_null(const char *text)
{
	return text != NULL ? xstrdup(text) : NULL;
}

/* Takes the description of a kind over. */
static void serving_set(struct served *served, const struct objects_serving *serving)
{
	size_t count = 0;

	serving_finish(served);
	while (serving->fields != NULL && serving->fields[count] != NULL) {
		count++;
	}
	served->serving = *serving;
	served->serving.scale_spec = dup_or_null(serving->scale_spec);
	served->serving.scale_status = dup_or_null(serving->scale_status);
	served->serving.scale_selector = dup_or_null(serving->scale_selector);
	served->fields = xnew_array(char *, count + 1);
	for (size_t i = 0; i < count; i++) {
		served->fields[i] = xstrdup(serving->fields[i]);
	}
	served->serving.fields = (const char *const *)served->fields;
}

struct loading {
	struct objects *objects;
	struct served *served;
};

static int load_one(void *to, uint64_t order, uint64_t version, const char *text, size_t length,
		    struct error *reterr)
{
	const struct loading *loading = to;
	struct json_object *tree = json_parse(text, length, reterr);

	if (tree == NULL) {
		return error_prefix(reterr, "the stored object %" PRIu64 " of '%s'", order,
				    loading->served->id);
	}
	return record_load(loading->objects, loading->served, order, version, tree, reterr) != 0
		       ? -EUCLEAN
		       : 0;
}

int objects_serve_with(struct objects *objects, const struct asb_kind *kind,
		       const struct objects_serving *serving, struct error *reterr)
{
	struct served *served = served_find(objects, kind);
	bool new = served == NULL;

	if (new) {
		served = served_new(objects, kind);
	}
	serving_set(served, serving);
	objects->kinds_changed = true;
	if (!new || objects->storage.load == NULL) {
		return 0;
	}

	struct loading loading = { objects, served };

	return objects->storage.load(objects->storage.arg, served->id, load_one, &loading, reterr);
}

void objects_unserve(struct objects *objects, const struct asb_kind *kind)
{
	struct served *served = served_find(objects, kind);

	while (served != NULL && served->count > 0) {
		struct record *record = served->records[served->count - 1];
		struct json_object *tree = record_tree(objects, record);

		if (record_remove(objects, record, object_derive(tree), NULL) != 0) {
			break; /* the storage failed: it is found again when the kind is */
		}
	}
	/* The history still tells of it: what remains is a kind without objects. */
	if (served != NULL) {
		map_remove(&objects->kinds, served->id);
	}
}

void objects_attach(struct objects *objects, const struct objects_storage *storage)
{
	objects->storage = *storage;
	objects->orders = storage->order;
	if (storage->version > objects->version) {
		objects->version = storage->version;
		objects->compacted = storage->version;
	}
}

void objects_set_hooks(struct objects *objects, const struct objects_hooks *hooks)
{
	objects->hooks = *hooks;
}

void objects_set_graceful(struct objects *objects, const struct asb_kind *kind, bool graceful)
{
	struct served *served = served_find(objects, kind);

	if (served != NULL) {
		served->serving.graceful = graceful;
	}
}

struct record *record_find(const struct objects *objects, const struct served *served,
			   const char *ns, const char *name)
{
	char key[KEY_MAX];

	(void)objects;
	if (served == NULL || snprintf(key, sizeof(key), "%s/%s", ns, name) >= (int)sizeof(key)) {
		return NULL;
	}
	return map_get(&served->by_key, key);
}

struct objects_state *objects_state_of(struct objects *objects, const struct asb_kind *kind,
				       const char *ns, const char *name)
{
	struct record *record = record_find(objects, served_find(objects, kind), ns, name);

	return record != NULL ? record->state : NULL;
}

struct json_object *objects_get(struct objects *objects, const struct asb_kind *kind,
				const char *ns, const char *name)
{
	struct record *record = record_find(objects, served_find(objects, kind), ns, name);

	return record != NULL ? record_tree(objects, record) : NULL;
}

struct json_object *objects_nth(struct objects *objects, const struct asb_kind *kind,
				size_t position)
{
	struct served *served = served_find(objects, kind);

	return served != NULL && position < served->count
		       ? record_tree(objects, served->records[position])
		       : NULL;
}

size_t objects_count(struct objects *objects, const struct asb_kind *kind)
{
	struct served *served = served_find(objects, kind);

	return served != NULL ? served->count : 0;
}

const char *objects_reason(int http_status, const char *message)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "BadRequest" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "NotFound" },
		{ 405, "MethodNotAllowed" },
		{ 406, "NotAcceptable" },
		{ 409, "Conflict" },
		{ 410, "Expired" },
		{ 413, "RequestEntityTooLarge" },
		{ 415, "UnsupportedMediaType" },
		{ 422, "Invalid" },
		{ 429, "TooManyRequests" },
		{ 500, "InternalError" },
		{ 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};

	if (http_status == 409 && strstr(message, "already exists") != NULL) {
		return "AlreadyExists";
	}
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == http_status) {
			return reasons[i].reason;
		}
	}
	return "";
}
