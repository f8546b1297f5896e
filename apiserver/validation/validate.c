/* SPDX-License-Identifier: Apache-2.0 */
/* The causes of a refusal, and the Status made of them with the API server's messages. Schemas
 * and the hooks of the built-in kinds add causes. */
#include "config.h"

#include "apiserver/validation/validate.h"

#include <agent-sandbox/helpers.h>
#include <stdarg.h>
#include <string.h>

#include "apiserver/objects/status.h"
#include "apiserver/schema/effort.h"
#include "base/buf.h"
#include "base/json.h"

/* An enum's supported values and a bad value may be long; what is longer helps nobody. */
#define DETAIL_MAX 4096
#define MESSAGE_MAX (1u << 20)
#define CAUSE_STEPS 200 /* what it takes to word one and to look for it among the others */

static const struct {
	const char *reason, *text;
	bool value; /* the text shows it */
} kinds[CAUSE_TYPE_MAX] = {
	[CAUSE_REQUIRED] = { "FieldValueRequired", "Required value", false },
	[CAUSE_INVALID] = { "FieldValueInvalid", "Invalid value", true },
	[CAUSE_DUPLICATE] = { "FieldValueDuplicate", "Duplicate value", true },
	[CAUSE_NOT_SUPPORTED] = { "FieldValueNotSupported", "Unsupported value", true },
	[CAUSE_FORBIDDEN] = { "FieldValueForbidden", "Forbidden", false },
	[CAUSE_TOO_LONG] = { "FieldValueTooLong", "Too long", false },
	[CAUSE_TOO_MANY] = { "FieldValueTooMany", "Too many", true },
	[CAUSE_TYPE_INVALID] = { "FieldValueTypeInvalid", "Invalid value", true },
	[CAUSE_NOT_FOUND] = { "FieldValueNotFound", "Not found", true },
};

void causes_finish(struct causes *causes)
{
	json_object_put(causes->list);
	*causes = (struct causes){ .effort = causes->effort };
}

bool causes_any(const struct causes *causes)
{
	return causes->list != NULL;
}

/* Whether the list is full; a cause that is not kept is not formatted either. */
static bool validate_full(struct causes *causes)
{
	bool result = asb_length(causes->list) >= VALIDATE_CAUSES_MAX;

	causes->more = causes->more || result;
	return result;
}

static bool validate_has(struct json_object *list, const char *field, const char *message)
{
	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *cause = json_object_array_get_idx(list, i);

		if (asb_streq(asb_str(cause, "field"), field) &&
		    asb_streq(asb_str(cause, "message"), message)) {
			return true;
		}
	}
	return false;
}

static void validate_add(struct causes *causes, const char *reason, const char *field,
			 const char *message)
{
	struct json_object *cause;

	if (validate_full(causes) || validate_has(causes->list, field, message)) {
		return;
	}
	if (causes->list == NULL) {
		causes->list = json_object_new_array();
	}
	cause = json_object_new_object();
	asb_set_str(cause, "reason", reason);
	asb_set_str(cause, "message", message);
	asb_set_str(cause, "field", field);
	json_object_array_add(causes->list, cause);
}

/* "Invalid value: "x": detail" */
PRINTF_LIKE(5, 0)
static void validate_add_with(struct causes *causes, enum cause_type type, const char *field,
			      const char *value, const char *format, va_list args)
{
	CLEANUP_BUF struct buf message = BUF_INIT(2 * DETAIL_MAX);
	char detail[DETAIL_MAX];

	if (causes->effort != NULL && !effort_spend(causes->effort, CAUSE_STEPS)) {
		return;
	}
	buf_append_str(&message, kinds[type].text);
	if (kinds[type].value) {
		buf_printf(&message, ": %.*s", DETAIL_MAX / 2, value);
	}
	vsnprintf(detail, sizeof(detail), format, args);
	if (*detail != '\0') {
		buf_printf(&message, ": %s", detail);
	}
	validate_add(causes, kinds[type].reason, field, buf_str(&message));
}

void causes_add(struct causes *causes, enum cause_type type, const char *field,
		struct json_object *value, const char *format, ...)
{
	va_list args;

	if (validate_full(causes)) {
		return;
	}
	va_start(args, format);
	validate_add_with(causes, type, field,
			  json_object_to_json_string_ext(
				  value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			  format, args);
	va_end(args);
}

void causes_add_str(struct causes *causes, enum cause_type type, const char *field,
		    const char *value, const char *format, ...)
{
	CLEANUP_BUF struct buf quoted = BUF_INIT(MESSAGE_MAX);
	va_list args;

	if (validate_full(causes)) {
		return;
	}
	if (kinds[type].value && value != NULL) {
		buf_append_json(&quoted, value, strlen(value));
	}
	va_start(args, format);
	validate_add_with(causes, type, field, buf_str(&quoted), format, args);
	va_end(args);
}

void causes_merge(struct causes *causes, const struct causes *more)
{
	for (size_t i = 0; i < asb_length(more->list); i++) {
		struct json_object *cause = json_object_array_get_idx(more->list, i);

		validate_add(causes, asb_str(cause, "reason"), asb_str(cause, "field"),
			     asb_str(cause, "message"));
	}
}

/* One: itself; more: [a, b]. The same text twice is said once. */
static void validate_append_all(struct buf *out, const struct causes *causes)
{
	size_t count = asb_length(causes->list);

	if (count > 1) {
		buf_append_char(out, '[');
	}
	for (size_t i = 0; i < count; i++) {
		struct json_object *cause = json_object_array_get_idx(causes->list, i);

		buf_printf(out, "%s%s: %s", i > 0 ? ", " : "", asb_str(cause, "field"),
			   asb_str(cause, "message"));
	}
	if (causes->more) {
		buf_append_str(out, ", and more");
	}
	if (count > 1) {
		buf_append_char(out, ']');
	}
}

struct json_object *causes_status(const struct causes *causes, const char *group, const char *kind,
				  const char *name)
{
	CLEANUP_BUF struct buf message = BUF_INIT(MESSAGE_MAX);
	struct status_details details = {
		.group = group,
		.kind = kind,
		.name = name,
		.take_causes = json_object_get(causes->list),
	};

	buf_printf(&message, "%s%s%s \"%s\" is invalid: ", kind, *group != '\0' ? "." : "", group,
		   name != NULL ? name : "");
	validate_append_all(&message, causes);
	return status_refusal(422, "Invalid", buf_str(&message), &details);
}

struct json_object *status_failure(int code, const char *reason, const char *group,
				   const char *kind, const char *name, const char *format, ...)
{
	struct status_details details = { .group = group, .kind = kind, .name = name };
	char text[DETAIL_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return status_refusal(code, reason, text, &details);
}

const char *validate_required(struct json_object *object, const char *name, const char *field,
			      struct causes *causes)
{
	const char *text = asb_str(object, name);
	char path[VALIDATE_FIELD_MAX];

	if (text != NULL && *text != '\0') {
		return text;
	}
	snprintf(path, sizeof(path), "%s%s%s", field, *field != '\0' ? "." : "", name);
	causes_add_str(causes, CAUSE_REQUIRED, path, NULL, "%s", "");
	return NULL;
}
