/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's configuration, made from the router's flags. */
#ifndef ASB_ROUTER_HAPROXY_CONFIG_H
#define ASB_ROUTER_HAPROXY_CONFIG_H

#include "base/buf.h"
#include "base/error.h"
#include "router/options.h"

/* Files in the run folder. */
#define CONFIG_FILE "haproxy.cfg"
#define MAP_FILE "sandboxes.map"
#define LUA_FILE "wait.lua"
#define TOKENS_FILE "tokens.sha256"
#define COMMAND_SOCKET "haproxy.sock"
#define LOG_SOCKET "log.sock"

/* The text of the configuration file. */
int config_text(const struct options *options, struct buf *out);
/* Makes the run folder (0700) if it is not there and writes configuration and Lua into it. */
int config_write(const struct options *options, struct error *reterr);

#endif
