/* SPDX-License-Identifier: Apache-2.0 */
/* A probe as it is read once from a container, independent of its JSON; and one try of it. */
#ifndef ASB_NODE_PROBES_SPEC_H
#define ASB_NODE_PROBES_SPEC_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "node/runtime/runtime.h"

enum probe_handler {
	PROBE_NONE,
	PROBE_HTTP,
	PROBE_TCP,
	PROBE_EXEC,
	PROBE_MISSING, /* grpc and what comes after it: fails, and says why */
};

struct probe_spec {
	enum probe_handler handler;
	char *url;      /* http; tcp: of a host that is a name */
	char *host;     /* tcp */
	uint16_t port;  /* tcp */
	char **strings; /* http: headers; exec: the command */
	char *why;      /* missing */
	uint64_t delay_us, period_us;
	uint32_t timeout_ms;
	uint32_t successes, failures; /* thresholds */
};

/* probe NULL, or none: PROBE_NONE. Ports by name are looked up in the container. */
void probe_spec_init(struct probe_spec *spec, struct json_object *container,
		     struct json_object *probe, const char *ip);
void probe_spec_finish(struct probe_spec *spec);

enum probe_result {
	PROBE_SUCCESS,
	PROBE_FAILURE,
	PROBE_UNKNOWN, /* it could not be tried: as if it had not been due */
};

/* Tries once; a failure's words are in *ret_why. stop_fd readable: gives up soon (unknown). */
enum probe_result probe_try(const struct probe_spec *spec, struct runtime *runtime, const char *id,
			    int stop_fd, struct error *ret_why);

#endif
