/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs containers: the seam between the node and Podman, plain processes, or nothing at all.
 * After the shape of the CRI (https://kubernetes.io/docs/concepts/architecture/cri/): a pod is a
 * network and a hostname that live as long as the pod; containers come and go in it.
 *
 * A runtime needs no memory of its own: after a kill -9 of the node, list() reports everything from
 * the outside world. So every call may be repeated: starting what runs and
 * removing what is gone are successes. All functions may be called from any thread; they wait, and
 * each has a deadline of its own. One pod is never worked on by two threads at a time, except exec,
 * logs and stats, and stop_container, which may run together with any other call for its pod: the
 * containers of one pod end in parallel.
 *
 * Errors: a negative errno and one sentence. -ENOENT: no such image, container or pod. -EAGAIN:
 * try again later. -EINVAL: asking again will not help. -EPERM: the pod's own rules forbid it.
 */
#ifndef ASB_NODE_RUNTIME_RUNTIME_H
#define ASB_NODE_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* A pod; strings are borrowed for the call. */
struct runtime_pod {
	const char *ns, *name, *uid;
	const char *handler;  /* of its RuntimeClass: "runc", "crun", "runsc"; NULL: the default */
	const char *hostname; /* at most 63 characters */
	bool host_network;
	const char *const
		*host_aliases;      /* "1.2.3.4 name other" lines for /etc/hosts, ends in NULL */
	const char *const *sysctls; /* "name=value" of the network, ends in NULL; NULL: none */
};

struct runtime_mount {
	const char *source; /* a file or directory of the host; NULL: a tmpfs */
	const char *target; /* in the container */
	uint64_t size;      /* of a tmpfs in bytes, 0: half of the memory */
	bool read_only;
};

/* A container to be made. Strings and arrays are borrowed for the call; arrays end in NULL. */
struct runtime_container {
	const char *name;
	uint32_t
		attempt; /* 0, 1 ...: its restart count; name and attempt make it unique in the pod */
	bool init;
	const char *image;                        /* as the pod names it */
	const char *const *command, *const *args; /* NULL: the image's (both follow the table at
		https://kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container/) */
	const char *const *env;                   /* "NAME=value" */
	const char *working_dir;                  /* NULL: the image's */
	const struct runtime_mount *mounts;
	size_t mount_count;

	uint64_t memory_limit;                        /* bytes, 0: none */
	uint32_t cpu_limit;                           /* thousandths of a core, 0: none */
	uint32_t cpu_request;                         /* thousandths of a core, for shares */
	uint32_t pids_limit;                          /* 0: none */
	const char *user;                             /* "uid[:gid]"; NULL: the image's */
	bool non_root;                                /* refuse (-EPERM) what may be uid 0 */
	const char *const *groups;                    /* supplementary gids */
	const char *const *cap_add, *const *cap_drop; /* without CAP_, "ALL" included */
	const char *const *sysctls;                   /* "name=value" of the IPC namespace */
	const char *seccomp; /* path of a profile, or "unconfined"; NULL: the runtime's own */
	bool read_only_root, no_new_privileges, privileged;
	bool tty, stdin_open;
};

enum runtime_phase {
	RUNTIME_CREATED,
	RUNTIME_RUNNING,
	RUNTIME_EXITED,
};

/* What list() found. Owned by the list. */
struct runtime_status {
	char *id; /* the runtime's own */
	char *pod_uid, *pod_ns, *pod_name;
	char *name; /* of the container; NULL: this is the pod itself (its pause) */
	uint32_t attempt;
	enum runtime_phase phase;
	char *ip;      /* of the pod itself, running */
	char *handler; /* that really runs it */
	char *image, *image_id;
	int exit_code; /* exited; 128 + N for signal N */
	bool oom_killed;
	int64_t created_ms, started_ms, finished_ms; /* wall clock; 0: not yet */
};
struct runtime_list {
	struct runtime_status *items;
	size_t count;
};
void runtime_list_finish(struct runtime_list *list);

/* imagePullPolicy */
enum runtime_pull {
	RUNTIME_PULL_IF_NOT_PRESENT,
	RUNTIME_PULL_ALWAYS,
	RUNTIME_PULL_NEVER,
};
/* What became of an image; note is a sentence for an event. */
enum runtime_image {
	RUNTIME_IMAGE_PRESENT,
	RUNTIME_IMAGE_PULLED,
	RUNTIME_IMAGE_SKIPPED, /* Always, but no registry answered in time: the present one is used */
};

/* Lines of a container's log: Kubernetes' options for pods/log. */
struct runtime_log_options {
	int64_t tail_lines;   /* -1: all */
	int64_t since_ms;     /* wall clock; 0: all */
	uint64_t limit_bytes; /* 0: none */
	bool timestamps, follow;
};

/* The streams of a further process in a container: kubectl exec and attach. */
struct runtime_exec_stream {
	int in, out,
		err; /* non-blocking descriptors, -1 where not wanted; the caller closes them */
	char id[80]; /* for exec_wait and exec_end */
};

struct runtime;

struct runtime_ops {
	/* Whether containers can be run here, with what it is ("podman 4.3.1 with runc") in note;
	 * else an error that says why and what to install. */
	int (*check)(struct runtime *runtime, struct buf *note, struct error *reterr);
	/* Whether a handler can be used; the error is the pod's event. */
	int (*check_handler)(struct runtime *runtime, const char *handler, struct error *reterr);
	/* Has the image, pulling it as the policy says. -ENOENT: there is none (ErrImagePull, or
	 * ErrImageNeverPull), -EINVAL: no image has such a name (InvalidImageName). */
	int (*ensure_image)(struct runtime *runtime, const char *image, enum runtime_pull policy,
			    enum runtime_image *ret, struct buf *note, struct error *reterr);

	/* Network and hostname; ret_ip gets the address (at most 63 characters). */
	int (*start_pod)(struct runtime *runtime, const struct runtime_pod *pod, char ret_ip[64],
			 struct error *reterr);
	/* Ends and removes it and every container in it. */
	int (*remove_pod)(struct runtime *runtime, const char *uid, struct error *reterr);

	/* Makes and starts it in its pod. notes, which may be NULL, gets one line for each thing the
	 * pod asked for that this runtime does not do (an event each). ret_id: at most 79
	 * characters. */
	int (*start_container)(struct runtime *runtime, const struct runtime_pod *pod,
			       const struct runtime_container *container, char ret_id[80],
			       struct buf *notes, struct error *reterr);
	/* SIGTERM (or the image's stop signal), then SIGKILL after grace_s. Returns when it has
	 * ended. */
	int (*stop_container)(struct runtime *runtime, const char *id, uint32_t grace_s,
			      struct error *reterr);
	int (*remove_container)(struct runtime *runtime, const char *id, struct error *reterr);

	/* Everything of this node, or of one pod (uid not NULL). */
	int (*list)(struct runtime *runtime, const char *uid, struct runtime_list *ret,
		    struct error *reterr);
	/* Runs argv (ends in NULL) in a container; output gets at most 10 KiB of both streams.
	 * -ETIMEDOUT: it was killed. */
	int (*exec)(struct runtime *runtime, const char *id, const char *const *argv,
		    uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr);
	/* Hands on the log's bytes until its end, or with follow until the container's; anything
	 * but 0 from bytes ends it. */
	int (*logs)(struct runtime *runtime, const char *id,
		    const struct runtime_log_options *options,
		    int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		    struct error *reterr);
	/* The same process, with its streams; NULL where the runtime cannot. argv NULL: attach. */
	int (*exec_stream)(struct runtime *runtime, const char *id, const char *const *argv,
			   bool tty, bool want_in, struct runtime_exec_stream *ret,
			   struct error *reterr);
	int (*exec_wait)(struct runtime *runtime, const char *exec_id, int *ret_exit,
			 struct error *reterr);
	/* The size of its terminal. It may fail until the process has started. */
	int (*exec_resize)(struct runtime *runtime, const struct runtime_exec_stream *process,
			   uint16_t columns, uint16_t rows, struct error *reterr);
	/* Ends a process of exec_stream that its caller has given up: its group gets SIGKILL where
	 * the runtime can. NULL: where it cannot at all; closing the streams is all then. Called
	 * before exec_wait. */
	int (*exec_end)(struct runtime *runtime, const char *exec_id, struct error *reterr);
	/* A connection to a port of a pod, as seen from inside it: kubectl port-forward. */
	int (*connect)(struct runtime *runtime, const char *uid, uint16_t port, int *ret_fd,
		       struct error *reterr);
	void (*destroy)(struct runtime *runtime);
};

struct runtime {
	const struct runtime_ops *ops;
	bool mounts; /* containers get the mounts that they ask for */
};

/* A container ended, or the runtime may have missed events (uid NULL: check every pod). On a thread
 * of the runtime. */
typedef void (*runtime_changed)(void *arg, const char *uid);

#endif
