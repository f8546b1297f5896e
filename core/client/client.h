/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests to the API server that mean something: reads and the write verbs of the ABI, with the
 * rules that keep retries harmless. One client a process; any thread.
 *
 *  - Every request goes through its priority; no write is sent while is_leader says no (the
 * lease is too old).
 *  - 429, and 5xx with Retry-After, are tried again within the deadline; nothing else is.
 *  - A POST whose response is lost is read back by its name, never repeated blindly: there and
 * controlled by the same uid as the body's is success; not there is sent once more.
 *  - A 409 AlreadyExists is read back the same way (libcurl itself may replay a POST on a dead
 * connection).
 */
#ifndef ASB_CORE_CLIENT_CLIENT_H
#define ASB_CORE_CLIENT_CLIENT_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/sched.h"
#include "core/client/limiter.h"
#include "core/observe/metrics.h"
#include "net/transport.h"

/* a mutating request: shorter than lease minus renew deadline, so none lands after a successor
 * leads */
#define CLIENT_DEADLINE_US 5000000u

struct client_config {
	struct sched *sched;
	struct transport *transport; /* borrowed */
	struct metrics *metrics;     /* or NULL */
	uint32_t slots;              /* requests in flight */
	double rate, burst;          /* requests a second, and at once above that; 0: no limit */
	/* The leadership check. It is called after all waits for a write, and again by the
	 * transport when the write goes out, on any thread: it must not wait for a request itself.
	 * When it returns false the write ends with ASB_CANCELLED. NULL: all writes are sent. */
	bool (*is_leader)(void *arg);
	void *is_leader_arg;
};

struct client;
struct client *client_create(const struct client_config *config);
void client_destroy(struct client *client);
/* Ends all waits for a slot; these and later requests end with ASB_CANCELLED. */
void client_stop(struct client *client);
struct limiter *client_limiter(struct client *client);
struct transport *client_transport(struct client *client);

/* A write, as asb_write with its kind resolved. */
struct client_write {
	uint32_t verb; /* ASB_CREATE ... */
	const struct asb_kind *kind;
	enum priority priority;
	bool dry_run;
	bool foreground; /* ASB_DELETE: what it owns goes first */
	/* ask for PartialObjectMetadata: only for kinds whose spec and status nobody reads */
	bool metadata_only;
	const char *ns, *name;
	const char *uid, *resource_version;
	struct json_object *body; /* borrowed; printed once */

	int32_t result; /* ASB_OK ... */
	int32_t http_status;
	/* the object's bytes when result is ASB_OK and there is one; freed by client_write_finish
	 */
	struct buf response;
	/* ASB_DELETE: the response says the object is gone (a Status), not marked */
	bool gone;
	char message[512];
	int64_t ended_us; /* wall clock, when that was known */
};

/* Sends count writes together and fills their results. count <= ASB_WRITE_MAX. */
void client_write_all(struct client *client, struct client_write *writes, size_t count);
void client_write_finish(struct client_write *write);

/* GET of one object; its bytes go to ret_body. ASB_OK or an error with *reterr. */
int client_read(struct client *client, const struct asb_kind *kind, const char *ns,
		const char *name, enum priority priority, struct buf *ret_body,
		struct error *reterr);
/* Any request, for the lease and for discovery: goes through the priority and the metrics; without
 * the leadership check and without retries. */
void client_request(struct client *client, enum priority priority,
		    const struct http_request *request, struct http_response *ret);

/* "create", "patch", "status" (for both verbs of it), "delete": the verb label of agent_sandbox_api_writes_total. */
const char *client_verb_name(uint32_t verb);
/* An HTTP status and the Status object's reason to ASB_*. */
int32_t client_code(int http_status, const char *body, size_t length);

#endif
