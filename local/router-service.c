/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the Service and the mirror pod of the router in the API. local/up.c calls it whenever the
 * router changes, and now and then: others may delete them. */
#include "config.h"

#include "local/router-service.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "local/api-client.h"

#define SERVICES "/api/v1/namespaces/default/services"
#define PODS "/api/v1/namespaces/default/pods"
#define MERGE "application/merge-patch+json"

static int refused(int status, struct json_object *response, const char *what, struct error *reterr)
{
	return error_set(reterr, -EIO, "%s of the router is refused with %d: %s", what, status,
			 ask_message(response));
}

/* Made when it is not there; one that users changed is theirs. */
static int keep_service(struct api *api, struct error *reterr)
{
	static const char service[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"" MIRROR_SERVICE
		"\",\"labels\":{\"app\":\"sandbox-router\"}},\"spec\":{\"selector\":{\"app\":\"sandbox-router\"},\"ports\":[{\"name\":\"http\",\"port\":8080,\"targetPort\":8080}]}}";
	CLEANUP_JSON struct json_object *response = NULL;

	if (ask(api, "GET", SERVICES "/" MIRROR_SERVICE, NULL, NULL, NULL) == 200) {
		return 0;
	}

	int status = ask_text(api, "POST", SERVICES, NULL, service, &response);

	return status == 201 ? 0 : refused(status, response, "the Service", reterr);
}

static char *pod_text(const char *address)
{
	return xprintf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"" MIRROR_POD
		"\",\"labels\":{\"app\":\"sandbox-router\"},\"annotations\":{\"kubernetes.io/config.mirror\":\"agent-sandbox-local\",\"" MIRROR_FORWARD_ANNOTATION
		"\":\"%s\"}},\"spec\":{\"nodeName\":\"" MIRROR_NODE
		"\",\"hostNetwork\":true,\"automountServiceAccountToken\":false,\"terminationGracePeriodSeconds\":0,\"containers\":[{\"name\":\"router\",\"image\":\"agent-sandbox-router\",\"ports\":[{\"name\":\"http\",\"containerPort\":8080}]}]}}",
		address);
}

/* A pod on a node is deleted by its node; this one's node is us. */
static void end_pod(struct api *api)
{
	static const char now[] =
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"gracePeriodSeconds\":0}";

	(void)ask_text(api, "DELETE", PODS "/" MIRROR_POD, NULL, now, NULL);
}

/* What a kubelet would say of it. */
static int tell_status(struct api *api, bool ready, int64_t now_ms, struct error *reterr)
{
	CLEANUP_JSON struct json_object *response = NULL;
	char now[21];

	asb_time_format(now_ms, now);

	const char *truth = ready ? "True" : "False";
	CLEANUP_FREE char *text = xprintf(
		"{\"status\":{\"phase\":\"Running\",\"hostIP\":\"127.0.0.1\",\"podIP\":\"127.0.0.1\",\"podIPs\":[{\"ip\":\"127.0.0.1\"}],\"startTime\":\"%s\",\"conditions\":[{\"type\":\"PodScheduled\",\"status\":\"True\",\"lastTransitionTime\":\"%s\"},{\"type\":\"Initialized\",\"status\":\"True\",\"lastTransitionTime\":\"%s\"},{\"type\":\"ContainersReady\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"},"
		"{\"type\":\"Ready\",\"status\":\"%s\",\"lastTransitionTime\":\"%s\"}],\"containerStatuses\":[{\"name\":\"router\",\"image\":\"agent-sandbox-router\",\"imageID\":\"\",\"restartCount\":0,\"ready\":%s,\"started\":true,\"state\":{\"running\":{\"startedAt\":\"%s\"}}}]}}",
		now, now, now, truth, now, truth, now, ready ? "true" : "false", now);
	int status = ask_text(api, "PATCH", PODS "/" MIRROR_POD "/status", MERGE, text, &response);

	return status == 200 ? 0 : refused(status, response, "the pod's status", reterr);
}

static int keep_pod(struct api *api, const char *address, bool ready, int64_t now_ms,
		    struct error *reterr)
{
	CLEANUP_FREE char *text = pod_text(address);
	struct json_object *pod CLEANUP_JSON = NULL, *response CLEANUP_JSON = NULL;
	int status = ask(api, "GET", PODS "/" MIRROR_POD, NULL, NULL, &pod);

	if (status == 200 && (asb_at(pod, "metadata", "deletionTimestamp") != NULL ||
			      !asb_streq(asb_annotation(pod, MIRROR_FORWARD_ANNOTATION), address) ||
			      !asb_streq(asb_str(pod, "spec", "nodeName"), MIRROR_NODE))) {
		end_pod(api);
		status = 404;
	}
	if (status == 404) {
		status = ask_text(api, "POST", PODS, NULL, text, &response);
		if (status != 201) {
			return refused(status, response, "the pod", reterr);
		}
	} else if (asb_streq(asb_str(pod, "status", "phase"), "Running") &&
		   asb_condition_is(pod, "Ready", ready ? "True" : "False")) {
		return 0;
	}
	return tell_status(api, ready, now_ms, reterr);
}

int mirror_keep(struct api *api, uint16_t port, bool ready, int64_t now_ms, struct error *reterr)
{
	CLEANUP_FREE char *address = xprintf("127.0.0.1:%u", port);
	int code = keep_service(api, reterr);

	return code < 0 ? code : keep_pod(api, address, ready, now_ms, reterr);
}

void mirror_remove(struct api *api)
{
	CLEANUP_JSON struct json_object *pod = NULL;

	if (ask(api, "GET", PODS "/" MIRROR_POD, NULL, NULL, &pod) == 200 &&
	    asb_streq(asb_str(pod, "spec", "nodeName"), MIRROR_NODE)) {
		end_pod(api);
		(void)ask(api, "DELETE", SERVICES "/" MIRROR_SERVICE, NULL, NULL, NULL);
	}
}
