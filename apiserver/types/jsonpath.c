/* SPDX-License-Identifier: Apache-2.0 */
/* Parses and follows the JSONPaths of CustomResourceDefinitions. Tables read their columns with it. */
#include "config.h"

#include "apiserver/types/jsonpath.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "base/number.h"

#define NAME_MAX_LENGTH 320 /* a label key of 253 + 1 + 63 */

enum step_type { STEP_MEMBER, STEP_INDEX, STEP_ALL, STEP_FILTER };

struct step {
	enum step_type type;
	char *name;           /* of a member; of a filter: the path below @, with dots */
	char *value;          /* of a filter: what it must equal, as text */
	bool is_string, not ; /* of a filter */
	int64_t index;
};

struct jsonpath {
	struct step *steps; /* as many as there are: a definition may have thousands of paths */
	size_t count;
};

void jsonpath_destroy(struct jsonpath *path)
{
	if (path == NULL) {
		return;
	}
	for (size_t i = 0; i < path->count; i++) {
		free(path->steps[i].name);
		free(path->steps[i].value);
	}
	free(path->steps);
	free(path);
}

static struct step *jsonpath_new_step(struct jsonpath *path, enum step_type type)
{
	struct step *step;

	if (path->count == JSONPATH_STEPS_MAX) {
		return NULL;
	}
	path->steps = xrealloc(path->steps, (path->count + 1) * sizeof(*path->steps));
	step = &path->steps[path->count++];
	*step = (struct step){ .type = type };
	return step;
}

/* Reads a name up to one of the stops, backslashes undone. */
static const char *jsonpath_read_name(const char *text, const char *stops,
				      char ret[NAME_MAX_LENGTH])
{
	size_t length = 0;

	while (*text != '\0' && strchr(stops, *text) == NULL) {
		text += *text == '\\' && text[1] != '\0' ? 1 : 0;
		if (length + 1 >= NAME_MAX_LENGTH) {
			return NULL;
		}
		ret[length++] = *text++;
	}
	ret[length] = '\0';
	return text;
}

static const char *jsonpath_parse_member(struct jsonpath *path, const char *text)
{
	char name[NAME_MAX_LENGTH];
	struct step *step;

	text = jsonpath_read_name(text, ".[]{}", name);
	if (text == NULL || *name == '\0') {
		return NULL;
	}
	if (strcmp(name, "*") == 0) {
		return jsonpath_new_step(path, STEP_ALL) != NULL ? text : NULL;
	}
	step = jsonpath_new_step(path, STEP_MEMBER);
	if (step == NULL) {
		return NULL;
	}
	step->name = xstrdup(name);
	return text;
}

static const char *jsonpath_skip_blanks(const char *text)
{
	return text + strspn(text, " ");
}

/* "x" or 'x', or a bare word up to ')'. */
static const char *jsonpath_parse_literal(struct step *step, const char *text)
{
	char value[NAME_MAX_LENGTH];
	char stop[2] = { *text, '\0' };

	if (*text == '"' || *text == '\'') {
		text = jsonpath_read_name(text + 1, stop, value);
		if (text == NULL || *text != stop[0]) {
			return NULL;
		}
		text++;
		step->is_string = true;
	} else {
		text = jsonpath_read_name(text, " )", value);
	}
	if (text == NULL) {
		return NULL;
	}
	step->value = xstrdup(value);
	return text;
}

/* ?(@.path == value)] */
static const char *jsonpath_parse_filter(struct jsonpath *path, const char *text)
{
	char name[NAME_MAX_LENGTH];
	struct step *step = jsonpath_new_step(path, STEP_FILTER);

	if (step == NULL || strncmp(text, "?(", 2) != 0) {
		return NULL;
	}
	text = jsonpath_skip_blanks(text + 2);
	if (strncmp(text, "@.", 2) != 0) {
		return NULL;
	}
	text = jsonpath_read_name(text + 2, " =!<>)[", name);
	if (text == NULL || *name == '\0') {
		return NULL;
	}
	step->name = xstrdup(name);
	text = jsonpath_skip_blanks(text);
	step->not = *text == '!';
	if (strncmp(text, "==", 2) != 0 && strncmp(text, "!=", 2) != 0) {
		return NULL;
	}
	text = jsonpath_parse_literal(step, jsonpath_skip_blanks(text + 2));
	if (text == NULL) {
		return NULL;
	}
	text = jsonpath_skip_blanks(text);
	return strncmp(text, ")]", 2) == 0 ? text + 2 : NULL;
}

static const char *jsonpath_parse_quoted(struct jsonpath *path, const char *text)
{
	char name[NAME_MAX_LENGTH];
	char stop[2] = { *text, '\0' };
	struct step *step = jsonpath_new_step(path, STEP_MEMBER);

	text = jsonpath_read_name(text + 1, stop, name);
	if (step == NULL || text == NULL || text[0] != stop[0] || text[1] != ']') {
		return NULL;
	}
	step->name = xstrdup(name);
	return text + 2;
}

