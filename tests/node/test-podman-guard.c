/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/podman/podman.h on the real Podman about what a container may not do to the machine or
 * leave on it. Needs root; skipped where Podman cannot run. */
#include "config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "node/pod/pod-private.h"
#include "tests/node/podman-world.h"

#define STAY "trap 'exit 5' TERM; while :; do sleep 0.1; done"
#define GUARD_IMAGE "localhost/agent-sandbox-podman-guard:latest"

static struct podman_world *world_of(void **state)
{
	return *state;
}

static void remove_pod(struct podman_world *world, const char *uid)
{
	struct error error = { 0 };

	assert_int_equal(world->runtime->ops->remove_pod(world->runtime, uid, &error), 0);
}

/* Starts a pod with one container; what start_container says. */
static int start(struct podman_world *world, const char *uid, const char *handler,
		 const struct runtime_container *container, char ret_id[80], struct error *reterr)
{
	const struct runtime_pod pod = {
		.ns = "default", .name = "p", .uid = uid, .handler = handler, .hostname = "pod-host"
	};
	const struct runtime_ops *ops = world->runtime->ops;
	char ip[64];

	assert_int_equal(ops->start_pod(world->runtime, &pod, ip, reterr), 0);
	return ops->start_container(world->runtime, &pod, container, ret_id, NULL, reterr);
}

/* ---- volumes of images ---- */

/* Of images of this test. */
static size_t count_volumes(struct podman_world *world)
{
	CLEANUP_FREE char *line =
		xprintf("ls -d $(podman info --format '{{.Store.VolumePath}}')/*/_data/%s 2>&-",
			world->state + strlen("/tmp/"));

	return world_count(line);
}

static void volumes_of_an_image_go_with_their_container(void **state)
{
	struct podman_world *world = world_of(state);
	const struct runtime_ops *ops = world->runtime->ops;
	const char *const stay[] = { "/bin/sh", "-c", STAY, NULL };
	const char *const missing[] = { "/none", NULL };
	struct runtime_container container = { .name = "main",
					       .image = GUARD_IMAGE,
					       .command = stay };
	CLEANUP_FREE char *uid = world_uid(world);
	struct error error = { 0 };
	char id[80];

	world_image(world, GUARD_IMAGE, "VOLUME /etc");
	/* A restart. */
	assert_int_equal(start(world, uid, NULL, &container, id, &error), 0);
	assert_int_equal(count_volumes(world), 1);
	assert_int_equal(ops->remove_container(world->runtime, id, &error), 0);
	assert_int_equal(count_volumes(world), 0);
	/* A start that fails. */
	container.attempt = 1;
	container.command = missing;
	assert_true(start(world, uid, NULL, &container, id, &error) < 0);
	assert_int_equal(count_volumes(world), 0);
	/* The end of the pod, as a sweep of orphans does it after a restart of the node. */
	container.attempt = 2;
	container.command = stay;
	assert_int_equal(start(world, uid, NULL, &container, id, &error), 0);
	assert_int_equal(count_volumes(world), 1);
	world_stop(world);
	world_start(world);
	remove_pod(world, uid);
	assert_int_equal(count_volumes(world), 0);
	world_forget_image(GUARD_IMAGE);
}

/* ---- runAsNonRoot ---- */

static void nobody_runs_as_root_who_must_not(void **state)
{
	/* The last ones are names that the image's /etc/passwd gives to uid 0. */
	static const char *const users[] = { "0",   "00", "root:root", ":0",
					     "0x0", "+0", "1root",     "admin" };
	struct podman_world *world = world_of(state);
	const char *const stay[] = { "/bin/sh", "-c", STAY, NULL };
	struct runtime_container container = {
		.name = "main", .image = GUARD_IMAGE, .command = stay, .non_root = true
	};
	CLEANUP_FREE char *uid = world_uid(world);
	struct error error = { 0 };
	char id[80];

	for (size_t i = 0; i < ARRAY_LEN(users); i++) {
		CLEANUP_FREE char *change = xprintf("USER %s", users[i]);

		world_image(world, GUARD_IMAGE, change);
		container.attempt = (uint32_t)i;
		assert_int_equal(start(world, uid, NULL, &container, id, &error), -EPERM);
		assert_non_null(strstr(error.text, "container has runAsNonRoot and image "));
	}
	world_image(world, GUARD_IMAGE, "USER 1500:7");
	container.attempt++;
	assert_int_equal(start(world, uid, NULL, &container, id, &error), 0);
	world_expect(world, id, "id -u; id -g", "1500\n7\n");
	/* What the pod says goes before what the image says. */
	world_image(world, GUARD_IMAGE, "USER 00");
	container.attempt++;
	container.user = "1600";
	assert_int_equal(start(world, uid, NULL, &container, id, &error), 0);
	world_expect(world, id, "id -u", "1600\n");
	container.attempt++;
	container.user = "0:5";
	assert_int_equal(start(world, uid, NULL, &container, id, &error), -EPERM);
	remove_pod(world, uid);
	world_forget_image(GUARD_IMAGE);
}

