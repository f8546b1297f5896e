/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends writes together, and tries each again or reads it back until its result is known, by the
 * rules in core/client/client.h. Called by the host for the writes of plugins, and by events.c.
 */
#include "config.h"

#include "core/client/client-private.h"

#include <errno.h>
#include <stdio.h>

enum step {
	STEP_SEND,
	STEP_READ_BACK, /* a POST whose response was lost, or that found its name taken */
	STEP_DONE,
};

/* A write that is being sent. */
struct sending {
	struct client_write *write;
	struct outgoing out, back; /* the write, and the GET of what it should have made */
	enum step step;
	uint32_t tries;    /* refusals so far */
	uint64_t when_us;  /* not before this */
	uint64_t until_us; /* no try after this; 0: not sent yet */
	bool sent_again;   /* a POST that was read back and not there */
	bool maybe_done;
};

static void write_end(struct sending *sending, int32_t result, const char *message)
{
	sending->step = STEP_DONE;
	sending->write->result = result;
	snprintf(sending->write->message, sizeof(sending->write->message), "%s", message);
}

/* Ends a write that will not be sent again. If it may have taken effect, its result is not
 * ASB_CANCELLED. */
static void write_give_up(struct sending *sending, int32_t result, const char *message)
{
	write_end(sending, sending->maybe_done ? ASB_UNREACHABLE : result, message);
}

static void write_start(struct sending *sending, struct client_write *write)
{
	struct error error = { 0 };
	int code;

	*sending = (struct sending){ .write = write };
	write->result = ASB_OK;
	write->http_status = 0;
	write->response = (struct buf)BUF_INIT(RESPONSE_MAX);
	write->gone = false;
	write->message[0] = '\0';
	write->ended_us = 0;
	code = outgoing_write(&sending->out, write, &error);
	if (code == 0 && write->verb == ASB_CREATE) {
		code = outgoing_read(&sending->back, write->kind, client_write_ns(write),
				     client_write_name(write), write->metadata_only, &error);
	}
	if (code < 0) {
		write_end(sending, code, error.text);
	}
}

/* ---- responses ---- */

static void write_take_object(struct sending *sending, struct http_response *response,
			      bool is_status)
{
	struct client_write *write = sending->write;

	if (is_status) {
		write->gone = write->verb == ASB_DELETE;
	} else {
		write->response = response->body;
		response->body = (struct buf)BUF_INIT(RESPONSE_MAX);
	}
	write_end(sending, ASB_OK, "");
}

/* It is unknown whether the write took effect. For a POST the object can be read by its name to
 * find out; a dry run leaves no object. */
static void write_lost(struct sending *sending, const struct http_response *response)
{
	char message[sizeof(sending->write->message)];

	sending->maybe_done = true;
	sending->write->http_status = 0;
	if (sending->write->verb == ASB_CREATE && !sending->write->dry_run) {
		sending->step = STEP_READ_BACK;
		return;
	}
	response_message(response, message, sizeof(message));
	write_end(sending, ASB_UNREACHABLE, message);
}

static void write_refused(struct sending *sending, const struct http_response *response)
{
	struct client_write *write = sending->write;
	int32_t code =
		client_code(response->status, buf_str(&response->body), response->body.length);

	if (write->verb == ASB_CREATE && code == ASB_ALREADY_EXISTS) {
		sending->step = STEP_READ_BACK;
		return;
	}
	response_message(response, write->message, sizeof(write->message));
	write->result = code;
	sending->step = STEP_DONE;
}

static void write_again(struct client *client, struct sending *sending,
			const struct http_response *response)
{
	char message[sizeof(sending->write->message)];

	/* A 429 says that nothing was done; a 5xx says nothing. */
	sending->maybe_done = sending->maybe_done || response->status != 429;
	if (retry_when(client->config.sched, sending->tries++, response->retry_after_ms,
		       sending->until_us, &sending->when_us)) {
		return;
	}
	response_message(response, message, sizeof(message));
	write_end(sending, ASB_UNREACHABLE, message);
}

static void write_handle_write(struct client *client, struct sending *sending,
			       struct http_response *response)
{
	bool is_status = false;
	enum outcome outcome = outcome_of_response(response, &is_status);

	sending->write->http_status = response->status;
	switch (outcome) {
	case OUTCOME_DONE:
		write_take_object(sending, response, is_status);
		break;
	case OUTCOME_LOST:
		write_lost(sending, response);
		break;
	case OUTCOME_AGAIN:
		write_again(client, sending, response);
		break;
	case OUTCOME_NOT_SENT:
		write_give_up(sending,
			      response->result == -ECANCELED ? ASB_CANCELLED : ASB_UNREACHABLE,
			      response->error);
		break;
	case OUTCOME_REFUSED:
		write_refused(sending, response);
		break;
	}
}

/* The object is not there: the POST did not arrive, or the object that had the name is gone. The
 * POST is sent once more; after that the caller gets the error. */
static void write_send_again(struct client *client, struct sending *sending)
{
	sending->maybe_done = false;
	if (sending->sent_again || sched_now_us(client->config.sched) >= sending->until_us) {
		write_end(sending, ASB_UNREACHABLE,
			  "what was sent is not there, and its response was lost");
		return;
	}
	sending->sent_again = true;
	sending->step = STEP_SEND;
}

static void write_handle_read_back(struct client *client, struct sending *sending,
				   struct http_response *response)
{
	struct client_write *write = sending->write;
	bool is_status = false;
	enum outcome outcome = outcome_of_response(response, &is_status);

