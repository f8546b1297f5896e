/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acquires, renews and releases the Lease on a thread of its own, and says whether writes may be
 * sent. Called by the controller's main; its leadership check by core/client/client before
 * each write, and by the transport as it sends one.
 */
#include "config.h"

#include "core/client/leader.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/client/client-private.h"
#include "core/client/lease.h"
#include "core/observe/log.h"
#include "kube/kind.h"

#define REQUEST_US 5000000u /* half of the renew deadline, as controller-runtime has it */
/* For an attempt at the deadline, or past it after a SIGSTOP: no write is allowed then. */
#define LAST_TRY_US 1000000u
#define STOP_US 1000000u   /* an orderly end waits no longer for the lease */
#define JITTER_US 1000000u /* standbys spread over this after an expiry */
#define BODY_MAX (256u << 10)

enum lease_outcome {
	OUTCOME_HELD,   /* written with us as the holder */
	OUTCOME_OTHER,  /* somebody else's, and not expired */
	OUTCOME_FAILED, /* no response, or beaten to it */
};

struct leader {
	struct leader_config config; /* its strings are not kept, but these copies */
	char *ns, *name, *identity;
	struct metric *status;
	struct sched_mutex lock;
	struct sched_cond changed;
	struct sched_thread *thread; /* NULL once joined */
	bool stopping, release;      /* lock */
	bool ended;                  /* lock */
	bool leading;                /* lock; written by the thread only */
	uint64_t renewed_us; /* lock; when the last renewal that succeeded was sent; written by the
				thread only */
	uint64_t stop_by_us; /* lock */

	/* The thread's own. */
	struct json_object *lease; /* as last seen; NULL: not there */
	char *seen;                /* its spec as text: what counts as a change */
	uint64_t expires_us;       /* by our clock: since its last change, with jitter */
	bool others;
	char complaint[256]; /* last logged failure: said once, not every 2 s */
};

bool leader_holds_lease(struct leader *leader)
{
	LOCKED(&leader->lock);
	return leader->leading &&
	       sched_now_us(leader->config.sched) - leader->renewed_us < LEASE_RENEW_DEADLINE_US;
}

static void leader_set_status(struct leader *leader, double value)
{
	const char *const labels[] = { leader->name };

	metric_record(leader->status, value, labels);
}

static void leader_complain(struct leader *leader, int32_t code, const char *message)
{
	char text[sizeof(leader->complaint)];

	snprintf(text, sizeof(text), "%.200s (%d)", message, code);
	if (strcmp(text, leader->complaint) != 0) {
		memcpy(leader->complaint, text, sizeof(text));
		log_warning("lease '%s/%s': %s, going on", leader->ns, leader->name, text);
	}
}

/* ---- the Lease on the server ---- */

/* Stores the lease as the server has it. Its expiry counts from the time at which we see a change;
 * the times written in the lease are not used. */
static void leader_take_lease(struct leader *leader, struct json_object *take)
{
	CLEANUP_BUF struct buf spec = BUF_INIT(BODY_MAX);
	struct sched *sched = leader->config.sched;
	const char *holder = lease_holder(take);

	json_print(asb_at(take, "spec"), &spec);
	if (leader->seen == NULL || strcmp(leader->seen, buf_str(&spec)) != 0) {
		free(leader->seen);
		leader->seen = buf_take(&spec);
		leader->expires_us = sched_now_us(sched) + lease_duration_us(take) +
				     sched_random(sched) % JITTER_US;
	}
	if (*holder != '\0' && strcmp(holder, leader->identity) != 0) {
		leader->others = true;
	}
	json_object_put(leader->lease);
	leader->lease = take;
}

/* Sends a request for the lease; an object in the response becomes the one last seen. ASB_OK ... */
static int32_t leader_request(struct leader *leader, const char *method, bool named,
			      struct json_object *body, uint64_t until_us)
{
	CLEANUP_BUF struct buf path = BUF_INIT(4096), text = BUF_INIT(BODY_MAX);
	uint64_t now = sched_now_us(leader->config.sched);
	struct http_request request = { .method = method, .accept = "application/json" };
	struct http_response response;
	struct json_object *object = NULL;
	int32_t code = ASB_UNREACHABLE;

