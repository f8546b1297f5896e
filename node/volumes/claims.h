/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories of PersistentVolumeClaims. A claim is its UID: <root>/claims/<uid>/data holds what
 * pods write, <root>/claims/<uid>/owner says "namespace/name", and the directory ends with the
 * claim. What a pod uses is noted in the pod's own directory, <root>/pods/<pod's
 * uid>/claims/<volume>, a link whose text is the claim's UID; so no directory is removed under a
 * pod, whatever was restarted meanwhile.
 *
 * Directories of earlier releases, <root>/claims/<namespace>_<name>, are set aside in claims/_old
 * when a node starts, with the time. A claim that was there by then takes the directory of its name
 * over; one that was made later never sees it.
 */
#ifndef ASB_NODE_VOLUMES_CLAIMS_H
#define ASB_NODE_VOLUMES_CLAIMS_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "node/volumes/volumes.h"

/* Sets the directories of earlier releases aside; call it before the first pod is reconciled.
 * now_ms is the wall clock's. */
int claims_upgrade(const char *root, int64_t now_ms, struct error *reterr);

/*
 * The directory of a claim for a volume of a pod, made or taken over where there is none: a
 * descriptor, and its path in *ret_path (the caller's). pod is the pod's directory, root has no
 * links. -EAGAIN and *reterr: the claim is being deleted, or is not the one that this pod began to
 * use. *ret_old: it was an earlier release's, which is said once.
 */
int claim_open(const char *root, int pod, const char *volume, struct json_object *claim,
	       char **ret_path, bool *ret_old, struct error *reterr);

/* Claims that may be gone: the caller keeps this between checks. */
struct claims_check {
	char **gone; /* names of directories whose claim was gone at the last check; ends in NULL, or NULL */
};
void claims_check_finish(struct claims_check *check);
/*
 * One check of all directories: those whose claims the API server does not have, at two checks in a
 * row, and that no pod uses, are removed; directories of earlier releases go to the claims that
 * have their names. Nothing is removed where the API server cannot be asked. report gets a sentence
 * for the log for each that was taken over or removed, or cannot be. True: check again soon.
 */
bool claims_clear(const char *root, const struct volume_source *source, struct claims_check *check,
		  void (*report)(void *arg, const char *sentence), void *arg);

#endif
