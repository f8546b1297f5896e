/* SPDX-License-Identifier: Apache-2.0 */
/* A small HTTP GET to a server of our own: is it ready, what does it say. */
#ifndef ASB_LOCAL_PEEK_H
#define ASB_LOCAL_PEEK_H

#include <stdint.h>

#include "base/buf.h"

/* The status, or a negative code; at most timeout_ms for each step. Asks 127.0.0.1:port or, where
 * that is 0, the unix socket. body, which may be NULL, gets what follows the head, up to its
 * ceiling. */
int peek(uint16_t port, const char *socket_path, const char *path, int timeout_ms,
	 struct buf *body);
/* A port of 127.0.0.1 that nobody listens on now: wanted, where that is one and not 0. */
uint16_t peek_free_port(uint16_t wanted);

#endif
