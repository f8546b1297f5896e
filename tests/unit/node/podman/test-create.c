/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/create.h: what Podman is asked for is what the pod says. */
#include "config.h"

#include "node/podman/create.h"

#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/memory.h"

static const struct runtime_mount files[] = {
	{ .source = "/state/pods/u1/etc/hosts", .target = "/etc/hosts" },
	{ .source = "/state/pods/u1/etc/env", .target = "/run/.env", .read_only = true },
};
static const struct podman_create create = { .label = "n@/state",
					     .handler = "runc",
					     .image = "localhost/x:1",
					     .files = files,
					     .file_count = 2,
					     .root = "/state/pause",
					     .network = "net",
					     .log_max = 1000 };
static const struct runtime_pod pod = {
	.ns = "default", .name = "web", .uid = "u1", .hostname = "web-host"
};

static void expect(struct json_object *value, const char *wanted)
{
	CLEANUP_BUF struct buf out = BUF_INIT(10000);

	assert_int_equal(json_print(value, &out), 0);
	assert_string_equal(buf_str(&out), wanted);
}

static struct json_object *made(const struct runtime_container *container)
{
	return podman_create_container(&create, &pod, container);
}

static void create_gives_the_pause_the_network_and_the_name(void **state)
{
	CLEANUP_JSON struct json_object *body = podman_create_pause(&create, &pod);

	(void)state;
	assert_string_equal(asb_str(body, "name"), "asb-u1");
	assert_string_equal(asb_str(body, "hostname"), "web-host");
	assert_string_equal(asb_str(body, "rootfs"), "/state/pause");
	expect(asb_at(body, "netns"), "{\"nsmode\":\"bridge\"}");
	expect(asb_at(body, "Networks"), "{\"net\":{}}");
	assert_null(asb_str(body, "labels", "agent-sandbox.container"));
	assert_string_equal(asb_str(body, "labels", "agent-sandbox.node"), "n@/state");
}

static void create_joins_the_network_of_the_pause(void **state)
{
	const struct runtime_container container = { .name = "main", .attempt = 3 };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	assert_string_equal(asb_str(body, "name"), "asb-u1-main-3");
	expect(asb_at(body, "netns"), "{\"nsmode\":\"container\",\"value\":\"asb-u1\"}");
	assert_string_equal(asb_str(body, "labels", "agent-sandbox.attempt"), "3");
	assert_string_equal(asb_str(body, "labels", "agent-sandbox.container"), "main");
	assert_string_equal(asb_str(body, "hostname"), "web-host");
}

static void create_uses_the_host_network_when_asked(void **state)
{
	const struct runtime_pod host = {
		.ns = "d", .name = "p", .uid = "u2", .hostname = "h", .host_network = true
	};
	CLEANUP_JSON struct json_object *body = podman_create_pause(&create, &host);

	(void)state;
	expect(asb_at(body, "netns"), "{\"nsmode\":\"host\"}");
	assert_null(asb_at(body, "hostname"));
	assert_null(asb_at(body, "Networks"));
}

static void create_leaves_to_the_image_what_the_pod_does_not_say(void **state)
{
	const struct runtime_container container = { .name = "main" };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	assert_null(asb_at(body, "entrypoint"));
	assert_null(asb_at(body, "command"));
	assert_null(asb_at(body, "work_dir"));
	assert_null(asb_at(body, "user"));
	assert_null(asb_at(body, "resource_limits", "memory"));
	assert_null(asb_at(body, "privileged"));
}

static void create_takes_command_for_entrypoint_and_args_for_command(void **state)
{
	const char *const command[] = { "/bin/a", "b", NULL }, *const args[] = { "c d", NULL };
	const struct runtime_container both = { .name = "m", .command = command, .args = args };
	const struct runtime_container only = { .name = "m", .args = args };
	CLEANUP_JSON struct json_object *first = made(&both);
	CLEANUP_JSON struct json_object *second = made(&only);

	(void)state;
	expect(asb_at(first, "entrypoint"), "[\"/bin/a\",\"b\"]");
	expect(asb_at(first, "command"), "[\"c d\"]");
	assert_null(asb_at(second, "entrypoint"));
	expect(asb_at(second, "command"), "[\"c d\"]");
}