	if (outcome == OUTCOME_AGAIN) {
		write_again(client, sending, response);
	} else if (outcome == OUTCOME_REFUSED && response->status == 404) {
		write_send_again(client, sending);
	} else if (outcome != OUTCOME_DONE || is_status) {
		char message[400];

		response_message(response, message, sizeof(message));
		write_end(sending, ASB_UNREACHABLE, "");
		snprintf(write->message, sizeof(write->message), "reading back what was sent: %s",
			 message);
	} else if (response_is_ours(response, write->body)) {
		write->http_status = response->status;
		write_take_object(sending, response, false);
	} else {
		write->http_status = 409;
		write_end(sending, ASB_ALREADY_EXISTS, "");
		snprintf(write->message, sizeof(write->message),
			 "'%s' is there already and is not ours", client_write_name(write));
	}
}

/* ---- rounds ---- */

/* The leadership check is done here, since any wait before may have outlasted the lease, and by the
 * transport when the request goes out, since a process may be stopped in between. */
static bool write_may_send(struct client *client, struct sending *sending)
{
	const struct client_config *config = &client->config;

	if (sending->step == STEP_SEND && config->is_leader != NULL &&
	    !config->is_leader(config->is_leader_arg)) {
		write_give_up(sending, ASB_CANCELLED, "not sent: this process does not lead");
		return false;
	}
	return true;
}

static struct http_request write_request_of(const struct client *client,
					    const struct sending *sending)
{
	struct http_request request = sending->back.request;

	if (sending->step == STEP_SEND) {
		request = sending->out.request;
		request.may_send = client->config.is_leader;
		request.may_send_arg = client->config.is_leader_arg;
	}
	return request;
}

static void write_count_write(struct client *client, const struct sending *sending)
{
	const char *const labels[] = { sending->write->kind->kind,
				       client_verb_name(sending->write->verb) };

	if (sending->step == STEP_SEND) {
		metric_record(client->writes, 1, labels);
	}
}

/* Sends all writes that are due and handles the responses. The caller holds the slots. */
static void write_perform(struct client *client, enum priority priority, struct sending **due,
			  size_t count)
{
	struct http_request requests[ASB_WRITE_MAX];
	struct http_response responses[ASB_WRITE_MAX];
	struct sending *sent[ASB_WRITE_MAX];
	uint64_t until = sched_now_us(client->config.sched) + CLIENT_DEADLINE_US;
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (write_may_send(client, due[i])) {
			due[i]->until_us = due[i]->until_us > 0 ? due[i]->until_us : until;
			requests[n] = write_request_of(client, due[i]);
			sent[n++] = due[i];
		}
	}
	if (n > 0) {
		client_exchange(client, requests, responses, n);
	}
	limiter_leave(client->limiter, priority, (uint32_t)count);
	for (size_t i = 0; i < n; i++) {
		write_count_write(client, sent[i]);
		if (sent[i]->step == STEP_SEND) {
			write_handle_write(client, sent[i], &responses[i]);
		} else {
			write_handle_read_back(client, sent[i], &responses[i]);
		}
		sent[i]->write->ended_us = sched_wall_us(client->config.sched);
		http_response_finish(&responses[i]);
	}
}

static void write_enter_and_perform(struct client *client, struct sending **due, size_t count)
{
	uint64_t deadline = sched_now_us(client->config.sched) + CLIENT_LIMITER_WAIT_US;
	enum priority priority = PRIORITY_EVENT;
	int code;

	/* Together they are as urgent as the most urgent: it waits for all. */
	for (size_t i = 0; i < count; i++) {
		priority = due[i]->write->priority < priority ? due[i]->write->priority : priority;
		deadline = due[i]->until_us > 0 && due[i]->until_us < deadline ? due[i]->until_us
									       : deadline;
	}
	code = limiter_enter(client->limiter, priority, (uint32_t)count, deadline);
	if (code == 0) {
		write_perform(client, priority, due, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (code == -ECANCELED) {
			write_give_up(due[i], ASB_CANCELLED, "not sent: this process stops");
		} else {
			write_end(due[i], ASB_UNREACHABLE, "not sent: too many requests in flight");
		}
	}
}

/* Waits until a write is due and sends all that are due then. False when none is left. */
static bool write_round_of(struct client *client, struct sending *sendings, size_t count)
{
	struct sending *due[ASB_WRITE_MAX];
	uint64_t next = SCHED_FOREVER, now;
	size_t n = 0;
	bool going_on;

	for (size_t i = 0; i < count; i++) {
		if (sendings[i].step != STEP_DONE && sendings[i].when_us < next) {
			next = sendings[i].when_us;
		}
	}
	if (next == SCHED_FOREVER) {
		return false;
	}
	going_on = client_wait_until(client, next);
	now = sched_now_us(client->config.sched);
	for (size_t i = 0; i < count && n < client->config.slots; i++) {
		if (sendings[i].step == STEP_DONE) {
			continue;
		}
		if (!going_on) {
			write_give_up(&sendings[i], ASB_CANCELLED, "not sent: this process stops");
		} else if (sendings[i].when_us <= now) {
			due[n++] = &sendings[i];
		}
	}
	if (n > 0) {
		write_enter_and_perform(client, due, n);
	}
	return true;
}

void client_write_all(struct client *client, struct client_write *writes, size_t count)
{
	struct sending sendings[ASB_WRITE_MAX];

	count = count < ASB_WRITE_MAX ? count : ASB_WRITE_MAX;
	for (size_t i = 0; i < count; i++) {
		write_start(&sendings[i], &writes[i]);
	}
	while (write_round_of(client, sendings, count)) {
	}
	for (size_t i = 0; i < count; i++) {
		outgoing_finish(&sendings[i].out);
		outgoing_finish(&sendings[i].back);
	}
}

void client_write_finish(struct client_write *write)
{
	buf_finish(&write->response);
}
