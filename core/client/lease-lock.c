/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes one Lease. Called by core/client/leader for each of its leases. */
#include "config.h"

#include "core/client/lease-lock.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/client/client-private.h"
#include "core/client/lease.h"
#include "core/observe/log.h"
#include "kube/kind.h"

#define JITTER_US 1000000u            /* standbys spread over this after an expiry */
#define RELEASED_DURATION_US 1000000u /* as client-go releases a lease */
#define BODY_MAX (256u << 10)

void lease_lock_init(struct lease_lock *ret, struct sched *sched, struct client *client,
		     const char *ns, const char *name, const char *identity, uint64_t duration_us)
{
	*ret = (struct lease_lock){
		.sched = sched,
		.client = client,
		.ns = xstrdup(ns),
		.name = xstrdup(name),
		.identity = xstrdup(identity),
		.duration_us = duration_us,
	};
}

void lease_lock_finish(struct lease_lock *lock)
{
	json_object_put(lock->lease);
	free(lock->seen);
	free(lock->ns);
	free(lock->name);
	free(lock->identity);
}

const char *lease_lock_holder(const struct lease_lock *lock)
{
	return lock->lease != NULL ? lease_holder(lock->lease) : "";
}

static bool lease_lock_is_ours(const struct lease_lock *lock)
{
	return strcmp(lease_lock_holder(lock), lock->identity) == 0;
}

static void lease_lock_complain(struct lease_lock *lock, int32_t code, const char *message)
{
	char text[sizeof(lock->complaint)];

	snprintf(text, sizeof(text), "%.200s (%d)", message, code);
	if (strcmp(text, lock->complaint) != 0) {
		memcpy(lock->complaint, text, sizeof(text));
		log_warning("lease '%s/%s': %s, going on", lock->ns, lock->name, text);
	}
}

/* Says once for whom this process waits. */
static void lease_lock_say_whose(struct lease_lock *lock)
{
	char holder[sizeof(lock->waiting_for)];

	snprintf(holder, sizeof(holder), "%.250s", lease_lock_holder(lock));
	if (strcmp(holder, lock->waiting_for) != 0) {
		memcpy(lock->waiting_for, holder, sizeof(holder));
		log_info("lease '%s/%s' is held by '%s': waiting", lock->ns, lock->name, holder);
	}
}

/* Stores the lease as the server has it. */
static void lease_lock_take_object(struct lease_lock *lock, struct json_object *take)
{
	CLEANUP_BUF struct buf spec = BUF_INIT(BODY_MAX);
	const char *holder = lease_holder(take);

	json_print(asb_at(take, "spec"), &spec);
	if (lock->seen == NULL || strcmp(lock->seen, buf_str(&spec)) != 0) {
		free(lock->seen);
		lock->seen = buf_take(&spec);
		lock->expires_us = sched_now_us(lock->sched) + lease_duration_us(take) +
				   sched_random(lock->sched) % JITTER_US;
	}
	if (*holder != '\0' && strcmp(holder, lock->identity) != 0) {
		lock->others = true;
	}
	json_object_put(lock->lease);
	lock->lease = take;
}

/* Sends a request for the lease; an object in the response becomes the one last seen. ASB_OK ... */
static int32_t lease_lock_request(struct lease_lock *lock, const char *method, bool named,
				  struct json_object *body, uint64_t until_us)
{
	CLEANUP_BUF struct buf path = BUF_INIT(4096), text = BUF_INIT(BODY_MAX);
	uint64_t now = sched_now_us(lock->sched);
	struct http_request request = { .method = method, .accept = "application/json" };
	struct http_response response;
	struct json_object *object = NULL;
	int32_t code = ASB_UNREACHABLE;