	if (now + 1000 > until_us) {
		return ASB_UNREACHABLE;
	}
	kind_path(&path, &lease_kind, leader->ns, named ? leader->name : NULL, NULL);
	if (body != NULL) {
		buf_append_str(&path, "?fieldManager=agent-sandbox-controller");
		json_print(body, &text);
		request.content_type = "application/json";
		request.body = buf_str(&text);
		request.body_length = text.length;
	}
	request.path = buf_str(&path);
	request.timeout_ms = (uint32_t)((until_us - now) / 1000);
	client_request(leader->config.client, PRIORITY_LEASE, &request, &response);
	if (response.result == 0) {
		code = client_code(response.status, buf_str(&response.body), response.body.length);
	}
	if (code == ASB_OK) {
		object = json_parse(buf_str(&response.body), response.body.length, NULL);
		code = asb_str(object, "metadata", "resourceVersion") != NULL ? ASB_OK
									      : ASB_UNREACHABLE;
	}
	if (code == ASB_OK) {
		leader_take_lease(leader, TAKE(object));
	} else if (code != ASB_NOT_FOUND && code != ASB_CONFLICT && code != ASB_ALREADY_EXISTS) {
		char message[200];

		response_message(&response, message, sizeof(message));
		leader_complain(leader, code, message);
	}
	json_object_put(object);
	http_response_finish(&response);
	return code;
}

static int32_t leader_fetch(struct leader *leader, uint64_t until_us)
{
	int32_t code = leader_request(leader, "GET", true, NULL, until_us);

	if (code == ASB_NOT_FOUND) {
		json_object_put(leader->lease);
		leader->lease = NULL;
	}
	return code;
}

/* Writes the lease with this process as its holder, if it still has the version last seen. */
static enum lease_outcome leader_hold(struct leader *leader, uint64_t until_us)
{
	struct sched *sched = leader->config.sched;
	CLEANUP_JSON struct json_object *fresh =
		leader->lease == NULL ? lease_new(leader->ns, leader->name) : NULL;
	CLEANUP_JSON struct json_object *body =
		lease_held(fresh != NULL ? fresh : leader->lease, leader->identity,
			   LEASE_DURATION_US, sched_wall_us(sched));
	uint64_t sent_us = sched_now_us(sched);
	/* Whoever held it before may have written what our stores do not show yet. */
	bool taken = fresh == NULL && strcmp(lease_holder(leader->lease), leader->identity) != 0;

	leader->others = leader->others || taken;
	if (leader_request(leader, fresh != NULL ? "POST" : "PUT", fresh == NULL, body, until_us) !=
	    ASB_OK) {
		return OUTCOME_FAILED;
	}
	leader->complaint[0] = '\0';
	LOCKED(&leader->lock);
	leader->renewed_us = sent_us;
	leader->leading = true;
	return OUTCOME_HELD;
}

/* Reads the lease, and takes it if it is ours, has no holder or has expired. */
static enum lease_outcome leader_look(struct leader *leader, uint64_t until_us)
{
	bool expired, ours = leader->leading;
	int32_t code = leader_fetch(leader, until_us);

	expired = sched_now_us(leader->config.sched) >= leader->expires_us;
	if (code == ASB_NOT_FOUND) {
		/* A lease that was deleted under its holder says nothing about that one's end: its
		 * time runs out as if it were there. */
		return ours || expired ? leader_hold(leader, until_us) : OUTCOME_OTHER;
	}
	if (code != ASB_OK) {
		return OUTCOME_FAILED;
	}

	const char *holder = lease_holder(leader->lease);

	if (*holder == '\0' || strcmp(holder, leader->identity) == 0 || expired) {
		return leader_hold(leader, until_us);
	}
	return OUTCOME_OTHER;
}

/* ---- the thread ---- */

/* Waits until that time. False when leader_stop was called. */
static bool leader_wait_until(struct leader *leader, uint64_t when_us)
{
	LOCKED(&leader->lock);
	while (!leader->stopping && sched_now_us(leader->config.sched) < when_us) {
		sched_cond_wait(&leader->changed, &leader->lock, when_us);
	}
	return !leader->stopping;
}

static uint64_t leader_earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Tries until this process holds the lease (true) or is stopped. */
static bool leader_acquire(struct leader *leader)
{
	uint64_t next = 0, now;

	while (leader_wait_until(leader, next)) {
		now = sched_now_us(leader->config.sched);
		if (leader_look(leader, now + REQUEST_US) == OUTCOME_HELD) {
			return true;
		}
		now = sched_now_us(leader->config.sched);
		next = now + LEASE_RETRY_US;
		if (leader->expires_us > now) {
			next = leader_earlier(next, leader->expires_us);
		}
	}
	return false;
}

/* One attempt to renew: usually one PUT over the version that our last PUT made. */
static enum lease_outcome leader_renew(struct leader *leader)
{
	uint64_t now = sched_now_us(leader->config.sched),
		 deadline = leader->renewed_us + LEASE_RENEW_DEADLINE_US;
	uint64_t until = leader_earlier(
		now + REQUEST_US, deadline > now + LAST_TRY_US ? deadline : now + LAST_TRY_US);

	if (leader->lease != NULL && strcmp(lease_holder(leader->lease), leader->identity) == 0 &&
	    leader_hold(leader, until) == OUTCOME_HELD) {
		return OUTCOME_HELD;
	}
	return leader_look(leader, until);
}

