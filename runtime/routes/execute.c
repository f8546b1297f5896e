/* SPDX-License-Identifier: Apache-2.0 */
/* POST /execute: runs a command and responds with everything it wrote. The server's thread calls
 * it, and the supervisor's thread passes what the command writes. */
#include "config.h"

#include <string.h>

#include "base/memory.h"
#include "runtime/exec/output.h"
#include "runtime/exec/supervise.h"
#include "runtime/http/request.h"
#include "runtime/http/server.h"
#include "runtime/routes/execute-request.h"
#include "runtime/runtime.h"

#define SMALL_MAX (64u << 10) /* a response up to this size is sent with its length */
#define TEXT_MAX (512u << 10)
#define STREAM_BLOCK 65536u

/* The part of the response that is sent next. */
enum part { PART_OUT, PART_BETWEEN, PART_ERR, PART_AFTER, PART_END };

struct run {
	struct server_task task;
	struct request *request; /* NULL: the client has gone */
	struct server *server;
	struct execution *execution;
	uint64_t timeout_s;
	struct output outputs[EXECUTION_STREAMS];
	const struct execution_result *result; /* NULL until the command is done */
	struct buf text;                       /* text to send before the next part */
	size_t sent;                           /* of it */
	enum part part;
};

/* ---- the response ---- */

static void execute_append_end(struct run *run)
{
	const struct execution_result *result = run->result;

	buf_printf(&run->text, "\",\"exit_code\":%d",
		   result->timed_out ? EXIT_TIMED_OUT : result->exit_code);
	if (run->outputs[EXECUTION_OUT].truncated || run->outputs[EXECUTION_ERR].truncated) {
		buf_append_str(&run->text, ",\"truncated\":true");
	}
	if (result->timed_out) {
		buf_append_str(&run->text, ",\"timed_out\":true");
	} else if (result->signal != 0) {
		buf_printf(&run->text, ",\"signal\":%d", result->signal);
	}
	buf_append_char(&run->text, '}');
}

/* Replaces what the command wrote to stderr by the error text. */
static void execute_set_problem(struct run *run)
{
	CLEANUP_BUF struct buf words = BUF_INIT(TEXT_MAX);
	struct output *err = &run->outputs[EXECUTION_ERR];

	if (execute_problem(run->result, run->timeout_s, &words)) {
		struct output_budget *budget = err->budget;

		output_finish(err);
		output_init(err, words.length, budget);
		output_add(err, buf_str(&words), words.length);
	}
}

/* Reads the next bytes of the response; 0 at its end. size is STREAM_BLOCK or what is left of
 * it. */
static size_t execute_read_part(struct run *run, char *data, size_t size)
{
	size_t length = run->text.length - run->sent;

	if (length > 0) {
		length = length < size ? length : size;
		memcpy(data, run->text.data + run->sent, length);
		run->sent += length;
		return length;
	}
	buf_clear(&run->text);
	run->sent = 0;
	switch (run->part) {
	case PART_OUT:
	case PART_ERR:
		length = output_read_json(
			&run->outputs[run->part == PART_OUT ? EXECUTION_OUT : EXECUTION_ERR], data,
			size);
		run->part += length == 0 ? 1 : 0;
		break;
	case PART_BETWEEN:
		buf_append_str(&run->text, "\",\"stderr\":\"");
		run->part = PART_ERR;
		break;
	case PART_AFTER:
		execute_append_end(run);
		run->part = PART_END;
		break;
	default:
		return 0;
	}
	return length > 0 ? length : execute_read_part(run, data, size);
}

static ssize_t execute_read_response(void *arg, uint64_t position, char *data, size_t size)
{
	struct run *run = arg;
	size_t length = size > 64 ? execute_read_part(run, data, size) : 0;

	(void)position;
	return length > 0 ? (ssize_t)length : run->part == PART_END ? BODY_END : BODY_ERROR;
}

static void execute_release(void *arg)
{
	struct run *run = arg;

	execution_unref(run->execution);
}

static void execute_respond_whole(struct run *run)
{
	CLEANUP_BUF struct buf body = BUF_INIT(8 * SMALL_MAX);
	char data[4096];
	size_t length;

	while ((length = execute_read_part(run, data, sizeof(data))) > 0) {
		buf_append(&body, data, length);
	}
	request_respond_json(run->request, 200, &body);
}

static void execute_respond(struct run *run)
{
	const struct body_source source = { .read = execute_read_response,
					    .destroy = execute_release,
					    .arg = run,
					    .block = STREAM_BLOCK };

	execute_set_problem(run);
	buf_append_str(&run->text, "{\"stdout\":\"");
	if (run->outputs[EXECUTION_OUT].length + run->outputs[EXECUTION_ERR].length <= SMALL_MAX) {
		execute_respond_whole(run);
		return;
	}
	execution_ref(run->execution);
	request_respond_stream(run->request, 200, "application/json", BODY_LENGTH_UNKNOWN, &source);
}

/* ---- the command ---- */

static bool execute_on_output(void *arg, enum execution_stream stream, const char *data,
			      size_t length)
{
	struct run *run = arg;

	output_add(&run->outputs[stream], data, length);
	return true;
}

static void execute_on_end(void *arg, const struct execution_result *result)
{
	struct run *run = arg;

	run->result = result;
	server_post(run->server, &run->task);
}

static void execute_destroy(void *arg)
{
	struct run *run = arg;

	output_finish(&run->outputs[EXECUTION_OUT]);
	output_finish(&run->outputs[EXECUTION_ERR]);
	buf_finish(&run->text);
	free(run);
}

static const struct execution_handler handler = { .on_output = execute_on_output,
						  .on_end = execute_on_end,
						  .destroy = execute_destroy };

static void execute_on_task(struct server_task *task)
{
	struct run *run = CONTAINER_OF(task, struct run, task);

	if (run->request != NULL) {
		execute_respond(run);
	}
	execution_unref(run->execution);
}

/* The command goes on without its client, as with the Python server. */
static void execute_on_request_end(void *arg)
{
	struct run *run = arg;

	run->request = NULL;
	execution_unref(run->execution);
}

void execute_handle(struct request *request)
{
	struct runtime *runtime = request_arg(request);
	struct command command;

	if (!execute_read(request, &command)) {
		return;
	}

	struct run *run = xnew(struct run);

	run->task.fn = execute_on_task;
	run->request = request;
	run->server = request_server(request);
	run->timeout_s = command.timeout_s;
	run->text = (struct buf)BUF_INIT(TEXT_MAX);
	output_init(&run->outputs[EXECUTION_OUT], runtime->output_max, &runtime->budget);
	output_init(&run->outputs[EXECUTION_ERR], runtime->output_max, &runtime->budget);
	run->execution = execution_create(runtime->supervisor, &command, &handler, run);
	if (run->execution == NULL) {
		execute_destroy(run);
		execute_respond_busy(request);
		return;
	}
	execution_ref(run->execution); /* one for the task, one for the request */
	request_set_data(request, run, execute_on_request_end);
	execution_start(run->execution);
}
