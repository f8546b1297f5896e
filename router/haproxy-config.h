/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's configuration, made from the router's flags. */
#ifndef ASB_ROUTER_HAPROXY_CONFIG_H
#define ASB_ROUTER_HAPROXY_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "router/options.h"

/* Files in the run directory; haproxy.cfg.in has these names too. */
#define CONFIG_FILE "haproxy.cfg"
#define MAP_FILE "sandboxes.map"
#define LUA_FILE "wait.lua"
#define TOKENS_FILE "tokens.sha256"
#define COMMAND_SOCKET "haproxy.sock"
#define LOG_SOCKET "log.sock"
#define LOCK_FILE "lock"

/* Appends the text of the configuration file: haproxy.cfg.in, filled in. */
int config_text(const struct options *options, struct buf *out, struct error *reterr);
/* Creates the run directory (0700) if it does not exist and locks it: two routers in one directory
 * would use each other's files. Returns a descriptor that holds the lock until it is closed, or a
 * negative code. */
int config_lock(const struct options *options, struct error *reterr);
/* Writes the configuration and the Lua file into the run directory. */
int config_write(const struct options *options, struct error *reterr);

#endif
