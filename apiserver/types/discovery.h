/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The documents by which clients find out what is served: /version, /api, /apis and below, in the
 * plain and the aggregated form, and OpenAPI v2 and v3. All are trees of the caller's, made from
 * the types again; NULL where the group or version is not served (404).
 */
#ifndef ASB_APISERVER_TYPES_DISCOVERY_H
#define ASB_APISERVER_TYPES_DISCOVERY_H

#include <stddef.h>

#include "apiserver/types/types.h"

/* The Kubernetes version whose API this is like. */
#define DISCOVERY_MAJOR "1"
#define DISCOVERY_MINOR "36"
#define DISCOVERY_VERSION "v1.36.0+agent-sandbox-local"

struct json_object *discovery_version(void);                     /* /version */
struct json_object *discovery_api(const char *server_address);   /* /api; "127.0.0.1:6443" */
struct json_object *discovery_groups(const struct types *types); /* /apis */
struct json_object *discovery_group(const struct types *types, const char *group); /* /apis/G */
/* /api/v1 (group ""), /apis/G/V */
struct json_object *discovery_resources(const struct types *types, const char *group,
					const char *version);
/*
 * /api (core) and /apis for Accept: application/json;g=apidiscovery.k8s.io;v=V;
 * as=APIGroupDiscoveryList, version being "v2" or "v2beta1". To be sent with
 * Content-Type: application/json;g=apidiscovery.k8s.io;v=V;as=APIGroupDiscoveryList, or kubectl
 * does not take it for what it is.
 */
struct json_object *discovery_aggregated(const struct types *types, bool core, const char *version);

/* /openapi/v2 as application/com.github.proto-openapi.spec.v2.v1.0+protobuf (also with the @ form):
 * a valid document that says nothing, so that kubectl's client-side checks pass. */
const void *openapi_v2_protobuf(size_t *ret_length);
/* The same as JSON, for who asks plainly. */
struct json_object *openapi_v2(void);
/* /openapi/v3 */
struct json_object *openapi_v3_index(const struct types *types);
/* /openapi/v3/api/v1 (group ""), /openapi/v3/apis/G/V */
struct json_object *openapi_v3(const struct types *types, const char *group, const char *version);

#endif