static void create_keeps_everything_behind_the_first_equals(void **state)
{
	const char *const env[] = { "A=b=c", "EMPTY=", "=no", "none", "A=last", NULL };
	const struct runtime_container container = { .name = "m", .env = env };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	expect(asb_at(body, "env"), "{\"A\":\"last\",\"EMPTY\":\"\"}");
}

static void create_limits_memory_without_swap_and_time_by_quota(void **state)
{
	const struct runtime_container container = { .name = "m",
						     .memory_limit = 1u << 20,
						     .cpu_limit = 1500,
						     .cpu_request = 250,
						     .pids_limit = 7 };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	expect(asb_at(body, "resource_limits"),
	       "{\"memory\":{\"limit\":1048576,\"swap\":1048576},\"cpu\":{\"period\":100000,\"quota\":150000,\"shares\":256},\"pids\":{\"limit\":7}}");
}

static void create_never_asks_for_less_than_the_kernel_takes(void **state)
{
	const struct runtime_container container = { .name = "m", .cpu_limit = 1 };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	expect(asb_at(body, "resource_limits", "cpu"),
	       "{\"period\":100000,\"quota\":1000,\"shares\":2}");
}

static void create_mounts_the_hosts_of_the_pod_unless_there_are_others(void **state)
{
	const struct runtime_mount own = { .source = "/src", .target = "/etc/hosts" };
	const struct runtime_mount some[] = {
		{ .source = "/data", .target = "/d", .read_only = true },
		{ .target = "/t", .size = 4096 },
	};
	const struct runtime_container with = { .name = "m", .mounts = &own, .mount_count = 1 };
	const struct runtime_container without = { .name = "m", .mounts = some, .mount_count = 2 };
	CLEANUP_JSON struct json_object *first = made(&with);
	CLEANUP_JSON struct json_object *second = made(&without);

	(void)state;
	expect(asb_at(first, "mounts"),
	       "[{\"type\":\"bind\",\"source\":\"/src\",\"destination\":\"/etc/hosts\",\"options\":[\"rbind\",\"rprivate\",\"rw\"]},{\"type\":\"bind\",\"source\":\"/state/pods/u1/etc/env\","
	       "\"destination\":\"/run/.env\",\"options\":[\"rbind\",\"rprivate\",\"ro\"]}]");
	expect(asb_at(second, "mounts"),
	       "[{\"type\":\"bind\",\"source\":\"/data\",\"destination\":\"/d\",\"options\":[\"rbind\",\"rprivate\",\"ro\"]},{\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"destination\":\"/t\","
	       "\"options\":[\"rw\",\"nosuid\",\"nodev\",\"mode=1777\",\"size=4096\"]},{\"type\":\"bind\",\"source\":\"/state/pods/u1/etc/hosts\",\"destination\":\"/etc/hosts\",\"options\":[\"rbind\",\"rprivate\",\"rw\"]},"
	       "{\"type\":\"bind\",\"source\":\"/state/pods/u1/etc/env\",\"destination\":\"/run/.env\",\"options\":[\"rbind\",\"rprivate\",\"ro\"]}]");
}

static void create_writes_nothing_into_a_read_only_root(void **state)
{
	const struct runtime_container container = { .name = "m", .read_only_root = true };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	expect(asb_at(json_object_array_get_idx(asb_at(body, "mounts"), 0), "options"),
	       "[\"rbind\",\"rprivate\",\"ro\"]");
}

