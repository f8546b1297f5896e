/* SPDX-License-Identifier: Apache-2.0 */
/* A transport for tests of what talks to the API server: a function of the test answers each
 * request, in simulated time. */
#ifndef ASB_TESTS_UNIT_CORE_TALK_SERVER_H
#define ASB_TESTS_UNIT_CORE_TALK_SERVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/sched.h"
#include "net/transport.h"

#define SENT_MAX 512

/* A request as it came. */
struct sent {
	uint64_t when_us;
	char *method, *path, *accept, *content_type, *body;
	uint32_t timeout_ms;
	size_t together; /* how many came in the same call */
};

struct talk_server {
	struct transport transport;
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond waiting;
	/* Fills a response; lock held. delay_us, if set, passes before the client has it. */
	void (*serve)(struct talk_server *server, const struct sent *sent,
		      struct http_response *response);
	void *arg;
	uint64_t delay_us;
	bool stopped;
	struct sent sent[SENT_MAX]; /* lock; the first SENT_MAX */
	size_t count;               /* lock */
};

void talk_server_init(struct talk_server *server, struct sched *sched,
		      void (*serve)(struct talk_server *server, const struct sent *sent,
				    struct http_response *response),
		      void *arg);
void talk_server_finish(struct talk_server *server);
/* How many requests of a method there were. */
size_t talk_server_sent(const struct talk_server *server, const char *method);
/* A response with a body. */
void respond_with(struct http_response *response, int status, const char *body);
/* A response that is none. */
void response_fails(struct http_response *response, int result, bool maybe_sent);
/* Lets simulated time pass. */
void talk_sleep(struct talk_server *server, uint64_t us);

#endif
