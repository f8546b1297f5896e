/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a node that no verb of the plugin ABI makes. Each waits for its response. Any
 * thread. Results are ASB_OK, ASB_NOT_FOUND ... of the ABI, with *reterr. */
#ifndef ASB_NODE_POD_API_H
#define ASB_NODE_POD_API_H

#include <json-c/json.h>

#include "core/client/client.h"
#include "node/volumes/volumes.h"

/* Assigns a pod to a node: POST .../binding. */
int api_bind(struct client *client, struct json_object *pod, const char *node,
	     struct error *reterr);
/* Removes the object of a pod that has ended here: DELETE without a grace period, for this uid
 * only. ASB_OK too where the pod is gone already. */
int api_remove_pod(struct client *client, struct json_object *pod, struct error *reterr);
/* The functions of a volume_source whose arg is a client. */
int api_source_get(void *client, const char *resource, const char *ns, const char *name,
		   struct json_object **ret, struct error *reterr);
int api_source_token(void *client, struct json_object *pod, const char *audience, int64_t seconds,
		     char **ret, struct error *reterr);

#endif
