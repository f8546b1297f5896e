/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A transport for tests of what lists, watches and writes: a script of responses, each used once by
 * the first request it matches, and streams that the test feeds while they run. In simulated time.
 */
#ifndef ASB_TESTS_UNIT_CORE_CORE_SCRIPT_H
#define ASB_TESTS_UNIT_CORE_CORE_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/sched.h"
#include "net/transport.h"

#define SCRIPT_STEPS_MAX 256
#define SCRIPT_SENT_MAX 256

struct script_step {
	char *match; /* a part of "<METHOD> <path>" */
	char *body;
	size_t length;
	int status; /* negative: no response */
	bool feed;  /* for a stream that is open, not for a request */
	bool used;
};

struct script_sent {
	uint64_t when_us;
	char *line;       /* "<METHOD> <path>" */
	char *accept;     /* or NULL */
	char *body;       /* or NULL */
	uint32_t idle_ms; /* of a stream; 0: a request */
};

struct script {
	struct transport transport;
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond changed;
	size_t piece; /* streams hand out this many bytes at a time; 0: whole bodies */
	/* Answers what no step matches; lock held. NULL: 500. */
	void (*serve)(struct script *script, const struct http_request *request,
		      struct http_response *response);
	void *arg;

	bool stopped; /* all that follows: lock */
	struct script_step steps[SCRIPT_STEPS_MAX];
	size_t step_count;
	struct script_sent sent[SCRIPT_SENT_MAX];
	size_t sent_count;
	unsigned int streams; /* open now */
};

void script_init(struct script *script, struct sched *sched);
void script_finish(struct script *script);

/*
 * The next answer to a request that matches; ' in the body stands for ". A stream with a status of
 * 200 gets the body, then what is fed to it, until an end; any other status ends it at once.
 * Negative: the connection fails so. NULL: an empty body.
 */
void script_response(struct script *script, const char *match, int status, const char *body);
/* The same with bytes as they are. */
void script_response_bytes(struct script *script, const char *match, int status, const char *bytes,
			   size_t length);
/* More bytes for an open stream that matches, or the next one. */
void script_feed(struct script *script, const char *match, const char *body);
/* The end of such a stream: 0 as it should be, or a negative error. */
void script_end(struct script *script, const char *match, int result);

/* Waits until nothing of the script is left and, if streams > 0, that many are open; false after
 * ten simulated minutes. */
bool script_settle(struct script *script, unsigned int streams);
/* Lets time pass. */
void script_pass(struct script *script, uint64_t us);
/* The n-th request or stream as "<METHOD> <path>", "" past the last. */
const char *script_line(struct script *script, size_t n);
/* How many match. */
size_t script_count(struct script *script, const char *match);

#endif
