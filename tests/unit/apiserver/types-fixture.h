/* SPDX-License-Identifier: Apache-2.0 */
/* A table of kinds with a world of its own, for tests of what kinds are. */
#ifndef ASB_TESTS_UNIT_APISERVER_TYPES_FIXTURE_H
#define ASB_TESTS_UNIT_APISERVER_TYPES_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "apiserver/types/types.h"

#define TYPES_NOW_MS INT64_C(1700000000000) /* 2023-11-14T22:13:20Z */

struct types_fixture {
	struct types *types;
	struct json_object *kept; /* "plural/name" -> object that admission finds */
	uint64_t random;
	struct type_request request; /* of the last admission */
};

/* cmocka's setup and teardown; *state is the fixture. */
int types_fixture_setup(void **state);
int types_fixture_teardown(void **state);

struct json_object *parsed(const char *text); /* ' is read as ", the caller's */
/* Admits an object, ' as "; old may be NULL. The object, which the caller owns, and the status. */
struct json_object *admitted(struct types_fixture *fixture, const char *group, const char *plural,
			     const char *text, struct json_object *old, int *ret_status);
/* The message of the last refusal. */
const char *refusal(const struct types_fixture *fixture);
/* Stores a CRD with that schema: things.t.example, kind Thing, status and scale. */
void serve_things(struct types_fixture *fixture, const char *schema);

#endif
