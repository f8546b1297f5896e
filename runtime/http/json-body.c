/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a checked JSON text by the rules of a model, or lists the errors. Called by the routes that
 * take JSON. */
#include "config.h"

#include "runtime/http/json-body.h"

#include <json-c/json.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "runtime/http/request.h"
#include "runtime/json/string.h"
#include "runtime/json/text.h"

#define INPUT_MAX (64u << 10) /* a longer input is not repeated in the response */
#define NAME_MAX_BYTES 64u    /* a name of the model with each letter escaped */
#define KEY_MAX 256u          /* of a key in the response; a longer one is cut */
#define DETAIL_MAX (2u << 20)
/* The part of DETAIL_MAX for all but inputs: ERRORS_MAX times the texts and a key. */
#define DETAIL_WORDS (512u << 10)
#define INPUT_GROWTH 8u /* how many bytes one byte of an input becomes at most */
#define ERRORS_MAX 100
#define FLOAT_INTEGER_MAX 9.2e18 /* the largest float that pydantic takes for an integer */

struct reader {
	const struct json_field_rule *rules;
	size_t count;
	struct json_piece pieces[JSON_BODY_FIELDS_MAX];
	struct json_value *values;
	struct json_piece whole;
	struct buf *out;
	size_t errors;
};

/* ---- errors ---- */

static void json_body_append_input(struct buf *out, struct json_piece input)
{
	if (input.start == NULL || input.length > INPUT_MAX ||
	    out->length + INPUT_GROWTH * input.length > DETAIL_MAX - DETAIL_WORDS) {
		buf_append_str(out, "null");
	} else {
		json_text_compact(out, input);
	}
}

/* Cuts long keys: with one as long as the body, the response would be too large. */
static void json_body_append_key(struct buf *out, const struct json_piece *key)
{
	if (key->length <= KEY_MAX) {
		buf_append(out, key->start, key->length);
		return;
	}

	bool surrogate = false;
	size_t length = 0;
	CLEANUP_FREE char *text = json_string_decode(*key, &length, &surrogate);

	json_append(out, text, length < KEY_MAX ? length : KEY_MAX);
}

static void json_body_add_error(struct reader *reader, const char *type, const char *field,
				const struct json_piece *key, const char *msg,
				struct json_piece input)
{
	struct buf *out = reader->out;

	if (reader->errors++ >= ERRORS_MAX) {
		return;
	}
	buf_append_str(out, out->length == 0 ? "{\"detail\":[" : ",");
	buf_printf(out, "{\"type\":\"%s\",\"loc\":[\"body\"", type);
	if (field != NULL) {
		buf_printf(out, ",\"%s\"", field);
	}
	if (key != NULL) {
		buf_append_char(out, ',');
		json_body_append_key(out, key);
	}
	buf_printf(out, "],\"msg\":\"%s\",\"input\":", msg);
	json_body_append_input(out, input);
	if (strcmp(type, "greater_than") == 0) {
		buf_append_str(out, ",\"ctx\":{\"gt\":0}");
	}
	buf_append_char(out, '}');
}

static void json_body_add_syntax_error(struct buf *out, const struct json_text_error *error)
{
	buf_printf(
		out,
		"{\"detail\":[{\"type\":\"json_invalid\",\"loc\":[\"body\",%zu],\"msg\":\"JSON decode error\",\"input\":{},\"ctx\":{\"error\":",
		error->position);
	json_append(out, error->what, strlen(error->what));
	buf_append_str(out, "}}]}");
}

/* ---- values ---- */

static bool json_body_is_text(struct json_piece piece)
{
	return piece.length > 0 && *piece.start == '"';
}

static void json_body_read_text(struct reader *reader, size_t i)
{
	struct json_value *value = &reader->values[i];

	if (!json_body_is_text(reader->pieces[i])) {
		json_body_add_error(reader, "string_type", reader->rules[i].name, NULL,
				    "Input should be a valid string", reader->pieces[i]);
		return;
	}
	value->present = true;
	value->text = json_string_decode(reader->pieces[i], &value->length, &value->surrogate);
}

