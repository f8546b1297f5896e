/* SPDX-License-Identifier: Apache-2.0 */
/* Health probes of this project's servers on this machine, and free ports for them. */
#ifndef ASB_LOCAL_PROBE_H
#define ASB_LOCAL_PROBE_H

#include <stdint.h>

#include "base/buf.h"

/* Sends GET path to 127.0.0.1:port or, when port is 0, to the unix socket. Each step may take
 * timeout_ms. Returns the HTTP status or a negative code. The body is appended to `body`, unless
 * that is NULL. */
int probe_get(uint16_t port, const char *socket_path, const char *path, int timeout_ms,
	      struct buf *body);
/* A port of 127.0.0.1 on which nobody listens now: `wanted` if it is free and not 0. 0: there is
 * none. */
uint16_t probe_free_port(uint16_t wanted);

#endif
