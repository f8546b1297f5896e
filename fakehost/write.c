/* SPDX-License-Identifier: Apache-2.0 */
/* Writes and live reads of the plugin, as plugin.h describes them, with the faults that the test
 * asked for. The host table calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "fakehost/fake.h"

static const struct {
	uint32_t verb;
	const char *name;
} write_verbs[] = {
	{ ASB_CREATE, "CREATE" },           { ASB_PATCH_JSON, "PATCH_JSON" },
	{ ASB_PATCH_MERGE, "PATCH_MERGE" }, { ASB_SET_STATUS, "SET_STATUS" },
	{ ASB_DELETE, "REMOVE" },           { ASB_PATCH_STATUS, "PATCH_STATUS" },
};

/* A write that is being handled. */
struct request {
	struct fake_call *call;
	struct asb_write *write;
	const struct fake_kind *kind;
	const char *ns, *name;
	uint32_t flags; /* OBJECTS_* */
};

static const char *write_verb_name(uint32_t verb)
{
	for (size_t i = 0; i < ARRAY_LEN(write_verbs); i++) {
		if (write_verbs[i].verb == verb) {
			return write_verbs[i].name;
		}
	}
	return NULL;
}

static void write_finish(struct request *request, int32_t result, int32_t http_status,
			 const char *message)
{
	request->write->result = result;
	request->write->http_status = http_status;
	request->write->message = arena_block(&request->call->arena, xstrdup(message));
}

static int32_t write_result(int http_status, int code)
{
	switch (http_status) {
	case 200:
	case 201:
		return ASB_OK;
	case 404:
		return ASB_NOT_FOUND;
	case 409:
		return code == OBJECTS_ALREADY_EXISTS ? ASB_ALREADY_EXISTS : ASB_CONFLICT;
	default:
		return ASB_INVALID;
	}
}

/* The object of a response: with the fields that the store has, or all of it if the kind is not
 * watched. */
static struct json_object *write_response(struct fake_call *call, uint32_t watch,
					  struct json_object *object)
{
	struct asb_fake *fake = call->fake;
	bool unwatched = (fake->plugin->watches[watch].flags & ASB_WATCH_UNWATCHED) != 0;

	return arena_tree(&call->arena, unwatched ? asb_copy(object)
						  : cache_trim(fake, fake->kinds[watch], object));
}

/* What the host refuses before it sends anything; NULL for a good write. */
static const char *write_refuse(const struct request *request)
{
	const struct asb_write *write = request->write;
	bool body = write->take_body != NULL;

	switch (write->verb) {
	case ASB_CREATE:
		return asb_name(write->take_body) == NULL
			       ? "ASB_CREATE needs metadata.name in take_body"
			       : NULL;
	case ASB_PATCH_JSON:
	case ASB_PATCH_STATUS:
		return asb_as_array(write->take_body) == NULL
			       ? "a JSON patch needs an array as take_body"
			       : NULL;
	case ASB_PATCH_MERGE:
		return !json_object_is_type(write->take_body, json_type_object)
			       ? "ASB_PATCH_MERGE needs an object as take_body"
			       : NULL;
	case ASB_SET_STATUS:
		if (!json_object_is_type(write->take_body, json_type_object)) {
			return "ASB_SET_STATUS needs an object as take_body";
		}
		return write->uid == NULL ? "ASB_SET_STATUS needs a uid" : NULL;
	default:
		return body ? "ASB_DELETE takes no take_body" : NULL;
	}
}

/* Whether the store already has the status of the write: then nothing is sent. */
static bool write_status_is_equal(const struct request *request)
{
	const struct stored *stored = cache_find(request->kind, request->ns, request->name);

	return request->write->verb == ASB_SET_STATUS && stored != NULL &&
	       asb_streq(asb_uid(stored->object), request->write->uid) &&
	       json_same(asb_at(stored->object, "status"), request->write->take_body);
}

/* An object that exists already counts as created by this write if it has the same controller: the
 * response to an earlier try was lost. */
static void write_read_back(struct request *request, struct json_object *body, int http_status,
			    const char *message)
{
	struct json_object *object = objects_get(request->call->fake->objects, request->kind->kind,
						 request->ns, request->name);
	const char *mine = asb_str(asb_controller(body, NULL), "uid");

	if (asb_streq(mine, asb_str(asb_controller(object, NULL), "uid"))) {
		write_finish(request, ASB_OK, 200, "");
		request->write->ret = write_response(request->call, request->write->watch, object);
	} else {
		write_finish(request, ASB_ALREADY_EXISTS, http_status, message);
	}
}

