/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of a pod's containers: names, images, ports, environment, mounts, resources. Pod
 * validation calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <string.h>

#include "apiserver/kinds/pod-private.h"
#include "apiserver/validation/name.h"
#include "base/macros.h"
#include "base/map.h"
#include "kube/quantity.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })

/* ---- ports ---- */

static void pod_check_port_name(const char *name, const char *field, struct causes *causes)
{
	size_t length = strlen(name);
	bool letter = false;

	if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length) {
		causes_add_str(
			causes, CAUSE_INVALID, field, name,
			"must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
	}
	for (size_t i = 0; i < length; i++) {
		letter = letter || islower((unsigned char)name[i]);
	}
	if (!letter) {
		causes_add_str(causes, CAUSE_INVALID, field, name,
			       "must contain at least one letter (a-z)");
	}
	if (length > 15) {
		causes_add_str(causes, CAUSE_INVALID, field, name,
			       "must be no more than 15 characters");
	}
	if (length > 0 && (name[0] == '-' || name[length - 1] == '-')) {
		causes_add_str(causes, CAUSE_INVALID, field, name,
			       "must not begin or end with a hyphen");
	}
}

static void pod_check_port(struct json_object *port, const char *field, struct map *names,
			   struct causes *causes)
{
	const char *name = asb_str(port, "name"), *protocol = asb_str(port, "protocol");
	int64_t number = asb_int(asb_at(port, "containerPort"), 0);
	char path[VALIDATE_FIELD_MAX];

	snprintf(path, sizeof(path), "%s.name", field);
	if (name != NULL && *name != '\0') {
		pod_check_port_name(name, path, causes);
		if (map_put(names, name, port) != NULL) {
			causes_add_str(causes, CAUSE_DUPLICATE, path, name, "%s", "");
		}
	}
	snprintf(path, sizeof(path), "%s.containerPort", field);
	if (number == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, path, NULL, "%s", "");
	} else {
		validate_port(number, path, causes);
	}
	if (asb_int(asb_at(port, "hostPort"), 0) != 0) {
		snprintf(path, sizeof(path), "%s.hostPort", field);
		validate_port(asb_int(asb_at(port, "hostPort"), 0), path, causes);
	}
	snprintf(path, sizeof(path), "%s.protocol", field);
	validate_option(protocol != NULL ? protocol : "", OPTIONS("SCTP", "TCP", "UDP"), path,
			causes);
}

static void pod_check_ports(struct json_object *container, const char *field, struct causes *causes)
{
	struct json_object *ports = asb_array(container, "ports");
	struct map names = MAP_INIT;
	char path[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < asb_length(ports); i++) {
		snprintf(path, sizeof(path), "%s.ports[%zu]", field, i);
		pod_check_port(json_object_array_get_idx(ports, i), path, &names, causes);
	}
	map_finish(&names);
}

/* ---- environment ---- */

static void pod_check_env_name(const char *name, const char *field, struct causes *causes)
{
	bool good = true;

	for (const char *c = name; *c != '\0'; c++) {
		good = good && *c >= 0x20 && *c < 0x7f && *c != '=';
	}
	if (!good) {
		causes_add_str(
			causes, CAUSE_INVALID, field, name,
			"a valid environment variable name must consist only of printable ASCII characters other than '='");
	}
}

static bool pod_known_field_path(const char *path)
{
	static const char *const known[] = { "metadata.name",
					     "metadata.namespace",
					     "metadata.uid",
					     "spec.nodeName",
					     "spec.serviceAccountName",
					     "status.hostIP",
					     "status.hostIPs",
					     "status.podIP",
					     "status.podIPs" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (strcmp(known[i], path) == 0) {
			return true;
		}
	}
	return strncmp(path, "metadata.labels['", 17) == 0 ||
	       strncmp(path, "metadata.annotations['", 22) == 0;
}

static void pod_check_key_ref(struct json_object *from, const char *ref, const char *field,
			      struct causes *causes)
{
	char path[VALIDATE_FIELD_MAX];

	if (!json_object_is_type(asb_at(from, ref), json_type_object)) {
		return;
	}
	snprintf(path, sizeof(path), "%s.%s", field, ref);
	validate_required(asb_at(from, ref), "key", path, causes);
}

static void pod_check_value_from(struct json_object *env, const char *field, struct causes *causes)
{
	static const char *const sources[] = { "fieldRef", "resourceFieldRef", "configMapKeyRef",
					       "secretKeyRef", "fileKeyRef" };
	struct json_object *from = asb_at(env, "valueFrom");
	const char *value = asb_str(env, "value"), *path;
	char where[VALIDATE_FIELD_MAX];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		count += asb_at(from, sources[i]) != NULL ? 1 : 0;
	}
	if (count == 0) {
		causes_add_str(
			causes, CAUSE_INVALID, field, "",
			"must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
	} else if (value != NULL && *value != '\0') {
		causes_add_str(causes, CAUSE_INVALID, field, "",
			       "may not be specified when `value` is not empty");
	} else if (count > 1) {
		causes_add_str(causes, CAUSE_INVALID, field, "",
			       "may not have more than one field specified at a time");
	}
	pod_check_key_ref(from, "configMapKeyRef", field, causes);
	pod_check_key_ref(from, "secretKeyRef", field, causes);
	path = asb_str(from, "fieldRef", "fieldPath");
	if (path != NULL && !pod_known_field_path(path)) {
		snprintf(where, sizeof(where), "%s.fieldRef.fieldPath", field);
		causes_add_str(causes, CAUSE_INVALID, where, path,
			       "error converting fieldPath: field label not supported: %s", path);
	}
}

