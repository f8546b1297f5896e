/* SPDX-License-Identifier: Apache-2.0 */
/* A small world over the in-memory API, for its tests. */
#ifndef ASB_TESTS_UNIT_APISERVER_OBJECTS_FIXTURE_H
#define ASB_TESTS_UNIT_APISERVER_OBJECTS_FIXTURE_H

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apiserver/objects/objects.h"

struct world {
	struct objects *objects;
	int64_t now_ms;
	uint64_t random;
	struct json_object *kept; /* an array of what keep() made */
	struct error error;       /* of the last request */
};

extern const struct asb_kind pod_kind, widget_kind, secret_kind;

int world_setup(void **state);
int world_teardown(void **state);
#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

/* The tree of a YAML text; the caller's, or the world's. */
struct json_object *tree(const char *text);
struct json_object *keep(struct world *world, const char *text);

/* Requests in the namespace "ns": their status. patch and replace are on pods. */
int try_create(struct world *world, const struct asb_kind *kind, const char *text);
int patch(struct world *world, const char *name, bool json_patch, const char *text, uint32_t flags);
int replace(struct world *world, const char *name, const char *text, uint32_t flags);
int delete (struct world *world, const struct asb_kind *kind, const char *name);
/* Those that must succeed: the object. */
struct json_object *create(struct world *world, const struct asb_kind *kind, const char *text);
struct json_object *merge(struct world *world, const char *name, const char *text, uint32_t flags);

#endif