static void write_create(struct request *request)
{
	CLEANUP_JSON struct json_object *body = asb_copy(request->write->take_body);
	struct error error = { 0 };
	struct json_object *object = NULL;
	int status = objects_create_object(request->call->fake->objects, request->kind->kind,
					   request->ns, json_object_get(body), request->flags,
					   &object, &error);
	int32_t result = write_result(status, error.code);

	if (result == ASB_ALREADY_EXISTS) {
		write_read_back(request, request->write->take_body, status, error.text);
		return;
	}
	write_finish(request, result, status, error.text);
	if (result == ASB_OK) {
		request->write->ret = write_response(request->call, request->write->watch, object);
	}
}

/* The JSON patch of a write, the caller's. */
static struct json_object *write_json_patch(const struct asb_write *write)
{
	struct json_object *patch = json_object_new_array();

	if (write->uid != NULL) {
		asb_patch(patch, "test", json_object_new_string(write->uid), "metadata", "uid");
	}
	if (write->verb == ASB_SET_STATUS) {
		asb_patch(patch, "add", json_object_get(write->take_body), "status");
		return patch;
	}
	for (size_t i = 0; i < asb_length(write->take_body); i++) {
		json_object_array_add(
			patch, json_object_get(json_object_array_get_idx(write->take_body, i)));
	}
	return patch;
}

static struct json_object *write_merge_patch(const struct asb_write *write)
{
	struct json_object *patch = asb_copy(write->take_body);

	if (write->uid != NULL) {
		asb_set_str(asb_object_in(patch, "metadata"), "uid", write->uid);
	}
	if (write->resource_version != NULL) {
		asb_set_str(asb_object_in(patch, "metadata"), "resourceVersion",
			    write->resource_version);
	}
	return patch;
}

static void write_patch(struct request *request)
{
	const struct asb_write *write = request->write;
	bool json = write->verb != ASB_PATCH_MERGE;
	CLEANUP_JSON struct json_object *body =
		json ? write_json_patch(write) : write_merge_patch(write);
	bool of_status = write->verb == ASB_SET_STATUS || write->verb == ASB_PATCH_STATUS;
	uint32_t flags = request->flags | (of_status ? OBJECTS_STATUS : 0);
	struct error error = { 0 };
	struct json_object *object = NULL;
	int status = objects_patch(request->call->fake->objects, request->kind->kind, request->ns,
				   request->name, json, body, flags, &object, &error);

	write_finish(request, write_result(status, error.code), status, error.text);
	if (request->write->result == ASB_OK) {
		request->write->ret = write_response(request->call, request->write->watch, object);
	}
}

/* The result of a deletion, without deleting. */
static void write_dry_delete(struct request *request)
{
	const struct asb_write *write = request->write;
	struct json_object *object = objects_get(request->call->fake->objects, request->kind->kind,
						 request->ns, request->name);

	if (object == NULL) {
		write_finish(request, ASB_NOT_FOUND, 404, "not found");
	} else if ((write->uid != NULL && !asb_streq(write->uid, asb_uid(object))) ||
		   (write->resource_version != NULL &&
		    !asb_streq(write->resource_version, asb_resource_version(object)))) {
		write_finish(request, ASB_CONFLICT, 409, "Precondition failed");
	} else {
		write_finish(request, ASB_OK, 200, "");
	}
}

static void write_perform(struct request *request)
{
	const struct asb_write *write = request->write;
	struct error error = { 0 };

	if (write->verb == ASB_CREATE) {
		write_create(request);
	} else if (write->verb != ASB_DELETE) {
		write_patch(request);
	} else if ((write->flags & ASB_DRY_RUN) != 0) {
		write_dry_delete(request);
	} else {
		const struct objects_delete_options options = {
			.uid = write->uid,
			.resource_version = write->resource_version,
			.grace = -1,
			.propagation = (write->flags & ASB_FOREGROUND) != 0 ? OBJECTS_FOREGROUND
									    : OBJECTS_BACKGROUND,
		};
		int status =
			objects_delete_with(request->call->fake->objects, request->kind->kind,
					    request->ns, request->name, &options, NULL, &error);

		write_finish(request, write_result(status, error.code), status, error.text);
	}
	/* Read your writes. */
	update_cache(request->call->fake);
}