/* ---- numbers, as lax as pydantic ---- */

static bool json_body_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Reads "5", "+5", "5_000" or "5.00". False for anything else. */
static bool json_body_read_digits(const char *text, size_t length, int64_t *ret)
{
	const char *end = text + length;
	bool negative = false, digit = false;
	int64_t number = 0;

	if (text < end && (*text == '+' || *text == '-')) {
		negative = *text++ == '-';
	}
	for (; text < end && *text != '.'; text++) {
		if (*text == '_' && digit && text + 1 < end) {
			digit = false;
			continue;
		}
		digit = *text >= '0' && *text <= '9';
		if (!digit) {
			return false;
		}
		number = number > (INT64_MAX - 9) / 10 ? INT64_MAX : number * 10 + (*text - '0');
	}
	if (!digit) {
		return false;
	}
	if (text < end) {
		size_t zeros = (size_t)(end - text) - 1;

		for (size_t i = 1; i <= zeros; i++) {
			if (text[i] != '0') {
				return false;
			}
		}
		if (zeros == 0) {
			return false;
		}
	}
	*ret = negative ? -number : number;
	return true;
}

static const char *json_body_number_of_text(struct json_piece piece, int64_t *ret)
{
	bool half = false; /* such a text is not a number either */
	size_t length;
	CLEANUP_FREE char *text = json_string_decode(piece, &length, &half);
	const char *at = text;

	while (length > 0 && json_body_is_blank(*at)) {
		at++;
		length--;
	}
	while (length > 0 && json_body_is_blank(at[length - 1])) {
		length--;
	}
	return json_body_read_digits(at, length, ret) ? NULL : "int_parsing";
}

static const char *json_body_number_of_float(struct json_piece piece, int64_t *ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(1);
	struct json_object *value = NULL;

	if (tokener == NULL) {
		abort();
	}
	/* json-c needs a character after the number; in the body there always is one. */
	value = json_tokener_parse_ex(tokener, piece.start, (int)piece.length + 1);

	double number = json_object_get_double(value);

	json_object_put(value);
	json_tokener_free(tokener);
	if (!isfinite(number)) {
		return "finite_number";
	}
	if (number > FLOAT_INTEGER_MAX || number < -FLOAT_INTEGER_MAX) {
		return "int_parsing_size";
	}
	*ret = (int64_t)number;
	return (double)*ret < number || (double)*ret > number ? "int_from_float" : NULL;
}

/* NULL, or the type of the error. */
static const char *json_body_number_of(struct json_piece piece, int64_t *ret)
{
	char first = *piece.start;

	switch (first) {
	case '"':
		return json_body_number_of_text(piece, ret);
	case 't':
	case 'f':
		*ret = first == 't' ? 1 : 0;
		return NULL;
	case '{':
	case '[':
	case 'n':
		return "int_type";
	case 'N':
	case 'I':
		return "finite_number";
	default:
		break;
	}
	if (piece.length > 1 && piece.start[1] == 'I') {
		return "finite_number";
	}
	return json_body_read_digits(piece.start, piece.length, ret) &&
			       memchr(piece.start, '.', piece.length) == NULL
		       ? NULL
		       : json_body_number_of_float(piece, ret);
}

static const char *json_body_number_message(const char *type)
{
	static const char *const words[][2] = {
		{ "int_type", "Input should be a valid integer" },
		{ "int_parsing",
		  "Input should be a valid integer, unable to parse string as an integer" },
		{ "int_parsing_size",
		  "Unable to parse input string as an integer, exceeded maximum size" },
		{ "int_from_float",
		  "Input should be a valid integer, got a number with a fractional part" },
		{ "finite_number", "Input should be a finite number" },
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(words[i][0], type) == 0) {
			return words[i][1];
		}
	}
	return "Input should be greater than 0";
}

