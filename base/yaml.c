/* SPDX-License-Identifier: Apache-2.0 */
/* YAML to json-c trees, from libyaml's events: one call per node, all counted. Kubeconfigs,
 * manifests and configuration. */
#include "config.h"

#include "base/yaml.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "base/json.h"
#include "base/map.h"
#include "base/memory.h"
#include "base/yaml-scalar.h"

#define MAPPING_NODES 8   /* an empty one takes half a kilobyte */
#define BYTES_PER_NODE 64 /* long scalars count as several nodes: an alias can repeat them, too */

struct anchor {
	char *name;
	struct json_object *value; /* a copy: the tree it came from may still change */
	size_t cost;
};

struct reader {
	const char *text;
	size_t length;
	yaml_parser_t parser;
	yaml_event_t event; /* the last one read; type YAML_NO_EVENT: none */
	struct map anchors; /* of struct anchor, of one document */
	size_t nodes, alias_nodes;
	unsigned int depth;
	struct error *reterr;
};

static int yaml_read_node(struct reader *reader, struct json_object **ret);

/* The line of a byte. libyaml's character reader, which runs ahead of its parser, knows the byte
 * only. */
static size_t yaml_line_at(const struct reader *reader, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < reader->length; i++) {
		line += reader->text[i] == '\n' ? 1 : 0;
	}
	return line;
}

static int yaml_next_event(struct reader *reader)
{
	yaml_event_delete(&reader->event);
	reader->event = (yaml_event_t){ .type = YAML_NO_EVENT };
	if (yaml_parser_parse(&reader->parser, &reader->event) != 0) {
		return 0;
	}
	reader->event = (yaml_event_t){ .type = YAML_NO_EVENT };
	if (reader->parser.error == YAML_MEMORY_ERROR) {
		abort();
	}

	size_t line = reader->parser.error == YAML_READER_ERROR
			      ? yaml_line_at(reader, reader->parser.problem_offset)
			      : reader->parser.problem_mark.line + 1;

	return error_set(reader->reterr, -EINVAL, "bad YAML in line %zu: %s", line,
			 reader->parser.problem != NULL ? reader->parser.problem : "unreadable");
}

static int yaml_refuse(struct reader *reader, const char *what)
{
	return error_set(reader->reterr, -EINVAL, "bad YAML in line %zu: %s",
			 reader->event.start_mark.line + 1, what);
}

static int yaml_count(struct reader *reader, size_t cost)
{
	if (cost > YAML_NODES_MAX - reader->nodes) {
		return yaml_refuse(reader, "too many values");
	}
	reader->nodes += cost;
	return 0;
}

/* Counts the nodes of an alias, which are a copy of nodes that were counted before. */
static int yaml_count_copy(struct reader *reader, size_t cost)
{
	if (cost > YAML_ALIAS_NODES_MAX - reader->alias_nodes) {
		return yaml_refuse(reader, "too many values: its aliases repeat too much");
	}
	reader->alias_nodes += cost;
	return yaml_count(reader, cost);
}

static void yaml_free_anchor(struct anchor *anchor)
{
	if (anchor != NULL) {
		json_object_put(anchor->value);
		free(anchor->name);
		free(anchor);
	}
}

static void yaml_free_anchors(struct reader *reader)
{
	struct anchor *anchor;
	size_t at = 0;

	while ((anchor = map_next(&reader->anchors, &at, NULL)) != NULL) {
		yaml_free_anchor(anchor);
	}
	map_finish(&reader->anchors);
}

static struct json_object *yaml_copy_of(struct json_object *value)
{
	struct json_object *copy = NULL;

	if (value != NULL && json_object_deep_copy(value, &copy, NULL) < 0) {
		abort();
	}
	return copy;
}

static int yaml_keep_anchor(struct reader *reader, const char *name, struct json_object *value,
			    size_t cost)
{
	int code = yaml_count_copy(reader, cost);

	if (code < 0) {
		return code;
	}

	struct anchor *anchor = xnew(struct anchor);

	*anchor = (struct anchor){ .name = xstrdup(name),
				   .value = yaml_copy_of(value),
				   .cost = cost };
	yaml_free_anchor(map_put(&reader->anchors, anchor->name, anchor));
	return 0;
}

