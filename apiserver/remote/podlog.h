/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The logs of a pod, read from the node's unix socket: GET /logs/UID/CONTAINER?follow=...&tailLines=...
 * HTTP/1.0 spoken plainly: the response ends with the connection.
 */
#ifndef ASB_APISERVER_REMOTE_PODLOG_H
#define ASB_APISERVER_REMOTE_PODLOG_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/sched.h"

struct podlog;

/* A connection to the node's socket within 5 s, the caller's; or a negative code and *reterr. */
int node_socket_connect(const char *path, struct error *reterr);
/* Asks; waits for the head of the response (5 s). 0: *ret_status is what the node said. A negative
 * code and *reterr: nobody answers there. path: with the query. */
int podlog_open(struct sched *sched, const char *socket_path, const char *path, int *ret_status,
		struct podlog **ret, struct error *reterr);
/* Bytes; 0 when there are none within that time; -1 at the end. */
ssize_t podlog_read(struct podlog *podlog, char *data, size_t size, int timeout_ms);
int podlog_fd(const struct podlog *podlog);
void podlog_close(struct podlog *podlog);

#endif
