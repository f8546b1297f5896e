/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the Service and the mirror pod of the router in the API. local/up.c calls it whenever the
 * router changes, and every few seconds, because users may delete them. */
#include "config.h"

#include "local/router-service.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>

#include "base/json.h"
#include "base/memory.h"
#include "local/api-client.h"

#define SERVICES "/api/v1/namespaces/default/services"
#define PODS "/api/v1/namespaces/default/pods"
#define MERGE "application/merge-patch+json"

/* Made by scripts/embed.sh. */
extern const char local_router_service[], local_router_pod[], local_router_pod_status[];

static int router_service_refused(int status, struct json_object *response, const char *what,
				  struct error *reterr)
{
	return error_set(reterr, -EIO, "the API refused %s of the router with status %d: %s", what,
			 status, api_client_message(response));
}

/* Creates the Service if there is none. A Service that users have changed is left as it is. */
static int router_service_keep_service(struct api *api, struct error *reterr)
{
	static const struct template_value none[] = { { NULL, NULL } };
	CLEANUP_JSON struct json_object *response = NULL;

	if (api_client_call(api, "GET", SERVICES "/" ROUTER_SERVICE, NULL, NULL, NULL) == 200) {
		return 0;
	}

	int status = api_client_call_template(api, "POST", SERVICES, NULL, local_router_service,
					      none, &response);

	return status == 201 ? 0 : router_service_refused(status, response, "the Service", reterr);
}

/* With a grace period the API server would wait for the pod's node, which does not exist. */
static void router_service_delete_pod(struct api *api)
{
	static const char now[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"gracePeriodSeconds\":0}";

	(void)api_client_call_text(api, "DELETE", PODS "/" MIRROR_POD, NULL, now, NULL);
}

static int router_service_write_status(struct api *api, bool ready, int64_t now_ms,
				       struct error *reterr)
{
	CLEANUP_JSON struct json_object *response = NULL;
	char now[21];
	const struct template_value values[] = {
		{ "NOW", now },
		{ "CONDITION", ready ? "True" : "False" },
		{ "READY", ready ? "true" : "false" },
		{ NULL, NULL },
	};

	asb_time_format(now_ms, now);

	int status = api_client_call_template(api, "PATCH", PODS "/" MIRROR_POD "/status", MERGE,
					      local_router_pod_status, values, &response);

	return status == 200 ? 0
			     : router_service_refused(status, response, "the pod's status", reterr);
}

static int router_service_keep_pod(struct api *api, const char *address, bool ready, int64_t now_ms,
				   struct error *reterr)
{
	const struct template_value values[] = { { "ADDRESS", address }, { NULL, NULL } };
	CLEANUP_JSON struct json_object *pod = NULL;
	CLEANUP_JSON struct json_object *response = NULL;
	int status = api_client_call(api, "GET", PODS "/" MIRROR_POD, NULL, NULL, &pod);

	if (status == 200 && (asb_at(pod, "metadata", "deletionTimestamp") != NULL ||
			      !asb_streq(asb_annotation(pod, MIRROR_FORWARD_ANNOTATION), address) ||
			      !asb_streq(asb_str(pod, "spec", "nodeName"), MIRROR_NODE))) {
		router_service_delete_pod(api);
		status = 404;
	}
	if (status == 404) {
		status = api_client_call_template(api, "POST", PODS, NULL, local_router_pod, values,
						  &response);
		if (status != 201) {
			return router_service_refused(status, response, "the pod", reterr);
		}
	} else if (asb_streq(asb_str(pod, "status", "phase"), "Running") &&
		   asb_condition_is(pod, "Ready", ready ? "True" : "False")) {
		return 0;
	}
	return router_service_write_status(api, ready, now_ms, reterr);
}

int router_service_keep(struct api *api, uint16_t port, bool ready, int64_t now_ms,
			struct error *reterr)
{
	CLEANUP_FREE char *address = xprintf("127.0.0.1:%u", port);
	int code = router_service_keep_service(api, reterr);

	return code < 0 ? code : router_service_keep_pod(api, address, ready, now_ms, reterr);
}

void router_service_remove(struct api *api)
{
	CLEANUP_JSON struct json_object *pod = NULL;

	if (api_client_call(api, "GET", PODS "/" MIRROR_POD, NULL, NULL, &pod) == 200 &&
	    asb_streq(asb_str(pod, "spec", "nodeName"), MIRROR_NODE)) {
		router_service_delete_pod(api);
		(void)api_client_call(api, "DELETE", SERVICES "/" ROUTER_SERVICE, NULL, NULL, NULL);
	}
}
