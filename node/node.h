/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node as a process: a manager with one built-in plugin (pods), a runtime, and the threads that
 * keep the Node object, find strangers and serve logs.
 *
 * It writes nothing down but volumes: what it does is found again in the API server and in the
 * runtime, so it may be killed at any time. Ended in an orderly way, it leaves its containers as
 * they are.
 */
#ifndef ASB_NODE_NODE_H
#define ASB_NODE_NODE_H

#include "node/options.h"

/* Runs until SIGTERM or SIGINT (0), or says in the log why it cannot start (-1). */
int node_run(const struct node_options *options);

#endif
