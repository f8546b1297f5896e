/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the runtime of plain processes share. Private to node/process. */
#ifndef ASB_NODE_PROCESS_PROCESS_PRIVATE_H
#define ASB_NODE_PROCESS_PROCESS_PRIVATE_H

#include <json-c/json.h>
#include <sys/types.h>

#include "base/macros.h"
#include "node/process/process.h"

#define PROCESS_MARK "ASB_CONTAINER="
#define PROCESS_LOG_MAX (10u << 20) /* bytes of each of the two files of a log */
#define PROCESS_LOOK_MS 20          /* between checks of a file that another process writes */
#define PROCESS_FILE_MAX (4u << 20) /* of a file of state: an environment may be large */

struct process_runtime {
	struct runtime runtime; /* first */
	struct sched *sched;
	char *directory;
	char *images; /* "IMAGE=PROGRAM,...": what containers without a command run */
	runtime_changed changed;
	void *arg;
	struct sched_mutex lock; /* of the addresses */
	struct sched_thread *watcher;
	int wake; /* eventfd: there is a new container to watch, or the runtime ends */
	struct sched_mutex watch_lock;
	bool stopping; /* watch_lock */
};

static inline struct process_runtime *process_of(struct runtime *runtime)
{
	return CONTAINER_OF(runtime, struct process_runtime, runtime);
}

/* ---- state.c: what is remembered ---- */
/* The tree in directory/name; NULL: there is none, or it is broken. The caller's. */
struct json_object *process_load(const char *directory, const char *name);
/* Writes it whole or not at all, mode 0600. */
int process_store(const char *directory, const char *name, struct json_object *tree);
/* Removes a directory and what is in it. */
void process_remove_tree(const char *directory);
/* In clock ticks since boot: with the pid it names a process for ever. 0: there is none. */
int64_t process_start_time(pid_t pid);
/* Whether the process that run.json names is still there: its pid (-1: no). */
pid_t process_supervisor(struct json_object *run);

/* ---- spawn.c ---- */
struct process_spawn {
	const char *path;
	const char *const *argv, *const *env;
	const char *cwd;
	int in, out, err;
	bool tty; /* in is one, and becomes the controlling terminal */
};
/* A session of its own. The pid, or a negative errno. */
pid_t process_spawn(const struct process_spawn *spawn);
/* The file of a command by $PATH of that environment; the caller's, NULL: there is none. */
char *process_find(const char *command, const char *const *env);
/* Sends a signal to each process of a container but this one; how many there were. */
size_t process_signal_all(const char *mark, int signal);
/* Until none is left, at most so many rounds. */
void process_kill_all(const char *mark);
/* An array of strings as one that ends in NULL; the strings are the tree's, the array the
 * caller's. */
const char **process_strings(struct json_object *array);

/* ---- log.c ---- */
int process_logs(struct runtime *runtime, const char *id, const struct runtime_log_options *options,
		 int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		 struct error *reterr);

/* ---- exec.c ---- */
int process_exec(struct runtime *runtime, const char *id, const char *const *argv,
		 uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr);
int process_exec_stream(struct runtime *runtime, const char *id, const char *const *argv, bool tty,
			bool want_in, struct runtime_exec_stream *ret, struct error *reterr);
int process_exec_wait(struct runtime *runtime, const char *exec_id, int *ret_exit,
		      struct error *reterr);
int process_exec_resize(struct runtime *runtime, const struct runtime_exec_stream *process,
			uint16_t columns, uint16_t rows, struct error *reterr);
int process_exec_end(struct runtime *runtime, const char *exec_id, struct error *reterr);
int process_connect(struct runtime *runtime, const char *uid, uint16_t port, int *ret_fd,
		    struct error *reterr);

/* ---- container.c, list.c ---- */
/* The directory of a container, the caller's; NULL and *reterr for an id that is none. */
char *process_directory(struct process_runtime *process, const char *id, struct error *reterr);
int process_start(struct runtime *runtime, const struct runtime_pod *pod,
		  const struct runtime_container *container, char ret_id[80], struct buf *notes,
		  struct error *reterr);
int process_stop(struct runtime *runtime, const char *id, uint32_t grace_s, struct error *reterr);
int process_remove(struct runtime *runtime, const char *id, struct error *reterr);
int process_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		 struct error *reterr);
/* The names in a directory, "." and ".." left out: calls each until one returns other than 0. */
int process_each(const char *directory, int (*each)(void *arg, const char *name), void *arg);

#endif
