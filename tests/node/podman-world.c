/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime on the real Podman for tests: its state directory, its image, its events. test-podman*.c
 * use it. */
#include "config.h"

#include "tests/node/podman-world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define WAIT_US 20000000u

extern char **environ;

static int run_program(const char *const *argv)
{
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ) ==
	    0) {
		(void)waitpid(pid, &status, 0);
	}
	posix_spawn_file_actions_destroy(&actions);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* From a static busybox, Debian's busybox-static or what BUSYBOX names. */
static const char *make_image(const char *state)
{
	static const char *const directories[] = { "root", "root/bin", "root/tmp", "root/etc" };
	const char *named = getenv("BUSYBOX");
	CLEANUP_FREE char *busybox = podman_find(named != NULL ? named : "busybox");
	CLEANUP_FREE char *root = xprintf("%s/root", state);
	CLEANUP_FREE char *program = xprintf("%s/bin/busybox", root);
	CLEANUP_FREE char *tar = xprintf("%s/root.tar", state);
	const char *const copy[] = { "cp", busybox, program, NULL };
	const char *const links[] = { "chroot", root, "/bin/busybox", "--install", "-s",
				      "/bin",   NULL };
	/* So that a volume of the image can be told from those of others on this machine. */
	CLEANUP_FREE char *mark = xprintf("%s/root/etc/%s", state, state + strlen("/tmp/"));
	const char *const touch[] = { "touch", mark, NULL };
	CLEANUP_FREE char *passwd = xprintf("%s/root/etc/passwd", state);
	static const char users[] = "root:x:0:0::/:/bin/sh\n1root:x:0:0::/:/bin/sh\n"
				    "admin:x:0:0::/:/bin/sh\nguest:x:1500:1500::/:/bin/sh\n";
	const char *const pack[] = { "tar", "-C", root, "-cf", tar, ".", NULL };
	const char *const import[] = { "podman", "import",   "-q", "--change", "CMD [\"/bin/sh\"]",
				       tar,      TEST_IMAGE, NULL };

	if (busybox == NULL) {
		return "no busybox on PATH: install busybox-static";
	}
	for (size_t i = 0; i < ARRAY_LEN(directories); i++) {
		CLEANUP_FREE char *directory = xprintf("%s/%s", state, directories[i]);

		(void)mkdir(directory, 0755);
	}
	(void)run_program(touch);
	(void)podman_write_file(passwd, users, strlen(users), 0644, NULL);
	return run_program(copy) != 0 || run_program(links) != 0    ? "busybox is not a static one"
	       : run_program(pack) != 0 || run_program(import) != 0 ? "podman import does not work"
								    : NULL;
}

void world_image(struct podman_world *world, const char *name, const char *change)
{
	CLEANUP_FREE char *tar = xprintf("%s/root.tar", world->state);
	const char *const import[] = {
		"podman", "import", "-q", "--change", change, tar, name, NULL
	};

	assert_int_equal(run_program(import), 0);
}

void world_forget_image(const char *name)
{
	const char *const forget[] = { "podman", "rmi", "-f", name, NULL };

	(void)run_program(forget);
}

size_t world_count(const char *what)
{
	const char *const list[] = { "sh", "-c", what, NULL };
	posix_spawn_file_actions_t actions;
	char text[4096];
	size_t count = 0;
	ssize_t got;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawnp(&pid, list[0], &actions, NULL, (char *const *)(uintptr_t)list,
				      environ),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	while ((got = read(ends[0], text, sizeof(text))) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			count += text[i] == '\n';
		}
	}
	close(ends[0]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return count;
}

static void on_changed(void *arg, const char *uid)
{
	struct podman_world *world = arg;

	LOCKED(&world->lock);
	if (uid != NULL) {
		snprintf(world->changed, sizeof(world->changed), "%s", uid);
	}
	world->changes++;
	sched_cond_broadcast(&world->news);
}

static int start_runtime(struct podman_world *world, struct error *reterr)
{
	const struct podman_config config = { .state_dir = world->state,
					      .node = "test",
					      .creates = 8 };

	return podman_runtime_create(world->sched, &config, on_changed, world, &world->runtime,
				     reterr);
}

const char *world_setup(struct podman_world *world)
{
	CLEANUP_BUF struct buf note = BUF_INIT(1024);
	static char why[512];
	struct error error = { 0 };

	if (geteuid() != 0) {
		return "it needs root";
	}
	snprintf(world->state, sizeof(world->state), "/tmp/asb-podman-XXXXXX");
	if (mkdtemp(world->state) == NULL) {
		return "no directory in /tmp";
	}
	(void)chmod(world->state, 0755);
	world->sched = sched_create();
	sched_mutex_init(&world->lock, world->sched);
	sched_cond_init(&world->news, world->sched);
	if (start_runtime(world, &error) < 0 ||
	    world->runtime->ops->check(world->runtime, &note, &error) < 0) {
		snprintf(why, sizeof(why), "%s", error.text);
		return why;
	}
	print_message("%s\n", buf_str(&note));
	return make_image(world->state);
}

