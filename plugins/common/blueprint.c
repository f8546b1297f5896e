/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the spec of Sandboxes from a template and compares such specs field by field. Called by the
 * plugins that create, keep and hand out Sandboxes.
 */
#include "config.h"

#include "plugins/common/blueprint.h"
#include "plugins/common/names.h"
#include "plugins/common/pod-template.h"

static void blueprint_copy(struct json_object *spec, struct json_object *sandbox_template,
			   const char *name)
{
	struct json_object *member = asb_at(sandbox_template, "spec", name);

	if (member != NULL) {
		json_object_object_add(spec, name, asb_copy(member));
	}
}

struct json_object *blueprint_spec(struct json_object *sandbox_template)
{
	struct json_object *spec = json_object_new_object();

	blueprint_copy(spec, sandbox_template, "podTemplate");
	blueprint_copy(spec, sandbox_template, "volumeClaimTemplates");
	blueprint_copy(spec, sandbox_template, "service");
	pod_template_secure(asb_at(spec, "podTemplate", "spec"), sandbox_template);
	return spec;
}

/* ---- comparing ---- */

/* Members whose values are quantities, or objects of quantities. A typed client writes the same
 * quantity in one form only. */
static bool blueprint_is_quantity(const char *name)
{
	static const char *const names[] = { "limits", "requests", "sizeLimit", "divisor" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/ */
static bool blueprint_quantity(struct json_object *value, double *ret)
{
	static const struct {
		const char *suffix;
		double factor;
	} factors[] = {
		{ "", 1 },
		{ "n", 1e-9 },
		{ "u", 1e-6 },
		{ "m", 1e-3 },
		{ "k", 1e3 },
		{ "M", 1e6 },
		{ "G", 1e9 },
		{ "T", 1e12 },
		{ "P", 1e15 },
		{ "E", 1e18 },
		{ "Ki", 1024.0 },
		{ "Mi", 1048576.0 },
		{ "Gi", 1073741824.0 },
		{ "Ti", 1099511627776.0 },
		{ "Pi", 1125899906842624.0 },
		{ "Ei", 1152921504606846976.0 },
	};
	const char *text = json_object_get_string(value);
	double number = 0, place = 1;
	bool fraction = false;

	if (text == NULL || strlen(text) > 64 || *text < '0' || *text > '9') {
		return false;
	}
	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !fraction); text++) {
		if (*text == '.') {
			fraction = true;
			continue;
		}
		number = number * 10 + (*text - '0');
		place = fraction ? place * 10 : place;
	}
	for (size_t i = 0; i < sizeof(factors) / sizeof(factors[0]); i++) {
		if (strcmp(text, factors[i].suffix) == 0) {
			*ret = number / place * factors[i].factor;
			return true;
		}
	}
	return false;
}

static bool blueprint_same_quantity(struct json_object *a, struct json_object *b)
{
	double first, second;

	return blueprint_quantity(a, &first) && blueprint_quantity(b, &second) &&
	       first - second <= 1e-12 * first && second - first <= 1e-12 * second;
}

/* Whether a member of that name says as little as if it were missing. An empty object is a value
 * (emptyDir: {}), but for resources, which a typed client always writes. */
static bool blueprint_is_empty(const char *name, struct json_object *value)
{
	if (json_object_is_type(value, json_type_object)) {
		return strcmp(name, "resources") == 0 && json_object_object_length(value) == 0;
	}
	return value == NULL ||
	       (json_object_is_type(value, json_type_array) && asb_length(value) == 0);
}

static bool blueprint_equal(struct json_object *a, struct json_object *b, bool quantity);

/* Whether b has all that a has, with equal values. */
static bool blueprint_covers(struct json_object *a, struct json_object *b, bool quantity)
{
	json_object_object_foreach (a, name, value) {
		if (!blueprint_is_empty(name, value) &&
		    !blueprint_equal(value, asb_at(b, name),
				     quantity || blueprint_is_quantity(name))) {
			return false;
		}
	}
	return true;
}