static int32_t write_http_status(int32_t result)
{
	switch (result) {
	case ASB_OK:
		return 200;
	case ASB_NOT_FOUND:
		return 404;
	case ASB_CONFLICT:
	case ASB_ALREADY_EXISTS:
		return 409;
	case ASB_FORBIDDEN:
		return 403;
	case ASB_INVALID:
		return 422;
	default:
		return 0;
	}
}

static void write_one(struct request *request)
{
	struct asb_fake *fake = request->call->fake;
	struct asb_write *write = request->write;
	struct fault *fault;

	if (write_status_is_equal(request)) {
		write_finish(request, ASB_OK, 0, "");
		return;
	}
	fault = record_fault(fake, write->verb, request->kind->kind->kind);
	if (fault == NULL || fault->result != ASB_CANCELLED) {
		lines_add(&fake->writes,
			  xprintf("%s %s %s%s%s%s%s", write_verb_name(write->verb),
				  request->kind->kind->kind, request->ns,
				  *request->ns != '\0' ? "/" : "", request->name,
				  (write->flags & ASB_FOREGROUND) != 0 ? " (foreground)" : "",
				  (write->flags & ASB_DRY_RUN) != 0 ? " (dry run)" : ""));
	}
	if (fault == NULL || fault->done) {
		write_perform(request);
	}
	if (fault != NULL) {
		write_finish(request, fault->result, write_http_status(fault->result),
			     fault->message);
		write->ret = NULL;
		fault_free(fault);
	}
}

static struct fake_kind *write_kind(struct fake_call *call, uint32_t watch)
{
	(void)call_watch(call, watch);
	if (call->key == NULL) {
		fake_fatal("an enqueue function must not wait, but it writes or reads live '%s'",
			   call->fake->kinds[watch]->kind->kind);
	}
	return call->fake->kinds[watch];
}

int32_t write_all(struct asb_call *call, struct asb_write *writes, uint32_t count)
{
	struct fake_call *mine = call_of(call);
	int32_t first = ASB_OK;

	if (count > ASB_WRITE_MAX) {
		fake_fatal("write_all takes %u writes, not %u", ASB_WRITE_MAX, count);
	}
	for (uint32_t i = 0; i < count; i++) {
		struct asb_write *write = &writes[i];
		/* Until the call's end: name and ns may point into it. */
		struct json_object *body = arena_tree(&mine->arena, write->take_body);
		struct request request = { .call = mine,
					   .write = write,
					   .kind = write_kind(mine, write->watch) };
		const char *wrong;

		if (write_verb_name(write->verb) == NULL) {
			fake_fatal("a write has the unknown verb %u", write->verb);
		}
		request.name = write->verb == ASB_CREATE ? asb_name(body) : write->name;
		request.ns = write->ns != NULL           ? write->ns
			     : write->verb == ASB_CREATE ? asb_ns(body)
							 : "";
		request.flags = (write->flags & ASB_DRY_RUN) != 0 ? OBJECTS_DRY_RUN : 0;
		write->ret = NULL;
		if (mine->fake->hook != NULL) {
			mine->fake->hook(mine->fake, mine->fake->hook_arg);
		}
		wrong = write_refuse(&request);
		if (wrong == NULL && request.name == NULL) {
			wrong = "a write needs a name";
		}
		if (wrong != NULL) {
			write_finish(&request, ASB_INVALID, 0, wrong);
		} else {
			write_one(&request);
		}
		write->take_body = NULL;
		if (first == ASB_OK) {
			first = write->result;
		}
	}
	return first;
}

int32_t write_read(struct asb_call *call, uint32_t watch, const char *ns, const char *name,
		   struct json_object **ret)
{
	struct fake_call *mine = call_of(call);
	const struct fake_kind *kind = write_kind(mine, watch);
	struct json_object *object =
		objects_get(mine->fake->objects, kind->kind, ns != NULL ? ns : "", name);

	if (object == NULL) {
		return ASB_NOT_FOUND;
	}
	*ret = write_response(mine, watch, object);
	return ASB_OK;
}
