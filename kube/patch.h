/* SPDX-License-Identifier: Apache-2.0 */
/* Applying patches to trees: what the API server does with those we send. */
#ifndef ASB_KUBE_PATCH_H
#define ASB_KUBE_PATCH_H

#include <json-c/json.h>

#include "base/error.h"

#define PATCH_OPERATIONS_MAX 10000      /* as kube-apiserver */
#define PATCH_COPY_BYTES_MAX (3u << 20) /* all that copy operations may add; the same */

/* RFC 6902 on a copy of target, all or nothing; *ret is the caller's. -EINVAL: the patch is none;
 * -EPROTO: a test failed or a path is missing (a 422 of the server); -E2BIG: it copies more than it
 * may, or moves large values and long lists too often, counted while it is done (a 413). test with
 * value null passes on a missing member, as in kube-apiserver. */
int patch_json(struct json_object *target, struct json_object *patch, struct json_object **ret,
	       struct error *reterr);
/* RFC 7386; the result is the caller's. */
struct json_object *patch_merge(struct json_object *target, struct json_object *patch);

#endif
