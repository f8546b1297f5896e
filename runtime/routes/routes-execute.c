/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the routes that run commands. The server reads it. */
#include "config.h"

#include "runtime/routes/routes-execute.h"

#include "runtime/routes/execute-request.h"

#define BODY_MAX (8u << 20)

const struct route routes_execute[] = {
	{ .method = "POST", .path = "/execute", .body_max = BODY_MAX, .handle = execute_handle },
	{ .method = "POST",
	  .path = "/execute/stream",
	  .body_max = BODY_MAX,
	  .handle = stream_handle },
	{ 0 },
};