static void pod_check_env(struct json_object *container, const char *field, struct causes *causes)
{
	struct json_object *list = asb_array(container, "env");
	char path[VALIDATE_FIELD_MAX], member[VALIDATE_FIELD_MAX + 16];

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *env = json_object_array_get_idx(list, i);

		snprintf(path, sizeof(path), "%s.env[%zu]", field, i);
		const char *name = validate_required(env, "name", path, causes);

		if (name != NULL) {
			snprintf(member, sizeof(member), "%s.name", path);
			pod_check_env_name(name, member, causes);
		}
		if (asb_at(env, "valueFrom") != NULL) {
			snprintf(member, sizeof(member), "%s.valueFrom", path);
			pod_check_value_from(env, member, causes);
		}
	}
}

/* ---- mounts ---- */

/* A way up anywhere in a path. */
static bool pod_climbs(const char *path)
{
	for (const char *part = path; part != NULL;
	     part = strchr(part, '/') != NULL ? strchr(part, '/') + 1 : NULL) {
		if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0')) {
			return true;
		}
	}
	return false;
}

static void pod_check_sub_path(const char *path, const char *field, struct causes *causes)
{
	if (*path == '/') {
		causes_add_str(causes, CAUSE_INVALID, field, path, "must be a relative path");
	}
	if (pod_climbs(path)) {
		causes_add_str(causes, CAUSE_INVALID, field, path, "must not contain '..'");
	}
}

static void pod_check_mount(struct json_object *mount, const char *field, const struct map *volumes,
			    struct map *paths, struct causes *causes)
{
	const char *name = validate_required(mount, "name", field, causes), *path,
		   *sub = asb_str(mount, "subPath");
	char where[VALIDATE_FIELD_MAX];

	if (name != NULL && map_get(volumes, name) == NULL) {
		snprintf(where, sizeof(where), "%s.name", field);
		causes_add_str(causes, CAUSE_NOT_FOUND, where, name, "%s", "");
	}
	path = validate_required(mount, "mountPath", field, causes);
	if (path != NULL && map_put(paths, path, mount) != NULL) {
		snprintf(where, sizeof(where), "%s.mountPath", field);
		causes_add_str(causes, CAUSE_INVALID, where, path, "must be unique");
	}
	if (sub != NULL && *sub != '\0') {
		snprintf(where, sizeof(where), "%s.subPath", field);
		pod_check_sub_path(sub, where, causes);
	}
}

static void pod_check_mounts(struct json_object *container, const char *field,
			     const struct map *volumes, struct causes *causes)
{
	struct json_object *mounts = asb_array(container, "volumeMounts");
	struct map paths = MAP_INIT;
	char where[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < asb_length(mounts); i++) {
		snprintf(where, sizeof(where), "%s.volumeMounts[%zu]", field, i);
		pod_check_mount(json_object_array_get_idx(mounts, i), where, volumes, &paths,
				causes);
	}
	map_finish(&paths);
}

/* ---- resources ---- */

