/* SPDX-License-Identifier: Apache-2.0 */
/* The prober: which probe is due when, on a few threads, and what their results make of a
 * container. Called when containers are started, observed and removed. */
#include "config.h"

#include "node/probes/probe.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/heap.h"
#include "base/map.h"
#include "base/memory.h"
#include "node/probes/spec.h"

/* Threads are started when they are needed: one waits for the clock, and each running probe has one. When
 * this many probes hang at the same time, other probes become late. */
#define THREADS_MAX 16
/* After a restart of the node the probes of all containers are due at the same time: they are spread over
 * this time. */
#define SPREAD_US UINT64_C(1000000)
#define SPREAD_AFTER_MS 10000
/* Between its first and its second try a young container is asked more often, after this, twice
 * this and so on: a server that listens 50 ms after its start is Ready then, not a period later.
 * Failures of these tries count for nothing. */
#define EARLY_US UINT64_C(25000)

struct target;

struct probe {
	struct heap_node due; /* prober's lock; in the heap while it waits for its time */
	struct target *target;
	enum probe_kind kind;
	struct probe_spec spec; /* constant */
	uint64_t start_us;      /* constant: initialDelaySeconds are over */
	uint64_t regular_us;    /* prober's lock; when the next try that counts is due */
	uint64_t early_us;      /* prober's lock; before the next one that does not; 0: none */
	bool last;              /* prober's lock; the result that run counts */
	uint32_t run;           /* prober's lock; how many equal results came in a row */
};

/* A container. Fields: prober's lock, but for what is constant. */
struct target {
	char *id, *uid; /* constant */
	struct probe probes[PROBE_KINDS];
	struct probe_state state;
	uint32_t references; /* the map's, and one for each probe under way */
	uint32_t calls;      /* of changed, under way */
	bool removed;
};

struct prober {
	struct sched *sched;
	struct runtime *runtime;
	runtime_changed changed;
	void *arg;
	int stop_fd; /* readable once it is to end */

	struct sched_mutex lock;
	struct sched_cond due;    /* heap, waiters, stopping */
	struct sched_cond called; /* a target's calls */
	struct map targets;       /* lock; by id */
	struct heap heap;         /* lock; of struct probe */
	struct sched_thread *threads[THREADS_MAX];
	size_t thread_count; /* lock */
	size_t idle;         /* lock; threads that wait */
	bool watched;        /* lock; one of them waits for the heap's first */
	bool stopping;       /* lock */
};

static void probe_target_unref(struct target *target)
{
	if (--target->references > 0) {
		return;
	}
	for (int i = 0; i < PROBE_KINDS; i++) {
		probe_spec_finish(&target->probes[i].spec);
	}
	free(target->id);
	free(target->uid);
	free(target);
}

/* ---- states: all with the lock held ---- */

static bool probe_has(const struct target *target, enum probe_kind kind)
{
	return target->probes[kind].spec.handler != PROBE_NONE;
}

static void probe_push(struct prober *prober, struct probe *probe, uint64_t when, bool regular)
{
	const struct heap_node *first = heap_peek(&prober->heap);

	probe->due.when = when;
	probe->regular_us = regular ? when : probe->regular_us;
	heap_push(&prober->heap, &probe->due);
	if (first == NULL || when < first->when) {
		sched_cond_broadcast(&prober->due);
	}
}

/* From now on readiness and liveness are asked for. */
static void probe_start(struct prober *prober, struct target *target, uint64_t now)
{
	target->state.started = true;
	target->state.ready = !probe_has(target, PROBE_READINESS);
	for (int kind = PROBE_READINESS; kind <= PROBE_LIVENESS; kind++) {
		struct probe *probe = &target->probes[kind];

		if (probe_has(target, (enum probe_kind)kind)) {
			probe_push(prober, probe, now > probe->start_us ? now : probe->start_us,
				   true);
		}
	}
}

static void probe_set_message(struct target *target, enum probe_kind kind, const char *why)
{
	static const char *const names[PROBE_KINDS] = {
		[PROBE_STARTUP] = "Startup",
		[PROBE_READINESS] = "Readiness",
		[PROBE_LIVENESS] = "Liveness",
	};

	snprintf(target->state.message, sizeof(target->state.message), "%s probe failed: %.480s",
		 names[kind], why);
	target->state.kind = kind;
	target->state.failures++;
}

/* What a run of results means. */
static void probe_apply(struct prober *prober, struct probe *probe, bool success)
{
	struct target *target = probe->target;

	probe->run = probe->last == success ? probe->run + (probe->run < UINT32_MAX) : 1;
	probe->last = success;
	if (probe->run < (success ? probe->spec.successes : probe->spec.failures)) {
		return;
	}
	if (probe->kind == PROBE_READINESS) {
		target->state.ready = success;
	} else if (!success) {
		target->state.failed = true;
		target->state.ready = false;
	} else if (probe->kind == PROBE_STARTUP) {
		probe_start(prober, target, sched_now_us(prober->sched));
	}
}

