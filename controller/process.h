/* SPDX-License-Identifier: Apache-2.0 */
/* The controller as a process: a manager with a real transport, its own endpoints, and signals. */
#ifndef ASB_CONTROLLER_PROCESS_H
#define ASB_CONTROLLER_PROCESS_H

#include "controller/options.h"
#include "controller/plugin-set.h"

/* Runs until SIGTERM or SIGINT: 0; or until the lease is lost or something cannot start: a negative
 * errno, after the reason is logged. */
int process_run(struct options *options, const struct plugin_set *plugins);

#endif