static void json_body_read_positive(struct reader *reader, size_t i)
{
	int64_t number = 0;
	const char *wrong = json_body_number_of(reader->pieces[i], &number);

	if (wrong == NULL && number <= 0) {
		wrong = "greater_than";
	}
	if (wrong != NULL) {
		json_body_add_error(reader, wrong, reader->rules[i].name, NULL,
				    json_body_number_message(wrong), reader->pieces[i]);
		return;
	}
	reader->values[i].present = true;
	reader->values[i].number = number;
}

/* ---- environments ---- */

struct pair_reader {
	struct reader *reader;
	size_t field;
	size_t room;
};

static void json_body_on_pair(void *arg, struct json_piece name, struct json_piece text)
{
	struct pair_reader *pairs = arg;
	struct json_value *value = &pairs->reader->values[pairs->field];
	const char *field = pairs->reader->rules[pairs->field].name;

	if (!json_body_is_text(text)) {
		json_body_add_error(pairs->reader, "string_type", field, &name,
				    "Input should be a valid string", text);
		return;
	}
	if (value->pair_count == JSON_BODY_PAIRS_MAX) {
		if (pairs->room > 0) {
			json_body_add_error(pairs->reader, "too_long", field, NULL,
					    "Dictionary should have at most 4096 items",
					    (struct json_piece){ 0 });
		}
		pairs->room = 0;
		return;
	}
	if (value->pair_count == pairs->room) {
		pairs->room = pairs->room == 0 ? 16 : pairs->room * 2;
		value->pairs = xrealloc(value->pairs, pairs->room * sizeof(*value->pairs));
	}

	struct json_pair *pair = &value->pairs[value->pair_count++];

	pair->name = json_string_decode(name, &pair->name_length, &value->surrogate);
	pair->value = json_string_decode(text, &pair->value_length, &value->surrogate);
}

static void json_body_read_env(struct reader *reader, size_t i)
{
	struct pair_reader pairs = { .reader = reader, .field = i };
	struct json_piece piece = reader->pieces[i], whole;
	struct json_text_error ignored;

	if (*piece.start != '{') {
		json_body_add_error(reader, "dict_type", reader->rules[i].name, NULL,
				    "Input should be a valid dictionary", piece);
		return;
	}
	reader->values[i].present = true;
	(void)json_text_check(piece.start, piece.length, json_body_on_pair, &pairs, &whole,
			      &ignored);
}

/* ---- bodies ---- */

/* The last member of a name counts, as in Python's dictionaries. */
static void json_body_on_member(void *arg, struct json_piece name, struct json_piece value)
{
	struct reader *reader = arg;
	bool half = false; /* the names of the model have none */
	size_t length;
	CLEANUP_FREE char *text = NULL;

	if (name.length > NAME_MAX_BYTES + 2) {
		return; /* the model has no such name */
	}
	text = json_string_decode(name, &length, &half);
	for (size_t i = 0; i < reader->count; i++) {
		if (strlen(reader->rules[i].name) == length &&
		    memcmp(reader->rules[i].name, text, length) == 0) {
			reader->pieces[i] = value;
		}
	}
}

static void json_body_read_field(struct reader *reader, size_t i)
{
	const struct json_field_rule *rule = &reader->rules[i];
	struct json_piece piece = reader->pieces[i];

	if (piece.start == NULL) {
		if (rule->required) {
			json_body_add_error(reader, "missing", rule->name, NULL, "Field required",
					    reader->whole);
		}
		return;
	}
	if (!rule->required && *piece.start == 'n') {
		return;
	}
	switch (rule->type) {
	case JSON_FIELD_TEXT:
		json_body_read_text(reader, i);
		break;
	case JSON_FIELD_POSITIVE:
		json_body_read_positive(reader, i);
		break;
	default:
		json_body_read_env(reader, i);
		break;
	}
}