static bool probe_wants_more(const struct probe *probe)
{
	const struct target *target = probe->target;

	return !target->removed && !target->state.failed &&
	       !(probe->kind == PROBE_STARTUP && target->state.started);
}

/* Keeps to the clock; what was missed by a slow probe or a sleeping machine is not made up for. */
static uint64_t probe_next_time(const struct prober *prober, const struct probe *probe)
{
	uint64_t now = sched_now_us(prober->sched), next = probe->regular_us;

	if (probe->due.when >= next) {
		next += probe->spec.period_us;
	}
	return next > now ? next : now;
}

static void probe_push_next(struct prober *prober, struct probe *probe, bool success)
{
	uint64_t next = probe_next_time(prober, probe);
	uint64_t early = sched_now_us(prober->sched) + probe->early_us;

	if (success || early >= next) {
		probe->early_us = 0;
	}
	if (probe->early_us > 0) {
		probe->regular_us = next;
		probe->early_us *= 2;
		probe_push(prober, probe, early, false);
	} else {
		probe_push(prober, probe, next, true);
	}
}

static bool probe_same_state(const struct probe_state *a, const struct probe_state *b)
{
	return a->started == b->started && a->ready == b->ready && a->failed == b->failed &&
	       a->failures == b->failures;
}

/* ---- threads ---- */

static void probe_run_thread(void *arg);

/* Sees to it that somebody waits for the clock while this thread is away. */
static void probe_hand_over(struct prober *prober)
{
	if (prober->watched || prober->stopping) {
		return;
	}
	if (prober->idle > 0) {
		sched_cond_signal(&prober->due);
	} else if (prober->thread_count < THREADS_MAX) {
		prober->threads[prober->thread_count++] =
			sched_start(prober->sched, "probe", probe_run_thread, prober);
	}
}

static void probe_report(struct prober *prober, struct target *target)
{
	target->calls++;
	sched_mutex_unlock(&prober->lock);
	prober->changed(prober->arg, target->uid);
	sched_mutex_lock(&prober->lock);
	if (--target->calls == 0) {
		sched_cond_broadcast(&prober->called);
	}
}

/* Runs one probe that was taken out of the heap. Lock held, given away meanwhile. */
static void probe_run_probe(struct prober *prober, struct probe *probe)
{
	struct target *target = probe->target;
	struct error why = { 0 };
	enum probe_result result;

	target->references++;
	probe_hand_over(prober);
	sched_mutex_unlock(&prober->lock);
	result = probe_try(&probe->spec, prober->runtime, target->id, prober->stop_fd, &why);
	sched_mutex_lock(&prober->lock);

	/* Another of its probes may have failed it for good meanwhile. */
	if (!target->removed && !target->state.failed && !prober->stopping) {
		struct probe_state before = target->state;
		bool success = result == PROBE_SUCCESS;
		bool counts = success || probe->due.when >= probe->regular_us;

		if (result == PROBE_FAILURE && counts) {
			probe_set_message(target, probe->kind, why.text);
		}
		if (result != PROBE_UNKNOWN && counts) {
			probe_apply(prober, probe, success);
		}
		if (probe_wants_more(probe)) {
			probe_push_next(prober, probe, success);
		}
		if (!probe_same_state(&before, &target->state)) {
			probe_report(prober, target);
		}
	}
	probe_target_unref(target);
}

/* Waits for the first of the heap, or for another thread to leave that to this one. */
static void probe_wait(struct prober *prober)
{
	const struct heap_node *first = heap_peek(&prober->heap);
	bool watch = !prober->watched;

	prober->idle++;
	prober->watched = true;
	sched_cond_wait(&prober->due, &prober->lock,
			watch && first != NULL ? first->when : SCHED_FOREVER);
	prober->watched = prober->watched && !watch;
	prober->idle--;
}

static void probe_run_thread(void *arg)
{
	struct prober *prober = arg;

	LOCKED(&prober->lock);
	while (!prober->stopping) {
		struct heap_node *first = heap_peek(&prober->heap);

		if (first == NULL || first->when > sched_now_us(prober->sched)) {
			probe_wait(prober);
			continue;
		}
		heap_remove(&prober->heap, first);
		probe_run_probe(prober, CONTAINER_OF(first, struct probe, due));
	}
}

/* ---- public functions ---- */

struct prober *prober_create(struct sched *sched, struct runtime *runtime, runtime_changed changed,
			     void *arg)
{
	struct prober *prober = xnew(struct prober);

	prober->sched = sched;
	prober->runtime = runtime;
	prober->changed = changed;
	prober->arg = arg;
	/* Without it (-1) only ending takes longer. */
	prober->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	sched_mutex_init(&prober->lock, sched);
	sched_cond_init(&prober->due, sched);
	sched_cond_init(&prober->called, sched);

	LOCKED(&prober->lock);
	probe_hand_over(prober);
	return prober;
}

