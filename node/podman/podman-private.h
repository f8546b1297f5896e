/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the runtime on Podman share: the runtime, its services, and calls to them.
 */
#ifndef ASB_NODE_PODMAN_PODMAN_PRIVATE_H
#define ASB_NODE_PODMAN_PODMAN_PRIVATE_H

#include <json-c/json.h>
#include <sys/types.h>

#include "base/map.h"
#include "net/transport.h"
#include "node/podman/podman.h"

#define PODMAN_CALL_MS 30000u   /* a question */
#define PODMAN_CREATE_MS 60000u /* a create or a start, on a machine that is busy with many */
#define PODMAN_API "/v4.0.0/libpod"
#define PODMAN_REQUEST_MAX (4u << 20) /* of a create: environments run to a MiB */

/* Behind the path of a container that is deleted: at once, with the volumes that Podman made for it
 * because its image says VOLUME. The libpod API calls that "volumes"; "v" is Docker's. */
#define PODMAN_REMOVE "?force=true&timeout=0&volumes=true"

/* Labels of every container of ours. */
#define LABEL_NODE "agent-sandbox.node" /* node's name and state directory */
#define LABEL_UID "agent-sandbox.pod-uid"
#define LABEL_NS "agent-sandbox.pod-namespace"
#define LABEL_POD "agent-sandbox.pod-name"
#define LABEL_CONTAINER "agent-sandbox.container" /* not on the pod's own */
#define LABEL_ATTEMPT "agent-sandbox.attempt"
#define LABEL_HANDLER "agent-sandbox.handler"
#define LABEL_TRIAL "agent-sandbox.trial" /* with LABEL_NODE, on containers that try a handler */

enum { PODMAN_RUNC, PODMAN_CRUN, PODMAN_RUNSC, PODMAN_HANDLERS };

/* One `podman --runtime H system service`. */
struct podman_service {
	const char *handler;           /* constant */
	char *socket;                  /* constant: its path */
	struct transport *transport;   /* lock: made with the first use */
	bool wanted;                   /* lock */
	bool ready;                    /* lock: it listens */
	bool proven;                   /* lock: a container ran */
	pid_t pid;                     /* supervisor: 0: none */
	int pidfd;                     /* supervisor */
	uint32_t failures;             /* supervisor: in a row */
	uint64_t started_us, again_us; /* supervisor */
};

/* A process in a container with its streams (stream.c). */
struct podman_stream;

struct podman {
	struct runtime base;
	struct sched *sched;
	runtime_changed changed;
	void *changed_arg;

	/* Constant after create. */
	char *state_dir, *label; /* label: value of LABEL_NODE */
	char *binary, *network, *pause, *asked_handler, *platform;
	uint64_t log_max;

	struct sched_mutex lock;
	struct sched_cond wake; /* lock: a turn is free, the network is there, stopping */
	struct podman_service services[PODMAN_HANDLERS];
	int handler;                   /* lock: the default's index, -1: not tried yet */
	uint32_t turns;                /* lock: creates that may begin */
	bool ready;                    /* lock: files and network are there */
	bool preparing;                /* lock: somebody makes them */
	bool stopping;                 /* lock */
	bool events_wanted;            /* lock */
	struct podman_stream *streams; /* lock */
	struct map stopped;            /* lock: ids that we ended ourselves; keys are the values */
	struct map addresses;          /* lock: of pauses, by id and start; keys are owned */
	int wake_fd;                   /* to the supervisor */
	struct sched_thread *supervisor, *events;
};

/* files.c: the state directory. */
/* A program's path by PATH, the caller's; NULL: there is none. */
char *podman_find(const char *name);
/* Makes containers.conf and the pause's rootfs, needs no service. */
int podman_write_files(struct podman *podman, struct error *reterr);
int podman_write_file(const char *path, const char *text, size_t length, mode_t mode,
		      struct error *reterr);
/* The same as JSON for a create: limits that this machine can set. */
struct json_object *podman_rlimits(void);

/* service.c */
int podman_services_create(struct podman *podman, struct error *reterr);
void podman_services_finish(struct podman *podman);
void podman_supervise(void *podman);
/* The transport to a handler's service, which starts if it does not run. */
struct transport *podman_transport(struct podman *podman, int handler);
/* Ends a service that has no use, until it is asked for again. */
void podman_retire(struct podman *podman, int handler);
/* Which of services[] has a name, -1: none. */
int podman_handler_index(const char *handler);

/* handler.c: which handlers work. */
int podman_prepare(struct podman *podman, struct error *reterr);
/* The index of a pod's handler (NULL: the default), proven. */
int podman_handler(struct podman *podman, const char *name, int *ret, struct error *reterr);

/* call.c */
/* The handler whose service gets requests that any service can serve: the default one. */
int podman_main(struct podman *podman);
struct podman_request {
	int handler; /* whose service; -1: any */
	const char *method, *path;
	struct json_object *body; /* borrowed; NULL: none */
	uint32_t timeout_ms;
};
/* 0 for a 2xx or 304, with the response's tree (NULL: no body) in *ret if wanted. -ENOENT for a
 * 404, -EEXIST for a 409, -EINVAL for a 400, else -EAGAIN, with Podman's words. */
int podman_call(struct podman *podman, const struct podman_request *request,
		struct json_object **ret, struct error *reterr);
/* The same for a response in hand. */
int podman_result(const struct http_response *response, struct json_object **ret,
		  struct error *reterr);
