/* SPDX-License-Identifier: Apache-2.0 */
/* What POST /execute and POST /execute/stream share: the body of the request, and the texts for a
 * command that was not started or not ended. Called by execute.c and stream.c. */
#include "config.h"

#include "runtime/routes/execute-request.h"

#include <string.h>

#include "base/memory.h"
#include "runtime/exec/supervise.h"
#include "runtime/http/request.h"
#include "runtime/runtime.h"

enum execute_field { FIELD_COMMAND, FIELD_TIMEOUT, FIELD_CWD, FIELD_ENV, FIELD_STDIN, FIELDS };

static const struct json_field_rule execute_rules[FIELDS] = {
	[FIELD_COMMAND] = { "command", JSON_FIELD_TEXT, true },
	[FIELD_TIMEOUT] = { "timeout", JSON_FIELD_POSITIVE, false },
	[FIELD_CWD] = { "cwd", JSON_FIELD_TEXT, false },
	[FIELD_ENV] = { "env", JSON_FIELD_ENV, false },
	[FIELD_STDIN] = { "stdin", JSON_FIELD_TEXT, false },
};

static bool execute_has_nul(const struct json_value *value)
{
	return value->present && memchr(value->text, '\0', value->length) != NULL;
}

bool execute_read(struct request *request, struct command *ret)
{
	const struct runtime *runtime = request_arg(request);
	struct json_value values[FIELDS];
	bool fits = json_body_read(request, execute_rules, FIELDS, values);
	bool nul_in_cwd = fits && execute_has_nul(&values[FIELD_CWD]);

	if (fits) {
		*ret = (struct command){
			.text = TAKE(values[FIELD_COMMAND].text),
			.length = values[FIELD_COMMAND].length,
			.surrogate = values[FIELD_COMMAND].surrogate ||
				     values[FIELD_CWD].surrogate || values[FIELD_ENV].surrogate,
			.nul_in_cwd = nul_in_cwd,
			.cwd = TAKE(values[FIELD_CWD].text),
			.input = TAKE(values[FIELD_STDIN].text),
			.input_length = values[FIELD_STDIN].length,
			.pairs = TAKE(values[FIELD_ENV].pairs),
			.pair_count = values[FIELD_ENV].pair_count,
			.timeout_s = values[FIELD_TIMEOUT].present
					     ? (uint64_t)values[FIELD_TIMEOUT].number
					     : runtime->exec_timeout_s,
		};
		values[FIELD_ENV].pair_count = 0;
	}
	json_body_finish(values, FIELDS);
	return fits;
}

void execute_respond_busy(struct request *request)
{
	request_add_header(request, "Retry-After", "1");
	request_respond_detail(request, 503, "Too many commands run at once");
}

bool execute_problem(const struct execution_result *result, uint64_t timeout_s, struct buf *out)
{
	if (result->failure != NULL) {
		buf_append_str(out, "Failed to execute command: ");
		buf_append_str(out, result->failure);
	} else if (result->timed_out) {
		buf_printf(out, "Command timed out after %llu seconds",
			   (unsigned long long)timeout_s);
	}
	return result->failure != NULL || result->timed_out;
}