/* ---- capabilities ---- */

static void containers_make_no_devices_and_no_raw_packets(void **state)
{
	struct podman_world *world = world_of(state);
	const char *const stay[] = { "/bin/sh", "-c", STAY, NULL };
	const char *const add[] = { "NET_RAW", NULL }, *const all[] = { "ALL", NULL };
	const struct runtime_container container = { .name = "main",
						     .image = TEST_IMAGE,
						     .command = stay };
	struct runtime_container asks = {
		.name = "asks", .image = TEST_IMAGE, .command = stay, .cap_add = add
	};
	CLEANUP_FREE char *uid = world_uid(world);
	struct error error = { 0 };
	char id[80];

	/* 0xa80425fb is Docker's set, with MKNOD (bit 27) and NET_RAW (13). */
	assert_int_equal(start(world, uid, NULL, &container, id, &error), 0);
	world_expect(world, id,
		     "echo $((0x$(grep CapBnd /proc/self/status | tail -c 17) >> 27 & 1))", "0\n");
	world_expect(world, id,
		     "echo $((0x$(grep CapBnd /proc/self/status | tail -c 17) >> 13 & 1))", "0\n");
	world_expect(world, id, "mknod /tmp/disk b 8 0 || echo refused", "refused");
	/* ping needs none. */
	world_expect(world, id, "cat /proc/sys/net/ipv4/ping_group_range", "0\t2147483647\n");
	assert_int_equal(start(world, uid, NULL, &asks, id, &error), 0);
	world_expect(world, id,
		     "echo $((0x$(grep CapBnd /proc/self/status | tail -c 17) >> 13 & 1))", "1\n");
	world_expect(world, id,
		     "echo $((0x$(grep CapBnd /proc/self/status | tail -c 17) >> 27 & 1))", "0\n");
	asks.attempt = 1;
	asks.cap_add = all;
	assert_int_equal(start(world, uid, NULL, &asks, id, &error), 0);
	world_expect(world, id,
		     "echo $((0x$(grep CapBnd /proc/self/status | tail -c 17) >> 27 & 1))", "1\n");
	asks.attempt = 2;
	asks.cap_add = NULL;
	asks.cap_drop = all;
	assert_int_equal(start(world, uid, NULL, &asks, id, &error), 0);
	world_expect(world, id, "grep CapBnd /proc/self/status", "\t0000000000000000\n");
	remove_pod(world, uid);
}

/* ---- what a container can fill ---- */

