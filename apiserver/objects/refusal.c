/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals of requests: the HTTP status, the reason and the message, in the API server's words. All
 * that reads or writes objects calls it. */
#include "config.h"

#include "apiserver/objects/refusal.h"

#include <stdarg.h>
#include <stdio.h>

#include "apiserver/objects/objects-private.h"
#include "base/macros.h"

int objects_fail(struct error *reterr, int http_status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (reterr != NULL) {
		reterr->code = -http_status;
		vsnprintf(reterr->text, sizeof(reterr->text), format, args);
	}
	va_end(args);
	return http_status;
}

const char *objects_reason(int http_status, int code)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 400, "BadRequest" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "NotFound" },
		{ 405, "MethodNotAllowed" },
		{ 406, "NotAcceptable" },
		{ 409, "Conflict" },
		{ 410, "Expired" },
		{ 413, "RequestEntityTooLarge" },
		{ 415, "UnsupportedMediaType" },
		{ 422, "Invalid" },
		{ 429, "TooManyRequests" },
		{ 500, "InternalError" },
		{ 503, "ServiceUnavailable" },
		{ 504, "Timeout" },
	};

	if (http_status == 409 && code == OBJECTS_ALREADY_EXISTS) {
		return "AlreadyExists";
	}
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
		if (reasons[i].status == http_status) {
			return reasons[i].reason;
		}
	}
	return "";
}

const char *refusal_resource(const struct resource *resource, char ret[REFUSAL_RESOURCE_MAX])
{
	snprintf(ret, REFUSAL_RESOURCE_MAX, "%s%s%s", resource->kind.plural,
		 *resource->kind.group != '\0' ? "." : "", resource->kind.group);
	return ret;
}

int refusal_not_found(const struct resource *resource, const char *name, struct error *reterr)
{
	char text[REFUSAL_RESOURCE_MAX];

	if (resource == NULL) {
		return objects_fail(reterr, 404,
				    "the server could not find the requested resource");
	}
	return objects_fail(reterr, 404, "%s \"%s\" not found", refusal_resource(resource, text),
			    name);
}

int refusal_already_exists(const struct resource *resource, const char *name, struct error *reterr)
{
	char text[REFUSAL_RESOURCE_MAX];

	objects_fail(reterr, 409, "%s \"%s\" already exists", refusal_resource(resource, text),
		     name);
	if (reterr != NULL) {
		reterr->code = OBJECTS_ALREADY_EXISTS;
	}
	return 409;
}

int refusal_invalid(const struct resource *resource, const char *name, struct error *reterr,
		    const char *field, const char *what)
{
	return objects_fail(reterr, 422, "%s%s%s \"%s\" is invalid: %s: %s", resource->kind.kind,
			    *resource->kind.group != '\0' ? "." : "", resource->kind.group,
			    name != NULL ? name : "", field, what);
}
