/* SPDX-License-Identifier: Apache-2.0 */
/* What runAsNonRoot means for a user's name. Pure. */
#ifndef ASB_NODE_PODMAN_USER_H
#define ASB_NODE_PODMAN_USER_H

#include <stdbool.h>

#include "base/error.h"

/* Whether a container that must not run as root may run as this user: "UID", "UID:GID" or
 * "UID:group" with a decimal UID from 1 to 2^31-1 and nothing else. 0, or -EPERM in a kubelet's
 * words. of_image: it is the image's USER ("" where it has none), not the pod's runAsUser. */
int user_check_non_root(const char *user, bool of_image, struct error *reterr);

#endif