static void files_of_the_node_take_little(void **state)
{
	static const char *const handlers[] = { NULL, "crun", "runsc" };
	struct podman_world *world = world_of(state);
	const char *const stay[] = { "/bin/sh", "-c", STAY, NULL };
	struct error error = { 0 };
	char id[80];

	for (size_t i = 0; i < ARRAY_LEN(handlers); i++) {
		CLEANUP_FREE char *uid = world_uid(world);
		char *message = message_make(world->state, uid, "main", 0, true);
		const struct runtime_mount mount = { .source = message,
						     .target = "/dev/termination-log" };
		struct runtime_container container = { .name = "main",
						       .image = TEST_IMAGE,
						       .command = stay,
						       .mounts = &mount,
						       .mount_count = 1 };
		struct runtime_container closed = container;

		if (handlers[i] != NULL &&
		    world->runtime->ops->check_handler(world->runtime, handlers[i], &error) < 0) {
			print_message("without %s: %s\n", handlers[i], error.text);
			message_remove(world->state, uid);
			free(message);
			continue;
		}
		assert_non_null(message);
		assert_int_equal(start(world, uid, handlers[i], &container, id, &error), 0);
		world_expect(world, id, "cat /etc/hosts /etc/hostname", "pod-host\npod-host\n");
		world_expect(world, id, "cat /etc/resolv.conf && echo read", "read");
		world_expect(
			world, id,
			"for f in /dev/termination-log /etc/hosts /etc/hostname /etc/resolv.conf /run/.containerenv; do head -c 3000000 /dev/zero 2>/dev/null >> $f; [ $(wc -c < $f) -lt 1100000 ] || echo $f is large; done; echo done",
			"done");
		world_expect(
			world, id,
			"for f in /dev/termination-log /etc/hosts /etc/hostname /etc/resolv.conf /run/.containerenv; do [ $(wc -c < $f) -lt 1100000 ] || echo $f is large; done | wc -l",
			"0\n");
		/* With a read-only root, the message is all it may write. */
		closed.name = "closed";
		closed.read_only_root = true;
		assert_int_equal(start(world, uid, handlers[i], &closed, id, &error), 0);
		world_expect(world, id, "(echo x >> /etc/hosts) 2>/dev/null || echo closed",
			     "closed\n");
		remove_pod(world, uid);
		message_remove(world->state, uid);
		free(message);

		/* Nothing of it is left. */
		CLEANUP_FREE char *line = xprintf(
			"ls -d %s/pods/%s %s/messages/%s 2>/dev/null; grep -F %s /proc/self/mountinfo; true",
			world->state, uid, world->state, uid, uid);

		assert_int_equal(world_count(line), 0);
	}
}

/* ---- seccomp and sysctls ---- */

static void profiles_and_settings_are_those_that_are_asked_for(void **state)
{
	static const char profile[] =
		"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":[{\"names\":[\"mkdir\",\"mkdirat\"],\"action\":\"SCMP_ACT_ERRNO\"}]}";
	struct podman_world *world = world_of(state);
	const struct runtime_ops *ops = world->runtime->ops;
	const char *const stay[] = { "/bin/sh", "-c", STAY, NULL };
	const char *const network[] = { "net.ipv4.ip_unprivileged_port_start=81", NULL };
	const char *const own[] = { "kernel.shm_rmid_forced=1", NULL };
	CLEANUP_FREE char *uid = world_uid(world);
	CLEANUP_FREE char *path = xprintf("%s/profile.json", world->state);
	CLEANUP_FREE char *none = xprintf("%s/none.json", world->state);
	const struct runtime_pod pod = {
		.ns = "default", .name = "p", .uid = uid, .hostname = "pod-host", .sysctls = network
	};
	struct runtime_container container = { .name = "main",
					       .image = TEST_IMAGE,
					       .command = stay,
					       .sysctls = own,
					       .seccomp = path };
	struct error error = { 0 };
	char id[80], ip[64];

	assert_int_equal(podman_write_file(path, profile, strlen(profile), 0644, &error), 0);
	assert_int_equal(ops->start_pod(world->runtime, &pod, ip, &error), 0);
	assert_int_equal(ops->start_container(world->runtime, &pod, &container, id, NULL, &error),
			 0);
	world_expect(world, id, "mkdir /tmp/x 2>/dev/null || echo refused", "refused\n");
	world_expect(world, id, "cat /proc/sys/kernel/shm_rmid_forced", "1\n");
	world_expect(world, id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start", "81\n");
	container.attempt = 1;
	container.seccomp = "unconfined";
	assert_int_equal(ops->start_container(world->runtime, &pod, &container, id, NULL, &error),
			 0);
	world_expect(world, id, "grep Seccomp: /proc/self/status", "\t0\n");
	container.attempt = 2;
	container.seccomp = NULL;
	assert_int_equal(ops->start_container(world->runtime, &pod, &container, id, NULL, &error),
			 0);
	world_expect(world, id, "grep Seccomp: /proc/self/status", "\t2\n");
	container.attempt = 3;
	container.seccomp = none;
	assert_true(ops->start_container(world->runtime, &pod, &container, id, NULL, &error) < 0);
	remove_pod(world, uid);
}

int main(void)
{
	static struct podman_world world;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(volumes_of_an_image_go_with_their_container, &world),
		cmocka_unit_test_prestate(nobody_runs_as_root_who_must_not, &world),
		cmocka_unit_test_prestate(containers_make_no_devices_and_no_raw_packets, &world),
		cmocka_unit_test_prestate(files_of_the_node_take_little, &world),
		cmocka_unit_test_prestate(profiles_and_settings_are_those_that_are_asked_for,
					  &world),
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
