/* SPDX-License-Identifier: Apache-2.0 */
/* A client and a scripted API server in simulated time, for the tests of core/client*.c. */
#ifndef ASB_TESTS_UNIT_CORE_CLIENT_FIXTURE_H
#define ASB_TESTS_UNIT_CORE_CLIENT_FIXTURE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/client/client.h"
#include "tests/unit/core/talk-server.h"

#define POD(uid)                                                                \
	"{\"kind\":\"Pod\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"p\"," \
	"\"ownerReferences\":[{\"uid\":\"" uid "\",\"controller\":true}]}}"
#define PLAIN_POD "{\"kind\":\"Pod\",\"metadata\":{\"name\":\"p\"}}"
#define STATUS(reason, message)                                                                  \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"" reason \
	"\",\"message\":\"" message "\"}"
#define EXISTS STATUS("AlreadyExists", "pods \\\"p\\\" already exists")
#define NOT_FOUND STATUS("NotFound", "pods \\\"p\\\" not found")
#define LOST -ECONNRESET

extern const struct asb_kind pods;

/* One request that is expected, and its response; result LOST ... instead of a status. */
struct step {
	const char *method;
	int status; /* negative: no response, the request may have arrived */
	const char *body;
	uint32_t retry_after_ms;
};

struct fixture {
	struct sched *sched;
	struct metrics *metrics;
	struct client *client;
	struct talk_server server;
	const struct step *steps;
	size_t next;
	bool surprised; /* a request that the script does not expect */
	/* The gate says no from the nth question on. */
	size_t gate_asked, gate_shuts;
};

void set_up_slots(struct fixture *f, const struct step *steps, uint32_t slots);
void set_up(struct fixture *f, const struct step *steps);
/* Checks that all steps were taken, no others, and that every slot was given back. */
void tear_down(struct fixture *f);
struct json_object *parse(const char *text);
/* Sends one write and frees its body; the response is for the caller to finish. */
void send_write(struct fixture *f, struct client_write *write, const char *body);
/* Checks what one write ends in, when the server follows the steps. */
void expect(const struct step *steps, uint32_t verb, const char *body, int32_t result,
	    int32_t http_status);

#endif