static int yaml_read_alias(struct reader *reader, struct json_object **ret)
{
	const struct anchor *anchor =
		map_get(&reader->anchors, (const char *)reader->event.data.alias.anchor);

	if (anchor == NULL) {
		return yaml_refuse(reader, "an alias of an anchor that is not there");
	}

	int code = yaml_count_copy(reader, anchor->cost);

	if (code < 0) {
		return code;
	}
	*ret = yaml_copy_of(anchor->value);
	return 0;
}

static int yaml_read_scalar(struct reader *reader, struct json_object **ret)
{
	const char *text = (const char *)reader->event.data.scalar.value;
	const char *tag = (const char *)reader->event.data.scalar.tag;
	size_t length = reader->event.data.scalar.length;
	bool plain = tag == NULL && reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;

	if (tag != NULL && strcmp(tag, "!") != 0 && strcmp(tag, YAML_STR_TAG) != 0) {
		return yaml_refuse(reader, "a tag that is not known");
	}
	if (length > INT_MAX) {
		return yaml_refuse(reader, "a string that is too long");
	}

	int code = yaml_count(reader, length / BYTES_PER_NODE);

	if (code < 0) {
		return code;
	}
	if (!plain) {
		*ret = json_object_new_string_len(text, (int)length);
		return 0;
	}
	return yaml_scalar(text, length, ret) < 0 ? yaml_refuse(reader, "a number out of range")
						  : 0;
}

static int yaml_read_sequence(struct reader *reader, struct json_object **ret)
{
	struct json_object *array = json_object_new_array();

	for (;;) {
		struct json_object *value = NULL;
		int code = yaml_next_event(reader);

		if (code == 0 && reader->event.type == YAML_SEQUENCE_END_EVENT) {
			*ret = array;
			return 0;
		}
		if (code < 0 || yaml_read_node(reader, &value) < 0) {
			json_object_put(array);
			return -EINVAL;
		}
		json_object_array_add(array, value);
	}
}

/* Checks that the event is a key this reader takes, and copies it. */
static int yaml_read_key(struct reader *reader, struct json_object *object, char **ret)
{
	struct json_object *value = NULL;

	if (reader->event.type != YAML_SCALAR_EVENT) {
		return yaml_refuse(reader, "a key that is not a string");
	}
	if (reader->event.data.scalar.tag == NULL &&
	    reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	    strcmp((const char *)reader->event.data.scalar.value, "<<") == 0) {
		return yaml_refuse(reader, "merge keys are not supported");
	}
	if (reader->event.data.scalar.anchor != NULL) {
		return yaml_refuse(reader, "an anchor at a key");
	}
	if (yaml_read_scalar(reader, &value) < 0) {
		return -EINVAL;
	}

	const char *text =
		json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
	const char *problem = NULL;

	if (text == NULL) {
		problem = "a key that is not a string";
	} else if (json_has_nul(value)) {
		problem = "a key with a NUL";
	} else if (json_object_object_get_ex(object, text, NULL)) {
		problem = "a key that is there twice";
	} else {
		*ret = xstrdup(text);
	}
	json_object_put(value);
	return problem != NULL ? yaml_refuse(reader, problem) : 0;
}

static int yaml_read_mapping(struct reader *reader, struct json_object **ret)
{
	struct json_object *object = json_object_new_object();

	for (;;) {
		CLEANUP_FREE char *key = NULL;
		struct json_object *value = NULL;
		int code = yaml_next_event(reader);

		if (code == 0 && reader->event.type == YAML_MAPPING_END_EVENT) {
			*ret = object;
			return 0;
		}
		if (code < 0 || yaml_read_key(reader, object, &key) < 0 ||
		    yaml_next_event(reader) < 0 || yaml_read_node(reader, &value) < 0) {
			json_object_put(object);
			return -EINVAL;
		}
		json_object_object_add(object, key, value);
	}
}

/* The name of the event's anchor, or NULL; and whether its tag is one that changes nothing for a
 * container. */
static const char *yaml_anchor_of(const yaml_event_t *event, bool *ret_tag_good)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;
	const char *usual = "!";

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		usual = YAML_SEQ_TAG;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		usual = YAML_MAP_TAG;
	}
	*ret_tag_good = tag == NULL || strcmp((const char *)tag, usual) == 0;
	return (const char *)anchor;
}

