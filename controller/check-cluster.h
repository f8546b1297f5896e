/* SPDX-License-Identifier: Apache-2.0 */
/* --check-cluster: what this controller finds in a cluster, and what it would do. */
#ifndef ASB_CONTROLLER_CHECK_CLUSTER_H
#define ASB_CONTROLLER_CHECK_CLUSTER_H

#include <stdio.h>

#include "controller/options.h"

#define CHECK_CLUSTER_PARTIAL 1 /* not all could be asked */
#define CHECK_CLUSTER_HARMS 3   /* the controller would not start there */

/* Prints to out, and writes nothing to the cluster. Returns the status to exit with: 0 when the
 * controller may start. */
int check_cluster_run(const struct options *options, FILE *out);

#endif
