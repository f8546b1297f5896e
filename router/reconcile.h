/* SPDX-License-Identifier: Apache-2.0 */
/* The router's reconciler: a built-in plugin for core/controller/manager. Its kind is Sandbox; it
 * updates the table from Sandboxes and their pods, and writes nothing to the API server. */
#ifndef ASB_ROUTER_RECONCILE_H
#define ASB_ROUTER_RECONCILE_H

#include <agent-sandbox/plugin.h>

/* Its state (manager_plugin.state) is the table. */
extern const struct asb_plugin router_plugin;

#endif
