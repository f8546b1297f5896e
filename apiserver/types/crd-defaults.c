/* SPDX-License-Identifier: Apache-2.0 */
/* What a CustomResourceDefinition gets before it is stored: names, conversion, conditions. The table
 * of kinds calls it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/types-private.h"
#include "base/macros.h"

#define KIND_MAX 300

void crd_set_defaults(struct json_object *crd)
{
	struct json_object *spec = asb_object_in(crd, "spec"),
			   *names = asb_object_in(spec, "names");
	const char *kind = asb_str(names, "kind");
	char text[KIND_MAX];

	if (kind != NULL && *kind != '\0' && asb_str(names, "singular") == NULL) {
		snprintf(text, sizeof(text), "%s", kind);
		for (char *c = text; *c != '\0'; c++) {
			*c = (char)tolower((unsigned char)*c);
		}
		asb_set_str(names, "singular", text);
	}
	if (kind != NULL && *kind != '\0' && asb_str(names, "listKind") == NULL) {
		snprintf(text, sizeof(text), "%sList", kind);
		asb_set_str(names, "listKind", text);
	}
	if (asb_at(spec, "conversion") == NULL) {
		asb_set_str(asb_object_in(spec, "conversion"), "strategy", "None");
	}
	if (!asb_true(asb_at(spec, "preserveUnknownFields"))) {
		json_object_object_del(spec, "preserveUnknownFields");
	}
}

/* ---- conditions ---- */

/* Whether another kind of the group has one of the names. NULL: nobody. */
static const char *crd_name_taken(const struct types *types, struct json_object *crd)
{
	struct json_object *names = asb_at(crd, "spec", "names");
	const char *group = asb_str(crd, "spec", "group"), *own = asb_name(crd);
	const struct type *type;

	for (size_t i = 0; (type = types_nth(types, i)) != NULL; i++) {
		if (!asb_streq(type->kind.group, group) || asb_streq(type->crd, own)) {
			continue;
		}
		if (asb_streq(type->kind.plural, asb_str(names, "plural"))) {
			return "PluralConflict";
		}
		if (asb_streq(type->kind.kind, asb_str(names, "kind"))) {
			return "KindConflict";
		}
		if (asb_streq(type->singular, asb_str(names, "singular"))) {
			return "SingularConflict";
		}
	}
	return NULL;
}

static void crd_set_condition(struct json_object *status, struct json_object *before,
			      const char *type, bool true_, const char *reason, const char *message,
			      int64_t now_ms)
{
	struct json_object *condition = json_object_new_object(),
			   *old = asb_condition(before, type),
			   *list = asb_array(status, "conditions");
	const char *value = true_ ? "True" : "False", *since = asb_str(old, "lastTransitionTime");
	char text[21];

	asb_time_format(now_ms, text);
	asb_set_str(condition, "type", type);
	asb_set_str(condition, "status", value);
	asb_set_str(condition, "lastTransitionTime",
		    asb_streq(asb_str(old, "status"), value) && since != NULL ? since : text);
	asb_set_str(condition, "reason", reason);
	asb_set_str(condition, "message", message);
	json_object_array_add(list, condition);
}

static void crd_store_versions(struct json_object *status, struct json_object *crd,
			       struct json_object *before)
{
	struct json_object *stored = asb_copy(asb_array(before, "status", "storedVersions")),
			   *versions = asb_array(crd, "spec", "versions");

	if (stored == NULL) {
		stored = json_object_new_array();
	}
	for (size_t i = 0; i < asb_length(versions); i++) {
		struct json_object *version = json_object_array_get_idx(versions, i);
		bool known = false;

		for (size_t j = 0; j < asb_length(stored); j++) {
			known = known || json_object_equal(json_object_array_get_idx(stored, j),
							   asb_at(version, "name"));
		}
		if (asb_true(asb_at(version, "storage")) && !known) {
			json_object_array_add(stored, json_object_get(asb_at(version, "name")));
		}
	}
	json_object_object_add(status, "storedVersions", stored);
}

/* What the API server's controllers would write a moment later. */
void crd_prepare(struct type_request *request, enum type_operation operation,
		 struct json_object *crd, struct json_object *old)
{
	const struct types_callbacks *callbacks = &request->types->callbacks;
	const char *taken = crd_name_taken(request->types, crd);
	struct json_object *status;
	int64_t now = callbacks->now_ms(callbacks->arg);

	if (operation == TYPE_OP_STATUS) {
		return;
	}
	json_object_object_del(crd, "status");
	status = asb_object_in(crd, "status");
	json_object_object_add(status, "conditions", json_object_new_array());
	crd_set_condition(status, old, "NamesAccepted", taken == NULL,
			  taken == NULL ? "NoConflicts" : taken,
			  taken == NULL ? "no conflicts found" : "the name is already in use", now);
	crd_set_condition(status, old, "Established", taken == NULL,
			  taken == NULL ? "InitialNamesAccepted" : "NotAccepted",
			  taken == NULL ? "the initial names have been accepted"
					: "not all names are accepted",
			  now);
	if (taken == NULL) {
		json_object_object_add(status, "acceptedNames",
				       asb_copy(asb_at(crd, "spec", "names")));
	}
	crd_store_versions(status, crd, old);
}
