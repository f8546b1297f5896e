/* SPDX-License-Identifier: Apache-2.0 */
/* The four kinds of this project, built in from deploy/crds. */
#ifndef ASB_LOCAL_APPLY_H
#define ASB_LOCAL_APPLY_H

#include "base/error.h"

struct api;

/* The version of a built-in CRD that is there; the CRD is left alone while it stands there, so that
 * one changed by `kubectl apply` stays as it is. */
#define APPLY_ANNOTATION "agent-sandbox.local/applied"

/* Makes the CRDs that are missing, and replaces the specs of those that an older or other build
 * made. */
int apply_crds(struct api *api, struct error *reterr);

#endif