void world_stop(struct podman_world *world)
{
	world->runtime->ops->destroy(world->runtime);
	world->runtime = NULL;
}

void world_start(struct podman_world *world)
{
	struct error error = { 0 };

	assert_int_equal(start_runtime(world, &error), 0);
}

pid_t world_spawn(const char *const *argv, int *ret_out)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	assert_int_equal(posix_spawn(&pid, "/proc/self/exe", &actions, NULL,
				     (char *const *)(uintptr_t)argv, environ),
			 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	*ret_out = ends[0];
	return pid;
}

/* One process, by what its command line says. */
static bool serves(const struct dirent *entry, const char *state)
{
	CLEANUP_FREE char *path = xprintf("/proc/%s/cmdline", entry->d_name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char line[4096];
	ssize_t got = fd >= 0 ? read(fd, line, sizeof(line)) : -1;
	const char service[] = "system\0service";

	if (fd >= 0) {
		close(fd);
	}
	return got > 0 && memmem(line, (size_t)got, service, sizeof(service)) != NULL &&
	       memmem(line, (size_t)got, state, strlen(state)) != NULL;
}

size_t world_services(const struct podman_world *world)
{
	DIR *processes = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0;

	assert_non_null(processes);
	while ((entry = readdir(processes)) != NULL) {
		count += serves(entry, world->state);
	}
	closedir(processes);
	return count;
}

void world_teardown(struct podman_world *world)
{
	const char *const remove[] = { "rm", "-rf", world->state, NULL };
	const char *const forget[] = { "podman", "rmi", "-f", TEST_IMAGE, "127.0.0.1:9/there:1",
				       NULL };
	struct runtime_list list = { 0 };

	if (world->sched == NULL) {
		return;
	}
	if (world->runtime != NULL) {
		const struct runtime_ops *ops = world->runtime->ops;

		if (ops->list(world->runtime, NULL, &list, NULL) == 0) {
			for (size_t i = 0; i < list.count; i++) {
				(void)ops->remove_pod(world->runtime, list.items[i].pod_uid, NULL);
			}
			runtime_list_finish(&list);
		}
		ops->destroy(world->runtime);
	}
	(void)run_program(remove);
	(void)run_program(forget);
	sched_cond_finish(&world->news);
	sched_mutex_finish(&world->lock);
	sched_destroy(world->sched);
}

bool world_wait_changed(struct podman_world *world, const char *uid)
{
	uint64_t deadline = sched_now_us(world->sched) + WAIT_US;

	LOCKED(&world->lock);
	while (strcmp(world->changed, uid) != 0) {
		if (sched_cond_wait(&world->news, &world->lock, deadline) == -ETIMEDOUT) {
			return false;
		}
	}
	return true;
}

char *world_uid(struct podman_world *world)
{
	return xprintf("test-%016llx", (unsigned long long)sched_random(world->sched));
}

void world_run(struct podman_world *world, const char *uid, const char *handler, const char *line,
	       char ret_ip[64], char ret_id[80])
{
	const char *const command[] = { "/bin/sh", "-c", line, NULL };
	const char *const env[] = { "GREETING=hello", NULL };
	const struct runtime_pod pod = {
		.ns = "default", .name = "p", .uid = uid, .handler = handler, .hostname = "pod-host"
	};
	const struct runtime_container container = {
		.name = "main", .image = TEST_IMAGE, .command = command, .env = env
	};
	struct error error = { 0 };
	int r = world->runtime->ops->start_pod(world->runtime, &pod, ret_ip, &error);

	if (r == 0) {
		r = world->runtime->ops->start_container(world->runtime, &pod, &container, ret_id,
							 NULL, &error);
	}
	if (r < 0) {
		print_error("%s\n", error.text);
	}
	assert_int_equal(r, 0);
}

void world_expect(struct podman_world *world, const char *id, const char *line, const char *wanted)
{
	const char *const argv[] = { "/bin/sh", "-c", line, NULL };
	CLEANUP_BUF struct buf output = BUF_INIT(20000);
	struct error error = { 0 };
	int code = -1;

	assert_int_equal(
		world->runtime->ops->exec(world->runtime, id, argv, 20000, &output, &code, &error),
		0);
	if (strstr(buf_str(&output), wanted) == NULL) {
		print_error("'%s' printed '%s', not '%s'\n", line, buf_str(&output), wanted);
	}
	assert_non_null(strstr(buf_str(&output), wanted));
}
