/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's real handler over objects in memory: no request may end it. What is refused changes
 * nothing, what is deleted was named, each refusal and each audit line is JSON that anybody can read.
 *
 * An input is a request as text: "METHOD target", then a line each for Accept, Content-Type, Upgrade
 * and the protocols, then the body. One that begins with '#' is numbers instead: a method, a route
 * and pairs of parameter and value from the tables here. "!all" tries each of these with each. How
 * to build it: fuzz.h, with the library of the API server.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apiserver/api/api-private.h"
#include "apiserver/api/api.h"
#include "apiserver/objects/objects.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "tests/fuzz/fuzz.h"

const char fuzz_corpus[] = "api";

#define KEYS_MAX 256u
#define NS "/api/v1/namespaces/default/"
#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

static const char *const methods[] = { "GET", "DELETE", "POST", "PUT", "PATCH", "HEAD", "OPTIONS" };

static const char *const routes[] = {
	NS "configmaps",
	NS "configmaps/kept",
	NS "configmaps/%zz",
	NS "configmaps/%00",
	NS "configmaps/%ff",
	NS "pods",
	NS "pods/p",
	NS "pods/p/log",
	NS "pods/p/exec",
	NS "pods/p/attach",
	NS "pods/p/portforward",
	NS "pods/p/status",
	NS "pods/p/binding",
	NS "pods/p/eviction",
	NS "pods/p/nothing",
	NS "serviceaccounts/default/token",
	NS "services/s",
	NS "secrets",
	NS "events",
	"/api/v1/namespaces/default",
	"/api/v1/namespaces",
	"/api/v1/namespaces/default/finalize",
	"/api/v1/configmaps",
	"/api/v1/watch/pods",
	"/api/v1/watch/namespaces/default/pods/p",
	"/api/v1/nodes/n/status",
	"/apis/events.k8s.io/v1/namespaces/default/events",
	CRDS,
	CRDS "/things.example.com",
	CRDS "/things.example.com/status",
	"/apis/example.com/v1/namespaces/default/things/t",
	"/apis/example.com/v1/namespaces/default/things/t/scale",
	"/apis/example.com/v1/namespaces/default/things",
	"/api",
	"/api/v1",
	"/api/v1/%zz",
	"/apis",
	"/apis/apps",
	"/apis/coordination.k8s.io/v1",
	"/openapi/v2",
	"/openapi/v3",
	"/openapi/v3/api/v1",
	"/version",
	"/healthz",
	"/nothing",
	"/",
	"",
};

static const char *const parameters[] = {
	"labelSelector",
	"fieldSelector",
	"dryRun",
	"limit",
	"continue",
	"resourceVersion",
	"watch",
	"resourceVersionMatch",
	"timeoutSeconds",
	"fieldValidation",
	"propagationPolicy",
	"gracePeriodSeconds",
	"pretty",
	"allowWatchBookmarks",
	"sendInitialEvents",
	"force",
	"fieldManager",
	"orphanDependents",
	"container",
	"follow",
	"tailLines",
	"sinceSeconds",
	"sinceTime",
	"limitBytes",
	"previous",
	"timestamps",
	"command",
	"stdin",
	"stdout",
	"tty",
	"ports",
	"includeObject",
	"unknown",
	"%zz",
	"%00",
	"%6cimit",
};

static const char *const values[] = {
	"",
	"%zz",
	"%",
	"a%00b",
	"%ff",
	"abc",
	"1",
	"-1",
	"All",
	"true",
	"0",
	"app%3Dnone",
	"metadata.name%3Dnone",
	"9223372036854775808",
};

static const char *const bodies[] = {
	"",
	"{}",
	"[]",
	"{\"metadata\":{\"name\":\"kept\"},\"data\":{\"a\":\"c\"}}",
	"{\"metadata\":{\"name\":\"\\u0000\"}}",
	"{\"dryRun\":[\"All\"],\"gracePeriodSeconds\":0}",
	"{\"metadata\":{\"name\":\"p\"},\"target\":{\"name\":\"n\"}}",
	"{\"kind\":\"Pod\",\"x\":\"\xff\"}",
};

static struct {
	struct sched *sched;
	struct api *api;
	int audit; /* a file in memory */
} world;

/* ---- the server ---- */

static int ask(const struct api_request *request)
{
	struct api_response response;

	api_handle(world.api, request, &response);

	int status = response.status;

	api_response_finish(&response);
	return status;
}

static void create(const char *path, const char *body)
{
	struct api_request request = { .method = "POST",
				       .path = path,
				       .query = "",
				       .accept = "",
				       .content_type = "",
				       .user = "admin",
				       .body = body,
				       .length = strlen(body) };

	FUZZ_CHECK(ask(&request) == 201);
}

