/* SPDX-License-Identifier: Apache-2.0 */
/* The URLs and names of kinds (https://kubernetes.io/docs/reference/using-api/api-concepts/). A
 * kind is a struct asb_kind of the ABI. */
#ifndef ASB_KUBE_KIND_H
#define ASB_KUBE_KIND_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>

#include "base/buf.h"

/* Same group and kind (versions may differ: one object is served in several). */
bool kind_same(const struct asb_kind *a, const struct asb_kind *b);
/* "group/version", or "v1"; into ret (160 bytes). */
void kind_api_version(const struct asb_kind *kind, char ret[160]);
/*
 * Appends "/apis/<group>/<version>/namespaces/<ns>/<plural>/<name>[/<subresource>]". ns "" leaves
 * the namespace out (all namespaces, or a kind without), name NULL the name, subresource NULL the
 * subresource. Parts are percent-encoded.
 */
int kind_path(struct buf *out, const struct asb_kind *kind, const char *ns, const char *name,
	      const char *subresource);
/* Appends text percent-encoded for a path segment or a query value. */
int url_append(struct buf *out, const char *text);

#endif