static void pod_check_amounts(struct json_object *amounts, const char *field, struct causes *causes)
{
	char path[VALIDATE_FIELD_MAX];
	struct quantity amount;

	if (!json_object_is_type(amounts, json_type_object)) {
		return;
	}
	json_object_object_foreach (amounts, name, value) {
		snprintf(path, sizeof(path), "%s[%s]", field, name);
		validate_qualified(name, path, causes);
		if (quantity_read(value, &amount) < 0) {
			causes_add(
				causes, CAUSE_INVALID, path, value,
				"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
		} else if (amount.negative) {
			causes_add(causes, CAUSE_INVALID, path, value,
				   "must be greater than or equal to 0");
		}
	}
}

static void pod_check_resources(struct json_object *container, const char *field,
				struct causes *causes)
{
	struct json_object *limits = asb_at(container, "resources", "limits"),
			   *requests = asb_at(container, "resources", "requests");
	char path[VALIDATE_FIELD_MAX];
	struct quantity limit, request;

	snprintf(path, sizeof(path), "%s.resources.limits", field);
	pod_check_amounts(limits, path, causes);
	snprintf(path, sizeof(path), "%s.resources.requests", field);
	pod_check_amounts(requests, path, causes);
	if (!json_object_is_type(requests, json_type_object)) {
		return;
	}
	json_object_object_foreach (requests, name, value) {
		struct json_object *most = asb_at(limits, name);

		if (quantity_read(most, &limit) == 0 && quantity_read(value, &request) == 0 &&
		    quantity_compare(&request, &limit) > 0) {
			causes_add(causes, CAUSE_INVALID, path, value,
				   "must be less than or equal to %s limit of %s", name,
				   json_object_get_string(most));
		}
	}
}

/* ---- a container ---- */

static void pod_check_image(struct json_object *container, const char *field, struct causes *causes)
{
	const char *image = validate_required(container, "image", field, causes);
	char path[VALIDATE_FIELD_MAX];

	if (image != NULL && (isspace((unsigned char)image[0]) ||
			      isspace((unsigned char)image[strlen(image) - 1]))) {
		snprintf(path, sizeof(path), "%s.image", field);
		causes_add_str(causes, CAUSE_INVALID, path, image,
			       "must not have leading or trailing whitespace");
	}
}

static void pod_check_options(struct json_object *container, const char *field,
			      struct causes *causes)
{
	const char *pull = asb_str(container, "imagePullPolicy"),
		   *message = asb_str(container, "terminationMessagePolicy");
	char path[VALIDATE_FIELD_MAX];

	snprintf(path, sizeof(path), "%s.terminationMessagePolicy", field);
	validate_option(message != NULL ? message : "", OPTIONS("File", "FallbackToLogsOnError"),
			path, causes);
	snprintf(path, sizeof(path), "%s.imagePullPolicy", field);
	validate_option(pull != NULL ? pull : "", OPTIONS("Always", "IfNotPresent", "Never"), path,
			causes);
}

static void pod_check_container_security(struct json_object *container, const char *field,
					 struct causes *causes)
{
	static const char *const ids[] = { "runAsUser", "runAsGroup" };
	struct json_object *security = asb_at(container, "securityContext"),
			   *escalation = asb_at(security, "allowPrivilegeEscalation");
	char path[VALIDATE_FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct json_object *id = asb_at(security, ids[i]);

		snprintf(path, sizeof(path), "%s.securityContext.%s", field, ids[i]);
		if (id != NULL && (asb_int(id, -1) < 0 || asb_int(id, -1) > INT32_MAX)) {
			causes_add(causes, CAUSE_INVALID, path, id,
				   "must be between 0 and 2147483647, inclusive");
		}
	}
	if (asb_true(asb_at(security, "privileged")) && escalation != NULL &&
	    !asb_true(escalation)) {
		snprintf(path, sizeof(path), "%s.securityContext", field);
		causes_add(
			causes, CAUSE_INVALID, path, security,
			"cannot set `allowPrivilegeEscalation` to false and `privileged` to true");
	}
}

static void pod_check_container(struct json_object *container, const char *field,
				const struct map *volumes, struct causes *causes)
{
	const char *name = validate_required(container, "name", field, causes);
	char path[VALIDATE_FIELD_MAX];

	if (name != NULL) {
		snprintf(path, sizeof(path), "%s.name", field);
		validate_label(name, path, causes);
	}
	pod_check_image(container, field, causes);
	pod_check_ports(container, field, causes);
	pod_check_env(container, field, causes);
	pod_check_mounts(container, field, volumes, causes);
	pod_validate_probes(container, field, causes);
	pod_check_options(container, field, causes);
	pod_check_resources(container, field, causes);
	pod_check_container_security(container, field, causes);
}

/* The names of a pod's volumes, also of those with faults; they borrow from the pod. */
static void pod_volume_names(struct json_object *volumes, struct map *ret)
{
	for (size_t i = 0; i < asb_length(volumes); i++) {
		struct json_object *volume = json_object_array_get_idx(volumes, i);
		const char *name = asb_str(volume, "name");

		if (name != NULL) {
			map_put(ret, name, volume);
		}
	}
}

void pod_validate_containers(struct json_object *spec, struct causes *causes)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };
	struct map names = MAP_INIT, volumes = MAP_INIT;
	char field[VALIDATE_FIELD_MAX];

	pod_volume_names(asb_array(spec, "volumes"), &volumes);
	if (asb_length(asb_at(spec, "containers")) == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.containers", NULL, "%s", "");
	}
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct json_object *list = asb_array(spec, lists[i]);

		for (size_t j = 0; j < asb_length(list); j++) {
			struct json_object *container = json_object_array_get_idx(list, j);
			const char *name = asb_str(container, "name");

			snprintf(field, sizeof(field), "spec.%s[%zu]", lists[i], j);
			pod_check_container(container, field, &volumes, causes);
			if (name != NULL && map_put(&names, name, container) != NULL) {
				snprintf(field, sizeof(field), "spec.%s[%zu].name", lists[i], j);
				causes_add_str(causes, CAUSE_DUPLICATE, field, name, "%s", "");
			}
		}
	}
	map_finish(&volumes);
	map_finish(&names);
}