static void probe_stop(struct prober *prober)
{
	const uint64_t one = 1;

	LOCKED(&prober->lock);
	prober->stopping = true;
	sched_cond_broadcast(&prober->due);
	if (prober->stop_fd >= 0 && write(prober->stop_fd, &one, sizeof(one)) < 0) {
		/* The counter of the eventfd is full, so it is readable already. */
		return;
	}
}

void prober_destroy(struct prober *prober)
{
	struct target *target;
	size_t at = 0;

	if (prober == NULL) {
		return;
	}
	probe_stop(prober);
	/* Stopping, nobody starts another. */
	for (size_t i = 0; i < prober->thread_count; i++) {
		sched_join(prober->threads[i]);
	}
	while ((target = map_next(&prober->targets, &at, NULL)) != NULL) {
		probe_target_unref(target);
	}
	map_finish(&prober->targets);
	heap_finish(&prober->heap);
	sched_cond_finish(&prober->called);
	sched_cond_finish(&prober->due);
	sched_mutex_finish(&prober->lock);
	if (prober->stop_fd >= 0) {
		close(prober->stop_fd);
	}
	free(prober);
}

/* When a probe may run first: initialDelaySeconds after the container's start. */
static uint64_t probe_first_time(struct prober *prober, const struct probe_spec *spec,
				 int64_t started_ms)
{
	uint64_t now = sched_now_us(prober->sched);
	int64_t age_us = sched_wall_us(prober->sched) - started_ms * 1000;

	/* The start time is not known, or the clock was set back. */
	if (started_ms <= 0 || age_us < 0) {
		age_us = 0;
	}
	if ((uint64_t)age_us < spec->delay_us) {
		return now + spec->delay_us - (uint64_t)age_us;
	}
	if (age_us > (int64_t)SPREAD_AFTER_MS * 1000 + (int64_t)spec->delay_us) {
		now += sched_random(prober->sched) % SPREAD_US;
	}
	return now;
}

/* Early tries are for readiness and startup by HTTP or TCP: a command costs too much, and a liveness probe
 * may wait. */
static bool probe_asked_early(struct prober *prober, const struct probe *probe, int64_t started_ms)
{
	int64_t age_us = sched_wall_us(prober->sched) - started_ms * 1000;
	const struct probe_spec *spec = &probe->spec;

	return (spec->handler == PROBE_HTTP || spec->handler == PROBE_TCP) &&
	       spec->successes == 1 && probe->kind != PROBE_LIVENESS && started_ms > 0 &&
	       age_us < (int64_t)(spec->delay_us + spec->period_us);
}

static struct target *probe_target_create(struct prober *prober, const char *uid, const char *id,
					  const char *ip, int64_t started_ms,
					  struct json_object *container)
{
	static const char *const members[PROBE_KINDS] = {
		[PROBE_STARTUP] = "startupProbe",
		[PROBE_READINESS] = "readinessProbe",
		[PROBE_LIVENESS] = "livenessProbe",
	};
	struct target *target = xnew(struct target);

	target->id = xstrdup(id);
	target->uid = xstrdup(uid != NULL ? uid : "");
	target->references = 1;
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		struct probe *probe = &target->probes[kind];

		probe->target = target;
		probe->kind = (enum probe_kind)kind;
		probe_spec_init(&probe->spec, container, asb_at(container, members[kind]),
				ip != NULL ? ip : "");
		probe->start_us = probe_first_time(prober, &probe->spec, started_ms);
		probe->early_us = probe_asked_early(prober, probe, started_ms) ? EARLY_US : 0;
	}
	return target;
}

void prober_add(struct prober *prober, const char *uid, const char *id, const char *ip,
		int64_t started_ms, struct json_object *container)
{
	LOCKED(&prober->lock);
	if (prober->stopping || map_get(&prober->targets, id) != NULL) {
		return;
	}

	struct target *target = probe_target_create(prober, uid, id, ip, started_ms, container);
	struct probe *startup = &target->probes[PROBE_STARTUP];

	map_put(&prober->targets, target->id, target);
	if (probe_has(target, PROBE_STARTUP)) {
		probe_push(prober, startup, startup->start_us, true);
	} else {
		probe_start(prober, target, sched_now_us(prober->sched));
	}
}

void prober_remove(struct prober *prober, const char *id)
{
	LOCKED(&prober->lock);

	struct target *target = map_remove(&prober->targets, id);

	if (target == NULL) {
		return;
	}
	target->removed = true;
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		if (heap_has(&target->probes[kind].due)) {
			heap_remove(&prober->heap, &target->probes[kind].due);
		}
	}
	/* The result of a running probe is dropped; a running call of changed is waited for. */
	while (target->calls > 0) {
		sched_cond_wait(&prober->called, &prober->lock, SCHED_FOREVER);
	}
	probe_target_unref(target);
}

bool prober_state(struct prober *prober, const char *id, struct probe_state *ret)
{
	LOCKED(&prober->lock);

	const struct target *target = map_get(&prober->targets, id);

	if (target == NULL) {
		return false;
	}
	*ret = target->state;
	return true;
}
