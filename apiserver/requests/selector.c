/* SPDX-License-Identifier: Apache-2.0 */
/* Selectors: terms over labels and fields, and asking them of states. Lists, watches and
 * deletecollection filter by it; apiserver/requests/selector-parse.c reads the texts. */
#include "config.h"

#include "apiserver/requests/selector.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "apiserver/objects/objects-private.h"
#include "apiserver/requests/selector-private.h"
#include "base/memory.h"
#include "base/number.h"

static void selector_term_finish(struct selector_term *term)
{
	for (size_t i = 0; i < term->value_count; i++) {
		free(term->values[i]);
	}
	free(term->values);
	free(term->key);
}

static void terms_finish(struct selector_terms *terms)
{
	for (size_t i = 0; i < terms->count; i++) {
		selector_term_finish(&terms->list[i]);
	}
	free(terms->list);
}

void selector_destroy(struct selector *selector)
{
	if (selector != NULL) {
		terms_finish(&selector->labels);
		terms_finish(&selector->fields);
		free(selector);
	}
}

void selector_release(struct selector **selector)
{
	selector_destroy(*selector);
}

int selector_create(struct objects *objects, const struct asb_kind *kind, const char *labels,
		    const char *fields, struct selector **ret, struct error *reterr)
{
	CLEANUP(selector_release) struct selector *selector = xnew(struct selector);
	int status = 0;

	if (labels != NULL && *labels != '\0') {
		status = selector_parse_labels(labels, &selector->labels, reterr);
	}
	if (status == 0 && fields != NULL && *fields != '\0') {
		status = selector_parse_fields(objects, kind, fields, &selector->fields, reterr);
	}
	if (status != 0) {
		return status;
	}
	*ret = selector->labels.count + selector->fields.count > 0 ? TAKE(selector) : NULL;
	return 0;
}

/* ---- matching ---- */

static bool selector_among(const struct selector_term *term, const char *value)
{
	for (size_t i = 0; i < term->value_count; i++) {
		if (strcmp(term->values[i], value) == 0) {
			return true;
		}
	}
	return false;
}

/* value NULL: there is none. */
static bool selector_term_matches(const struct selector_term *term, const char *value)
{
	int64_t number, bound;

	switch (term->operator) {
	case SELECTOR_IN:
		return value != NULL && selector_among(term, value);
	case SELECTOR_NOT_IN:
		return value == NULL || !selector_among(term, value);
	case SELECTOR_EXISTS:
		return value != NULL;
	case SELECTOR_MISSING:
		return value == NULL;
	default:
		break;
	}
	if (value == NULL || integer_parse(value, INT64_MIN, INT64_MAX, &number) != 0 ||
	    integer_parse(term->values[0], INT64_MIN, INT64_MAX, &bound) != 0) {
		return false;
	}
	return term->operator== SELECTOR_GREATER ? number > bound : number<bound;
}

/* The value of a name among pairs; NULL: it is not there. */
static const char *selector_find_pair(const char **pairs, uint32_t count, const char *name)
{
	const char *at = *pairs, *found = NULL;

	for (uint32_t i = 0; i < count; i++) {
		const char *value = at + strlen(at) + 1;

		if (found == NULL && strcmp(at, name) == 0) {
			found = value;
		}
		at = value + strlen(value) + 1;
	}
	*pairs = at;
	return found;
}

static const char *selector_state_label(const struct objects_state *state, const char *name)
{
	const char *pairs = state->pairs;

	return selector_find_pair(&pairs, state->labels, name);
}

/* Never NULL: a field that is not there is "". */
static const char *selector_state_field(const struct objects_state *state, const char *path)
{
	const char *pairs = state->pairs, *value;

	if (strcmp(path, "metadata.name") == 0) {
		return state->name;
	}
	if (strcmp(path, "metadata.namespace") == 0) {
		return state->ns;
	}
	selector_find_pair(&pairs, state->labels, "");
	value = selector_find_pair(&pairs, state->fields, path);
	return value != NULL ? value : "";
}

bool selector_matches(const struct selector *selector, const struct objects_state *state)
{
	if (selector == NULL) {
		return true;
	}
	for (size_t i = 0; i < selector->labels.count; i++) {
		const struct selector_term *term = &selector->labels.list[i];

		if (!selector_term_matches(term, selector_state_label(state, term->key))) {
			return false;
		}
	}
	for (size_t i = 0; i < selector->fields.count; i++) {
		const struct selector_term *term = &selector->fields.list[i];

		if (!selector_term_matches(term, selector_state_field(state, term->key))) {
			return false;
		}
	}
	return true;
}

const char *selector_name(const struct selector *selector)
{
	for (size_t i = 0; selector != NULL && i < selector->fields.count; i++) {
		const struct selector_term *term = &selector->fields.list[i];

		if (strcmp(term->key, "metadata.name") == 0 && term->operator== SELECTOR_IN) {
			return term->values[0];
		}
	}
	return NULL;
}

/* ---- LabelSelectors of objects ---- */

static bool selector_expression_matches(struct json_object *expression, struct json_object *object)
{
	const char *key = asb_str(expression, "key"), *name = asb_str(expression, "operator"),
		   *value = key != NULL ? asb_label(object, key) : NULL;
	struct json_object *values = asb_array(expression, "values");
	bool found = false;

	for (size_t i = 0; value != NULL && i < asb_length(values); i++) {
		found = found || asb_streq(asb_as_str(json_object_array_get_idx(values, i)), value);
	}
	if (asb_streq(name, "In")) {
		return found;
	}
	if (asb_streq(name, "NotIn")) {
		return !found;
	}
	if (asb_streq(name, "Exists")) {
		return value != NULL;
	}
	return asb_streq(name, "DoesNotExist") && value == NULL;
}

static bool selector_map_matches(struct json_object *labels, struct json_object *object)
{
	if (!json_object_is_type(labels, json_type_object)) {
		return labels == NULL;
	}
	json_object_object_foreach (labels, name, value) {
		const char *label = asb_label(object, name);

		if (label == NULL || !asb_streq(asb_as_str(value), label)) {
			return false;
		}
	}
	return true;
}

bool selector_object_matches(struct json_object *label_selector, struct json_object *object)
{
	struct json_object *labels = asb_at(label_selector, "matchLabels"),
			   *expressions = asb_at(label_selector, "matchExpressions");

	if (!json_object_is_type(label_selector, json_type_object)) {
		return false;
	}
	if (labels == NULL && expressions == NULL) {
		return selector_map_matches(label_selector, object);
	}
	for (size_t i = 0; i < asb_length(asb_as_array(expressions)); i++) {
		if (!selector_expression_matches(json_object_array_get_idx(expressions, i),
						 object)) {
			return false;
		}
	}
	return selector_map_matches(labels, object);
}
