/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of files, and those that describe the API. request_arg() is a struct runtime. */
#ifndef ASB_RUNTIME_ROUTES_ROUTES_FILES_H
#define ASB_RUNTIME_ROUTES_ROUTES_FILES_H

#include "runtime/http/server.h"

/* POST /upload; GET and HEAD /download/{path}, /list/{path}, /exists/{path} */
extern const struct route routes_files[];
/* GET and HEAD /openapi.json, /docs */
extern const struct route routes_openapi[];

#endif