static bool blueprint_equal_arrays(struct json_object *a, struct json_object *b)
{
	if (asb_length(a) != asb_length(b)) {
		return false;
	}
	for (size_t i = 0; i < asb_length(a); i++) {
		if (!blueprint_equal(json_object_array_get_idx(a, i),
				     json_object_array_get_idx(b, i), false)) {
			return false;
		}
	}
	return true;
}

/* The depth of a tree is bounded by the parser that made it. */
static bool blueprint_equal(struct json_object *a, struct json_object *b, bool quantity)
{
	if (json_object_is_type(a, json_type_object) && json_object_is_type(b, json_type_object)) {
		return blueprint_covers(a, b, quantity) && blueprint_covers(b, a, quantity);
	}
	if (json_object_is_type(a, json_type_array) && json_object_is_type(b, json_type_array)) {
		return blueprint_equal_arrays(a, b);
	}
	return json_object_equal(a, b) || (quantity && blueprint_same_quantity(a, b));
}

static bool blueprint_same_member(struct json_object *a, struct json_object *b, const char *name)
{
	struct json_object *first = asb_at(a, name), *second = asb_at(b, name);

	if (blueprint_is_empty(name, first) || blueprint_is_empty(name, second)) {
		return blueprint_is_empty(name, first) && blueprint_is_empty(name, second);
	}
	return blueprint_equal(first, second, false);
}

static bool blueprint_same_volumes(struct json_object *a, struct json_object *b)
{
	if (asb_length(a) != asb_length(b)) {
		return false;
	}
	for (size_t i = 0; i < asb_length(a); i++) {
		struct json_object *first = json_object_array_get_idx(a, i),
				   *second = json_object_array_get_idx(b, i);

		if (!asb_streq(asb_name(first), asb_name(second)) ||
		    !blueprint_same_member(first, second, "spec")) {
			return false;
		}
	}
	return true;
}

bool blueprint_same(struct json_object *a, struct json_object *b)
{
	return blueprint_same_member(asb_at(a, "podTemplate"), asb_at(b, "podTemplate"), "spec") &&
	       blueprint_same_member(a, b, "service") &&
	       blueprint_same_volumes(asb_at(a, "volumeClaimTemplates"),
				      asb_at(b, "volumeClaimTemplates"));
}

bool blueprint_fits(struct json_object *sandbox, const char *template_name,
		    struct json_object *blueprint)
{
	char hash[9];

	asb_name_hash(template_name, hash);
	return asb_streq(asb_label(sandbox, LABEL_TEMPLATE_HASH), hash) &&
	       blueprint_same(asb_at(sandbox, "spec"), blueprint);
}

/* ---- the hash ---- */

static struct json_object *blueprint_volumes(struct json_object *volumes)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < asb_length(volumes); i++) {
		struct json_object *from = json_object_array_get_idx(volumes, i),
				   *volume = json_object_new_object();

		asb_set_str(volume, "name", asb_name(from));
		json_object_object_add(volume, "spec", asb_copy(asb_at(from, "spec")));
		json_object_array_add(list, volume);
	}
	return list;
}

void blueprint_hash(struct asb_call *call, const char *template_name, struct json_object *blueprint,
		    char ret[BLUEPRINT_HASH_SIZE])
{
	struct json_object *compared = json_object_new_object();
	char hex[65];

	asb_set_str(compared, "template", template_name);
	json_object_object_add(compared, "spec",
			       asb_copy(asb_at(blueprint, "podTemplate", "spec")));
	json_object_object_add(compared, "service", asb_copy(asb_at(blueprint, "service")));
	json_object_object_add(compared, "volumes",
			       blueprint_volumes(asb_at(blueprint, "volumeClaimTemplates")));
	asb_tree_hash(call, compared, hex);
	json_object_put(compared);
	snprintf(ret, BLUEPRINT_HASH_SIZE, "%.*s", (int)BLUEPRINT_HASH_SIZE - 1, hex);
}
