/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a pod's validation. Private to apiserver/kinds. */
#ifndef ASB_APISERVER_KINDS_POD_PRIVATE_H
#define ASB_APISERVER_KINDS_POD_PRIVATE_H

#include <stdbool.h>

#include "apiserver/validation/validate.h"

/* All containers of a pod, in its three lists. */
void pod_validate_containers(struct json_object *spec, struct causes *causes);
/* Probes and lifecycle handlers of one. */
void pod_validate_probes(struct json_object *container, const char *field, struct causes *causes);
void pod_validate_volumes(struct json_object *volumes, struct causes *causes);
/* Only images, deadlines and tolerations may change. */
void pod_validate_update(struct json_object *pod, struct json_object *old, struct causes *causes);

#endif