static void json_body_refuse_bytes(unsigned int *ret_status, struct buf *out)
{
	*ret_status = 400;
	buf_append_str(out, "{\"detail\":\"There was an error parsing the body\"}");
}

bool json_body_parse(const char *text, size_t length, const struct json_field_rule *rules,
		     size_t count, struct json_value *values, unsigned int *ret_status,
		     struct buf *out)
{
	struct reader reader = { .rules = rules, .count = count, .values = values, .out = out };
	struct json_text_error error = { 0 };

	memset(values, 0, count * sizeof(*values));
	*ret_status = 422;
	if (length == 0) {
		json_body_add_error(&reader, "missing", NULL, NULL, "Field required",
				    (struct json_piece){ 0 });
		buf_append_str(out, "]}");
		return false;
	}
	if (utf8_valid_length(text, length) != length) {
		json_body_refuse_bytes(ret_status, out);
		return false;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (!json_text_check(text, length, json_body_on_member, &reader, &reader.whole, &error)) {
		if (error.what == NULL) {
			json_body_refuse_bytes(ret_status, out);
		} else {
			json_body_add_syntax_error(out, &error);
		}
		return false;
	}
	if (*reader.whole.start != '{') {
		json_body_add_error(
			&reader, "model_attributes_type", NULL, NULL,
			"Input should be a valid dictionary or object to extract fields from",
			reader.whole);
	}
	for (size_t i = 0; i < count && *reader.whole.start == '{'; i++) {
		json_body_read_field(&reader, i);
	}
	if (reader.errors > 0) {
		buf_append_str(out, "]}");
	}
	return reader.errors == 0;
}

void json_body_finish(struct json_value *values, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		for (size_t p = 0; p < values[i].pair_count; p++) {
			free(values[i].pairs[p].name);
			free(values[i].pairs[p].value);
		}
		free(values[i].pairs);
		free(values[i].text);
		values[i] = (struct json_value){ 0 };
	}
}

/* ---- requests ---- */

/* "application/json", "application/x+json", whatever its parameters. */
static bool json_body_is_json(const char *type)
{
	static const char prefix[] = "application/";
	size_t length = type != NULL ? strcspn(type, "; \t") : 0;

	if (length < sizeof(prefix) || strncasecmp(type, prefix, sizeof(prefix) - 1) != 0) {
		return false;
	}
	type += sizeof(prefix) - 1;
	length -= sizeof(prefix) - 1;
	return (length == 4 && strncasecmp(type, "json", 4) == 0) ||
	       (length > 5 && strncasecmp(type + length - 5, "+json", 5) == 0);
}

static void json_body_refuse_type(const struct buf *body, struct buf *out)
{
	CLEANUP_BUF struct buf input = BUF_INIT(6 * INPUT_MAX + 2);
	struct reader reader = { .out = out };
	struct json_piece piece = { 0 };

	if (body->length <= INPUT_MAX) {
		json_append(&input, buf_str(body), body->length);
		piece = (struct json_piece){ buf_str(&input), input.length };
	}
	if (body->length == 0) {
		json_body_add_error(&reader, "missing", NULL, NULL, "Field required",
				    (struct json_piece){ 0 });
	} else {
		json_body_add_error(
			&reader, "model_attributes_type", NULL, NULL,
			"Input should be a valid dictionary or object to extract fields from",
			piece);
	}
	buf_append_str(out, "]}");
}

bool json_body_read(struct request *request, const struct json_field_rule *rules, size_t count,
		    struct json_value *values)
{
	CLEANUP_BUF struct buf out = BUF_INIT(DETAIL_MAX);
	const struct buf *body = request_body(request);
	unsigned int status = 422;

	memset(values, 0, count * sizeof(*values));
	if (!json_body_is_json(request_header(request, "Content-Type"))) {
		json_body_refuse_type(body, &out);
	} else if (json_body_parse(buf_str(body), body->length, rules, count, values, &status,
				   &out)) {
		return true;
	}
	request_respond_json(request, status, &out);
	return false;
}
