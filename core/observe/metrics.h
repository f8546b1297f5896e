/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A registry of metrics and its text form
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Families are registered once; a
 * series is made when its labels are first seen, at most METRIC_SERIES_MAX a family (further ones
 * are counted in agent_sandbox_metric_series_dropped_total). Thread-safe.
 */
#ifndef ASB_CORE_OBSERVE_METRICS_H
#define ASB_CORE_OBSERVE_METRICS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/sched.h"

#define METRIC_SERIES_MAX 2000
#define METRIC_LABELS_MAX 8 /* ASB_METRIC_LABELS_MAX */

struct metrics;
struct metric; /* a family */

/* the numbers of ASB_COUNTER ... */
enum metric_type { METRIC_COUNTER = 1, METRIC_GAUGE, METRIC_HISTOGRAM };

struct metrics *metrics_create(struct sched *sched);
void metrics_destroy(struct metrics *metrics);

/* labels: names separated by commas, or NULL. buckets: upper bounds in ascending order, 0 ends
 * them; NULL: 1 ms to 60 s. Registering a name again returns the family that is there, or NULL if
 * that has another type or other labels, as does a name that is none: what is recorded there goes
 * nowhere. Strings are copied. */
struct metric *metrics_family(struct metrics *metrics, const char *name, const char *help,
			      enum metric_type type, const char *labels, const double *buckets);
/* Counter: adds; gauge: sets; histogram: observes. values: one per label, NULL for a family
 * without. metric NULL: nothing. */
void metric_record(struct metric *metric, double value, const char *const *values);
/* Sets a counter that somebody else counts (the kernel) to its total. */
void metric_set(struct metric *metric, double value, const char *const *values);
/* Adds to a gauge that counts things; a series that reaches 0 is dropped. */
void metric_count(struct metric *metric, int change, const char *const *values);
/* Drops a series (an object is gone). */
void metric_forget(struct metric *metric, const char *const *values);

/* A function that is called before each rendering, to set gauges (depths, process_*). */
void metrics_on_render(struct metrics *metrics, void (*update)(void *arg), void *arg);
int metrics_render(struct metrics *metrics, struct buf *out);
/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds,
 * process_start_time_seconds, ... */
void metrics_add_process(struct metrics *metrics);

#endif
