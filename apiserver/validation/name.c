/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of names, keys and ports, with the API server's explanations. Validation of metadata and
 * of the built-in kinds uses them. */
#include "config.h"

#include "apiserver/validation/name.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"

#define SUBDOMAIN_MAX 253
#define LABEL_MAX 63
#define OPTIONS_MAX 1024

#define LABEL_FORM "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define QUALIFIED_FORM "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"

static bool name_is_lower(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* A run of lower case letters, digits and inner dashes. */
static bool name_is_label(const char *text, size_t length)
{
	if (length == 0 || !name_is_lower(text[0]) || !name_is_lower(text[length - 1])) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!name_is_lower(text[i]) && text[i] != '-') {
			return false;
		}
	}
	return true;
}

static bool name_is_subdomain(const char *text)
{
	while (true) {
		size_t length = strcspn(text, ".");

		if (!name_is_label(text, length)) {
			return false;
		}
		if (text[length] == '\0') {
			return true;
		}
		text += length + 1;
	}
}

static void name_too_long(const char *text, const char *field, size_t most, struct causes *causes)
{
	causes_add_str(causes, CAUSE_INVALID, field, text, "must be no more than %zu bytes", most);
}

void validate_subdomain(const char *text, const char *field, struct causes *causes)
{
	if (strlen(text) > SUBDOMAIN_MAX) {
		name_too_long(text, field, SUBDOMAIN_MAX, causes);
	}
	if (!name_is_subdomain(text)) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '" LABEL_FORM
			"(\\." LABEL_FORM ")*')");
	}
}

void validate_label(const char *text, const char *field, struct causes *causes)
{
	if (strlen(text) > LABEL_MAX) {
		name_too_long(text, field, LABEL_MAX, causes);
	}
	if (!name_is_label(text, strlen(text))) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '" LABEL_FORM
			"')");
	}
}

void validate_label_1035(const char *text, const char *field, struct causes *causes)
{
	if (strlen(text) > LABEL_MAX) {
		name_too_long(text, field, LABEL_MAX, causes);
	}
	if (!name_is_label(text, strlen(text)) || isdigit((unsigned char)*text)) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')");
	}
}

/* Letters, digits, and - _ . inside. */
static bool name_is_word(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || !isalnum((unsigned char)text[0]) ||
	    !isalnum((unsigned char)text[length - 1])) {
		return false;
	}
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("-_.", text[i]) == NULL) {
			return false;
		}
	}
	return true;
}

static void name_check_prefix(const char *text, size_t length, const char *field,
			      struct causes *causes)
{
	CLEANUP_BUF struct buf prefix = BUF_INIT(4096);

	buf_append(&prefix, text, length);
	if (length == 0) {
		causes_add_str(causes, CAUSE_INVALID, field, text, "prefix part must be non-empty");
	} else if (length > SUBDOMAIN_MAX || !name_is_subdomain(buf_str(&prefix))) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"prefix part a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '" LABEL_FORM
			"(\\." LABEL_FORM ")*')");
	}
}

void validate_qualified(const char *text, const char *field, struct causes *causes)
{
	const char *slash = strchr(text, '/'), *name = slash != NULL ? slash + 1 : text;

	if (slash != NULL) {
		name_check_prefix(text, (size_t)(slash - text), field, causes);
	}
	if (*name == '\0') {
		causes_add_str(causes, CAUSE_INVALID, field, text, "name part must be non-empty");
	} else if (strlen(name) > LABEL_MAX) {
		causes_add_str(causes, CAUSE_INVALID, field, text,
			       "name part must be no more than %d bytes", LABEL_MAX);
	}
	if (!name_is_word(name)) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '" QUALIFIED_FORM
			"')");
	}
}

void validate_label_value(const char *text, const char *field, struct causes *causes)
{
	if (strlen(text) > LABEL_MAX) {
		name_too_long(text, field, LABEL_MAX, causes);
	}
	if (*text != '\0' && !name_is_word(text)) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(" QUALIFIED_FORM
			")?')");
	}
}

void validate_labels(struct json_object *labels, const char *field, struct causes *causes)
{
	if (!json_object_is_type(labels, json_type_object)) {
		return;
	}
	json_object_object_foreach (labels, name, value) {
		const char *text = asb_as_str(value);

		validate_qualified(name, field, causes);
		validate_label_value(text != NULL ? text : "?", field, causes);
	}
}

void validate_config_key(const char *text, const char *field, struct causes *causes)
{
	if (strlen(text) > SUBDOMAIN_MAX) {
		name_too_long(text, field, SUBDOMAIN_MAX, causes);
	}
	if (*text == '\0' ||
	    strspn(text, "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
		    strlen(text)) {
		causes_add_str(
			causes, CAUSE_INVALID, field, text,
			"a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')");
	} else if (strcmp(text, ".") == 0 || strncmp(text, "..", 2) == 0) {
		causes_add_str(causes, CAUSE_INVALID, field, text, "must not be '%s'",
			       text[1] == '\0' ? "." : "..");
	}
}

void validate_port(int64_t port, const char *field, struct causes *causes)
{
	if (port < 1 || port > 65535) {
		struct json_object *value = json_object_new_int64(port);

		causes_add(causes, CAUSE_INVALID, field, value,
			   "must be between 1 and 65535, inclusive");
		json_object_put(value);
	}
}

void validate_option(const char *text, const char *const *options, const char *field,
		     struct causes *causes)
{
	CLEANUP_BUF struct buf list = BUF_INIT(OPTIONS_MAX);

	for (size_t i = 0; options[i] != NULL; i++) {
		if (strcmp(options[i], text) == 0) {
			return;
		}
		buf_printf(&list, "%s\"%s\"", i > 0 ? ", " : "", options[i]);
	}
	causes_add_str(causes, CAUSE_NOT_SUPPORTED, field, text, "supported values: %s",
		       buf_str(&list));
}
