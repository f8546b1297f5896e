/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/podman.h on the real Podman: pods, containers, what is found again, and that no
 * container runs under another runtime than its pod asks for. Needs root; skipped where Podman
 * cannot run. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tests/node/podman-world.h"

#define STAY "trap 'exit 5' TERM; while :; do sleep 0.1; done"

static struct podman_world *world_of(void **state)
{
	return *state;
}

static struct runtime_status *find(struct runtime_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *own = list->items[i].name;

		if (own == NULL ? name == NULL : name != NULL && strcmp(own, name) == 0) {
			return &list->items[i];
		}
	}
	fail_msg("no '%s' in the list", name != NULL ? name : "pod");
	abort(); /* not reached, which the compiler cannot know */
}

static void remove_pod(struct podman_world *world, const char *uid)
{
	struct error error = { 0 };

	assert_int_equal(world->runtime->ops->remove_pod(world->runtime, uid, &error), 0);
	assert_int_equal(world->runtime->ops->remove_pod(world->runtime, uid, &error), 0);
}

static void podman_runs_a_pod_and_tells_how_it_ended(void **state)
{
	struct podman_world *world = world_of(state);
	const struct runtime_ops *ops = world->runtime->ops;
	CLEANUP_FREE char *uid = world_uid(world);
	struct runtime_list list = { 0 };
	char ip[64], again[64], id[80], same[80];
	struct error error = { 0 };

	world_run(world, uid, NULL, "echo $GREETING; " STAY, ip, id);
	world_run(world, uid, NULL, "echo $GREETING; " STAY, again, same);
	assert_string_equal(ip, again);
	assert_string_equal(id, same);
	world_expect(world, id, "hostname; cat /etc/hosts", "pod-host");
	world_expect(world, id, "cat /etc/hosts", ip);
	world_expect(world, id, "ps", "PID");

	assert_int_equal(ops->stop_container(world->runtime, id, 10, &error), 0);
	assert_true(world_wait_changed(world, uid));
	assert_int_equal(ops->list(world->runtime, uid, &list, &error), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(find(&list, NULL)->ip, ip);
	assert_int_equal(find(&list, "main")->phase, RUNTIME_EXITED);
	assert_int_equal(find(&list, "main")->exit_code, 5);
	assert_false(find(&list, "main")->oom_killed);
	assert_true(find(&list, "main")->finished_ms >= find(&list, "main")->started_ms);
	runtime_list_finish(&list);
	assert_int_equal(ops->remove_container(world->runtime, id, &error), 0);
	assert_int_equal(ops->remove_container(world->runtime, id, &error), 0);
	remove_pod(world, uid);
}

static void podman_finds_everything_again(void **state)
{
	struct podman_world *world = world_of(state);
	CLEANUP_FREE char *uid = world_uid(world);
	struct runtime_list list = { 0 };
	char ip[64], id[80];
	struct error error = { 0 };

	world_run(world, uid, NULL, STAY, ip, id);
	world_stop(world);
	assert_int_equal(world_services(world), 0);
	world_start(world);
	assert_int_equal(world->runtime->ops->list(world->runtime, uid, &list, &error), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(find(&list, NULL)->ip, ip);
	assert_string_equal(find(&list, "main")->id, id);
	assert_int_equal(find(&list, "main")->phase, RUNTIME_RUNNING);
	assert_string_equal(find(&list, "main")->pod_ns, "default");
	runtime_list_finish(&list);
	remove_pod(world, uid);
}

/* In a process of its own, until it is killed. */
static int be_victim(const char *state, const char *uid)
{
	struct podman_world world = { .sched = sched_create() };
	char ip[64], id[80];

	snprintf(world.state, sizeof(world.state), "%s", state);
	sched_mutex_init(&world.lock, world.sched);
	sched_cond_init(&world.news, world.sched);
	world_start(&world);
	world_run(&world, uid, NULL, STAY, ip, id);
	printf("%s\n", id);
	fflush(stdout);
	(void)pause();
	return 1;
}

static void podman_loses_services_and_no_container_with_a_killed_node(void **state)
{
	struct podman_world *world = world_of(state);
	CLEANUP_FREE char *uid = world_uid(world);
	const char *const argv[] = { "victim", world->state, uid, NULL };
	struct runtime_list list = { 0 };
	struct error error = { 0 };
	char id[80] = "";
	int out;

	world_stop(world);

	pid_t pid = world_spawn(argv, &out);

	assert_true(read(out, id, sizeof(id) - 1) > 64);
	id[64] = '\0';
	assert_true(world_services(world) > 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(out);

	uint64_t deadline = sched_now_us(world->sched) + 20000000u;

	while (world_services(world) > 0) {
		assert_true(sched_now_us(world->sched) < deadline);
	}
	world_start(world);
	assert_int_equal(world->runtime->ops->list(world->runtime, uid, &list, &error), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(find(&list, "main")->id, id);
	assert_int_equal(find(&list, "main")->phase, RUNTIME_RUNNING);
	runtime_list_finish(&list);
	world_expect(world, id, "echo alive", "alive");
	remove_pod(world, uid);
}

static void podman_comes_back_when_its_service_is_killed(void **state)
{
	struct podman_world *world = world_of(state);
	struct podman *podman = podman_of(world->runtime);
	CLEANUP_FREE char *uid = world_uid(world);
	char ip[64], id[80];

	world_run(world, uid, NULL, STAY, ip, id);
	assert_int_equal(kill(podman->services[podman_main(podman)].pid, SIGKILL), 0);

	uint64_t deadline = sched_now_us(world->sched) + 20000000u;
	struct runtime_list list = { 0 };

	/* What was under way may fail; what comes after does not. */
	while (world->runtime->ops->list(world->runtime, uid, &list, NULL) < 0) {
		assert_true(sched_now_us(world->sched) < deadline);
	}
	assert_int_equal(list.count, 2);
	assert_int_equal(find(&list, "main")->phase, RUNTIME_RUNNING);
	runtime_list_finish(&list);
	remove_pod(world, uid);
}

static void podman_refuses_a_container_under_another_runtime(void **state)
{
	struct podman_world *world = world_of(state);
	struct podman *podman = podman_of(world->runtime);
	struct podman_service *services = podman->services;
	CLEANUP_FREE char *uid = world_uid(world);
	const char *const command[] = { "/bin/sh", "-c", "echo it ran", NULL };
	const struct runtime_pod pod = {
		.ns = "default", .name = "p", .uid = uid, .handler = "runsc", .hostname = "pod-host"
	};
	const struct runtime_container container = { .name = "main",
						     .image = TEST_IMAGE,
						     .command = command };
	struct runtime_list list = { 0 };
	struct error error = { 0 };
	char ip[64], id[80];

	if (world->runtime->ops->check_handler(world->runtime, "runsc", &error) < 0) {
		print_message("skipped: %s\n", error.text);
		skip();
	}
	assert_int_equal(world->runtime->ops->start_pod(world->runtime, &pod, ip, &error), 0);

	/* runsc's calls go to the main service. */
	struct transport *real = services[PODMAN_RUNSC].transport;

	services[PODMAN_RUNSC].transport = services[podman_main(podman)].transport;
	assert_int_equal(world->runtime->ops->start_container(world->runtime, &pod, &container, id,
							      NULL, &error),
			 -EINVAL);
	services[PODMAN_RUNSC].transport = real;
	assert_non_null(strstr(error.text, "'runsc'"));
	assert_non_null(strstr(error.text, services[podman_main(podman)].handler));
	assert_int_equal(world->runtime->ops->list(world->runtime, uid, &list, &error), 0);
	assert_int_equal(list.count, 1);
	runtime_list_finish(&list);
	remove_pod(world, uid);
}

static void podman_runs_a_pod_under_runsc(void **state)
{
	struct podman_world *world = world_of(state);
	CLEANUP_FREE char *uid = world_uid(world);
	struct error error = { 0 };
	char ip[64], id[80];

	if (world->runtime->ops->check_handler(world->runtime, "runsc", &error) < 0) {
		print_message("skipped: %s\n", error.text);
		skip();
	}
	world_run(world, uid, "runsc", "httpd -p 127.0.0.1:8080; " STAY, ip, id);
	world_expect(world, id, "dmesg 2>&1", "gVisor");
	world_expect(world, id, "hostname", "pod-host");
	world_expect(world, id, "ip addr", ip);
	remove_pod(world, uid);
}

static void podman_kills_a_process_that_takes_too_long(void **state)
{
	struct podman_world *world = world_of(state);
	const char *const argv[] = { "/bin/sh", "-c", "echo begun; exec sleep 77", NULL };
	CLEANUP_FREE char *uid = world_uid(world);
	CLEANUP_BUF struct buf output = BUF_INIT(20000);
	struct error error = { 0 };
	char ip[64], id[80];
	int code = -1;

	world_run(world, uid, NULL, STAY, ip, id);
	assert_int_equal(
		world->runtime->ops->exec(world->runtime, id, argv, 1000, &output, &code, &error),
		-ETIMEDOUT);
	assert_string_equal(buf_str(&output), "begun\n");
	world_expect(world, id, "ps | grep -c '[s]leep 77' || echo none", "none");

	const char *const fails[] = { "/bin/sh", "-c", "echo out; echo err >&2; exit 3", NULL };

	buf_clear(&output);
	assert_int_equal(
		world->runtime->ops->exec(world->runtime, id, fails, 5000, &output, &code, &error),
		0);
	assert_int_equal(code, 3);
	assert_non_null(strstr(buf_str(&output), "out\n"));
	assert_non_null(strstr(buf_str(&output), "err\n"));
	remove_pod(world, uid);
}

static void podman_holds_a_limit_of_memory(void **state)
{
	struct podman_world *world = world_of(state);
	CLEANUP_FREE char *uid = world_uid(world);
	const char *const command[] = { "/bin/sh", "-c", "exec tail /dev/zero", NULL };
	const struct runtime_pod pod = {
		.ns = "default", .name = "p", .uid = uid, .hostname = "pod-host"
	};
	const struct runtime_container container = {
		.name = "main", .image = TEST_IMAGE, .command = command, .memory_limit = 32u << 20
	};
	struct runtime_list list = { 0 };
	struct error error = { 0 };
	char ip[64], id[80];

	assert_int_equal(world->runtime->ops->start_pod(world->runtime, &pod, ip, &error), 0);
	assert_int_equal(world->runtime->ops->start_container(world->runtime, &pod, &container, id,
							      NULL, &error),
			 0);
	assert_true(world_wait_changed(world, uid));
	assert_int_equal(world->runtime->ops->list(world->runtime, uid, &list, &error), 0);
	assert_int_equal(find(&list, "main")->exit_code, 137);
	assert_true(find(&list, "main")->oom_killed);
	runtime_list_finish(&list);
	remove_pod(world, uid);
}

static int collect(void *arg, const char *data, size_t length)
{
	return buf_append(arg, data, length);
}

static void podman_hands_on_logs(void **state)
{
	struct podman_world *world = world_of(state);
	const struct runtime_log_options last = { .tail_lines = 2 },
					 all = { .tail_lines = -1, .follow = true };
	const struct runtime_log_options few = { .tail_lines = -1, .limit_bytes = 5 };
	const struct runtime_log_options huge = { .tail_lines = INT64_MAX };
	CLEANUP_FREE char *uid = world_uid(world);
	CLEANUP_BUF struct buf output = BUF_INIT(20000);
	struct error error = { 0 };
	char ip[64], id[80];

	world_run(world, uid, NULL, "echo one; echo two; sleep 1; echo three", ip, id);
	assert_int_equal(
		world->runtime->ops->logs(world->runtime, id, &all, collect, &output, &error), 0);
	assert_string_equal(buf_str(&output), "one\ntwo\nthree\n");
	buf_clear(&output);
	assert_int_equal(
		world->runtime->ops->logs(world->runtime, id, &last, collect, &output, &error), 0);
	assert_string_equal(buf_str(&output), "two\nthree\n");
	buf_clear(&output);
	assert_int_equal(
		world->runtime->ops->logs(world->runtime, id, &huge, collect, &output, &error), 0);
	assert_string_equal(buf_str(&output), "one\ntwo\nthree\n");
	buf_clear(&output);
	assert_int_equal(
		world->runtime->ops->logs(world->runtime, id, &few, collect, &output, &error), 0);
	assert_string_equal(buf_str(&output), "one\nt");
	remove_pod(world, uid);
	assert_int_equal(
		world->runtime->ops->logs(world->runtime, id, &few, collect, &output, &error),
		-ENOENT);
}

static void read_until(struct podman_world *world, int fd, struct buf *out, const char *wanted)
{
	uint64_t deadline = sched_now_us(world->sched) + 20000000u;
	char piece[1000];

	while (strstr(buf_str(out), wanted) == NULL && sched_now_us(world->sched) < deadline) {
		ssize_t got = read(fd, piece, sizeof(piece));

		if (got > 0) {
			buf_append(out, piece, (size_t)got);
		}
	}
	assert_non_null(strstr(buf_str(out), wanted));
}

static void podman_carries_the_streams_of_a_process(void **state)
{
	struct podman_world *world = world_of(state);
	const struct runtime_ops *ops = world->runtime->ops;
	const char *const argv[] = { "/bin/sh", "-c", "echo err >&2; cat; exit 7", NULL };
	CLEANUP_FREE char *uid = world_uid(world);
	struct buf output CLEANUP_BUF = BUF_INIT(20000), errors CLEANUP_BUF = BUF_INIT(20000);
	struct runtime_exec_stream stream;
	struct error error = { 0 };
	char ip[64], id[80];
	int code = -1;

	world_run(world, uid, NULL, STAY, ip, id);
	assert_int_equal(ops->exec_stream(world->runtime, id, argv, false, true, &stream, &error),
			 0);
	assert_int_equal(write(stream.in, "hello\n", 6), 6);
	close(stream.in);
	read_until(world, stream.out, &output, "hello\n");
	read_until(world, stream.err, &errors, "err\n");
	assert_int_equal(ops->exec_wait(world->runtime, stream.id, &code, &error), 0);
	assert_int_equal(code, 7);
	close(stream.out);
	close(stream.err);

	const char *const shell[] = { "/bin/sh", "-c", "sleep 1; stty size; tty", NULL };

	buf_clear(&output);
	assert_int_equal(ops->exec_stream(world->runtime, id, shell, true, true, &stream, &error),
			 0);
	assert_int_equal(ops->exec_resize(world->runtime, &stream, 91, 37, &error), 0);
	read_until(world, stream.out, &output, "37 91");
	read_until(world, stream.out, &output, "/dev/pts");
	assert_int_equal(ops->exec_wait(world->runtime, stream.id, &code, &error), 0);
	close(stream.in);
	close(stream.out);
	remove_pod(world, uid);
}

static void podman_connects_to_servers_on_loopback(void **state)
{
	struct podman_world *world = world_of(state);
	CLEANUP_FREE char *uid = world_uid(world);
	CLEANUP_BUF struct buf output = BUF_INIT(20000);
	struct error error = { 0 };
	char ip[64], id[80];
	int fd = -1;

	world_run(world, uid, NULL, "httpd -p 127.0.0.1:8080; " STAY, ip, id);

	uint64_t deadline = sched_now_us(world->sched) + 20000000u;

	while (world->runtime->ops->connect(world->runtime, uid, 8080, &fd, &error) < 0) {
		assert_true(sched_now_us(world->sched) < deadline);
	}
	assert_true(send(fd, "GET /none HTTP/1.0\r\n\r\n", 22, MSG_NOSIGNAL) == 22);
	read_until(world, fd, &output, "404");
	close(fd);
	assert_int_equal(world->runtime->ops->connect(world->runtime, uid, 1, &fd, &error),
			 -ECONNREFUSED);
	remove_pod(world, uid);
}

static void tag_image(struct podman_world *world, const char *name)
{
	CLEANUP_FREE char *path = xprintf("/images/" TEST_IMAGE "/tag?repo=%s&tag=1", name);
	const struct podman_request request = {
		.handler = -1, .method = "POST", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	struct error error = { 0 };

	assert_int_equal(podman_call(podman_of(world->runtime), &request, NULL, &error), 0);
}

static void podman_says_what_images_there_are(void **state)
{
	struct podman_world *world = world_of(state);
	const struct runtime_ops *ops = world->runtime->ops;
	CLEANUP_BUF struct buf note = BUF_INIT(2000);
	struct error error = { 0 };
	enum runtime_image result;

	assert_int_equal(ops->ensure_image(world->runtime, "agent-sandbox-podman-test:latest",
					   RUNTIME_PULL_ALWAYS, &result, &note, &error),
			 0);
	assert_int_equal(result, RUNTIME_IMAGE_PRESENT);
	assert_int_equal(ops->ensure_image(world->runtime, "localhost/none:1", RUNTIME_PULL_ALWAYS,
					   &result, &note, &error),
			 -ENOENT);
	assert_int_equal(ops->ensure_image(world->runtime, "Bad Name", RUNTIME_PULL_ALWAYS, &result,
					   &note, &error),
			 -EINVAL);

	tag_image(world, "127.0.0.1:9/there");
	assert_int_equal(ops->ensure_image(world->runtime, "127.0.0.1:9/there:1",
					   RUNTIME_PULL_ALWAYS, &result, &note, &error),
			 0);
	assert_int_equal(result, RUNTIME_IMAGE_SKIPPED);
	assert_non_null(strstr(buf_str(&note), "127.0.0.1:9/there:1"));

	uint64_t begun = sched_now_us(world->sched);

	/* A port of this machine that nobody listens on. */
	assert_int_equal(ops->ensure_image(world->runtime, "127.0.0.1:9/none:1",
					   RUNTIME_PULL_IF_NOT_PRESENT, &result, &note, &error),
			 -ENOENT);
	assert_true(sched_now_us(world->sched) - begun < 15000000u);
	assert_non_null(strstr(error.text, "127.0.0.1:9/none:1"));
}

int main(int argc, char **argv)
{
	if (argc == 3) {
		return be_victim(argv[1], argv[2]);
	}

	static struct podman_world world;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(podman_runs_a_pod_and_tells_how_it_ended, &world),
		cmocka_unit_test_prestate(podman_finds_everything_again, &world),
		cmocka_unit_test_prestate(podman_loses_services_and_no_container_with_a_killed_node,
					  &world),
		cmocka_unit_test_prestate(podman_comes_back_when_its_service_is_killed, &world),
		cmocka_unit_test_prestate(podman_refuses_a_container_under_another_runtime, &world),
		cmocka_unit_test_prestate(podman_runs_a_pod_under_runsc, &world),
		cmocka_unit_test_prestate(podman_kills_a_process_that_takes_too_long, &world),
		cmocka_unit_test_prestate(podman_holds_a_limit_of_memory, &world),
		cmocka_unit_test_prestate(podman_hands_on_logs, &world),
		cmocka_unit_test_prestate(podman_carries_the_streams_of_a_process, &world),
		cmocka_unit_test_prestate(podman_connects_to_servers_on_loopback, &world),
		cmocka_unit_test_prestate(podman_says_what_images_there_are, &world),
	};
	const char *why = world_setup(&world);
	int failed = 77;

	if (why != NULL) {
		printf("skipped: %s\n", why);
	} else {
		failed = cmocka_run_group_tests(tests, NULL, NULL);
	}
	world_teardown(&world);
	return failed;
}
