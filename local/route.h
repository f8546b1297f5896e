/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's path names: /api/v1/namespaces/NS/pods/NAME/log and its relatives. Knows the
 * shapes of paths, not which kinds are served: that is asked in the next step.
 */
#ifndef ASB_LOCAL_ROUTE_H
#define ASB_LOCAL_ROUTE_H

#include <stdbool.h>

#define ROUTE_PATH_MAX 2048 /* bytes: a namespace, a name and a kind of 253 each, and their words */

enum route_type {
	ROUTE_UNKNOWN,  /* no shape of ours: 404 */
	ROUTE_RESOURCE, /* a list or an object */
	ROUTE_CORE,     /* /api: versions */
	ROUTE_CORE_V1,  /* /api/v1: its resources */
	ROUTE_GROUPS,   /* /apis */
	ROUTE_GROUP,    /* /apis/GROUP */
	ROUTE_VERSION,  /* /apis/GROUP/VERSION: its resources */
	ROUTE_OPENAPI_V2,
	ROUTE_OPENAPI_V3,    /* the index */
	ROUTE_OPENAPI_V3_OF, /* one group and version */
	ROUTE_RELEASE,       /* /version */
	ROUTE_HEALTH,        /* /healthz, /livez, /readyz, and one level below */
	ROUTE_MAX
};

struct route {
	enum route_type type;
	bool watch; /* the old form, /api/v1/watch/... */
	/* "" where the path has none; they point into text. */
	const char *group, *version, *ns, *resource, *name, *subresource;
	const char *rest; /* behind the subresource: pods/X/proxy/REST */
	char text[ROUTE_PATH_MAX];
};

/* path: as it was sent, percent-encoded, without the query. 0, or -EINVAL for a path too long or
 * encoded wrong. /api/v1/namespaces/NS itself is resource "namespaces" with that name. */
int route_parse(const char *path, struct route *ret);

/* A value of a query ("a=b&c=d", encoded). The first of that name, decoded into text of size bytes:
 * the length, -ENOENT when it is not there, -EINVAL when it is encoded wrong or does not fit. */
int query_get(const char *query, const char *name, char *text, unsigned int size);
/* "", "1", "true", "0", "false" as Kubernetes reads them; the fallback when it is not there. */
bool query_true(const char *query, const char *name, bool fallback);

#endif
