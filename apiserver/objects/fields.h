/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of a resource that a field selector may name. States and selectors call it. Private
 * to the in-memory API and the requests. */
#ifndef ASB_APISERVER_OBJECTS_FIELDS_H
#define ASB_APISERVER_OBJECTS_FIELDS_H

#include <stddef.h>

struct json_object;
struct resource;

#define FIELD_VALUE_MAX 64 /* of a number or a bool; strings are not copied */

/* The position-th path of a kind beside metadata.name and metadata.namespace, NULL past the last. */
const char *fields_nth(const struct resource *resource, size_t position);
/* The same text if a selector may name it, metadata.name and metadata.namespace too; else NULL. */
const char *fields_find(const struct resource *resource, const char *name);
/* The value of a path as text, "" where it is not there. scratch is for numbers. */
const char *fields_value(struct json_object *object, const char *path,
			 char scratch[FIELD_VALUE_MAX]);

#endif
