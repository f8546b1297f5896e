/* SPDX-License-Identifier: Apache-2.0 */
/* What the requests of the kubelet server share: parts of a path, the container that it names, and
 * responses. Any thread. */
#ifndef ASB_NODE_SERVER_RESPONSE_H
#define ASB_NODE_SERVER_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "node/runtime/runtime.h"

/* The id of the newest attempt of a container, or of the one before; the caller's, NULL and *reterr
 * for none. */
char *server_find_container(struct runtime *runtime, const char *uid, const char *name,
			    bool previous, struct error *reterr);
/* The next part of a path, until '/' or the end; false when it is empty or too long. */
bool server_take_part(const char **at, char *ret, size_t size);
/* Sends a whole response of plain text. */
void server_send_text(int fd, const char *status, const char *text);
/* Sends all of it: 0, or a negative code. */
int server_send_bytes(int fd, const char *data, size_t length);

#endif
