/* SPDX-License-Identifier: Apache-2.0 */
/* Config maps, secrets, claims and tokens for tests of the node, from one JSON text:
 * {"configmaps/default/x": {...}, ...}. */
#ifndef ASB_TESTS_UNIT_NODE_NODE_OBJECTS_H
#define ASB_TESTS_UNIT_NODE_NODE_OBJECTS_H

#include <errno.h>
#include <json-c/json.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/volumes/volumes.h"

struct node_objects {
	struct json_object *objects;
	unsigned int tokens; /* asked for so far */
	int token_error;     /* of the next ones */
};

static inline struct json_object *node_json(const char *text)
{
	struct json_object *value = json_parse(text, strlen(text), NULL);

	if (value == NULL) {
		abort();
	}
	return value;
}

static inline int node_objects_get(void *arg, const char *resource, const char *ns,
				   const char *name, struct json_object **ret, struct error *reterr)
{
	struct node_objects *objects = arg;
	CLEANUP_FREE char *key = xprintf("%s/%s/%s", resource, ns, name);
	struct json_object *found = NULL;

	if (!json_object_object_get_ex(objects->objects, key, &found)) {
		return error_set(reterr, -ENOENT, "none");
	}
	if (json_object_is_type(found, json_type_int)) {
		return error_set(reterr, json_object_get_int(found), "as the test wants");
	}
	*ret = json_object_get(found);
	return 0;
}

static inline int node_objects_token(void *arg, struct json_object *pod, const char *audience,
				     int64_t seconds, char **ret, struct error *reterr)
{
	struct node_objects *objects = arg;

	(void)pod;
	if (objects->token_error < 0) {
		return error_set(reterr, objects->token_error, "as the test wants");
	}
	*ret = xprintf("token-%u-%s-%lld", ++objects->tokens, audience, (long long)seconds);
	return 0;
}

static inline struct volume_source node_objects_source(struct node_objects *objects)
{
	return (struct volume_source){ .get = node_objects_get,
				       .token = node_objects_token,
				       .arg = objects };
}

#endif
