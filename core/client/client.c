/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends requests to the API server through limiter, and single reads. Called by the host for
 * plugins and by the leader, the events and the reflectors.
 */
#include "config.h"

#include "core/client/client-private.h"

#include <errno.h>
#include <stdio.h>

#include "base/memory.h"

struct client *client_create(const struct client_config *config)
{
	struct client *client = xnew(struct client);

	client->config = *config;
	client->config.slots = config->slots > 0 ? config->slots : 1;
	client->limiter = limiter_create(config->sched, client->config.slots);
	limiter_limit(client->limiter, config->rate, config->burst);
	sched_mutex_init(&client->lock, config->sched);
	sched_cond_init(&client->stopping, config->sched);
	if (config->metrics != NULL) {
		client->requests = metrics_family(
			config->metrics, "rest_client_requests_total",
			"Number of HTTP requests, partitioned by status code and method.",
			METRIC_COUNTER, "code,method", NULL);
		client->writes = metrics_family(config->metrics, "agent_sandbox_api_writes_total",
						"Writes sent to the API server, by kind and verb.",
						METRIC_COUNTER, "kind,verb", NULL);
		client->seconds =
			metrics_family(config->metrics, "agent_sandbox_api_request_seconds",
				       "Time from sending a request to its response.",
				       METRIC_HISTOGRAM, "method", NULL);
	}
	return client;
}

void client_destroy(struct client *client)
{
	if (client == NULL) {
		return;
	}
	limiter_destroy(client->limiter);
	sched_cond_finish(&client->stopping);
	sched_mutex_finish(&client->lock);
	free(client);
}

void client_stop(struct client *client)
{
	{
		LOCKED(&client->lock);
		client->stopped = true;
		sched_cond_broadcast(&client->stopping);
	}
	limiter_stop(client->limiter);
}

struct limiter *client_limiter(struct client *client)
{
	return client->limiter;
}

struct transport *client_transport(struct client *client)
{
	return client->config.transport;
}

bool client_wait_until(struct client *client, uint64_t when_us)
{
	LOCKED(&client->lock);
	while (!client->stopped && sched_now_us(client->config.sched) < when_us) {
		sched_cond_wait(&client->stopping, &client->lock, when_us);
	}
	return !client->stopped;
}

static void client_count_response(struct client *client, const struct http_request *request,
				  const struct http_response *response, double seconds)
{
	char code[16] = "<error>"; /* as Go's client has it */
	const char *const labels[] = { code, request->method };
	const char *const method[] = { request->method };

	if (response->result == 0) {
		snprintf(code, sizeof(code), "%d", response->status);
	}
	metric_record(client->requests, 1, labels);
	metric_record(client->seconds, seconds, method);
}

void client_exchange(struct client *client, const struct http_request *requests,
		     struct http_response *responses, size_t count)
{
	uint64_t start = sched_now_us(client->config.sched);

	transport_perform(client->config.transport, requests, responses, count);

	double seconds = (double)(sched_now_us(client->config.sched) - start) / 1e6;

	for (size_t i = 0; i < count; i++) {
		client_count_response(client, &requests[i], &responses[i], seconds);
	}
}

void client_request(struct client *client, enum priority priority,
		    const struct http_request *request, struct http_response *ret)
{
	struct sched *sched = client->config.sched;
	struct http_request once = *request;
	uint64_t deadline = sched_now_us(sched) + (uint64_t)request->timeout_ms * 1000, now;
	int code = limiter_enter(client->limiter, priority, 1, deadline);

	if (code < 0) {
		*ret = (struct http_response){ .result = code, .body = BUF_INIT(RESPONSE_MAX) };
		snprintf(ret->error, sizeof(ret->error), "%s",
			 code == -ECANCELED ? "not sent: this process is stopping"
					    : "not sent: too many requests in flight");
		return;
	}
	/* The wait for the slot counts. */
	now = sched_now_us(sched);
	once.timeout_ms = now + 1000 < deadline ? (uint32_t)((deadline - now) / 1000) : 1;
	client_exchange(client, &once, ret, 1);
	limiter_leave(client->limiter, priority, 1);
}

static int client_read_failed(enum outcome outcome, const struct http_response *response,
			      const char *path, struct error *reterr)
{
	char message[400];
	int32_t code = outcome == OUTCOME_REFUSED
			       ? client_code(response->status, buf_str(&response->body),
					     response->body.length)
			       : ASB_UNREACHABLE;

	if (response->result == -ECANCELED) {
		code = ASB_CANCELLED;
	}
	response_message(response, message, sizeof(message));
	return error_set(reterr, code == ASB_OK ? ASB_UNREACHABLE : code, "GET '%.80s': %s", path,
			 message);
}

int client_read(struct client *client, const struct asb_kind *kind, const char *ns,
		const char *name, enum priority priority, struct buf *ret_body,
		struct error *reterr)
{
	struct outgoing out;
	struct http_response response;
	uint64_t until = sched_now_us(client->config.sched) + CLIENT_DEADLINE_US, when = 0;
	int code = outgoing_read(&out, kind, ns, name, false, reterr);

	for (uint32_t tries = 0; code == 0; tries++) {
		bool is_status = false;
		enum outcome outcome;

		if (!client_wait_until(client, when)) {
			code = error_set(reterr, ASB_CANCELLED,
					 "not sent: this process is stopping");
			break;
		}
		client_request(client, priority, &out.request, &response);
		outcome = outcome_of_response(&response, &is_status);
		if (outcome == OUTCOME_DONE) {
			*ret_body = response.body;
			break;
		}
		if (outcome != OUTCOME_AGAIN ||
		    !retry_when(client->config.sched, tries, response.retry_after_ms, until,
				&when)) {
			code = client_read_failed(outcome, &response, buf_str(&out.path), reterr);
		}
		http_response_finish(&response);
	}
	outgoing_finish(&out);
	return code;
}
