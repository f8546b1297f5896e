/* SPDX-License-Identifier: Apache-2.0 */
/* Containers that are plain processes: what they run, their start, their stop. Called through
 * node/process/process.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "base/hash.h"
#include "base/memory.h"
#include "node/process/process-private.h"

#define SELF_MAX 4096
#define KILL_US 10000000u /* for a supervisor to write the end down after SIGKILL */

char *process_directory(struct process_runtime *process, const char *id, struct error *reterr)
{
	size_t length = strlen(id);

	if (length != 16 || strspn(id, "0123456789abcdef") != length) {
		error_set(reterr, -EINVAL, "'%.80s' is not a container id", id);
		return NULL;
	}
	return xprintf("%s/containers/%s", process->directory, id);
}

/* FNV-1a over pod, name and attempt: the same container has the same id after a restart. */
static void container_make_id(const char *uid, const char *name, uint32_t attempt, char ret[17])
{
	CLEANUP_FREE char *text = xprintf("%s/%s/%u", uid, name, attempt);

	snprintf(ret, 17, "%016llx", (unsigned long long)hash_text(HASH_START, text));
}

/* ---- what it runs ---- */

/* The program that the list "IMAGE=PROGRAM,..." names for an image, with any registry and tag; the
 * caller's, NULL: none. */
static char *container_program_of(const char *list, const char *image)
{
	const char *slash = strrchr(image, '/');
	const char *name = slash != NULL ? slash + 1 : image;
	size_t length = strcspn(name, ":@");

	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',' ? 1 : 0) {
		if (strcspn(list, "=,") == length && list[length] == '=' &&
		    strncmp(list, name, length) == 0) {
			list += length + 1;
			return xstrndup(list, strcspn(list, ","));
		}
	}
	return NULL;
}

