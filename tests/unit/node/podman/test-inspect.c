/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/inspect.h: what Podman's answers mean. */
#include "config.h"

#include "node/podman/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"

static struct json_object *tree(const char *text)
{
	struct json_object *value = json_parse(text, strlen(text), NULL);

	assert_non_null(value);
	return value;
}

static void finish(struct runtime_status *status)
{
	struct runtime_list list = { .items = xnew(struct runtime_status), .count = 1 };

	list.items[0] = *status;
	runtime_list_finish(&list);
}

#define LABELS(more)                                                                           \
	"\"Labels\":{\"agent-sandbox.pod-uid\":\"u1\",\"agent-sandbox.pod-namespace\":\"ns\"," \
	"\"agent-sandbox.pod-name\":\"p\",\"agent-sandbox.handler\":\"runsc\"" more "}"

static void inspect_reads_a_line_of_the_list(void **state)
{
	CLEANUP_JSON struct json_object *entry = tree(
		"{\"Id\":\"abc\",\"State\":\"running\",\"Image\":\"localhost/x:1\",\"ImageID\":\"i\",\"Created\":\"2024-01-02T03:04:05.678901234Z\",\"StartedAt\":1704164646,\"ExitedAt\":-62135596800," LABELS(
			",\"agent-sandbox.container\":\"main\",\"agent-sandbox.attempt\":\"2\"") "}");
	struct runtime_status status;

	(void)state;
	assert_true(podman_read_entry(entry, &status));
	assert_string_equal(status.id, "abc");
	assert_string_equal(status.pod_uid, "u1");
	assert_string_equal(status.pod_ns, "ns");
	assert_string_equal(status.name, "main");
	assert_string_equal(status.handler, "runsc");
	assert_int_equal(status.attempt, 2);
	assert_int_equal(status.phase, RUNTIME_RUNNING);
	assert_int_equal(status.created_ms, 1704164645678);
	assert_int_equal(status.started_ms, 1704164646000);
	assert_int_equal(status.finished_ms, 0);
	finish(&status);
}

static void inspect_passes_over_what_is_not_of_a_pod(void **state)
{
	static const char *const others[] = { "{\"Id\":\"abc\",\"Labels\":null}", "{}", "[]", "7",
					      "{\"Id\":7," LABELS("") "}" };
	struct runtime_status status;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		CLEANUP_JSON struct json_object *entry = tree(others[i]);

		assert_false(podman_read_entry(entry, &status));
	}
}

static struct runtime_status ended(const char *inspect, bool stopped)
{
	CLEANUP_JSON struct json_object *value = tree(inspect);
	struct runtime_status status = { .phase = RUNTIME_EXITED };

	podman_read_state(value, stopped, &status);
	return status;
}

static void inspect_tells_an_end_for_want_of_memory(void **state)
{
	static const char said[] = "{\"State\":{\"ExitCode\":1,\"OOMKilled\":true}}";
	static const char limited[] =
		"{\"State\":{\"ExitCode\":137},\"HostConfig\":{\"Memory\":1000}}";
	static const char free_of_limits[] =
		"{\"State\":{\"ExitCode\":137},\"HostConfig\":{\"Memory\":0}}";
	static const char under_runsc[] =
		"{\"OCIRuntime\":\"runsc\",\"State\":{\"ExitCode\":137},\"HostConfig\":{\"Memory\":1000}}";
	struct runtime_status runsc = ended(under_runsc, false);

	(void)state;
	assert_false(runsc.oom_killed);
	free(runsc.handler);
	assert_true(ended(said, false).oom_killed);
	assert_true(ended(said, true).oom_killed);
	assert_true(ended(limited, false).oom_killed);
	assert_false(ended(limited, true).oom_killed);
	assert_false(ended(free_of_limits, false).oom_killed);
	assert_int_equal(ended(limited, false).exit_code, 137);
}

static void inspect_takes_the_zero_time_for_none(void **state)
{
	struct runtime_status status = ended(
		"{\"State\":{\"StartedAt\":\"0001-01-01T00:00:00Z\",\"FinishedAt\":\"2024-01-02T03:04:05.5Z\"}}",
		false);

	(void)state;
	assert_int_equal(status.started_ms, 0);
	assert_int_equal(status.finished_ms, 1704164645500);
}

static void inspect_finds_the_address_on_the_network(void **state)
{
	CLEANUP_JSON struct json_object *value = tree(
		"{\"NetworkSettings\":{\"Networks\":{\"a\":{\"IPAddress\":\"10.1.2.3\"},\"b\":{\"IPAddress\":\"\"}}}}");
	char ip[64] = "same";

	(void)state;
	assert_false(podman_read_ip(value, "b", ip));
	assert_false(podman_read_ip(value, "c", ip));
	assert_string_equal(ip, "same");
	assert_true(podman_read_ip(value, "a", ip));
	assert_string_equal(ip, "10.1.2.3");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inspect_reads_a_line_of_the_list),
		cmocka_unit_test(inspect_passes_over_what_is_not_of_a_pod),
		cmocka_unit_test(inspect_tells_an_end_for_want_of_memory),
		cmocka_unit_test(inspect_takes_the_zero_time_for_none),
		cmocka_unit_test(inspect_finds_the_address_on_the_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