/* Renews until leader_stop (true) or until the lease is lost. The lease is lost when the last
 * renewal is too old, but that is decided only after an attempt: a process that was stopped for
 * long and finds its lease unchanged still has it. */
static bool leader_keep(struct leader *leader)
{
	uint64_t next = leader->renewed_us + LEASE_RETRY_US;

	while (leader_wait_until(leader, next)) {
		uint64_t start = sched_now_us(leader->config.sched), now, deadline;
		enum lease_outcome outcome = leader_renew(leader);

		if (outcome == OUTCOME_HELD) {
			next = start + LEASE_RETRY_US;
			continue;
		}
		if (outcome == OUTCOME_OTHER) {
			log_error("lease '%s/%s' is lost to '%s'", leader->ns, leader->name,
				  lease_holder(leader->lease));
			return false;
		}
		now = sched_now_us(leader->config.sched);
		deadline = leader->renewed_us + LEASE_RENEW_DEADLINE_US;
		if (now >= deadline) {
			log_error("lease '%s/%s' is lost: not renewed in time", leader->ns,
				  leader->name);
			return false;
		}
		next = leader_earlier(now > start + LEASE_RETRY_US ? now : start + LEASE_RETRY_US,
				      deadline);
	}
	return true;
}

static void leader_stop_leading(struct leader *leader)
{
	{
		LOCKED(&leader->lock);
		leader->leading = false;
	}
	leader_set_status(leader, 0);
}

/* Releases the lease if it is still ours, within the time that leader_stop waits. */
static void leader_give_up(struct leader *leader)
{
	uint64_t until;
	int32_t code = ASB_CONFLICT;

	{
		LOCKED(&leader->lock);
		until = leader->stop_by_us;
		if (!leader->release) {
			return;
		}
	}
	for (size_t tries = 0; tries < 3 && code == ASB_CONFLICT && leader->lease != NULL;
	     tries++) {
		if (tries > 0 && leader_fetch(leader, until) != ASB_OK) {
			return;
		}
		if (strcmp(lease_holder(leader->lease), leader->identity) != 0) {
			return;
		}

		CLEANUP_JSON struct json_object *body =
			lease_held(leader->lease, "", 1000000, sched_wall_us(leader->config.sched));

		code = leader_request(leader, "PUT", true, body, until);
	}
}

static void leader_run(void *arg)
{
	struct leader *leader = arg;

	if (leader_acquire(leader)) {
		log_info("lease '%s/%s' is held by '%s'", leader->ns, leader->name,
			 leader->identity);
		leader_set_status(leader, 1);
		leader->config.on_started(leader->config.arg, leader->others);

		bool stopped = leader_keep(leader);

		leader_stop_leading(leader);
		if (stopped) {
			leader_give_up(leader);
		} else {
			leader->config.on_lost(leader->config.arg);
		}
	}
	LOCKED(&leader->lock);
	leader->ended = true;
	sched_cond_broadcast(&leader->changed);
}

/* ---- life ---- */

struct leader *leader_create(const struct leader_config *config)
{
	struct leader *leader = xnew(struct leader);

	leader->config = *config;
	leader->ns = xstrdup(config->ns);
	leader->name = xstrdup(config->name);
	leader->identity = xstrdup(config->identity);
	sched_mutex_init(&leader->lock, config->sched);
	sched_cond_init(&leader->changed, config->sched);
	if (config->metrics != NULL) {
		leader->status =
			metrics_family(config->metrics, "leader_election_master_status",
				       "Whether this process holds the lease of that name.",
				       METRIC_GAUGE, "name", NULL);
		leader_set_status(leader, 0);
	}
	leader->thread = sched_start(config->sched, "leader", leader_run, leader);
	return leader;
}

void leader_stop(struct leader *leader, bool release)
{
	{
		LOCKED(&leader->lock);
		if (leader->stopping) {
			return;
		}
		leader->stopping = true;
		leader->release = release;
		leader->stop_by_us = sched_now_us(leader->config.sched) + STOP_US;
		sched_cond_broadcast(&leader->changed);
		while (!leader->ended) {
			if (sched_cond_wait(&leader->changed, &leader->lock, leader->stop_by_us) <
			    0) {
				break;
			}
		}
		if (!leader->ended) {
			return; /* in a request that does not end: leader_destroy joins, after the
				   transport was stopped */
		}
	}
	sched_join(TAKE(leader->thread));
}

void leader_destroy(struct leader *leader)
{
	if (leader == NULL) {
		return;
	}
	leader_stop(leader, false);
	if (leader->thread != NULL) {
		sched_join(TAKE(leader->thread));
	}
	sched_cond_finish(&leader->changed);
	sched_mutex_finish(&leader->lock);
	json_object_put(leader->lease);
	free(leader->seen);
	free(leader->ns);
	free(leader->name);
	free(leader->identity);
	free(leader);
}
