/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking sockets that do not block for ever. */
#ifndef ASB_BASE_SOCKET_H
#define ASB_BASE_SOCKET_H

#include <stdint.h>

/* Bounds each send and connect, and each receive. 0: not bounded. */
void socket_set_patience(int fd, uint32_t send_ms, uint32_t receive_ms);

/* A stream to a server of this machine, by the path of its socket: the descriptor, the caller's, or
 * a negative errno, -ENAMETOOLONG for a path that no socket can have. connect is bounded too, since
 * it waits for a place in the server's queue. */
int socket_connect_unix(const char *path, uint32_t send_ms, uint32_t receive_ms);

#endif
