/* SPDX-License-Identifier: Apache-2.0 */
/* What a CustomResourceDefinition may say, in the API server's words. The table of kinds calls it for
 * every write of one. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/types/jsonpath.h"
#include "apiserver/types/types-private.h"
#include "apiserver/validation/name.h"
#include "base/json.h"
#include "base/macros.h"

#define OPTIONS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FIELD_MAX 256
#define VERSIONS_MAX 100 /* each is compared with each, and compiled */
#define NAME_MAX_LENGTH 700

static bool crd_is_empty(const char *text)
{
	return text == NULL || *text == '\0';
}

static void crd_check_name(struct json_object *crd, struct causes *causes)
{
	const char *plural = asb_str(crd, "spec", "names", "plural"),
		   *group = asb_str(crd, "spec", "group");
	char wanted[NAME_MAX_LENGTH];

	snprintf(wanted, sizeof(wanted), "%s.%s", crd_is_empty(plural) ? "" : plural,
		 crd_is_empty(group) ? "" : group);
	if (!asb_streq(asb_name(crd), wanted)) {
		causes_add_str(causes, CAUSE_INVALID, "metadata.name", asb_name(crd),
			       "must be spec.names.plural+\".\"+spec.group");
	}
}

static void crd_lowered(const char *text, char ret[FIELD_MAX])
{
	snprintf(ret, FIELD_MAX, "%s", text);
	for (char *c = ret; *c != '\0'; c++) {
		*c = (char)tolower((unsigned char)*c);
	}
}

static void crd_check_names(struct json_object *names, struct causes *causes)
{
	static const struct {
		const char *name, *field;
		bool kind;
	} required[] = {
		{ "plural", "spec.names.plural", false },
		{ "singular", "spec.names.singular", false },
		{ "kind", "spec.names.kind", true },
		{ "listKind", "spec.names.listKind", true },
	};
	struct json_object *shorts = asb_array(names, "shortNames");
	char field[FIELD_MAX], text[FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(required); i++) {
		const char *name = asb_str(names, required[i].name);

		if (crd_is_empty(name)) {
			causes_add_str(causes, CAUSE_REQUIRED, required[i].field, NULL, "%s", "");
			continue;
		}
		crd_lowered(name, text);
		validate_label_1035(required[i].kind ? text : name, required[i].field, causes);
	}
	for (size_t i = 0; i < asb_length(shorts); i++) {
		const char *name = asb_as_str(json_object_array_get_idx(shorts, i));

		snprintf(field, sizeof(field), "spec.names.shortNames[%zu]", i);
		validate_label_1035(name != NULL ? name : "", field, causes);
	}
}

static bool crd_is_one_of(const char *text, const char *const *words)
{
	while (*words != NULL && strcmp(*words, text) != 0) {
		words++;
	}
	return *words != NULL;
}

static void crd_check_column(struct json_object *column, const char *field, struct causes *causes)
{
	const char *path = asb_str(column, "jsonPath"), *type = asb_str(column, "type"),
		   *format = asb_str(column, "format");
	char where[FIELD_MAX];

	snprintf(where, sizeof(where), "%s.name", field);
	if (crd_is_empty(asb_str(column, "name"))) {
		causes_add_str(causes, CAUSE_REQUIRED, where, NULL, "%s", "");
	}
	snprintf(where, sizeof(where), "%s.type", field);
	if (crd_is_empty(type)) {
		causes_add_str(causes, CAUSE_REQUIRED, where, NULL,
			       "must be one of boolean,date,integer,number,string");
	} else if (!crd_is_one_of(type,
				  OPTIONS("boolean", "date", "integer", "number", "string"))) {
		causes_add_str(causes, CAUSE_INVALID, where, type,
			       "must be one of boolean,date,integer,number,string");
	}
	snprintf(where, sizeof(where), "%s.format", field);
	if (!crd_is_empty(format) &&
	    !crd_is_one_of(format, OPTIONS("byte", "date", "date-time", "double", "float", "int32",
					   "int64", "password"))) {
		causes_add_str(
			causes, CAUSE_INVALID, where, format,
			"must be one of byte,date,date-time,double,float,int32,int64,password");
	}
	snprintf(where, sizeof(where), "%s.JSONPath", field);
	if (crd_is_empty(path)) {
		causes_add_str(causes, CAUSE_REQUIRED, where, NULL, "%s", "");
	} else if (*path != '.') {
		causes_add_str(causes, CAUSE_INVALID, where, path,
			       "must be a simple json path starting with .");
	}
}