static void create_keeps_raw_packets_and_devices_away(void **state)
{
	static const struct {
		const char *add[3], *drop[3], *dropped;
		bool privileged;
	} cases[] = {
		{ .dropped = "[\"MKNOD\",\"NET_RAW\"]" },
		{ .add = { "NET_ADMIN" }, .dropped = "[\"MKNOD\",\"NET_RAW\"]" },
		{ .add = { "NET_RAW" }, .dropped = "[\"MKNOD\"]" },
		{ .add = { "CAP_MKNOD", "net_raw" }, .dropped = "[]" },
		{ .add = { "ALL" }, .dropped = "[]" },
		{ .drop = { "ALL" }, .dropped = "[\"ALL\"]" },
		{ .drop = { "KILL", "NET_RAW" }, .dropped = "[\"KILL\",\"NET_RAW\",\"MKNOD\"]" },
		{ .privileged = true, .dropped = "[]" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct runtime_container container = { .name = "m",
							     .cap_add = cases[i].add,
							     .cap_drop = cases[i].drop,
							     .privileged = cases[i].privileged };
		CLEANUP_JSON struct json_object *body = made(&container);

		expect(asb_at(body, "cap_drop"), cases[i].dropped);
	}
}

static void create_gives_network_settings_to_the_pause_and_the_rest_to_containers(void **state)
{
	const char *const network[] = { "net.ipv4.tcp_syncookies=0",
					"net.ipv4.ping_group_range=1 2", NULL };
	const char *const own[] = { "kernel.shm_rmid_forced=1", NULL };
	struct runtime_pod with = pod;
	const struct runtime_container container = { .name = "m",
						     .sysctls = own,
						     .seccomp = "/state/seccomp/x.json" };

	(void)state;
	with.sysctls = network;
	CLEANUP_JSON struct json_object *pause = podman_create_pause(&create, &with);
	CLEANUP_JSON struct json_object *body = made(&container);

	expect(asb_at(pause, "sysctl"),
	       "{\"net.ipv4.ping_group_range\":\"1 2\",\"net.ipv4.tcp_syncookies\":\"0\"}");
	expect(asb_at(body, "sysctl"), "{\"kernel.shm_rmid_forced\":\"1\"}");
	assert_string_equal(asb_str(body, "seccomp_profile_path"), "/state/seccomp/x.json");
}

static void create_passes_on_what_the_process_may_do(void **state)
{
	const char *const drop[] = { "ALL", NULL }, *const add[] = { "NET_BIND_SERVICE", NULL };
	const char *const groups[] = { "7", "8", NULL };
	const struct runtime_container container = { .name = "m",
						     .user = "1000:1000",
						     .groups = groups,
						     .cap_add = add,
						     .cap_drop = drop,
						     .read_only_root = true,
						     .no_new_privileges = true,
						     .tty = true,
						     .stdin_open = true };
	CLEANUP_JSON struct json_object *body = made(&container);

	(void)state;
	assert_string_equal(asb_str(body, "user"), "1000:1000");
	expect(asb_at(body, "groups"), "[\"7\",\"8\"]");
	expect(asb_at(body, "cap_drop"), "[\"ALL\"]");
	expect(asb_at(body, "cap_add"), "[\"NET_BIND_SERVICE\"]");
	assert_true(asb_true(asb_at(body, "read_only_filesystem")));
	assert_true(asb_true(asb_at(body, "no_new_privileges")));
	assert_true(asb_true(asb_at(body, "terminal")));
	assert_true(asb_true(asb_at(body, "stdin")));
	assert_null(asb_at(body, "privileged"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_gives_the_pause_the_network_and_the_name),
		cmocka_unit_test(create_joins_the_network_of_the_pause),
		cmocka_unit_test(create_uses_the_host_network_when_asked),
		cmocka_unit_test(create_leaves_to_the_image_what_the_pod_does_not_say),
		cmocka_unit_test(create_takes_command_for_entrypoint_and_args_for_command),
		cmocka_unit_test(create_keeps_everything_behind_the_first_equals),
		cmocka_unit_test(create_limits_memory_without_swap_and_time_by_quota),
		cmocka_unit_test(create_never_asks_for_less_than_the_kernel_takes),
		cmocka_unit_test(create_mounts_the_hosts_of_the_pod_unless_there_are_others),
		cmocka_unit_test(create_writes_nothing_into_a_read_only_root),
		cmocka_unit_test(create_keeps_raw_packets_and_devices_away),
		cmocka_unit_test(
			create_gives_network_settings_to_the_pause_and_the_rest_to_containers),
		cmocka_unit_test(create_passes_on_what_the_process_may_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
