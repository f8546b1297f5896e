/* SPDX-License-Identifier: Apache-2.0 */
/* A transport that ends in apiserver/objects/objects, with the faults of a network and of a dying process. Used by the managers of a world. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "kube/kind.h"
#include "kube/version.h"
#include "tests/sim/world.h"

#define PAUSE_US 40000000u
#define KEPT 5u /* versions that a compaction leaves: who is further behind must list again */

/* A request, understood. */
struct target {
	const struct asb_kind *kind; /* NULL: not served */
	char ns[128], name[260];
	bool status;
	const char *query;
};

static const struct asb_kind *find_kind(const char *group, size_t group_length, const char *plural,
					size_t plural_length)
{
	for (size_t i = 0; i < KINDS; i++) {
		const struct asb_kind *kind = &world_kinds[i];

		if (strlen(kind->group) == group_length &&
		    strncmp(kind->group, group, group_length) == 0 &&
		    strlen(kind->plural) == plural_length &&
		    strncmp(kind->plural, plural, plural_length) == 0) {
			return kind;
		}
	}
	return NULL;
}

/* Takes the next segment of a path. */
static const char *segment(const char **path, size_t *ret_length)
{
	const char *start = *path;

	*ret_length = strcspn(start, "/?");
	*path = start + *ret_length + (start[*ret_length] == '/');
	return start;
}

static void understand(const char *path, struct target *ret)
{
	const char *at = path + 1, *group = "", *part;
	size_t length, group_length = 0;

	*ret = (struct target){ .query = strchr(path, '?') != NULL ? strchr(path, '?') + 1 : "" };
	part = segment(&at, &length);
	if (length == 4 && strncmp(part, "apis", 4) == 0) {
		group = segment(&at, &group_length);
	}
	segment(&at, &length); /* version */
	part = segment(&at, &length);
	if (length == 10 && strncmp(part, "namespaces", 10) == 0) {
		part = segment(&at, &length);
		snprintf(ret->ns, sizeof(ret->ns), "%.*s", (int)length, part);
		part = segment(&at, &length);
	}
	ret->kind = find_kind(group, group_length, part, length);
	part = segment(&at, &length);
	snprintf(ret->name, sizeof(ret->name), "%.*s", (int)length, part);
	part = segment(&at, &length);
	ret->status = length == 6 && strncmp(part, "status", 6) == 0;
}

/* ---- requests ---- */

static void response_status(struct http_response *response, int status, int code,
			    const char *message)
{
	response->status = status;
	buf_printf(
		&response->body,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"%s\",\"reason\":\"%s\",\"code\":%d,\"message\":",
		status < 400 ? "Success" : "Failure", objects_reason(status, code), status);
	buf_append_json(&response->body, message, strlen(message));
	buf_append_char(&response->body, '}');
}

static bool wants_metadata(const struct http_request *request)
{
	return request->accept != NULL &&
	       strstr(request->accept, "as=PartialObjectMetadata") != NULL;
}

static void print_object(const struct http_request *request, struct json_object *object,
			 struct buf *out)
{
	CLEANUP_JSON struct json_object *copy = asb_copy(object);

	if (wants_metadata(request)) {
		json_object_object_del(copy, "spec");
		json_object_object_del(copy, "status");
		asb_set_str(copy, "kind", "PartialObjectMetadata");
		asb_set_str(copy, "apiVersion", "meta.k8s.io/v1");
	}
	json_print(copy, out);
}

static void response_list(struct world *world, const struct target *target,
			  const struct http_request *request, struct http_response *response)
{
	struct json_object *object;

	buf_printf(&response->body,
		   "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%llu\"},\"items\":[",
		   (unsigned long long)objects_version(world->objects));
	for (size_t i = 0; (object = objects_nth(world->objects, target->kind, i)) != NULL; i++) {
		if (i > 0) {
			buf_append_char(&response->body, ',');
		}
		print_object(request, object, &response->body);
	}
	buf_append_str(&response->body, "]}");
	response->status = 200;
}

