/* SPDX-License-Identifier: Apache-2.0 */
/* GET /logs/...: parsing what is asked, and answering it. */
#ifndef ASB_NODE_SERVER_LOGS_H
#define ASB_NODE_SERVER_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "node/runtime/runtime.h"

struct logs_request {
	char uid[64], container[64];
	bool previous;
	int64_t since_s; /* 0: all */
	struct runtime_log_options options;
};

/* target: "/logs/UID/NAME?QUERY". -ENOENT: another path; -EINVAL: an option that is none. */
int logs_parse(const char *target, struct logs_request *ret, struct error *reterr);
/* Answers on a blocking socket, head included. */
void logs_serve(struct runtime *runtime, const struct logs_request *request, int fd);

#endif
