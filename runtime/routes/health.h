/* SPDX-License-Identifier: Apache-2.0 */
/* GET /: the health check of probes; it needs no token. */
#ifndef ASB_RUNTIME_ROUTES_HEALTH_H
#define ASB_RUNTIME_ROUTES_HEALTH_H

#include "runtime/http/server.h"

extern const struct route health_routes[];

#endif