/* What a write verb is called in world.counts. */
static uint32_t verb_of(const struct http_request *request, const struct target *target)
{
	switch (request->method[0]) {
	case 'D':
		return ASB_DELETE;
	case 'P':
		if (strcmp(request->method, "POST") == 0) {
			return ASB_CREATE;
		}
		return target->status ? ASB_SET_STATUS : ASB_PATCH_JSON; /* either verb of each */
	default:
		return 0;
	}
}

static int carry_out(struct world *world, const struct process *process,
		     const struct http_request *request, const struct target *target,
		     struct json_object *body, struct json_object **ret, struct error *error)
{
	uint32_t flags = (target->status ? OBJECTS_STATUS : 0) |
			 (strstr(target->query, "dryRun=All") != NULL ? OBJECTS_DRY_RUN : 0);
	struct json_object *stored =
		objects_get(world->objects, target->kind, target->ns, target->name);

	if (strcmp(request->method, "GET") == 0) {
		check_asked(world, process, target->kind, target->name);
		*ret = stored;
		return stored != NULL ? 200 : error_set(error, 404, "not found");
	}
	if (strcmp(request->method, "POST") == 0) {
		return objects_create_object(world->objects, target->kind, target->ns,
					     asb_copy(body), flags, ret, error);
	}
	if (strcmp(request->method, "PUT") == 0) {
		return objects_replace(world->objects, target->kind, target->ns, target->name,
				       asb_copy(body), flags, ret, error);
	}
	if (strcmp(request->method, "PATCH") == 0) {
		bool json_patch = strstr(request->content_type, "json-patch") != NULL;

		return objects_patch(world->objects, target->kind, target->ns, target->name,
				     json_patch, body, flags, ret, error);
	}
	if (stored != NULL) {
		check_delete(world, process, stored,
			     asb_str(body, "preconditions", "resourceVersion"));
	}
	return objects_delete(world->objects, target->kind, target->ns, target->name,
			      asb_str(body, "preconditions", "uid"),
			      asb_str(body, "preconditions", "resourceVersion"), ret, error);
}

/* Counts a write, and finds those that changed nothing. */
static void account(struct world *world, const struct process *process,
		    const struct http_request *request, const struct target *target, int status,
		    uint64_t version_before)
{
	uint32_t verb = verb_of(request, target);
	bool dry = strstr(target->query, "dryRun=All") != NULL;
	char key[640];

	if (verb == 0 || status >= 300 || dry || target->kind == &world_kinds[LEASE]) {
		return;
	}
	world->counts[target->kind - world_kinds][verb]++;
	snprintf(key, sizeof(key), "%s/%s/%s", target->kind->plural, target->ns, target->name);
	if (verb != ASB_CREATE && verb != ASB_DELETE &&
	    objects_version(world->objects) == version_before &&
	    map_get(&world->troubled, key) == NULL) {
		world->needless++;
		world_fail(world, "process %u wrote %s without changing it: %.*s", process->number,
			   key, (int)request->body_length, request->body);
	}
	if (world->config.trace) {
		printf("%10.3f v%llu p%u %s %.*s\n", (double)sched_now_us(world->sched) / 1e6,
		       (unsigned long long)objects_version(world->objects), process->number,
		       request->method, (int)strcspn(request->path, "?"), request->path);
	}
}

/* Does what a request asks. With the lock held. */
static void serve(struct world *world, const struct process *process,
		  const struct http_request *request, const struct target *target,
		  struct http_response *response)
{
	CLEANUP_JSON struct json_object *body =
		request->body != NULL ? json_parse(request->body, request->body_length, NULL)
				      : NULL;
	uint64_t before = objects_version(world->objects);
	struct json_object *object = NULL;
	struct error error = { 0 };
	int status;

