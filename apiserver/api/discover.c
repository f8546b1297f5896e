/* SPDX-License-Identifier: Apache-2.0 */
/* Routes that are about no kind: discovery, OpenAPI, version, health. The API calls it for them. */
#include "config.h"

#include <string.h>

#include "apiserver/api/api-private.h"
#include "apiserver/types/discovery.h"

#define AGGREGATED(version) \
	"application/json;g=apidiscovery.k8s.io;v=" version ";as=APIGroupDiscoveryList"
#define OPENAPI_PROTOBUF "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"

/* Which form of aggregated discovery is asked for: "v2", "v2beta1", or NULL. */
static const char *discover_aggregated(const char *accept)
{
	if (!accepts(accept, "application/json", "as=APIGroupDiscoveryList")) {
		return NULL;
	}
	if (accepts(accept, "application/json", "v=v2")) {
		return "v2";
	}
	return accepts(accept, "application/json", "v=v2beta1") ? "v2beta1" : NULL;
}

static struct json_object *discover_tree_of(struct api_call *call, const char *version)
{
	const struct api *api = call->api;
	const struct route *route = &call->route;

	switch (route->type) {
	case ROUTE_CORE:
		return version != NULL ? discovery_aggregated(api->types, true, version)
				       : discovery_api(api->address);
	case ROUTE_GROUPS:
		return version != NULL ? discovery_aggregated(api->types, false, version)
				       : discovery_groups(api->types);
	case ROUTE_GROUP:
		return discovery_group(api->types, route->group);
	case ROUTE_CORE_V1:
	case ROUTE_VERSION:
		return discovery_resources(api->types, route->group, route->version);
	case ROUTE_OPENAPI_V2:
		return openapi_v2();
	case ROUTE_OPENAPI_V3:
		return openapi_v3_index(api->types);
	case ROUTE_OPENAPI_V3_OF:
		return openapi_v3(api->types, route->group, route->version);
	case ROUTE_RELEASE:
		return discovery_version();
	default:
		return NULL;
	}
}

static void discover_response_text(struct api_call *call, int status, const char *text)
{
	call->response->status = status;
	call->response->content_type = "text/plain; charset=utf-8";
	buf_append_str(&call->response->body, text);
}

static bool discover_respond_protobuf(struct api_call *call)
{
	static const char at[] = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";
	const char *accept = call->request->accept;
	size_t length = 0;

	if (call->route.type != ROUTE_OPENAPI_V2 ||
	    (!accepts(accept, OPENAPI_PROTOBUF, NULL) && !accepts(accept, at, NULL))) {
		return false;
	}

	const void *data = openapi_v2_protobuf(&length);

	call->response->status = 200;
	call->response->content_type = OPENAPI_PROTOBUF;
	buf_append(&call->response->body, data, length);
	return true;
}

void discover_handle(struct api_call *call)
{
	const char *method = call->request->method;
	const char *version = discover_aggregated(call->request->accept);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		call_fail(call, 405, NULL,
			  "the server does not allow this method on the requested resource");
		call->response->allow = "GET";
		return;
	}
	if (call->route.type == ROUTE_HEALTH) {
		discover_response_text(call, 200, "ok");
		return;
	}
	if (discover_respond_protobuf(call)) {
		return;
	}

	struct json_object *tree = NULL;

	{
		LOCKED(&call->api->lock);
		tree = discover_tree_of(call, version);
	}
	if (tree == NULL) {
		discover_response_text(call, 404, "404 page not found\n");
		return;
	}
	call_response_tree(call, 200, tree);
	if (version != NULL &&
	    (call->route.type == ROUTE_CORE || call->route.type == ROUTE_GROUPS)) {
		call->response->content_type =
			strcmp(version, "v2") == 0 ? AGGREGATED("v2") : AGGREGATED("v2beta1");
	}
}
