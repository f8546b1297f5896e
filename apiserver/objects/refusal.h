/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Refusals in the API server's words. Private to the in-memory API and the requests. Each fills *reterr
 * and returns the HTTP status.
 */
#ifndef ASB_APISERVER_OBJECTS_REFUSAL_H
#define ASB_APISERVER_OBJECTS_REFUSAL_H

#include "base/error.h"

struct resource;

#define REFUSAL_RESOURCE_MAX 320

/* How messages name a resource: "pods", "sandboxes.agents.x-k8s.io". Returns ret. */
const char *refusal_resource(const struct resource *resource, char ret[REFUSAL_RESOURCE_MAX]);
/* 404. served NULL: there is no such resource. */
int refusal_not_found(const struct resource *resource, const char *name, struct error *reterr);
/* 409 with the reason AlreadyExists. */
int refusal_already_exists(const struct resource *resource, const char *name, struct error *reterr);
/* 422 about one field. name may be NULL. */
int refusal_invalid(const struct resource *resource, const char *name, struct error *reterr,
		    const char *field, const char *what);

#endif
