/* SPDX-License-Identifier: Apache-2.0 */
/* Decides whether and where a Sandbox can be reached. Called by router/reconcile.c. */
#include "config.h"

#include "router/route.h"

#include <agent-sandbox/helpers.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ANNOTATION_POD_NAME "agents.x-k8s.io/pod-name"

const char *route_pod_name(struct json_object *sandbox)
{
	const char *adopted = asb_annotation(sandbox, ANNOTATION_POD_NAME);

	return adopted != NULL && *adopted != '\0' ? adopted : asb_name(sandbox);
}

const char *route_since(struct json_object *pod)
{
	const char *started = asb_str(pod, "status", "startTime");

	if (started == NULL) {
		started = asb_str(pod, "metadata", "creationTimestamp");
	}
	return started != NULL ? started : "";
}

static bool route_is_suspended(struct json_object *sandbox)
{
	return asb_int(asb_at(sandbox, "spec", "replicas"), 1) == 0;
}

/* Whether the Sandbox is the pod's controller, by uid: a name proves nothing. */
static bool route_owns(struct json_object *sandbox, struct json_object *pod)
{
	const char *owner = asb_str(asb_controller(pod, NULL), "uid");

	return owner != NULL && asb_streq(owner, asb_uid(sandbox));
}

/* Whether the text is an IP address that a pod can have: not loopback, link-local, multicast or
 * unspecified. */
static bool route_is_pod_address(const char *address)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, address, &v4) == 1) {
		uint32_t bits = ntohl(v4.s_addr);

		return bits >> 24 != 0 && bits >> 24 != 127 && bits >> 16 != 0xa9fe &&
		       bits >> 28 < 0xe;
	}
	return inet_pton(AF_INET6, address, &v6) == 1 && !IN6_IS_ADDR_LOOPBACK(&v6) &&
	       !IN6_IS_ADDR_UNSPECIFIED(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6) &&
	       !IN6_IS_ADDR_MULTICAST(&v6) && !IN6_IS_ADDR_V4MAPPED(&v6);
}

static const char *route_check_pod(struct json_object *pod, char ret_address[46])
{
	const char *address = asb_str(pod, "status", "podIP");
	const char *node = asb_str(pod, "status", "hostIP");

	if (asb_deleting(pod)) {
		return "its pod is being deleted";
	}
	if (asb_true(asb_at(pod, "spec", "hostNetwork"))) {
		return "its pod is on the node's network";
	}
	if (!asb_condition_is(pod, "Ready", "True") || address == NULL) {
		return "its pod is not Ready";
	}
	if (!route_is_pod_address(address) || asb_streq(address, node)) {
		return "its pod has an address that no pod can have";
	}
	snprintf(ret_address, 46, "%s", address);
	return NULL;
}

const char *route_find(struct json_object *sandbox, struct json_object *pod, char ret_address[46])
{
	ret_address[0] = '\0';
	if (sandbox == NULL) {
		return "the Sandbox does not exist";
	}
	if (asb_deleting(sandbox)) {
		return "it is being deleted";
	}
	if (route_is_suspended(sandbox)) {
		return "it is suspended";
	}
	if (pod == NULL || !route_owns(sandbox, pod)) {
		return "it has no pod";
	}
	return route_check_pod(pod, ret_address);
}
