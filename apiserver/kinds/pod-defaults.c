/* SPDX-License-Identifier: Apache-2.0 */
/* Kubernetes' defaults of a pod's spec. The table of kinds calls it for every write of a pod. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/macros.h"

#define FILE_MODE 420      /* 0644 */
#define TOKEN_SECONDS 3600 /* of a projected service account token */

static void pod_set_str(struct json_object *object, const char *name, const char *value)
{
	const char *now = asb_str(object, name);

	if (asb_at(object, name) == NULL || (now != NULL && *now == '\0')) {
		asb_set_str(object, name, value);
	}
}

static void pod_set_int(struct json_object *object, const char *name, int64_t value)
{
	if (asb_at(object, name) == NULL) {
		json_object_object_add(object, name, json_object_new_int64(value));
	}
}

/* ---- containers ---- */

/* The policy is Always for :latest and for an image without a tag; a digest or another tag never
 * changes. */
static const char *pod_pull_policy(const char *image)
{
	const char *slash = strrchr(image, '/'), *name = slash != NULL ? slash + 1 : image;
	const char *tag = strchr(name, ':');

	if (strchr(name, '@') != NULL) {
		return "IfNotPresent";
	}
	return tag == NULL || strcmp(tag, ":latest") == 0 ? "Always" : "IfNotPresent";
}

static void pod_http_defaults(struct json_object *handler)
{
	struct json_object *http = asb_at(handler, "httpGet");

	if (json_object_is_type(http, json_type_object)) {
		pod_set_str(http, "path", "/");
		pod_set_str(http, "scheme", "HTTP");
	}
	if (json_object_is_type(asb_at(handler, "grpc"), json_type_object)) {
		struct json_object *grpc = asb_at(handler, "grpc");

		if (asb_at(grpc, "service") == NULL) {
			asb_set_str(grpc, "service", "");
		}
	}
}

static void pod_probe_defaults(struct json_object *container, const char *name)
{
	static const struct {
		const char *name;
		int64_t value;
	} numbers[] = {
		{ "timeoutSeconds", 1 },
		{ "periodSeconds", 10 },
		{ "successThreshold", 1 },
		{ "failureThreshold", 3 },
	};
	struct json_object *probe = asb_at(container, name);

	if (!json_object_is_type(probe, json_type_object)) {
		return;
	}
	pod_http_defaults(probe);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		if (asb_int(asb_at(probe, numbers[i].name), 0) == 0) {
			json_object_object_add(probe, numbers[i].name,
					       json_object_new_int64(numbers[i].value));
		}
	}
}

/* A limit without a request is the request as well. */
static void pod_resource_defaults(struct json_object *container)
{
	struct json_object *resources = asb_object_in(container, "resources"),
			   *limits = asb_at(resources, "limits"), *requests;

	if (!json_object_is_type(limits, json_type_object) ||
	    json_object_object_length(limits) == 0) {
		return;
	}
	requests = asb_object_in(resources, "requests");
	json_object_object_foreach (limits, name, value) {
		if (asb_at(requests, name) == NULL) {
			json_object_object_add(requests, name, json_object_get(value));
		}
	}
}

static void pod_env_defaults(struct json_object *container)
{
	struct json_object *env = asb_array(container, "env");

	for (size_t i = 0; i < asb_length(env); i++) {
		struct json_object *field =
			asb_at(json_object_array_get_idx(env, i), "valueFrom", "fieldRef");

		if (json_object_is_type(field, json_type_object)) {
			pod_set_str(field, "apiVersion", "v1");
		}
	}
}

static void pod_container_defaults(struct json_object *container)
{
	struct json_object *ports = asb_array(container, "ports");
	const char *image = asb_str(container, "image");

	if (!json_object_is_type(container, json_type_object)) {
		return;
	}
	pod_set_str(container, "imagePullPolicy", pod_pull_policy(image != NULL ? image : ""));
	pod_set_str(container, "terminationMessagePath", "/dev/termination-log");
	pod_set_str(container, "terminationMessagePolicy", "File");
	for (size_t i = 0; i < asb_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (json_object_is_type(port, json_type_object)) {
			pod_set_str(port, "protocol", "TCP");
		}
	}
	pod_probe_defaults(container, "livenessProbe");
	pod_probe_defaults(container, "readinessProbe");
	pod_probe_defaults(container, "startupProbe");
	pod_http_defaults(asb_at(container, "lifecycle", "preStop"));
	pod_http_defaults(asb_at(container, "lifecycle", "postStart"));
	pod_resource_defaults(container);
	pod_env_defaults(container);
}