	if (now + 1000 > until_us) {
		return ASB_UNREACHABLE;
	}
	kind_path(&path, &lease_kind, lock->ns, named ? lock->name : NULL, NULL);
	if (body != NULL) {
		buf_append_str(&path, "?fieldManager=agent-sandbox-controller");
		json_print(body, &text);
		request.content_type = "application/json";
		request.body = buf_str(&text);
		request.body_length = text.length;
	}
	request.path = buf_str(&path);
	request.timeout_ms = (uint32_t)((until_us - now) / 1000);
	client_request(lock->client, PRIORITY_LEASE, &request, &response);
	if (response.result == 0) {
		code = client_code(response.status, buf_str(&response.body), response.body.length);
	}
	if (code == ASB_OK) {
		object = json_parse(buf_str(&response.body), response.body.length, NULL);
		code = asb_str(object, "metadata", "resourceVersion") != NULL ? ASB_OK
									      : ASB_UNREACHABLE;
	}
	if (code == ASB_OK) {
		lease_lock_take_object(lock, TAKE(object));
	} else if (code != ASB_NOT_FOUND && code != ASB_CONFLICT && code != ASB_ALREADY_EXISTS) {
		char message[200];

		response_message(&response, message, sizeof(message));
		lease_lock_complain(lock, code, message);
	}
	json_object_put(object);
	http_response_finish(&response);
	return code;
}

static int32_t lease_lock_fetch(struct lease_lock *lock, uint64_t until_us)
{
	int32_t code = lease_lock_request(lock, "GET", true, NULL, until_us);

	if (code == ASB_NOT_FOUND) {
		json_object_put(lock->lease);
		lock->lease = NULL;
	}
	return code;
}

/* Writes the lease with this process as its holder, if it still has the version last seen. */
static enum lease_outcome lease_lock_hold(struct lease_lock *lock, uint64_t until_us)
{
	CLEANUP_JSON struct json_object *fresh =
		lock->lease == NULL ? lease_new(lock->ns, lock->name) : NULL;
	CLEANUP_JSON struct json_object *body =
		lease_held(fresh != NULL ? fresh : lock->lease, lock->identity, lock->duration_us,
			   sched_wall_us(lock->sched));
	uint64_t sent_us = sched_now_us(lock->sched);

	/* Whoever held it before may have written what our stores do not show yet. */
	lock->others = lock->others || (fresh == NULL && !lease_lock_is_ours(lock));
	if (lease_lock_request(lock, fresh != NULL ? "POST" : "PUT", fresh == NULL, body,
			       until_us) != ASB_OK) {
		return LEASE_FAILED;
	}
	lock->complaint[0] = '\0';
	lock->waiting_for[0] = '\0';
	lock->renewed_us = sent_us;
	lock->held = true;
	return LEASE_HELD;
}

enum lease_outcome lease_lock_acquire(struct lease_lock *lock, uint64_t until_us)
{
	int32_t code = lease_lock_fetch(lock, until_us);
	bool expired = sched_now_us(lock->sched) >= lock->expires_us;

	if (code != ASB_OK && code != ASB_NOT_FOUND) {
		return LEASE_FAILED;
	}
	/* A lease that was deleted under its holder says nothing about that one's end: its time runs
	 * out as if it were there. */
	if (code == ASB_NOT_FOUND
		    ? lock->held || expired
		    : *lease_lock_holder(lock) == '\0' || lease_lock_is_ours(lock) || expired) {
		return lease_lock_hold(lock, until_us);
	}
	lock->held = false;
	lease_lock_say_whose(lock);
	return LEASE_OTHER;
}

void lease_lock_watch(struct lease_lock *lock, uint64_t until_us)
{
	(void)lease_lock_fetch(lock, until_us);
}

enum lease_outcome lease_lock_renew(struct lease_lock *lock, uint64_t until_us)
{
	if (lease_lock_is_ours(lock) && lease_lock_hold(lock, until_us) == LEASE_HELD) {
		return LEASE_HELD;
	}
	return lease_lock_acquire(lock, until_us);
}

void lease_lock_release(struct lease_lock *lock, uint64_t until_us)
{
	int32_t code = ASB_CONFLICT;

	for (size_t tries = 0; tries < 3 && code == ASB_CONFLICT && lock->lease != NULL; tries++) {
		if (tries > 0 && lease_lock_fetch(lock, until_us) != ASB_OK) {
			return;
		}
		if (!lease_lock_is_ours(lock)) {
			return;
		}

		CLEANUP_JSON struct json_object *body = lease_held(
			lock->lease, "", RELEASED_DURATION_US, sched_wall_us(lock->sched));

		code = lease_lock_request(lock, "PUT", true, body, until_us);
	}
}