static void crd_check_columns(struct json_object *version, const char *prefix,
			      struct causes *causes)
{
	struct json_object *columns = asb_array(version, "additionalPrinterColumns");
	char field[FIELD_MAX];

	for (size_t i = 0; i < asb_length(columns); i++) {
		snprintf(field, sizeof(field), "%s.additionalPrinterColumns[%zu]", prefix, i);
		crd_check_column(json_object_array_get_idx(columns, i), field, causes);
	}
}

static void crd_check_scale_path(struct json_object *scale, const char *prefix, const char *name,
				 const char *under, struct causes *causes)
{
	const char *path = asb_str(scale, name);
	char field[FIELD_MAX];

	snprintf(field, sizeof(field), "%s.subresources.scale.%s", prefix, name);
	if (crd_is_empty(path)) {
		causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "%s", "");
	} else if (strncmp(path, under, strlen(under)) != 0 || path[strlen(under)] != '.') {
		causes_add_str(causes, CAUSE_INVALID, field, path, "should be a json path under %s",
			       under);
	}
}

static void crd_check_schema(struct json_object *version, const char *prefix, size_t place,
			     size_t count, struct effort *effort, struct causes *causes)
{
	struct json_object *json = asb_at(version, "schema", "openAPIV3Schema");
	struct error error = { 0 };
	struct schema *schema;
	char field[FIELD_MAX];

	if (json == NULL) {
		snprintf(field, sizeof(field), "spec.versions[%zu].schema.openAPIV3Schema", place);
		causes_add_str(causes, CAUSE_REQUIRED, field, NULL, "%s", "");
		return;
	}
	/* With one version the server still speaks of the place schemas once had. */
	snprintf(field, sizeof(field), "%s.openAPIV3Schema",
		 count == 1 ? "spec.validation" : prefix);
	if (count > 1) {
		snprintf(field, sizeof(field), "%s.schema.openAPIV3Schema", prefix);
	}
	schema = schema_compile(json, &error);
	if (schema == NULL) {
		causes_add_str(causes, CAUSE_INVALID, field, "", "%s", error.text);
		return;
	}
	schema_destroy(schema);
	schema_check_structural(json, field, causes, effort);
	if (effort_refusal(effort) != NULL) {
		causes_add_str(causes, CAUSE_INVALID, field, "", "the schema is too large: %s",
			       effort_refusal(effort));
	}
}

static void crd_check_version(struct json_object *version, size_t place, size_t count,
			      struct effort *effort, struct causes *causes)
{
	const char *name = asb_str(version, "name");
	struct json_object *scale = asb_at(version, "subresources", "scale");
	char prefix[FIELD_MAX / 2], field[FIELD_MAX];

	snprintf(field, sizeof(field), "spec.versions[%zu].name", place);
	validate_label_1035(name != NULL ? name : "", field, causes);
	snprintf(prefix, sizeof(prefix), "spec.versions[%zu]", place);
	crd_check_schema(version, prefix, place, count, effort, causes);
	if (count == 1) {
		snprintf(prefix, sizeof(prefix), "spec");
	}
	crd_check_columns(version, prefix, causes);
	if (scale != NULL) {
		crd_check_scale_path(scale, prefix, "specReplicasPath", ".spec", causes);
		crd_check_scale_path(scale, prefix, "statusReplicasPath", ".status", causes);
	}
}

/* The versions as the server shows them: names and flags. */
static struct json_object *crd_version_summary(struct json_object *versions)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < asb_length(versions); i++) {
		struct json_object *version = json_object_array_get_idx(versions, i),
				   *one = json_object_new_object();

		asb_set_str(one, "Name", asb_str(version, "name"));
		json_object_object_add(
			one, "Served",
			json_object_new_boolean(asb_true(asb_at(version, "served"))));
		json_object_object_add(
			one, "Storage",
			json_object_new_boolean(asb_true(asb_at(version, "storage"))));
		json_object_array_add(list, one);
	}
	return list;
}