/* With the host's network a container's port is the host's. */
static void pod_host_ports(struct json_object *container)
{
	struct json_object *ports = asb_array(container, "ports");

	for (size_t i = 0; i < asb_length(ports); i++) {
		struct json_object *port = json_object_array_get_idx(ports, i);

		if (json_object_is_type(port, json_type_object)) {
			pod_set_int(port, "hostPort", asb_int(asb_at(port, "containerPort"), 0));
		}
	}
}

/* ---- volumes ---- */

static void pod_field_defaults(struct json_object *items)
{
	for (size_t i = 0; i < asb_length(items); i++) {
		struct json_object *field = asb_at(json_object_array_get_idx(items, i), "fieldRef");

		if (json_object_is_type(field, json_type_object)) {
			pod_set_str(field, "apiVersion", "v1");
		}
	}
}

static void pod_projected_defaults(struct json_object *projected)
{
	struct json_object *sources = asb_array(projected, "sources");

	for (size_t i = 0; i < asb_length(sources); i++) {
		struct json_object *source = json_object_array_get_idx(sources, i),
				   *token = asb_at(source, "serviceAccountToken");

		pod_field_defaults(asb_array(source, "downwardAPI", "items"));
		if (json_object_is_type(token, json_type_object)) {
			pod_set_int(token, "expirationSeconds", TOKEN_SECONDS);
		}
	}
}

static void pod_volume_defaults(struct json_object *volume)
{
	static const char *const modes[] = { "secret", "configMap", "downwardAPI", "projected" };

	if (!json_object_is_type(volume, json_type_object)) {
		return;
	}
	/* Nothing but a name is an empty directory. */
	if (json_object_object_length(volume) == (asb_at(volume, "name") != NULL ? 1 : 0)) {
		asb_object_in(volume, "emptyDir");
	}
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		struct json_object *source = asb_at(volume, modes[i]);

		if (json_object_is_type(source, json_type_object)) {
			pod_set_int(source, "defaultMode", FILE_MODE);
		}
	}
	pod_field_defaults(asb_array(volume, "downwardAPI", "items"));
	pod_projected_defaults(asb_at(volume, "projected"));
	if (json_object_is_type(asb_at(volume, "hostPath"), json_type_object) &&
	    asb_at(volume, "hostPath", "type") == NULL) {
		asb_set_str(asb_at(volume, "hostPath"), "type", "");
	}
}

/* ---- the pod ---- */

static void pod_account_defaults(struct json_object *spec)
{
	const char *name = asb_str(spec, "serviceAccountName");

	/* The old name of the field is still read, and written back. */
	if (name == NULL || *name == '\0') {
		name = asb_str(spec, "serviceAccount");
	}
	if (name != NULL && *name != '\0') {
		asb_set_str(spec, "serviceAccountName", name);
		asb_set_str(spec, "serviceAccount", asb_str(spec, "serviceAccountName"));
	}
}

void pod_set_defaults(struct json_object *pod)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };
	struct json_object *spec = asb_object_in(pod, "spec"), *volumes;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(spec, lists[i]);

		for (size_t j = 0; j < asb_length(list); j++) {
			pod_container_defaults(json_object_array_get_idx(list, j));
			if (asb_true(asb_at(spec, "hostNetwork"))) {
				pod_host_ports(json_object_array_get_idx(list, j));
			}
		}
	}
	volumes = asb_array(spec, "volumes");
	for (size_t i = 0; i < asb_length(volumes); i++) {
		pod_volume_defaults(json_object_array_get_idx(volumes, i));
	}
	pod_set_str(spec, "restartPolicy", "Always");
	pod_set_str(spec, "dnsPolicy", "ClusterFirst");
	pod_set_str(spec, "schedulerName", "default-scheduler");
	pod_set_int(spec, "terminationGracePeriodSeconds", 30);
	if (asb_int(asb_at(spec, "terminationGracePeriodSeconds"), 0) < 0) {
		json_object_object_add(spec, "terminationGracePeriodSeconds",
				       json_object_new_int64(1));
	}
	asb_object_in(spec, "securityContext");
	if (asb_at(spec, "enableServiceLinks") == NULL) {
		json_object_object_add(spec, "enableServiceLinks", json_object_new_boolean(1));
	}
	pod_account_defaults(spec);
}
