/* SPDX-License-Identifier: Apache-2.0 */
/* POST /portforward/...: a connection to a pod's port. */
#ifndef ASB_NODE_SERVER_FORWARD_H
#define ASB_NODE_SERVER_FORWARD_H

#include <stdint.h>

#include "base/error.h"
#include "node/server/exec.h"

struct forward_request {
	char uid[64];
	uint16_t port;
};

/* target: "/portforward/UID/PORT". -ENOENT: another path. */
int forward_parse(const char *target, struct forward_request *ret, struct error *reterr);
/* Answers on a blocking socket, head included; returns when both sides have ended, or one is
 * gone. */
void forward_serve(const struct server_stream *stream, const struct forward_request *request);

#endif
