/* SPDX-License-Identifier: Apache-2.0 */
/* Validation of a pod's volumes. Pod validation calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/kinds/pod-private.h"
#include "apiserver/validation/name.h"
#include "base/macros.h"
#include "base/map.h"

/* What a source cannot do without. */
static const struct {
	const char *source, *member;
} required[] = {
	{ "hostPath", "path" },  { "secret", "secretName" },
	{ "configMap", "name" }, { "persistentVolumeClaim", "claimName" },
	{ "nfs", "server" },     { "csi", "driver" },
};

static void pod_check_source(struct json_object *volume, const char *field, struct causes *causes)
{
	size_t count = 0;
	char path[VALIDATE_FIELD_MAX];

	json_object_object_foreach (volume, name, source) {
		if (strcmp(name, "name") == 0 || source == NULL) {
			continue;
		}
		snprintf(path, sizeof(path), "%s.%s", field, name);
		if (count++ > 0) {
			causes_add_str(causes, CAUSE_FORBIDDEN, path, NULL,
				       "may not specify more than 1 volume type");
			continue;
		}
		for (size_t i = 0; i < ARRAY_LEN(required); i++) {
			if (strcmp(required[i].source, name) == 0) {
				validate_required(source, required[i].member, path, causes);
			}
		}
	}
}

void pod_validate_volumes(struct json_object *volumes, struct causes *causes)
{
	struct map names = MAP_INIT;
	char field[VALIDATE_FIELD_MAX], path[VALIDATE_FIELD_MAX + 8];

	for (size_t i = 0; i < asb_length(volumes); i++) {
		struct json_object *volume = json_object_array_get_idx(volumes, i);
		struct causes own = CAUSES_INIT;
		const char *name;

		snprintf(field, sizeof(field), "spec.volumes[%zu]", i);
		snprintf(path, sizeof(path), "%s.name", field);
		name = validate_required(volume, "name", field, causes);
		if (name != NULL) {
			validate_label(name, path, causes);
		}
		if (json_object_is_type(volume, json_type_object)) {
			pod_check_source(volume, field, &own);
		}
		/* A volume with faults does not count as the first of its name. */
		if (name != NULL && !causes_any(&own) && map_put(&names, name, volume) != NULL) {
			causes_add_str(causes, CAUSE_DUPLICATE, path, name, "%s", "");
		}
		causes_merge(causes, &own);
		causes_finish(&own);
	}
	map_finish(&names);
}
