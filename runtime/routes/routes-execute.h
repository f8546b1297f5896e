/* SPDX-License-Identifier: Apache-2.0 */
/* The routes that run commands. request_arg() is a struct runtime. */
#ifndef ASB_RUNTIME_ROUTES_ROUTES_EXECUTE_H
#define ASB_RUNTIME_ROUTES_ROUTES_EXECUTE_H

#include "runtime/http/server.h"

/* POST /execute, POST /execute/stream */
extern const struct route routes_execute[];

#endif
