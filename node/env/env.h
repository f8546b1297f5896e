/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's environment and command line as a kubelet makes them: env, envFrom, valueFrom
 * (fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef), $(NAME) in values, command and args.
 * https://kubernetes.io/docs/tasks/inject-data-application/
 */
#ifndef ASB_NODE_ENV_ENV_H
#define ASB_NODE_ENV_ENV_H

#include <json-c/json.h>

#include "base/error.h"
#include "node/volumes/volumes.h"

/* What fieldRef knows of a pod in addition to its object. */
struct env_facts {
	const char *pod_ip, *host_ip, *node_name;
};

/* "NAME=value" strings, ends in NULL, freed by strings_finish. -EAGAIN with a kubelet's words
 * (CreateContainerConfigError): configmap "x" not found. A later entry of one name wins. Values
 * never go into an error. */
int env_make(struct json_object *pod, struct json_object *container, const struct env_facts *facts,
	     const struct volume_source *source, char ***ret, struct error *reterr);
/* Expands $(NAME) and $$(NAME) in a JSON array of strings; NULL for an absent or empty one. */
char **env_expand(struct json_object *array, const char *const *env);
/* The same for one string, the caller's. One that gets larger than 1 MiB stays as it is. */
char *env_expand_string(const char *text, const char *const *env);
/* One field by a fieldRef's fieldPath (metadata.name, metadata.labels['x'], spec.nodeName,
 * status.podIP ...), the caller's; -EINVAL for a path there is none of. Without facts (a volume,
 * made before there is a network) there are no spec.nodeName and status; metadata.labels and
 * metadata.annotations are lines of key="value". */
int env_field(struct json_object *pod, const char *path, const struct env_facts *facts, char **ret,
	      struct error *reterr);
/* One resource by a resourceFieldRef ("limits.cpu" ... with divisor), as text. */
int env_resource(struct json_object *pod, struct json_object *container, struct json_object *ref,
		 char **ret, struct error *reterr);
void strings_finish(char **strings);

#endif
