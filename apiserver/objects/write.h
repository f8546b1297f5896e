/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes with all that a request says about them. Private to the in-memory API and the requests; other
 * programs call objects_create_object and its neighbours. Each returns an HTTP status as those do.
 */
#ifndef ASB_APISERVER_OBJECTS_WRITE_H
#define ASB_APISERVER_OBJECTS_WRITE_H

#include "apiserver/objects/objects-private.h"

/* objects_create_object with options. */
int write_create(struct objects *objects, const struct asb_kind *kind, const char *ns,
		 struct json_object *take, const struct write_options *options,
		 struct json_object **ret, struct error *reterr);
/* objects_replace with options. */
int write_replace(struct objects *objects, const struct asb_kind *kind, const char *ns,
		  const char *name, struct json_object *take, const struct write_options *options,
		  struct json_object **ret, struct error *reterr);
/* Applies a JSON or merge patch to a tree; *ret is the caller's. 0 or the HTTP status. */
int write_patch_tree(struct json_object *object, bool json_patch, struct json_object *patch,
		     struct json_object **ret, struct error *reterr);
/* Stores what a patch made of a record's object. */
int write_patched(struct objects *objects, struct record *record, struct json_object *take_body,
		  const struct write_options *options, struct json_object **ret,
		  struct error *reterr);

#endif
