/* SPDX-License-Identifier: Apache-2.0 */
/* Names of images. Pure. */
#ifndef ASB_NODE_PODMAN_REFERENCE_H
#define ASB_NODE_PODMAN_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>

/* Whether text has the form [host[:port]/]path[:tag][@algorithm:digest]. */
bool reference_ok(const char *text);
/* Whether it names a registry ("localhost" is one). */
bool reference_has_registry(const char *text);
/* The names to look for in order, the caller's, at most 2: as it is; short ones as localhost/NAME
 * and Docker Hub's. The last one is what a registry would know. */
size_t reference_candidates(const char *text, char *ret[2]);

#endif
