/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request's path names: /api/v1/namespaces/NS/pods/NAME/log and the like. It knows the
 * forms of paths, not which kinds are served: the types know those.
 */
#ifndef ASB_APISERVER_API_ROUTE_H
#define ASB_APISERVER_API_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

#define ROUTE_PATH_MAX 2048 /* bytes: a namespace, a name and a kind of 253 each, and their words */

enum route_type {
	ROUTE_UNKNOWN,  /* no path of this API: 404 */
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

/* path: as it was sent, percent-encoded, without the query. 0, or -EINVAL for a path that is too long,
 * is encoded wrong, or holds a NUL or bytes that are not UTF-8: then *ret is ROUTE_UNKNOWN with empty
 * words. /api/v1/namespaces/NS itself is resource "namespaces" with that name. */
int route_parse(const char *path, struct route *ret);

/* Decodes length bytes of a URI; plus: '+' is a blank, as in queries. The new length, or -EINVAL for
 * an escape that is none, a NUL, bytes that are not UTF-8, or more than fits into size bytes. */
int route_decode(const char *from, size_t length, bool plus, char *to, size_t size);

#endif