static void begin(void)
{
	struct error error = { 0 };
	char path[64];

	if (world.sched == NULL) {
		world.sched = sched_create();
		world.audit = memfd_create("audit", MFD_CLOEXEC);
		FUZZ_CHECK(world.audit >= 0);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", world.audit);
	world.api = api_create(&(struct api_config){ .sched = world.sched,
						     .ca = "",
						     .secret = "a secret of the tests",
						     .node_socket = "/nonexistent/node.sock",
						     .audit_log = path },
			       &error);
	FUZZ_CHECK(world.api != NULL);
	/* Nothing but requests changes anything from here on. */
	api_stop(world.api);
	create(NS "configmaps", "{\"metadata\":{\"name\":\"kept\",\"labels\":{\"app\":\"a\"}}}");
	create(NS "configmaps", "{\"metadata\":{\"name\":\"also\",\"finalizers\":[\"a.b/c\"]}}");
	create(NS "pods",
	       "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"nodeName\":\"n\",\"containers\":[{\"name\":\"c\",\"image\":\"localhost/x\"}]}}");
	create(NS "services",
	       "{\"metadata\":{\"name\":\"s\"},\"spec\":{\"ports\":[{\"port\":80}]}}");
	create(CRDS,
	       "{\"metadata\":{\"name\":\"things.example.com\"},\"spec\":{\"group\":\"example.com\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"things\",\"singular\":\"thing\","
	       "\"kind\":\"Thing\",\"listKind\":\"ThingList\"},\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"subresources\":{\"status\":{},\"scale\":{"
	       "\"specReplicasPath\":\".spec.replicas\",\"statusReplicasPath\":\".status.replicas\"}},\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"x-kubernetes-preserve-unknown-fields\":true}}}]}}");
	create("/apis/example.com/v1/namespaces/default/things",
	       "{\"apiVersion\":\"example.com/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"t\"}}");
}

/* ---- what is there ---- */

struct key {
	char plural[64], ns[64], name[254];
};

struct view {
	uint64_t version;
	size_t count;
	struct key keys[KEYS_MAX];
};

static void look(struct view *view)
{
	struct api_resource *served;
	size_t at = 0;
	LOCKED(&world.api->lock);

	view->version = objects_version(world.api->objects);
	view->count = 0;
	while ((served = map_next(&world.api->resources, &at, NULL)) != NULL) {
		const struct asb_kind *kind = &served->copy.kind;

		for (size_t i = 0; i < objects_count(world.api->objects, kind); i++) {
			struct json_object *object = objects_nth(world.api->objects, kind, i);
			struct key *key = &view->keys[view->count];

			FUZZ_CHECK(view->count++ < KEYS_MAX);
			snprintf(key->plural, sizeof(key->plural), "%s", kind->plural);
			snprintf(key->ns, sizeof(key->ns), "%s", asb_ns(object));
			snprintf(key->name, sizeof(key->name), "%s", asb_name(object));
		}
	}
}

static bool is_there(const struct view *view, const struct key *key)
{
	for (size_t i = 0; i < view->count; i++) {
		if (strcmp(view->keys[i].plural, key->plural) == 0 &&
		    strcmp(view->keys[i].ns, key->ns) == 0 &&
		    strcmp(view->keys[i].name, key->name) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether a request is one that may take this object away. Writes may, that take away a finalizer;
 * a CRD takes its objects along, a binding or an eviction is of its pod. */
static bool names(const struct api_request *request, const struct route *route,
		  const struct key *key)
{
	if (strcmp(route->resource, "customresourcedefinitions") == 0 &&
	    strcmp(key->plural, "things") == 0) {
		return true;
	}
	if (strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0 ||
	    strcmp(route->resource, key->plural) != 0) {
		return false;
	}
	return (*route->ns == '\0' || strcmp(route->ns, key->ns) == 0) &&
	       (*route->name == '\0' ? strcmp(request->method, "DELETE") == 0
				     : strcmp(route->name, key->name) == 0);
}

/* ---- promises ---- */

static void check_status(const struct api_response *response)
{
	const struct buf *body = &response->body;

	FUZZ_CHECK(response->status >= 100 && response->status < 600 && response->status != 500);
	if (response->status < 400 || strncmp(response->content_type, "text/", 5) == 0) {
		return;
	}
	FUZZ_CHECK(utf8_valid_length(buf_str(body), body->length) == body->length);

	CLEANUP_JSON struct json_object *status = json_parse(buf_str(body), body->length, NULL);

	FUZZ_CHECK(asb_int(asb_at(status, "code"), 0) == response->status);
}

static void check_audit(void)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1u << 20);
	char part[4096];
	ssize_t got;

	for (off_t at = 0; (got = pread(world.audit, part, sizeof(part), at)) > 0; at += got) {
		buf_append(&text, part, (size_t)got);
	}
	FUZZ_CHECK(!text.failed && ftruncate(world.audit, 0) == 0);
	if (text.length == 0) {
		return;
	}
	FUZZ_CHECK(text.data[text.length - 1] == '\n');
	buf_cut(&text, text.length - 1);
	for (size_t i = 0; i < text.length; i++) {
		FUZZ_CHECK((unsigned char)text.data[i] >= ' ' && text.data[i] != 0x7f);
	}
	FUZZ_CHECK(utf8_valid_length(text.data, text.length) == text.length);

	CLEANUP_JSON struct json_object *line = json_parse(text.data, text.length, NULL);

	FUZZ_CHECK(line != NULL);
}

static void try_request(const struct api_request *request)
{
	static struct view before, after;
	static struct route route;
	struct api_response response;

	if (world.api == NULL) {
		begin();
	}
	FUZZ_CHECK(ftruncate(world.audit, 0) == 0);
	look(&before);
	api_handle(world.api, request, &response);
	check_status(&response);
	check_audit();
	look(&after);
	FUZZ_CHECK(response.status < 400 || before.version == after.version);
	(void)route_parse(request->path, &route);
	for (size_t i = 0; i < before.count; i++) {
		FUZZ_CHECK(is_there(&after, &before.keys[i]) ||
			   names(request, &route, &before.keys[i]));
	}
	api_response_finish(&response);
	/* The next one finds what this one found. */
	if (before.version != after.version) {
		api_destroy(TAKE(world.api));
	}
}

/* ---- inputs ---- */

static void try_tables(size_t method, size_t route, const char *query, size_t body)
{
	const char *text = bodies[body % ARRAY_LEN(bodies)];
	const char *name = methods[method % ARRAY_LEN(methods)];

	try_request(&(struct api_request){
		.method = name,
		.path = routes[route % ARRAY_LEN(routes)],
		.query = query,
		.accept = "",
		.content_type = strcmp(name, "PATCH") == 0 ? "application/merge-patch+json" : "",
		.user = "admin",
		.upgrade = "SPDY/3.1",
		.protocols = "v4.channel.k8s.io",
		.body = text,
		.length = strlen(text) });
}

static void try_all(void)
{
	char query[128];

	for (size_t route = 0; route < ARRAY_LEN(routes); route++) {
		for (size_t method = 0; method < ARRAY_LEN(methods); method++) {
			for (size_t i = 0; i < ARRAY_LEN(parameters); i++) {
				/* Each value meets each parameter on some of the routes. */
				size_t value = (route + method + i) % ARRAY_LEN(values);

				snprintf(query, sizeof(query), "labelSelector=none&%s=%s",
					 parameters[i], values[value]);
				try_tables(method, route, query, i);
				snprintf(query, sizeof(query), "%s=%%zz", parameters[i]);
				try_tables(method, route, query, i);
			}
		}
	}
}

static void try_numbers(const uint8_t *data, size_t size)
{
	CLEANUP_BUF struct buf query = BUF_INIT(65536);

	for (size_t i = 3; i + 1 < size; i += 2) {
		buf_printf(&query, "%s%s=%s", i > 3 ? "&" : "",
			   parameters[data[i] % ARRAY_LEN(parameters)],
			   values[data[i + 1] % ARRAY_LEN(values)]);
	}
	if (size >= 3) {
		try_tables(data[0], data[1], buf_str(&query), data[2]);
	}
}

/* Takes a line off the text: the caller's. */
static char *take_line(const char **text, size_t *left)
{
	const char *end = memchr(*text, '\n', *left);
	size_t length = end != NULL ? (size_t)(end - *text) : *left;
	char *line = xstrndup(*text, length);

	length += end != NULL ? 1 : 0;
	*text += length;
	*left -= length;
	return line;
}

static void try_text(const char *text, size_t size)
{
	CLEANUP_FREE char *method = take_line(&text, &size);
	CLEANUP_FREE char *accept = take_line(&text, &size);
	CLEANUP_FREE char *type = take_line(&text, &size);
	CLEANUP_FREE char *upgrade = take_line(&text, &size);
	CLEANUP_FREE char *protocols = take_line(&text, &size);
	char *path = strchr(method, ' ');
	char none[] = "", *query;

	if (path != NULL) {
		*path++ = '\0';
	} else {
		path = none;
	}
	query = strchr(path, '?');
	if (query != NULL) {
		*query++ = '\0';
	}
	try_request(&(struct api_request){ .method = method,
					   .path = path,
					   .query = query != NULL ? query : "",
					   .accept = accept,
					   .content_type = type,
					   .user = "admin",
					   .upgrade = upgrade,
					   .protocols = protocols,
					   .body = text,
					   .length = size });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = xstrndup(size > 0 ? (const char *)data : "", size);

	if (strcmp(text, "!all") == 0) {
		try_all();
	} else if (*text == '#') {
		try_numbers(data + 1, size - 1);
	} else {
		try_text(size > 0 ? (const char *)data : "", size);
	}
	return 0;
}