static void crd_check_versions(struct json_object *versions, struct causes *causes)
{
	CLEANUP_JSON struct json_object *shown = crd_version_summary(versions);
	size_t count = asb_length(versions), storage = 0;
	struct effort effort = { 0 };
	bool unique = true;

	if (count > VERSIONS_MAX) {
		causes_add(causes, CAUSE_INVALID, "spec.versions", shown,
			   "this server serves %d versions of a kind at most", VERSIONS_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *version = json_object_array_get_idx(versions, i);

		crd_check_version(version, i, count, &effort, causes);
		storage += asb_true(asb_at(version, "storage")) ? 1 : 0;
		for (size_t j = 0; j < i; j++) {
			unique =
				unique &&
				!asb_streq(asb_str(version, "name"),
					   asb_str(json_object_array_get_idx(versions, j), "name"));
		}
	}
	if (!unique) {
		causes_add(causes, CAUSE_INVALID, "spec.versions", shown,
			   "must contain unique version names");
	}
	if (storage != 1) {
		causes_add(causes, CAUSE_INVALID, "spec.versions", shown,
			   "must have exactly one version marked as storage version");
	}
}

static void crd_check_group(struct json_object *crd, const char *group, struct causes *causes)
{
	size_t length = group != NULL ? strlen(group) : 0;
	static const char approved[] = "api-approved.kubernetes.io";

	if (length == 0) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.group", NULL, "%s", "");
		return;
	}
	validate_subdomain(group, "spec.group", causes);
	if (strchr(group, '.') == NULL) {
		causes_add_str(causes, CAUSE_INVALID, "spec.group", group,
			       "should be a domain with at least one dot");
	}
	if (((length > 7 && strcmp(group + length - 7, ".k8s.io") == 0) ||
	     (length > 14 && strcmp(group + length - 14, ".kubernetes.io") == 0)) &&
	    crd_is_empty(asb_annotation(crd, approved))) {
		causes_add_str(
			causes, CAUSE_REQUIRED, "metadata.annotations[api-approved.kubernetes.io]",
			NULL,
			"protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111");
	}
}

static void crd_check_scope(struct json_object *spec, struct causes *causes)
{
	const char *scope = asb_str(spec, "scope"),
		   *strategy = asb_str(spec, "conversion", "strategy");

	if (crd_is_empty(scope)) {
		causes_add_str(causes, CAUSE_REQUIRED, "spec.scope", NULL, "%s", "");
	} else {
		validate_option(scope, OPTIONS("Cluster", "Namespaced"), "spec.scope", causes);
	}
	if (asb_streq(strategy, "Webhook")) {
		causes_add_str(causes, CAUSE_FORBIDDEN, "spec.conversion.strategy", NULL,
			       "this server converts by \"None\" only: no webhooks");
	} else {
		validate_option(strategy != NULL ? strategy : "", OPTIONS("None", "Webhook"),
				"spec.conversion.strategy", causes);
	}
	if (asb_true(asb_at(spec, "preserveUnknownFields"))) {
		causes_add(
			causes, CAUSE_INVALID, "spec.preserveUnknownFields",
			asb_at(spec, "preserveUnknownFields"),
			"cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead");
	}
}

static void crd_check_update(struct json_object *crd, struct json_object *old,
			     struct causes *causes)
{
	static const char *const fixed[] = { "group", "scope" };
	char field[FIELD_MAX];

	for (size_t i = 0; i < ARRAY_LEN(fixed); i++) {
		const char *now = asb_str(crd, "spec", fixed[i]),
			   *before = asb_str(old, "spec", fixed[i]);

		if (before != NULL && !asb_streq(now, before)) {
			snprintf(field, sizeof(field), "spec.%s", fixed[i]);
			causes_add_str(causes, CAUSE_INVALID, field, now != NULL ? now : "",
				       "field is immutable");
		}
	}
}

void crd_validate(struct json_object *crd, struct json_object *old, enum type_operation operation,
		  struct causes *causes)
{
	struct json_object *spec = asb_at(crd, "spec");

	if (operation == TYPE_OP_STATUS) {
		return;
	}
	crd_check_name(crd, causes);
	crd_check_group(crd, asb_str(spec, "group"), causes);
	crd_check_scope(spec, causes);
	crd_check_versions(asb_array(spec, "versions"), causes);
	crd_check_names(asb_at(spec, "names"), causes);
	if (old != NULL) {
		crd_check_update(crd, old, causes);
	}
}