/* GETs many paths at once; trees[i] is NULL where it failed. */
void podman_get_many(struct podman *podman, char *const *paths, size_t count,
		     struct json_object **trees);
/* "?all=true&filters=..." of what is ours; uid NULL: of all pods. The caller's. */
char *podman_filter(const struct podman *podman, const char *uid, const char *event);
/* Text as part of a URL. */
void podman_escape(struct buf *out, const char *text);
/* One of the bounded places for creates and starts. */
void podman_turn_begin(struct podman *podman);
void podman_turn_end(struct podman *podman);
/* Whether text can be part of a name of Podman's. */
bool podman_name_ok(const char *text);

/* image.c */
int podman_ensure_image(struct runtime *runtime, const char *image, enum runtime_pull policy,
			enum runtime_image *ret, struct buf *note, struct error *reterr);
/* The name under which an image is here, the caller's; NULL and *reterr: none. */
char *podman_image_here(struct podman *podman, const char *image, struct error *reterr);

/* pod.c */
int podman_start_pod(struct runtime *runtime, const struct runtime_pod *pod, char ret_ip[64],
		     struct error *reterr);
int podman_remove_pod(struct runtime *runtime, const char *uid, struct error *reterr);

/* launch.c */
/* One request about the container of a name: METHOD /containers/NAME + what. */
int podman_call_on(struct podman *podman, int handler, const char *method, const char *name,
		   const char *what, struct json_object **ret, struct error *reterr);
/* Creates, reads the runtime back, starts; *ret_inspect, which may be NULL, gets what inspect says
 * of the running one. Where it exists it is started if it never ran. */
int podman_launch(struct podman *podman, int handler, const char *name, struct json_object *create,
		  char ret_id[80], struct json_object **ret_inspect, struct error *reterr);

/* etc.c: the files of /etc that the node writes for a pod. */
#define PODMAN_ETC_FILES 4
/* pause is what inspect says of the pod's pause. */
int podman_etc_make(const struct podman *podman, const struct runtime_pod *pod, const char *ip,
		    struct json_object *pause, struct error *reterr);
/* Their mounts in a container: how many; freed by the second. */
size_t podman_etc_mounts(const struct podman *podman, const char *uid,
			 struct runtime_mount ret[PODMAN_ETC_FILES]);
void podman_etc_mounts_finish(struct runtime_mount *mounts, size_t count);
void podman_etc_remove(const struct podman *podman, const char *uid);

/* container.c */
int podman_start_container(struct runtime *runtime, const struct runtime_pod *pod,
			   const struct runtime_container *container, char ret_id[80],
			   struct buf *notes, struct error *reterr);
int podman_remove_container(struct runtime *runtime, const char *id, struct error *reterr);

/* list.c */
int podman_list(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		struct error *reterr);

void podman_addresses_finish(struct podman *podman);

/* log.c */
int podman_logs(struct runtime *runtime, const char *id, const struct runtime_log_options *options,
		int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		struct error *reterr);

/* hijack.c: connections that become raw streams. */
/* A connection on which POST path was answered by 101 or 200; what came behind the head is in
 * *rest. */
int podman_hijack(struct podman *podman, const char *path, const char *body, struct buf *rest,
		  int *ret_fd, struct error *reterr);
/* stop.c */
int podman_stop_container(struct runtime *runtime, const char *id, uint32_t grace_s,
			  struct error *reterr);
/* Whether we ended it. */
bool podman_was_stopped(struct podman *podman, const char *id);
void podman_forget_stopped(struct podman *podman, const char *id);

/* exec.c */
int podman_exec(struct runtime *runtime, const char *id, const char *const *argv,
		uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr);
/* Makes a session; id gets 79 characters at most. */
int podman_exec_create(struct podman *podman, const char *id, const char *const *argv, bool tty,
		       bool want_in, char ret_id[80], struct error *reterr);
/* How a session ended; -EAGAIN while it runs. */
int podman_exec_result(struct podman *podman, const char *id, int *ret_exit, pid_t *ret_pid,
		       struct error *reterr);

/* stream.c */
int podman_exec_stream(struct runtime *runtime, const char *id, const char *const *argv, bool tty,
		       bool want_in, struct runtime_exec_stream *ret, struct error *reterr);
int podman_exec_wait(struct runtime *runtime, const char *exec_id, int *ret_exit,
		     struct error *reterr);
int podman_exec_end(struct runtime *runtime, const char *exec_id, struct error *reterr);
int podman_exec_resize(struct runtime *runtime, const struct runtime_exec_stream *process,
		       uint16_t columns, uint16_t rows, struct error *reterr);
void podman_streams_finish(struct podman *podman);

/* connect.c */
int podman_connect(struct runtime *runtime, const char *uid, uint16_t port, int *ret_fd,
		   struct error *reterr);

/* events.c */
void podman_watch(void *podman);

/* Milliseconds for poll until a deadline; 0 when it has passed. */
static inline int podman_left_ms(struct podman *podman, uint64_t deadline_us)
{
	uint64_t now = sched_now_us(podman->sched);

	return deadline_us <= now                ? 0
	       : deadline_us - now > 3600000000u ? 3600000
						 : (int)((deadline_us - now + 999) / 1000);
}

static inline struct podman *podman_of(struct runtime *runtime)
{
	return CONTAINER_OF(runtime, struct podman, base);
}

#endif