	if (target->kind == NULL) {
		response_status(response, 404, 0,
				"the server could not find the requested resource");
		return;
	}
	if (strcmp(request->method, "GET") == 0 && target->name[0] == '\0') {
		response_list(world, target, request, response);
		return;
	}
	status = carry_out(world, process, request, target, body, &object, &error);
	account(world, process, request, target, status, before);
	if (status >= 300) {
		response_status(response, status, error.code, error.text);
	} else if (strcmp(request->method, "DELETE") == 0 &&
		   objects_get(world->objects, target->kind, target->ns, target->name) == NULL) {
		response_status(response, 200, 0, "");
	} else {
		response->status = status;
		print_object(request, object, &response->body);
	}
	if (objects_version(world->objects) != before) {
		world_changed(world);
	}
}

static void no_response(struct http_response *response, int result, bool maybe_sent,
			const char *text)
{
	http_response_finish(response);
	*response = (struct http_response){ .result = result,
					    .maybe_sent = maybe_sent,
					    .body = BUF_INIT(RESPONSE_MAX) };
	snprintf(response->error, sizeof(response->error), "%s", text);
}

static bool is_off(const struct process *process)
{
	return process->dead || process->stopped;
}

/* The server, or something on the way, turns the request down. */
static bool turned_down(struct world *world, struct http_response *response)
{
	if (!world_chance(world, world->config.refuse)) {
		return false;
	}
	switch (sched_random(world->sched) % 3) {
	case 0:
		response_status(response, 500, 0, "internal error");
		break;
	case 1:
		response->status = 429;
		response->retry_after_ms = 1000;
		buf_append_str(&response->body, "Too many requests, please try again later.");
		break;
	default:
		no_response(response, -ECONNREFUSED, false, "connection refused");
	}
	return true;
}

static void lose_response(struct world *world, const struct target *target,
			  struct http_response *response)
{
	world_trouble(world, target->kind != NULL ? target->kind->plural : "", target->ns,
		      target->name);
	if (sched_random(world->sched) % 4 == 0 && response->status < 300 &&
	    response->body.length > 4) {
		response->body.length /= 2; /* cut short, yet a 200 */
		response->body.data[response->body.length] = '\0';
	} else {
		no_response(response, -ECONNRESET, true, "connection reset by peer");
	}
}

/* Waits while the process is stopped (SIGSTOP). Returns whether it was. Without the lock. */
static bool sat_out_pause(struct process *process)
{
	struct world *world = process->world;
	uint64_t until, now = sched_now_us(world->sched);

	sched_mutex_lock(&world->lock);
	until = process->paused_until_us;
	sched_mutex_unlock(&world->lock);
	if (now < until) {
		world_sleep(world, until - now);
	}
	return now < until;
}

/* Stops the process at the moment its adoption of a pod is past the lease's renew deadline; this one request still goes out when it
 * goes on. With the lock held, given back meanwhile. */
static void pause_process(struct process *process)
{
	struct world *world = process->world;

	process->paused_until_us = sched_now_us(world->sched) + PAUSE_US;
	sched_mutex_unlock(&world->lock);
	world_sleep(world, PAUSE_US);
	sched_mutex_lock(&world->lock);
}

/* Counts a write towards the points at which the process is to stop or to die; true when it dies now. With the lock held. */
static bool reaches_its_end(struct process *process, const struct http_request *request,
			    const struct target *target)
{
	if (strcmp(request->method, "GET") == 0 || target->kind == &world_kinds[LEASE] ||
	    is_off(process)) {
		return false;
	}
	process->writes++;
	if (target->kind == &world_kinds[POD] && strcmp(request->method, "PATCH") == 0 &&
	    ++process->adoptions == process->pause_adoption) {
		pause_process(process);
	}
	return process->writes == process->crash_write;
}

static void die(struct process *process)
{
	process->dead = true;
	sched_cond_broadcast(&process->world->changed);
}

