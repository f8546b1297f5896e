/* SPDX-License-Identifier: Apache-2.0 */
/* Trees to text, as json-c prints them, into a buffer that knows when memory has run out: json-c's
 * own leaves out what does not fit, and says nothing. */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"

static void print_escape(unsigned char c, struct buf *out)
{
	static const char known[] = "\b\f\n\r\t\"\\", letters[] = "bfnrt\"\\";
	const char *at = c != '\0' ? strchr(known, c) : NULL;

	if (at != NULL) {
		const char escape[] = { '\\', letters[at - known] };

		buf_append(out, escape, sizeof(escape));
	} else {
		buf_printf(out, "\\u%04x", c);
	}
}

static void print_string(const char *text, size_t length, struct buf *out)
{
	size_t from = 0;

	buf_append_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < ' ' || c == '"' || c == '\\') {
			buf_append(out, text + from, i - from);
			print_escape(c, out);
			from = i + 1;
		}
	}
	buf_append(out, text + from, length - from);
	buf_append_char(out, '"');
}

/* A number with a fraction is printed with the text it was read from. */
static void print_double(struct json_object *value, struct buf *out)
{
	const char *text = json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN);

	if (text == NULL) {
		out->failed = true;
	} else {
		buf_append_str(out, text);
	}
}

static void print_integer(struct json_object *value, struct buf *out)
{
	int64_t number = json_object_get_int64(value);

	if (number == INT64_MAX) {
		buf_printf(out, "%" PRIu64, json_object_get_uint64(value));
	} else {
		buf_printf(out, "%" PRId64, number);
	}
}

static void print_value(struct json_object *value, struct buf *out);

static void print_members(struct json_object *object, struct buf *out)
{
	const char *separator = "";

	buf_append_char(out, '{');
	json_object_object_foreach (object, name, member) {
		buf_append_str(out, separator);
		print_string(name, strlen(name), out);
		buf_append_char(out, ':');
		print_value(member, out);
		separator = ",";
	}
	buf_append_char(out, '}');
}

static void print_elements(struct json_object *array, struct buf *out)
{
	buf_append_char(out, '[');
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		buf_append_str(out, i > 0 ? "," : "");
		print_value(json_object_array_get_idx(array, i), out);
	}
	buf_append_char(out, ']');
}

static void print_value(struct json_object *value, struct buf *out)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		buf_append_str(out, "null");
		break;
	case json_type_boolean:
		buf_append_str(out, json_object_get_boolean(value) ? "true" : "false");
		break;
	case json_type_int:
		print_integer(value, out);
		break;
	case json_type_double:
		print_double(value, out);
		break;
	case json_type_string:
		print_string(json_object_get_string(value),
			     (size_t)json_object_get_string_len(value), out);
		break;
	case json_type_object:
		print_members(value, out);
		break;
	case json_type_array:
		print_elements(value, out);
		break;
	}
}

int json_print(struct json_object *value, struct buf *out)
{
	print_value(value, out);
	return out->failed ? -ENOSPC : 0;
}