static int yaml_read_content(struct reader *reader, struct json_object **ret)
{
	switch (reader->event.type) {
	case YAML_ALIAS_EVENT:
		return yaml_read_alias(reader, ret);
	case YAML_SCALAR_EVENT:
		return yaml_read_scalar(reader, ret);
	case YAML_SEQUENCE_START_EVENT:
		return yaml_read_sequence(reader, ret);
	case YAML_MAPPING_START_EVENT:
		return yaml_read_mapping(reader, ret);
	default:
		return yaml_refuse(reader, "no value where one belongs");
	}
}

/* Reads the value that begins with the current event; the current event is its last one then. */
static int yaml_read_node(struct reader *reader, struct json_object **ret)
{
	size_t before = reader->nodes;
	bool tag_good;
	const char *name = yaml_anchor_of(&reader->event, &tag_good);
	CLEANUP_FREE char *anchor = name != NULL ? xstrdup(name) : NULL;
	struct json_object *value = NULL;

	if (!tag_good) {
		return yaml_refuse(reader, "a tag that is not known");
	}
	if (reader->depth == YAML_DEPTH_MAX) {
		return yaml_refuse(reader, "nested too deep");
	}
	if (anchor != NULL) {
		/* From here on the name means this value, which is not there yet: a value cannot
		 * contain itself. */
		yaml_free_anchor(map_remove(&reader->anchors, anchor));
	}

	int code = yaml_count(reader,
			      reader->event.type == YAML_MAPPING_START_EVENT ? MAPPING_NODES : 1);

	if (code < 0) {
		return code;
	}
	reader->depth++;
	code = yaml_read_content(reader, &value);
	reader->depth--;
	if (code == 0 && anchor != NULL) {
		code = yaml_keep_anchor(reader, anchor, value, reader->nodes - before);
	}
	if (code < 0) {
		json_object_put(value);
		return code;
	}
	*ret = value;
	return 0;
}

/* libyaml looks at all directives for each of them, before it hands anything out. */
static int yaml_check_directives(struct reader *reader)
{
	size_t found = 0;

	for (size_t at = 0; at < reader->length; at++) {
		const char *end;

		found += reader->text[at] == '%' ? 1 : 0;
		if (found > YAML_DIRECTIVES_MAX) {
			return error_set(reader->reterr, -EINVAL,
					 "bad YAML in line %zu: more than %d directives",
					 yaml_line_at(reader, at), YAML_DIRECTIVES_MAX);
		}
		end = memchr(reader->text + at, '\n', reader->length - at);
		if (end == NULL) {
			break;
		}
		at = (size_t)(end - reader->text);
	}
	return 0;
}

/* Reads all documents into array. */
static int yaml_read_stream(struct reader *reader, struct json_object *array)
{
	for (;;) {
		struct json_object *value = NULL;
		int code = yaml_next_event(reader);

		if (code < 0 || reader->event.type == YAML_STREAM_END_EVENT) {
			return code;
		}
		if (reader->event.type != YAML_DOCUMENT_START_EVENT) {
			continue;
		}
		if (yaml_next_event(reader) < 0 || yaml_read_node(reader, &value) < 0) {
			return -EINVAL;
		}
		if (value != NULL) {
			json_object_array_add(array, value);
		}
		yaml_free_anchors(reader);
	}
}

struct json_object *yaml_parse_all(const char *text, size_t length, struct error *reterr)
{
	struct reader reader = {
		.text = text,
		.length = length,
		.event = { .type = YAML_NO_EVENT },
		.anchors = MAP_INIT,
		.reterr = reterr,
	};
	struct json_object *array = json_object_new_array();

	if (yaml_parser_initialize(&reader.parser) == 0) {
		abort();
	}
	yaml_parser_set_input_string(&reader.parser, (const unsigned char *)text, length);

	int code = yaml_check_directives(&reader);

	if (code == 0) {
		code = yaml_read_stream(&reader, array);
	}

	yaml_free_anchors(&reader);
	yaml_event_delete(&reader.event);
	yaml_parser_delete(&reader.parser);
	if (code < 0) {
		json_object_put(array);
		return NULL;
	}
	return array;
}

struct json_object *yaml_parse(const char *text, size_t length, struct error *reterr)
{
	struct json_object *array = yaml_parse_all(text, length, reterr), *value = NULL;

	if (array == NULL) {
		return NULL;
	}
	if (json_object_array_length(array) == 1) {
		value = json_object_get(json_object_array_get_idx(array, 0));
	} else {
		error_set(reterr, -EINVAL, "%zu YAML documents where one is wanted",
			  json_object_array_length(array));
	}
	json_object_put(array);
	return value;
}
