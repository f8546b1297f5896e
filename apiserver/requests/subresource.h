/* SPDX-License-Identifier: Apache-2.0 */
/* What POST means for the subresources of pods and service accounts. Requests call it. */
#ifndef ASB_APISERVER_REQUESTS_SUBRESOURCE_H
#define ASB_APISERVER_REQUESTS_SUBRESOURCE_H

#include "apiserver/requests/requests.h"

/* Each returns 201 with *ret a reference to the response, or a refusal. */
int subresource_bind(struct objects *objects, const struct request *request,
		     struct json_object *binding, struct objects_state **ret, struct error *reterr);
int subresource_evict(struct objects *objects, const struct request *request,
		      struct json_object *eviction, struct objects_state **ret,
		      struct error *reterr);
/* The token is random text that nothing checks. */
int subresource_token(struct objects *objects, const struct request *request,
		      struct json_object *token_request, struct objects_state **ret,
		      struct error *reterr);

/* Whether an object is of this Kubernetes kind: "/Pod". */
bool request_is(const struct request *request, const char *kind_id);

#endif
