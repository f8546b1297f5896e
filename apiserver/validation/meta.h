/* SPDX-License-Identifier: Apache-2.0 */
/* What every kind's metadata may hold. */
#ifndef ASB_APISERVER_VALIDATION_META_H
#define ASB_APISERVER_VALIDATION_META_H

#include "apiserver/validation/validate.h"

#define META_ANNOTATIONS_MAX (256u * 1024) /* keys and values together, as the API server */

/* Drops what is null, empty or unknown in metadata; the paths of what is unknown go to unknown if
 * that is not NULL. */
void metadata_clean(struct json_object *metadata, struct json_object *unknown);
/* old: the stored object, or NULL. kind: for the names that are stricter. */
void validate_metadata(const char *kind, struct json_object *object, struct json_object *old,
		       struct causes *causes);
/* The first fault of type in metadata that no typed decoder would read (a label that is a number),
 * as text for a 400; NULL: none. */
const char *metadata_mistyped(struct json_object *metadata);

#endif
