/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is wrong with an object, in the API server's words: a list of causes, each a field, a reason
 * and a sentence, and the Status that is made of them. Bounded: past VALIDATE_CAUSES_MAX further
 * causes are only counted as being there.
 */
#ifndef ASB_APISERVER_VALIDATION_VALIDATE_H
#define ASB_APISERVER_VALIDATION_VALIDATE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

#define VALIDATE_CAUSES_MAX \
	100 /* a client reads the first few; a list of 10,000 bad items is one mistake */

enum cause_type {
	CAUSE_REQUIRED,
	CAUSE_INVALID,
	CAUSE_DUPLICATE,
	CAUSE_NOT_SUPPORTED,
	CAUSE_FORBIDDEN,
	CAUSE_TOO_LONG,
	CAUSE_TOO_MANY,
	CAUSE_TYPE_INVALID,
	CAUSE_NOT_FOUND,
	CAUSE_TYPE_MAX
};

struct effort;

struct causes {
	struct effort *effort;    /* what adding costs, also in vain; NULL: nobody counts */
	struct json_object *list; /* of StatusCause, NULL while there are none */
	bool more;                /* there were too many */
};

#define CAUSES_INIT \
	{           \
		0   \
	}
void causes_finish(struct causes *causes);
#define CLEANUP_CAUSES CLEANUP(causes_finish)

bool causes_any(const struct causes *causes);
/*
 * Adds one: field is a path ("spec.containers[0].name"), value the bad value where the type shows
 * one (borrowed; NULL is null), the rest the detail. The same one twice counts once.
 */
void causes_add(struct causes *causes, enum cause_type type, const char *field,
		struct json_object *value, const char *format, ...) PRINTF_LIKE(5, 6);
/* causes_add for a value that is a string. */
void causes_add_str(struct causes *causes, enum cause_type type, const char *field,
		    const char *value, const char *format, ...) PRINTF_LIKE(5, 6);
/* Adds those of another list. */
void causes_merge(struct causes *causes, const struct causes *more);
/* The Status of a 422: '<kind>.<group> "<name>" is invalid: ...' with details.causes; the
 * caller's. */
struct json_object *causes_status(const struct causes *causes, const char *group, const char *kind,
				  const char *name);

/*
 * A Status of failure without causes: {kind, apiVersion, metadata, status, message, reason, details,
 * code}. The reason is that of the code if NULL; group and kind (for details; by convention the
 * plural where a request is refused, not an object) and name may be NULL. The caller's.
 */
struct json_object *status_failure(int code, const char *reason, const char *group,
				   const char *kind, const char *name, const char *format, ...)
	PRINTF_LIKE(6, 7);

#define VALIDATE_FIELD_MAX 512 /* of a path to a field in a message */

/* Text of a member that must be there; NULL, and a cause, where it is missing or empty. */
const char *validate_required(struct json_object *object, const char *name, const char *field,
			      struct causes *causes);

#endif
