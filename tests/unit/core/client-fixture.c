/* SPDX-License-Identifier: Apache-2.0 */
/* The script, and what each test does around it. Used by test-client and test-client-request. */
#include "config.h"

#include "tests/unit/core/client-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"

const struct asb_kind pods = { "", "v1", "pods", "Pod" };

static void serve(struct talk_server *server, const struct sent *sent,
		  struct http_response *response)
{
	struct fixture *f = server->arg;
	const struct step *step = &f->steps[f->next];

	if (step->method == NULL || strcmp(step->method, sent->method) != 0) {
		f->surprised = true;
		response_fails(response, -ECONNREFUSED, false);
		return;
	}
	f->next++;
	response->retry_after_ms = step->retry_after_ms;
	if (step->status == -ECONNREFUSED || step->status == -ECANCELED) {
		response_fails(response, step->status, false);
	} else if (step->status < 0) {
		response_fails(response, step->status, true);
	} else {
		respond_with(response, step->status, step->body);
	}
}

static bool gate(void *arg)
{
	struct fixture *f = arg;

	return ++f->gate_asked < f->gate_shuts;
}

void set_up_slots(struct fixture *f, const struct step *steps, uint32_t slots)
{
	*f = (struct fixture){ .sched = sched_create_simulation(1, 0),
			       .steps = steps,
			       .gate_shuts = SIZE_MAX };
	f->metrics = metrics_create(f->sched);
	talk_server_init(&f->server, f->sched, serve, f);
	f->client = client_create(&(struct client_config){
		.sched = f->sched,
		.transport = &f->server.transport,
		.metrics = f->metrics,
		.slots = slots,
		.is_leader = gate,
		.is_leader_arg = f,
	});
}

void set_up(struct fixture *f, const struct step *steps)
{
	set_up_slots(f, steps, 8);
}

void tear_down(struct fixture *f)
{
	assert_false(f->surprised);
	assert_null(f->steps[f->next].method);
	assert_int_equal(
		limiter_enter(client_limiter(f->client), PRIORITY_LEASE, 8, sched_now_us(f->sched)),
		0);
	client_destroy(f->client);
	metrics_destroy(f->metrics);
	talk_server_finish(&f->server);
	sched_destroy(f->sched);
}

struct json_object *parse(const char *text)
{
	struct json_object *value = json_parse(text, strlen(text), NULL);

	assert_non_null(value);
	return value;
}

void send_write(struct fixture *f, struct client_write *write, const char *body)
{
	write->body = body != NULL ? parse(body) : NULL;
	write->priority = PRIORITY_CLAIM;
	write->kind = write->kind != NULL ? write->kind : &pods;
	client_write_all(f->client, write, 1);
	json_object_put(write->body);
	write->body = NULL;
}

void expect(const struct step *steps, uint32_t verb, const char *body, int32_t result,
	    int32_t http_status)
{
	struct client_write write = {
		.verb = verb, .ns = "n", .name = "p", .uid = verb != ASB_CREATE ? "u" : NULL
	};
	struct fixture f;

	set_up(&f, steps);
	send_write(&f, &write, body);
	assert_int_equal(write.result, result);
	assert_int_equal(write.http_status, http_status);
	assert_true((write.message[0] == '\0') == (result == ASB_OK));
	client_write_finish(&write);
	tear_down(&f);
}
