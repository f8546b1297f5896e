/* SPDX-License-Identifier: Apache-2.0 */
/* GET /logs/...: parsing what is asked, and answering it. */
#ifndef ASB_NODE_SERVE_LOGS_H
#define ASB_NODE_SERVE_LOGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "node/runtime.h"

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
/* A whole answer of plain text. */
void serve_text(int fd, const char *status, const char *text);
/* All of it, or a negative code. */
int serve_bytes(int fd, const char *data, size_t length);

#endif