/* What becomes of a request that has arrived. With the lock held. */
static void respond_request(struct process *process, const struct http_request *request,
			    const struct target *target, bool crash, struct http_response *response)
{
	struct world *world = process->world;

	if (crash && !process->crash_after) {
		die(process);
	}
	if (is_off(process)) {
		no_response(response, -ECANCELED, false, "the process ends");
		return;
	}
	if (turned_down(world, response)) {
		return;
	}
	serve(world, process, request, target, response);
	if (crash) {
		die(process);
		no_response(response, -ECANCELED, true, "the process ends");
	} else if (world_chance(world, world->config.lose)) {
		lose_response(world, target, response);
	}
	if (world_chance(world, world->config.compact) && objects_version(world->objects) > KEPT) {
		objects_compact(world->objects, objects_version(world->objects) - KEPT);
	}
}

/* One request from its sending to its response. */
static void perform_one(struct process *process, const struct http_request *request,
			struct http_response *response)
{
	struct world *world = process->world;
	struct target target;

	understand(request->path, &target);
	world_sleep(world, sched_random(world->sched) % (world->config.delay_us + 1));
	if (sat_out_pause(process)) {
		no_response(response, -ETIMEDOUT, false,
			    "the process was stopped before it could send this");
		return;
	}
	if (request->may_send != NULL && !request->may_send(request->may_send_arg)) {
		no_response(response, -ECANCELED, false, "it may not be sent any more");
		return;
	}
	sched_mutex_lock(&world->lock);
	respond_request(process, request, &target, reaches_its_end(process, request, &target),
			response);
	sched_mutex_unlock(&world->lock);
	world_sleep(world, sched_random(world->sched) % (world->config.delay_us + 1));
	sat_out_pause(process);
}

static void perform(struct transport *transport, const struct http_request *requests,
		    struct http_response *responses, size_t count)
{
	struct process *process = (struct process *)transport;
	size_t order[16];

	for (size_t i = 0; i < count; i++) {
		responses[i] = (struct http_response){ .body = BUF_INIT(RESPONSE_MAX) };
		order[i] = i;
	}
	for (size_t i = count; i > 1; i--) { /* sent together: they arrive in any order */
		size_t other = sched_random(process->world->sched) % i, kept = order[i - 1];

		order[i - 1] = order[other];
		order[other] = kept;
	}
	for (size_t i = 0; i < count; i++) {
		perform_one(process, &requests[order[i]], &responses[order[i]]);
	}
}

/* ---- streams ---- */

struct watch {
	struct process *process;
	const struct http_request *request;
	struct target target;
	uint64_t position;
	transport_bytes bytes;
	void *arg;
};

/* Hands a frame on in two pieces. */
static int send_text(struct watch *watch, const struct buf *text)
{
	size_t first =
		text->length > 1 ? sched_random(watch->process->world->sched) % text->length : 0;
	int error;

	sat_out_pause(watch->process);
	error = watch->bytes(watch->arg, buf_str(text), first);

	return error != 0 ? error
			  : watch->bytes(watch->arg, buf_str(text) + first, text->length - first);
}

static void frame(struct watch *watch, const char *type, struct json_object *object,
		  struct buf *out)
{
	buf_printf(out, "{\"type\":\"%s\",\"object\":", type);
	print_object(watch->request, object, out);
	buf_append_str(out, "}\n");
}

static int send_bookmark(struct watch *watch, uint64_t version, bool initial_end)
{
	CLEANUP_BUF struct buf text = BUF_INIT(RESPONSE_MAX);

	buf_printf(
		&text,
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"metadata\":{\"resourceVersion\":\"%llu\"%s}}}\n",
		watch->target.kind->kind, (unsigned long long)version,
		initial_end ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "");
	return send_text(watch, &text);
}

static int send_initial(struct watch *watch)
{
	struct world *world = watch->process->world;
	CLEANUP_BUF struct buf text = BUF_INIT(64u << 20);
	struct json_object *object;

	sched_mutex_lock(&world->lock);
	watch->position = objects_version(world->objects);
	for (size_t i = 0; (object = objects_nth(world->objects, watch->target.kind, i)) != NULL;
	     i++) {
		frame(watch, "ADDED", object, &text);
	}
	sched_mutex_unlock(&world->lock);
	world_sleep(world, sched_random(world->sched) % (world->config.delay_us * 4 + 1));
	return send_text(watch, &text) != 0 ? -1 : send_bookmark(watch, watch->position, true);
}

