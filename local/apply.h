/* SPDX-License-Identifier: Apache-2.0 */
/* The CRDs of this project's four kinds, built in from deploy/crds. */
#ifndef ASB_LOCAL_APPLY_H
#define ASB_LOCAL_APPLY_H

#include "base/error.h"

struct api;

/* The hash of the built-in text that a CRD was made from. While it is current the CRD is left as it
 * is, so that changes by `kubectl apply` stay. */
#define APPLY_ANNOTATION "agent-sandbox.local/applied"

/* Creates the CRDs that are missing, and replaces the spec of those that another build created. */
int apply_crds(struct api *api, struct error *reterr);

#endif