static const char *jsonpath_parse_bracket(struct jsonpath *path, const char *text)
{
	char number[NAME_MAX_LENGTH];
	struct step *step;

	if (*text == '?') {
		return jsonpath_parse_filter(path, text);
	}
	if (*text == '\'' || *text == '"') {
		return jsonpath_parse_quoted(path, text);
	}
	if (strncmp(text, "*]", 2) == 0) {
		return jsonpath_new_step(path, STEP_ALL) != NULL ? text + 2 : NULL;
	}
	text = jsonpath_read_name(text, "]", number);
	step = jsonpath_new_step(path, STEP_INDEX);
	if (text == NULL || *text != ']' || step == NULL ||
	    integer_parse(number, -1000000, 1000000, &step->index) < 0) {
		return NULL;
	}
	return text + 1;
}

struct jsonpath *jsonpath_parse(const char *text, struct error *reterr)
{
	struct jsonpath *path = xnew(struct jsonpath);
	const char *at = text;
	bool braces = *at == '{';

	at += braces ? 1 : 0;
	at += *at == '$' ? 1 : 0;
	while (at != NULL && *at != '\0' && *at != '}') {
		if (*at == '.' && at[1] == '[') {
			at++;
		} else if (*at == '.') {
			at = jsonpath_parse_member(path, at + 1);
		} else if (*at == '[') {
			at = jsonpath_parse_bracket(path, at + 1);
		} else {
			at = NULL;
		}
	}
	if (at == NULL || (braces ? strcmp(at, "}") != 0 : *at != '\0') || path->count == 0) {
		jsonpath_destroy(path);
		error_set(reterr, -EINVAL, "the JSONPath '%.200s' is not one of this server's",
			  text);
		return NULL;
	}
	return path;
}

/* A value below an item by names with dots between. */
static struct json_object *jsonpath_below(struct json_object *value, const char *path)
{
	char name[NAME_MAX_LENGTH];

	while (*path != '\0' && value != NULL) {
		size_t length = strcspn(path, ".");

		snprintf(name, sizeof(name), "%.*s", (int)length, path);
		value = asb_at(value, name);
		path += length + (path[length] == '.' ? 1 : 0);
	}
	return value;
}

static bool jsonpath_matches(const struct step *step, struct json_object *item)
{
	struct json_object *value = jsonpath_below(item, step->name);

	if (value == NULL || (step->is_string && !json_object_is_type(value, json_type_string))) {
		return false;
	}
	/* An object or an array is equal to no literal. */
	return (!json_object_is_type(value, json_type_object) &&
		!json_object_is_type(value, json_type_array) &&
		strcmp(json_object_get_string(value), step->value) == 0) != step->not ;
}

/* What a path is followed for. */
struct search {
	const struct jsonpath *path;
	struct effort *effort;
	struct json_object **ret;
};

static bool jsonpath_follow(const struct search *search, size_t at, struct json_object *value);

static bool jsonpath_follow_each(const struct search *search, size_t at, struct json_object *value)
{
	const struct step *step = &search->path->steps[at];

	if (json_object_is_type(value, json_type_object) && step->type == STEP_ALL) {
		json_object_object_foreach (value, name, member) {
			(void)name;
			if (jsonpath_follow(search, at + 1, member)) {
				return true;
			}
		}
		return false;
	}
	for (size_t i = 0; i < asb_length(value) && effort_spend(search->effort, 1); i++) {
		struct json_object *item = json_object_array_get_idx(value, i);

		if ((step->type == STEP_ALL || jsonpath_matches(step, item)) &&
		    jsonpath_follow(search, at + 1, item)) {
			return true;
		}
	}
	return false;
}

/* As deep as there are steps. */
static bool jsonpath_follow(const struct search *search, size_t at, struct json_object *value)
{
	const struct step *step;
	struct json_object *next = NULL;

	if (!effort_spend(search->effort, 1)) {
		return false;
	}
	if (at == search->path->count) {
		*search->ret = value;
		return true;
	}
	step = &search->path->steps[at];
	if (step->type == STEP_MEMBER) {
		return json_object_is_type(value, json_type_object) &&
		       json_object_object_get_ex(value, step->name, &next) &&
		       jsonpath_follow(search, at + 1, next);
	}
	if (step->type == STEP_INDEX) {
		int64_t length = (int64_t)asb_length(value),
			index = step->index < 0 ? length + step->index : step->index;

		return index >= 0 && index < length &&
		       jsonpath_follow(search, at + 1,
				       json_object_array_get_idx(value, (size_t)index));
	}
	return jsonpath_follow_each(search, at, value);
}

bool jsonpath_get_within(const struct jsonpath *path, struct json_object *value,
			 struct effort *effort, struct json_object **ret)
{
	const struct search search = { .path = path, .effort = effort, .ret = ret };

	return jsonpath_follow(&search, 0, value);
}

bool jsonpath_get(const struct jsonpath *path, struct json_object *value, struct json_object **ret)
{
	struct effort effort = { 0 };

	return jsonpath_get_within(path, value, &effort, ret);
}