enum next { NEXT_FRAME, NEXT_QUIET, NEXT_GONE, NEXT_OFF };

/* Waits for the next change and prints its frame. */
static enum next next_change(struct watch *watch, uint64_t deadline, struct buf *out)
{
	static const char *const types[] = { "ADDED", "MODIFIED", "DELETED" };
	struct world *world = watch->process->world;
	struct objects_change change;

	LOCKED(&world->lock);
	for (;;) {
		if (is_off(watch->process)) {
			return NEXT_OFF;
		}
		if (watch->position < objects_compacted(world->objects)) {
			return NEXT_GONE;
		}
		if (objects_next_change(world->objects, watch->target.kind, watch->position,
					&change)) {
			watch->position = change.version;
			frame(watch, types[change.type], change.object, out);
			return NEXT_FRAME;
		}
		watch->position = objects_version(world->objects);
		if (sched_cond_wait(&world->changed, &world->lock, deadline) == -ETIMEDOUT) {
			return NEXT_QUIET;
		}
	}
}

static void follow(struct watch *watch, struct http_response *response)
{
	static const char gone[] =
		"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":410,\"reason\":\"Expired\",\"message\":\"too old resource version\"}}\n";
	struct world *world = watch->process->world;
	uint64_t end = sched_now_us(world->sched) + 300000000u;

	for (;;) {
		CLEANUP_BUF struct buf text = BUF_INIT(RESPONSE_MAX);
		enum next next = next_change(watch, sched_now_us(world->sched) + 60000000u, &text);

		if (next == NEXT_OFF) {
			no_response(response, -ECANCELED, true, "the process ends");
			return;
		}
		if (next == NEXT_GONE) {
			watch->bytes(watch->arg, gone, sizeof(gone) - 1);
			return;
		}
		if (next == NEXT_FRAME) {
			world_sleep(world,
				    sched_random(world->sched) % (world->config.delay_us * 4 + 1));
		}
		if ((next == NEXT_FRAME ? send_text(watch, &text)
					: send_bookmark(watch, watch->position, false)) != 0 ||
		    sched_now_us(world->sched) > end) {
			return;
		}
		if (next == NEXT_FRAME && world_chance(world, world->config.cut)) {
			no_response(response, -ECONNRESET, true, "connection reset by peer");
			return;
		}
	}
}

static void stream(struct transport *transport, const struct http_request *request,
		   uint32_t idle_ms, transport_bytes bytes, void *arg, struct http_response *ret)
{
	struct watch watch = { .process = (struct process *)transport,
			       .request = request,
			       .bytes = bytes,
			       .arg = arg };
	const char *version;

	(void)idle_ms;
	*ret = (struct http_response){ .status = 200, .body = BUF_INIT(RESPONSE_MAX) };
	understand(request->path, &watch.target);
	world_sleep(watch.process->world, sched_random(watch.process->world->sched) %
						  (watch.process->world->config.delay_us + 1));
	version = strstr(watch.target.query, "resourceVersion=");
	version = version != NULL ? version + strlen("resourceVersion=") : "";
	watch.position = version_parse(version, strcspn(version, "&"));
	if (strstr(watch.target.query, "sendInitialEvents=true") != NULL &&
	    send_initial(&watch) != 0) {
		return;
	}
	follow(&watch, ret);
}

static void stop(struct transport *transport)
{
	struct process *process = (struct process *)transport;

	LOCKED(&process->world->lock);
	process->stopped = true;
	sched_cond_broadcast(&process->world->changed);
}

const struct transport_ops wire_ops = { .perform = perform, .stream = stream, .stop = stop };
