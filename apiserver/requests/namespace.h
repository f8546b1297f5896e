/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces: those made at start, what each holds from its beginning, and their end. Requests call
 * it; existence for creates is checked by the writes themselves. */
#ifndef ASB_APISERVER_REQUESTS_NAMESPACE_H
#define ASB_APISERVER_REQUESTS_NAMESPACE_H

#include <stdbool.h>

#include "apiserver/objects/objects.h"
#include "base/error.h"

/* The four of every cluster, and what each holds. Idempotent. 0 or an HTTP status. */
int namespace_bootstrap(struct objects *objects, const char *ca, struct error *reterr);
/* What a namespace holds from its beginning: the ServiceAccount default, the ConfigMap
 * kube-root-ca.crt. ca NULL: that of the namespace default. A failure is tolerated: the next tick
 * makes it. */
void namespace_fill(struct objects *objects, const char *ns, const char *ca);
/* Whether a namespace may be deleted: 0, or 403. */
int namespace_check_delete(const char *name, struct error *reterr);
/* One step of the end of those that end: deletes what is in them, then them. Whether there is more
 * to do at once. */
bool namespace_tick(struct objects *objects);

#endif
