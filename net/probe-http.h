/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request to see whether a server is well, as a kubelet's httpGet probe makes it: on a
 * connection of its own, straight to the host (no proxy), certificates unchecked. Redirects are
 * followed on the same host; one to another host is a response like any, and is not gone after. Not
 * more of a body than PROBE_BODY_MAX is read.
 */
#ifndef ASB_NET_PROBE_HTTP_H
#define ASB_NET_PROBE_HTTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

#define PROBE_BODY_MAX (10 * 1024)
#define PROBE_REDIRECTS_MAX 10

struct probe_http {
	const char *url;            /* http or https */
	const char *const *headers; /* "Name: value", ends in NULL; a Host among them counts */
	const char *user_agent;
	uint32_t timeout_ms;
	bool connect_only; /* no request: 0 as soon as there is a connection */
	int stop_fd;       /* readable: give up with -ECANCELED; -1: none */
};

/* 0 and the last response's status; -ETIMEDOUT, -ECANCELED, or -ECONNREFUSED for any other reason
 * to have none. Any thread. */
int probe_http(const struct probe_http *request, int *ret_status, struct error *reterr);

#endif
