/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a controller may start in the cluster that it finds. */
#ifndef ASB_CONTROLLER_START_CHECK_H
#define ASB_CONTROLLER_START_CHECK_H

#include "controller/options.h"
#include "core/client/client.h"
#include "core/controller/program.h"

/*
 * Looks at the cluster before the first write (controller/cluster-check.h), and waits until the API
 * server has answered. Without leader election it also waits as long as another controller renews
 * one of the leases: nothing else would keep the two apart. 0 when this controller may start;
 * -EPERM when it would do harm, the log says why; -ECANCELED when the process has to end.
 */
int start_check(const struct program *program, struct client *client,
		const struct options *options);

#endif
