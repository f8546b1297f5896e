/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a write may say and what it changes: checks of bodies and preconditions, and the object that
 * comes of an update. Private to the in-memory API. Each returns 0 or the HTTP status of the
 * refusal, with *reterr filled.
 */
#ifndef ASB_APISERVER_OBJECTS_UPDATE_H
#define ASB_APISERVER_OBJECTS_UPDATE_H

#include "apiserver/objects/objects-private.h"
#include "apiserver/objects/refusal.h"

/* A body is an object of the kind and the place it was sent to; name NULL: any. Makes its metadata
 * if it has none. */
int update_check_body(const struct resource *resource, const char *ns, const char *name,
		      struct json_object *body, struct error *reterr);
/* What says which object it is, and what the server itself decides, has no NUL in a body: it would be
 * compared, or replaced, as the text before that NUL. old: what may stay as it is, or NULL. */
int update_check_text(const struct resource *resource, struct json_object *old,
		      struct json_object *body, struct error *reterr);
/* The names and owners of a new object. */
int update_check_new(const struct resource *resource, struct json_object *object,
		     struct error *reterr);
/* The UID in the metadata of a PUT's body, if there is one, is the object's. */
int update_check_same_uid(const struct resource *resource, struct json_object *object,
			  struct json_object *body, struct error *reterr);
/* The precondition of a DELETE, a text without NUL; NULL or "": none. */
int update_check_uid(const struct resource *resource, struct json_object *object, const char *uid,
		     struct error *reterr);
/* A patch of the main resource left alone what nobody may change. */
int update_check_immutable(const struct resource *resource, struct json_object *object,
			   struct json_object *body, struct error *reterr);
/* The object that comes of an update, the caller's, its resourceVersion still the old one. Takes
 * parts of body. */
int update_apply(struct objects *objects, const struct resource *resource,
		 struct json_object *object, struct json_object *body,
		 const struct write_options *options, struct json_object **ret,
		 struct error *reterr);
/* Asks the hooks about what is about to be stored; old NULL: a create. */
int update_admit(struct objects *objects, const struct resource *resource, const char *ns,
		 const char *subresource, struct json_object *old, struct json_object *object,
		 const struct write_options *options, struct error *reterr);
/* Server: a new object's namespace is there and does not end. */
int update_check_namespace(struct objects *objects, const struct resource *resource, const char *ns,
			   struct json_object *object, struct error *reterr);

#endif
