/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structural OpenAPI v3 schemas, as CustomResourceDefinitions carry them: compiled once from JSON,
 * then used to prune, default and validate objects in time linear in the object (times the
 * allOf/anyOf/oneOf/not branches written in the schema).
 *
 * Not done: CEL (x-kubernetes-validations is kept in the text and not evaluated), $ref (a structural
 * schema may not have it). Patterns: see schema-pattern.h.
 *
 * What defaults and validation do is counted in an effort; see there.
 *
 * A compiled schema is immutable: any thread may use it.
 */
#ifndef ASB_APISERVER_SCHEMA_SCHEMA_H
#define ASB_APISERVER_SCHEMA_SCHEMA_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "apiserver/schema/effort.h"
#include "apiserver/validation/validate.h"
#include "base/error.h"

#define SCHEMA_DEPTH_MAX \
	64 /* of a schema: below JSON_DEPTH_MAX, so that an object can be as deep */
#define SCHEMA_NODES_MAX 100000  /* the largest CRDs in use have about 20,000 */
#define SCHEMA_PATTERNS_MAX 4096 /* the largest have some 300; each keeps memory of its own */

struct schema;

/* From openAPIV3Schema; the tree is borrowed during the call only. NULL and *reterr (-EINVAL) for a
 * schema that cannot be used at all. */
struct schema *schema_compile(struct json_object *json, struct error *reterr);
void schema_destroy(struct schema *schema);

/*
 * What the API server refuses in a CRD's schema, beyond what schema_compile does: a missing type,
 * forbidden members, properties beside additionalProperties, defaults that do not fit, value
 * validations in the wrong place... field is the path of the schema in the CRD.
 */
void schema_check_structural(struct json_object *json, const char *field, struct causes *causes,
			     struct effort *effort);

/*
 * Drops members the schema does not know. apiVersion, kind and metadata at the top and in embedded
 * resources stay. unknown, if not NULL, is an array that gets the paths of what was dropped
 * ("spec.foo", "spec.list[0].bar"), at most VALIDATE_CAUSES_MAX of them.
 */
void schema_prune(const struct schema *schema, struct json_object *object,
		  struct json_object *unknown);
/* Fills in defaults where members are missing, and nulls where null is not allowed. */
void schema_default(const struct schema *schema, struct json_object *object, struct effort *effort);
/* Adds a cause for every fault, in the API server's words. */
void schema_validate(const struct schema *schema, struct json_object *object, struct causes *causes,
		     struct effort *effort);

#endif
