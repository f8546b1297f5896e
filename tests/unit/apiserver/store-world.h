/* SPDX-License-Identifier: Apache-2.0 */
/* A server's objects over a database in a directory of their own, for the tests of local/. */
#ifndef ASB_TESTS_UNIT_APISERVER_STORE_WORLD_H
#define ASB_TESTS_UNIT_APISERVER_STORE_WORLD_H

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "apiserver/requests/requests.h"
#include "apiserver/storage/storage.h"

struct store_world {
	char directory[64];
	struct storage *storage; /* NULL: in memory */
	struct objects *objects;
	int64_t now_ms;
	uint64_t random;
	uint32_t page_limit;
	struct error error; /* of the last request */
};

extern const struct asb_kind a_pod, a_map, a_namespace, a_service, an_event, other_event, a_widget,
	an_account;

/* The fixture of WITH_STORE: the namespaces of every cluster are there. */
int store_world_setup(void **state);
int store_world_teardown(void **state);
#define WITH_STORE(name) \
	cmocka_unit_test_setup_teardown(name, store_world_setup, store_world_teardown)

/* Opens the database of its directory and serves the kinds; what close ends. */
int store_world_open(struct store_world *world);
void store_world_close(struct store_world *world);
/* Objects of a server without a database; store_world_close ends them. */
struct objects *store_world_objects(struct store_world *world);

struct json_object *yaml(const char *text);
/* A request in the namespace "default", for kinds that have them. */
struct request request_for(const struct asb_kind *kind, const char *name);
/* The statuses of requests. */
int store_create(struct store_world *world, const struct asb_kind *kind, const char *text);
int store_patch(struct store_world *world, const struct asb_kind *kind, const char *name,
		enum patch_type type, const char *text);
int store_delete(struct store_world *world, const struct asb_kind *kind, const char *name);
/* A stored object's tree, the caller's; NULL: it is not there. */
struct json_object *store_tree(struct store_world *world, const struct asb_kind *kind,
			       const char *name);
/* Ticks until there is nothing more to do. */
void store_settle(struct store_world *world);

#endif
