/* SPDX-License-Identifier: Apache-2.0 */
/* The plugins of one process: which files, in which order, and that no two of them collide. */
#ifndef ASB_CONTROLLER_PLUGIN_SET_H
#define ASB_CONTROLLER_PLUGIN_SET_H

#include "controller/options.h"
#include "core/controller/manager.h"
#include "core/controller/plugin.h"

struct plugin_set {
	struct plugin items[MANAGER_PLUGINS_MAX];
	size_t count;
};

/*
 * Loads sandbox.so and, with --extensions, template.so, claim.so and warmpool.so from --plugin-dir;
 * then whatever else lies there as *.so and does not begin with "lib"; then each --plugin. Not one
 * file more is opened.
 */
int plugin_set_load(struct plugin_set *set, const struct options *options, struct error *reterr);
void plugin_set_finish(struct plugin_set *set);

#endif