/* The path of a program next to this one, or on $PATH; the caller's, NULL: there is none. */
static char *container_find_program(const char *name, const char *const *env)
{
	char self[SELF_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (length > 0 && strchr(name, '/') == NULL) {
		self[length] = '\0';
		slash = strrchr(self, '/');

		CLEANUP_FREE char *path = xprintf("%.*s/%s", (int)(slash - self), self, name);

		if (access(path, X_OK) == 0) {
			return TAKE(path);
		}
	}
	return process_find(name, env);
}

static void container_add_strings(struct json_object *array, const char *const *strings)
{
	for (size_t i = 0; strings != NULL && strings[i] != NULL; i++) {
		json_object_array_add(array, json_object_new_string(strings[i]));
	}
}

/* Fills argv; the program's path is the caller's, NULL and *reterr: there is none. */
static char *container_choose_program(const char *images, const struct runtime_container *container,
				      const char *const *env, const char *ip, const char *work,
				      struct json_object *argv, struct error *reterr)
{
	char *path;

	if (container->command != NULL && container->command[0] != NULL) {
		path = process_find(container->command[0], env);
		container_add_strings(argv, container->command);
		container_add_strings(argv, container->args);
		if (path == NULL) {
			error_set(
				reterr, -ENOENT,
				"there is no command '%.200s' on this machine, whose own programs --runtime process runs",
				container->command[0]);
		}
		return path;
	}

	CLEANUP_FREE char *program = container_program_of(images, container->image);

	if (program == NULL) {
		error_set(
			reterr, -ENOENT,
			"--runtime process has no images: give the container of '%.200s' a command that is on this machine, or name a program for its image in --process-images",
			container->image);
		return NULL;
	}
	path = container_find_program(program, env);
	if (path == NULL) {
		error_set(
			reterr, -ENOENT,
			"there is no '%.200s' next to agent-sandbox-node nor on $PATH: install it",
			program);
		return NULL;
	}

	const char *const arguments[] = { path, "--host", ip, "--base-dir", work, NULL };

	container_add_strings(argv, arguments);
	container_add_strings(argv, container->args);
	return path;
}

static bool container_has_variable(const char *const *env, const char *name)
{
	size_t length = strlen(name);

	for (size_t i = 0; env != NULL && env[i] != NULL; i++) {
		if (strncmp(env[i], name, length) == 0 && env[i][length] == '=') {
			return true;
		}
	}
	return false;
}

static void container_add_variable(struct json_object *array, const char *const *env,
				   const char *name, const char *value)
{
	CLEANUP_FREE char *text = xprintf("%s=%s", name, value);

	if (!container_has_variable(env, name)) {
		json_object_array_add(array, json_object_new_string(text));
	}
}

static struct json_object *container_make_env(const struct runtime_pod *pod,
					      const struct runtime_container *container,
					      const char *id, const char *ip, const char *work)
{
	struct json_object *env = json_object_new_array();
	CLEANUP_FREE char *mark = xprintf(PROCESS_MARK "%s", id);

	json_object_array_add(env, json_object_new_string(mark));
	for (size_t i = 0; container->env != NULL && container->env[i] != NULL; i++) {
		if (strncmp(container->env[i], PROCESS_MARK, strlen(PROCESS_MARK)) != 0) {
			json_object_array_add(env, json_object_new_string(container->env[i]));
		}
	}
	container_add_variable(env, container->env, "POD_IP", ip);
	container_add_variable(env, container->env, "HOSTNAME", pod->hostname);
	container_add_variable(env, container->env, "HOME", work);
	container_add_variable(env, container->env, "PATH",
			       "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	return env;
}

/* ---- what it does not do ---- */

static bool container_has_any(const char *const *list)
{
	return list != NULL && list[0] != NULL;
}

static void container_add_notes(const struct runtime_pod *pod,
				const struct runtime_container *container, struct buf *notes)
{
	const struct {
		bool asked;
		const char *text;
	} list[] = {
		{ container->memory_limit != 0 || container->cpu_limit != 0 ||
			  container->pids_limit != 0,
		  "limits of memory, CPU and processes are not enforced" },
		{ container->user != NULL,
		  "runs as the user of the node, not as the one asked for" },
		{ container->read_only_root, "readOnlyRootFilesystem is not enforced" },
		{ container_has_any(container->cap_drop), "capabilities are not dropped" },
		{ container->seccomp != NULL, "seccompProfile is not applied" },
		{ container_has_any(pod->sysctls) || container_has_any(container->sysctls),
		  "sysctls are not set" },
		{ container->working_dir != NULL,
		  "workingDir is not used: it starts in a directory of its own" },
	};

	if (notes == NULL) {
		return;
	}
	if (container->attempt == 0) {
		buf_append_str(notes,
			       "runs as a plain process of this machine: NOTHING is isolated\n");
	}
	for (size_t i = 0; i < ARRAY_LEN(list); i++) {
		if (list[i].asked) {
			buf_printf(notes, "%s\n", list[i].text);
		}
	}
	for (size_t i = 0; i < container->mount_count; i++) {
		buf_printf(notes, "the volume at '%.200s' is not mounted\n",
			   container->mounts[i].target);
	}
}

/* ---- start ---- */

/* Executes this program as the supervisor; 0 when the container's process runs. */
static int container_run_supervisor(const char *directory, struct error *reterr)
{
	const char *const argv[] = { "agent-sandbox-node", PROCESS_SUPERVISOR, directory, NULL };
	const char *const env[] = { "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC), status = -1;
	const struct process_spawn spawn = { .path = "/proc/self/exe",
					     .argv = argv,
					     .env = env,
					     .cwd = "/",
					     .in = null,
					     .out = null,
					     .err = null };
	pid_t pid = null >= 0 ? process_spawn(&spawn) : -errno;

	if (null >= 0) {
		close(null);
	}
	if (pid < 0) {
		return error_set(reterr, -EAGAIN, "cannot start a process: %s", strerror(-pid));
	}
	/* It ends as soon as its own child runs. */
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0
		       ? 0
		       : error_set(reterr, -EAGAIN, "the supervisor of '%s' did not start",
				   directory);
}

static int container_write_info(struct process_runtime *process, const struct runtime_pod *pod,
				const struct runtime_container *container, const char *id,
				const char *ip, const char *directory, struct error *reterr)
{
	CLEANUP_JSON struct json_object *info = json_object_new_object();
	CLEANUP_FREE char *work = xprintf("%s/work", directory);
	struct json_object *argv = json_object_new_array();
	struct json_object *env = container_make_env(pod, container, id, ip, work);
	CLEANUP_FREE const char **strings = process_strings(env);
	CLEANUP_FREE char *path = container_choose_program(process->images, container, strings, ip,
							   work, argv, reterr);
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "id", id },
		{ "podUid", pod->uid },
		{ "podNs", pod->ns },
		{ "podName", pod->name },
		{ "name", container->name },
		{ "image", container->image },
		{ "path", path },
	};

	json_object_object_add(info, "argv", argv);
	json_object_object_add(info, "env", env);
	if (path == NULL) {
		return -ENOENT;
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_object_object_add(info, texts[i].name, json_object_new_string(texts[i].value));
	}
	json_object_object_add(info, "attempt", json_object_new_int64(container->attempt));
	json_object_object_add(info, "createdMs",
			       json_object_new_int64(sched_wall_us(process->sched) / 1000));
	if ((mkdir(directory, 0700) < 0 && errno != EEXIST) ||
	    (mkdir(work, 0700) < 0 && errno != EEXIST)) {
		return error_set(reterr, -EAGAIN, "cannot make the directory '%s': %s", work,
				 strerror(errno));
	}
	int code = process_store(directory, "info.json", info);

	return code == 0 ? 0
			 : error_set(reterr, -EAGAIN, "cannot write '%s/info.json': %s", directory,
				     strerror(-code));
}

int process_start(struct runtime *runtime, const struct runtime_pod *pod,
		  const struct runtime_container *container, char ret_id[80], struct buf *notes,
		  struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	CLEANUP_FREE char *name = xprintf("%s.json", pod->uid);
	CLEANUP_FREE char *pods = xprintf("%s/pods", process->directory);
	CLEANUP_JSON struct json_object *sandbox = process_load(pods, name);
	const char *ip = asb_str(sandbox, "ip");
	uint64_t one = 1;
	char id[17];
	int code;

	container_make_id(pod->uid, container->name, container->attempt, id);

	CLEANUP_FREE char *directory = process_directory(process, id, reterr);
	CLEANUP_JSON struct json_object *run = process_load(directory, "run.json");

	if (ip == NULL) {
		return error_set(reterr, -ENOENT, "the pod '%s' is not started", pod->uid);
	}
	if (container->non_root && geteuid() == 0) {
		return error_set(reterr, -EPERM,
				 "runAsNonRoot: --runtime process runs all as root here");
	}
	if (run == NULL) {
		code = container_write_info(process, pod, container, id, ip, directory, reterr);
		if (code == 0) {
			code = container_run_supervisor(directory, reterr);
		}
		if (code < 0) {
			return code;
		}
		container_add_notes(pod, container, notes);
		(void)!write(process->wake, &one, sizeof(one));
	}
	snprintf(ret_id, 80, "%s", id);
	return 0;
}

/* ---- stop ---- */

static bool container_has_ended(const char *directory)
{
	CLEANUP_JSON struct json_object *end = process_load(directory, "exit.json");
	CLEANUP_JSON struct json_object *run = process_load(directory, "run.json");

	return end != NULL || process_supervisor(run) < 0;
}

static bool container_wait_end(struct process_runtime *process, const char *directory, uint64_t us)
{
	uint64_t deadline = sched_now_us(process->sched) + us;
	bool ended;

	while (!(ended = container_has_ended(directory)) &&
	       sched_now_us(process->sched) < deadline) {
		(void)poll(NULL, 0, PROCESS_LOOK_MS);
	}
	return ended;
}

int process_stop(struct runtime *runtime, const char *id, uint32_t grace_s, struct error *reterr)
{
	struct process_runtime *process = process_of(runtime);
	CLEANUP_FREE char *directory = process_directory(process, id, reterr);
	CLEANUP_FREE char *mark = xprintf(PROCESS_MARK "%s", id);

	if (directory == NULL) {
		return -EINVAL;
	}

	CLEANUP_JSON struct json_object *run = process_load(directory, "run.json");
	pid_t child = (pid_t)asb_int(asb_at(run, "child"), 0);

	if (!container_has_ended(directory) && child > 1) {
		/* The supervisor has not reaped the child, so the pid is still the child's. */
		(void)kill(child, SIGTERM);
		if (!container_wait_end(process, directory, grace_s * UINT64_C(1000000))) {
			process_kill_all(mark);
			if (!container_wait_end(process, directory, KILL_US)) {
				return error_set(reterr, -EAGAIN, "'%s' does not end", id);
			}
		}
	}
	process_kill_all(mark); /* also what a supervisor that was killed left behind */
	return 0;
}

int process_remove(struct runtime *runtime, const char *id, struct error *reterr)
{
	CLEANUP_FREE char *directory = process_directory(process_of(runtime), id, reterr);
	int code = directory != NULL ? process_stop(runtime, id, 0, reterr) : -EINVAL;

	if (code == 0) {
		process_remove_tree(directory);
	}
	return code;
}
