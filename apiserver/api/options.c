/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters that several verbs take, parsed before anything is done: what does not parse is refused
 * as the real server refuses it. The API's handlers ask. */
#include "config.h"

#include <string.h>

#include "apiserver/api/api-private.h"
#include "base/number.h"

#define MANAGER_MAX 128u /* bytes of a field manager's name, as the real server has it */

/* ---- writes ---- */

/* Each dryRun parameter counts, also when there are several. */
static bool options_read_dry_run(struct api_call *call)
{
	for (size_t i = 0; i < call->query.count; i++) {
		const struct query_pair *pair = &call->query.pairs[i];

		if (strcmp(pair->name, "dryRun") != 0) {
			continue;
		}
		if (strcmp(pair->value, "All") != 0) {
			call_fail(call, 422, NULL,
				  "dryRun: Unsupported value: \"%.64s\": supported values: \"All\"",
				  pair->value);
			return false;
		}
		call->dry_run = true;
	}
	return true;
}

static bool options_read_validation(struct api_call *call)
{
	static const struct {
		const char *text;
		enum type_validation value;
	} values[] = {
		{ "", TYPE_VALIDATION_WARN },
		{ "Warn", TYPE_VALIDATION_WARN },
		{ "Ignore", TYPE_VALIDATION_IGNORE },
		{ "Strict", TYPE_VALIDATION_STRICT },
	};
	const char *text = call_query(call, "fieldValidation");

	call->validation = TYPE_VALIDATION_WARN;
	for (size_t i = 0; text != NULL && i < ARRAY_LEN(values); i++) {
		if (strcmp(text, values[i].text) == 0) {
			call->validation = values[i].value;
			return true;
		}
	}
	if (text != NULL) {
		call_fail(
			call, 422, NULL,
			"fieldValidation: Unsupported value: \"%.64s\": supported values: \"Ignore\", \"Warn\", \"Strict\"",
			text);
	}
	return text == NULL;
}

static bool options_check_manager(struct api_call *call)
{
	const char *text = call_query(call, "fieldManager");

	if (text == NULL) {
		return true;
	}
	if (strlen(text) > MANAGER_MAX) {
		call_fail(call, 422, NULL, "fieldManager: Too long: may not be more than %u bytes",
			  MANAGER_MAX);
		return false;
	}
	for (const char *at = text; *at != '\0'; at++) {
		if ((unsigned char)*at < ' ' || *at == 0x7f) {
			call_fail(
				call, 422, NULL,
				"fieldManager: Invalid value: invalid character U+%04X (at position %td)",
				(unsigned int)(unsigned char)*at, at - text);
			return false;
		}
	}
	return true;
}

static bool options_check_force(struct api_call *call)
{
	if (call_query(call, "force") == NULL ||
	    media_type_is(call->request->content_type, "application/apply-patch+yaml")) {
		return true;
	}
	call_fail(call, 422, NULL, "force: Forbidden: may not be specified for non-apply patch");
	return false;
}

bool options_read(struct api_call *call)
{
	const char *method = call->request->method;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
		return true;
	}
	if (strcmp(method, "DELETE") == 0) {
		return options_read_dry_run(call);
	}
	return options_read_dry_run(call) && options_read_validation(call) &&
	       options_check_manager(call) &&
	       (strcmp(method, "PATCH") != 0 || options_check_force(call));
}

/* ---- lists ---- */

bool options_version(struct api_call *call, uint64_t *ret)
{
	const char *text = call_query(call, "resourceVersion");
	int64_t version = 0;

	if (text != NULL && *text != '\0' && integer_parse(text, 0, INT64_MAX, &version) < 0) {
		call_fail(
			call, 400, NULL,
			"resourceVersion: Invalid value: \"%.64s\": strconv.ParseUint: parsing \"%.64s\": invalid syntax",
			text, text);
		return false;
	}
	*ret = (uint64_t)version;
	return true;
}

static bool options_fail_match(struct api_call *call, const char *why)
{
	call_fail(call, 422, NULL, "resourceVersionMatch: Forbidden: resourceVersionMatch %s", why);
	return false;
}

/* The rules of resourceVersion and resourceVersionMatch. */
static bool options_read_versions(struct api_call *call, struct list_options *options)
{
	const char *version = call_query(call, "resourceVersion");
	const char *match = call_query(call, "resourceVersionMatch");
	bool given = version != NULL && *version != '\0', matched = match != NULL && *match != '\0';
	uint64_t number = 0;

	if (!options_version(call, &number)) {
		return false;
	}
	if (matched && !given) {
		return options_fail_match(call, "is forbidden unless resourceVersion is provided");
	}
	if (matched && strcmp(match, "Exact") != 0 && strcmp(match, "NotOlderThan") != 0) {
		call_fail(
			call, 422, NULL,
			"resourceVersionMatch: Unsupported value: \"%.64s\": supported values: \"Exact\", \"NotOlderThan\"",
			match);
		return false;
	}
	if (matched && strcmp(match, "Exact") == 0) {
		options->exact = number;
		return number != 0 ||
		       options_fail_match(call, "\"Exact\" is forbidden for resourceVersion \"0\"");
	}
	if (options->token != NULL && *options->token != '\0' && given && number != 0) {
		call_fail(call, 400, NULL,
			  "specifying resource version is not allowed when using continue");
		return false;
	}
	options->at_least = number;
	return true;
}

bool options_list(struct api_call *call, struct list_options *ret)
{
	int64_t limit = 0, timeout = 0;

	*ret = (struct list_options){ .ns = call->route.ns, .token = call_query(call, "continue") };
	if (!call_query_integer(call, "limit", &limit) ||
	    !call_query_integer(call, "timeoutSeconds", &timeout) ||
	    !options_read_versions(call, ret)) {
		return false;
	}
	if (call_query(call, "sendInitialEvents") != NULL) {
		call_fail(call, 422, NULL,
			  "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list");
		return false;
	}
	/* The real server takes a negative limit for none. */
	ret->limit = limit > 0 ? (size_t)limit : 0;
	return true;
}
