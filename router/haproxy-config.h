/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's configuration, made from the router's flags. */
#ifndef ASB_ROUTER_HAPROXY_CONFIG_H
#define ASB_ROUTER_HAPROXY_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "router/options.h"

/* Files in the run directory. */
#define CONFIG_FILE "haproxy.cfg"
#define MAP_FILE "sandboxes.map"
#define LUA_FILE "wait.lua"
#define TOKENS_FILE "tokens.sha256"
#define COMMAND_SOCKET "haproxy.sock"
#define LOG_SOCKET "log.sock"
#define LOCK_FILE "lock"

/* The text of the configuration file. */
int config_text(const struct options *options, struct buf *out);
/* Makes the run directory (0700) if it is not there and takes it for this process as long as the
 * descriptor that it returns is open: two routers in one directory would use each other's files. */
int config_lock(const struct options *options, struct error *reterr);
/* Writes configuration and Lua into the run directory. */
int config_write(const struct options *options, struct error *reterr);

#endif
