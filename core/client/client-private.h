/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the client share: requests as they go out, what a response means, when to try
 * again. */
#ifndef ASB_CORE_CLIENT_CLIENT_PRIVATE_H
#define ASB_CORE_CLIENT_CLIENT_PRIVATE_H

#include "core/client/client.h"

#define CLIENT_BODY_MAX (3u << 20) /* the API server takes no more in one request */
#define CLIENT_PATH_MAX 4096       /* names have 253 bytes at most, percent-encoding triples them */
#define CLIENT_LIMITER_WAIT_US \
	30000000u /* for a first slot: past this the server is too slow to be of use */
#define CLIENT_BACKOFF_US 100000u /* first wait after a 429 without Retry-After, doubling */
#define CLIENT_RETRY_AFTER_MAX_MS 5000u

/* ---- client.c ---- */

struct client {
	struct client_config config;
	struct limiter *limiter;
	struct metric *requests, *writes, *seconds;
	struct sched_mutex lock;
	struct sched_cond stopping;
	bool stopped; /* lock */
};

/* Waits for a time (one in the past is fine); false: the client stops. */
bool client_wait_until(struct client *client, uint64_t when_us);
/* Sends count requests together, slots being held, and counts the responses. */
void client_exchange(struct client *client, const struct http_request *requests,
		     struct http_response *responses, size_t count);

/* ---- client-request.c ---- */

/* A request with its texts; the members of request point into them, so it must not move. */
struct outgoing {
	struct buf path, body;
	struct http_request request;
};

/* The object's place, where ASB_CREATE leaves it to its body. name may be NULL there. */
const char *client_write_ns(const struct client_write *write);
const char *client_write_name(const struct client_write *write);
/* 0, or ASB_INVALID and *reterr for what the verbs do not allow. */
int outgoing_write(struct outgoing *ret, const struct client_write *write, struct error *reterr);
int outgoing_read(struct outgoing *ret, const struct asb_kind *kind, const char *ns,
		  const char *name, bool metadata_only, struct error *reterr);
void outgoing_finish(struct outgoing *outgoing);

/* ---- client-response.c ---- */

enum outcome {
	OUTCOME_DONE,     /* 2xx and a whole object */
	OUTCOME_REFUSED,  /* the server's word: client_code says what */
	OUTCOME_AGAIN,    /* asked to try again: nothing was done, or it says so */
	OUTCOME_LOST,     /* no response, or half of one: may have been done */
	OUTCOME_NOT_SENT, /* the server has not seen it */
};

/* ret_status: whether a FATE_DONE is a Status, not an object. */
enum outcome outcome_of_response(const struct http_response *response, bool *ret_status);
/* A sentence for FATE_*: the server's words, or the transport's, on one line. */
void response_message(const struct http_response *response, char *ret, size_t size);
/* Whether a response's object has the controller, by uid, that body has; neither may lack one. */
bool response_is_ours(const struct http_response *response, struct json_object *body);

/* ---- client-retry.c ---- */

/* When to try again after tries refusals (from 0): false when that is not before until_us. */
bool retry_when(struct sched *sched, uint32_t tries, uint32_t retry_after_ms, uint64_t until_us,
		uint64_t *ret_us);

#endif
