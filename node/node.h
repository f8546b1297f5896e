/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node as a process: a manager with one built-in plugin (pods), a runtime, and the threads of
 * the registration, the garbage collector and the kubelet server.
 *
 * It stores nothing but volumes: the rest of its state is read from the API server and the runtime,
 * so it may be killed at any time. An orderly end leaves the containers running.
 */
#ifndef ASB_NODE_NODE_H
#define ASB_NODE_NODE_H

#include "node/options.h"

/* Runs until SIGTERM or SIGINT (0), or says in the log why it cannot start (-1). */
int node_run(const struct node_options *options);

#endif
