/* SPDX-License-Identifier: Apache-2.0 */
/* How a container is ended: its signal, a grace, SIGKILL; and which ones we ended ourselves. The
 * node calls it through podman.c's table, on a thread for each. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/podman/podman-private.h"

#define GRACE_MOST_S 86400u
#define KILLED_US 20000000u /* after SIGKILL, until Podman says that it has ended */
#define LOOK_MIN_US 10000u  /* between checks whether it says so, doubling */
#define LOOK_MAX_US 500000u
#define SIGNAL_MAX 64

/* ---- what we ended ourselves ---- */

static void stop_note_stopped(struct podman *podman, const char *id)
{
	LOCKED(&podman->lock);
	if (map_get(&podman->stopped, id) == NULL) {
		char *own = xstrdup(id);

		(void)map_put(&podman->stopped, own, own);
	}
}

bool podman_was_stopped(struct podman *podman, const char *id)
{
	LOCKED(&podman->lock);
	return map_get(&podman->stopped, id) != NULL;
}

void podman_forget_stopped(struct podman *podman, const char *id)
{
	LOCKED(&podman->lock);
	if (id != NULL) {
		free(map_remove(&podman->stopped, id));
		return;
	}

	size_t at = 0;
	char *own;

	while ((own = map_next(&podman->stopped, &at, NULL)) != NULL) {
		free(own);
	}
}

/* ---- asking ---- */

struct target {
	struct podman *podman;
	const char *id;
	int64_t pid; /* 0: it does not run */
	int signal;  /* the image's */
};

/* 0 with a pid of 0 where it has ended or is gone. */
static int stop_inspect(struct target *target, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s/json", target->id);
	const struct podman_request request = {
		.handler = -1, .method = "GET", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	CLEANUP_JSON struct json_object *inspect = NULL;
	int code = podman_call(target->podman, &request, &inspect, reterr);
	struct json_object *state = asb_at(inspect, "State");

	target->pid = 0;
	if (code < 0) {
		return code == -ENOENT ? 0 : code;
	}
	if (asb_true(asb_at(state, "Running")) || asb_true(asb_at(state, "Paused")) ||
	    asb_streq(asb_str(state, "Status"), "stopping")) {
		target->pid = asb_int(asb_at(state, "Pid"), 0);
	}
	target->signal = (int)asb_int(asb_at(inspect, "Config", "StopSignal"), 0);
	if (target->signal <= 0 || target->signal > SIGNAL_MAX) {
		target->signal = 15;
	}
	return 0;
}

/* Sends a signal through Podman: under runsc the process on the machine is not the guest's. */
static int stop_send_signal(struct target *target, int signal, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("/containers/%s/kill?signal=%d", target->id, signal);
	const struct podman_request request = {
		.handler = -1, .method = "POST", .path = path, .timeout_ms = PODMAN_CALL_MS
	};
	struct error error = { 0 };
	int code = podman_call(target->podman, &request, NULL, &error);

	if (code == 0) {
		return 0;
	}
	/* It may have ended before the signal. */
	if (stop_inspect(target, reterr) == 0 && target->pid == 0) {
		return 0;
	}
	return error_set(reterr, code, "%s", error.text);
}

/* ---- waiting ---- */

/* Waits until Podman reports the container's end. */
static int stop_wait_ended(struct target *target, uint64_t deadline, struct error *reterr)
{
	struct podman *podman = target->podman;
	uint64_t pause = LOOK_MIN_US;

	for (;;) {
		int code = stop_inspect(target, reterr);
		uint64_t until = sched_now_us(podman->sched) + pause;

		if (code < 0 || target->pid == 0) {
			return code;
		}
		if (until > deadline) {
			return error_set(reterr, -EAGAIN, "container '%s' still runs", target->id);
		}
		pause = 2 * pause < LOOK_MAX_US ? 2 * pause : LOOK_MAX_US;

		LOCKED(&podman->lock);
		while (sched_cond_wait(&podman->wake, &podman->lock, until) == 0) {
			/* the wakeup was for another thread */
		}
	}
}

/* Whether the process ends within the grace period. Podman's own stop is not used: it holds one of
 * its few places for the whole grace period, so a few containers that ignore SIGTERM would delay
 * all others. */
static bool stop_ends_within(struct target *target, uint32_t grace_s)
{
	uint64_t deadline =
		sched_now_us(target->podman->sched) + (uint64_t)grace_s * UINT64_C(1000000);
	struct pollfd fd = { .fd = (int)syscall(SYS_pidfd_open, (pid_t)target->pid, 0),
			     .events = POLLIN };
	int ready;

	if (fd.fd < 0) {
		/* The process is gone, or no descriptor could be opened: then it is polled
		 * instead. */
		return errno == ESRCH || stop_wait_ended(target, deadline, NULL) == 0;
	}
	do {
		ready = poll(&fd, 1, podman_left_ms(target->podman, deadline));
	} while (ready < 0 && errno == EINTR);
	close(fd.fd);
	return ready > 0;
}

int podman_stop_container(struct runtime *runtime, const char *id, uint32_t grace_s,
			  struct error *reterr)
{
	struct target target = { .podman = podman_of(runtime), .id = id };
	uint32_t grace = grace_s < GRACE_MOST_S ? grace_s : GRACE_MOST_S;
	bool ended = false;
	int code;

	if (!podman_name_ok(id)) {
		return error_set(reterr, -EINVAL, "'%s' is not a container id", id);
	}
	code = stop_inspect(&target, reterr);
	if (code < 0 || target.pid == 0) {
		return code;
	}
	stop_note_stopped(target.podman, id);
	if (grace > 0) {
		code = stop_send_signal(&target, target.signal, reterr);
		ended = code == 0 && (target.pid == 0 || stop_ends_within(&target, grace));
	}
	if (code == 0 && !ended) {
		code = stop_send_signal(&target, 9, reterr);
	}
	return code == 0 ? stop_wait_ended(&target, sched_now_us(target.podman->sched) + KILLED_US,
					   reterr)
			 : code;
}
