/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What operators and the kubelet ask this process: /healthz and /readyz on the probe address,
 * /metrics on the metrics address.
 *
 * The callbacks run on the servers' threads: they must not wait for anything.
 */
#ifndef ASB_CORE_OBSERVE_ADMIN_H
#define ASB_CORE_OBSERVE_ADMIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "core/observe/metrics.h"

struct admin_config {
	struct metrics *metrics;
	const char *probe_address; /* as net/http-server.h takes them; "0": no server */
	const char *metrics_address;
	/* Whether this process is ready. Appends lines that say what is missing (kinds not synced)
	 * or merely worth knowing (plugins that wait for a CRD). NULL: always. */
	bool (*ready)(void *arg, struct buf *text);
	/* Whether it is alive. Appends lines that say what is stuck (a worker in one call for too
	 * long). NULL: always. */
	bool (*healthy)(void *arg, struct buf *text);
	void *arg;
};

struct admin;
/* Starts both servers. NULL and *reterr when an address cannot be bound. */
struct admin *admin_create(const struct admin_config *config, struct error *reterr);
void admin_destroy(struct admin *admin);
/* The ports they are bound to; 0: no server. */
uint16_t admin_probe_port(const struct admin *admin);
uint16_t admin_metrics_port(const struct admin *admin);

#endif
