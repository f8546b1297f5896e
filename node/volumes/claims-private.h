/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of claims share: names in their directories, and who a directory is of. */
#ifndef ASB_NODE_VOLUMES_CLAIMS_PRIVATE_H
#define ASB_NODE_VOLUMES_CLAIMS_PRIVATE_H

#include <json-c/json.h>
#include <stdint.h>

#include "base/file.h"

#define CLAIMS_OLD "_old"   /* in claims: directories of earlier releases */
#define CLAIM_DATA "data"   /* what pods see */
#define CLAIM_OWNER "owner" /* "namespace/name", and a number of milliseconds */
#define CLAIM_PINS "claims" /* in a pod's directory: the claims that it uses */
#define CLAIM_UID_MAX 254   /* with its NUL; a name of a file */
#define CLAIM_OWNER_MAX 1024

struct claim_owner {
	char *ns, *name;
	int64_t since_ms; /* when an earlier release's directory was set aside; 0: not one of those */
};

int claim_owner_read(int directory, struct claim_owner *ret);
int claim_owner_write(int directory, const char *ns, const char *name, int64_t since_ms);
void claim_owner_finish(struct claim_owner *owner);
/* Gives a claim the directory that an earlier release made under its name. -ENOENT: there is none,
 * or the claim was made since. */
int claim_take_over(int claims, struct json_object *claim);

#endif
