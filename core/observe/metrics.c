/* SPDX-License-Identifier: Apache-2.0 */
/* The registry of metrics and its text form. Called by whatever counts something, and by
 * core/observe/admin to show it. */
#include "config.h"

#include "core/observe/metrics.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "base/utf8.h"

#define BUCKETS_MAX 32 /* ASB_METRIC_BUCKETS_MAX */
#define HOOKS_MAX 64
#define LABEL_VALUE_MAX 256   /* a name in Kubernetes has 253 bytes at most */
#define METRIC_TEXT_MAX 16384 /* all labels of a series, as rendered */

struct series {
	char *labels;     /* as rendered, without braces: the key, too */
	double value;     /* a histogram's sum */
	uint64_t *counts; /* one per bucket, then the rest */
};

struct metric {
	struct metrics *metrics;
	char *name, *help;
	enum metric_type type;
	char *label_names; /* the commas are NULs; NULL: none */
	const char *labels[METRIC_LABELS_MAX];
	size_t label_count;
	double buckets[BUCKETS_MAX];
	size_t bucket_count;
	struct map series; /* lock */
};

struct hook {
	void (*update)(void *arg);
	void *arg;
};

struct metrics {
	struct sched *sched;
	struct sched_mutex lock;
	struct map families;          /* lock; a family itself is never removed */
	struct hook hooks[HOOKS_MAX]; /* lock */
	size_t hook_count;            /* lock */
	struct metric *dropped;
};

static const double default_buckets[] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
					  0.5,   1,      2.5,   5,    10,    30,   60,  0 };

struct metrics *metrics_create(struct sched *sched)
{
	struct metrics *metrics = xnew(struct metrics);

	metrics->sched = sched;
	sched_mutex_init(&metrics->lock, sched);
	metrics->dropped = metrics_family(
		metrics, "agent_sandbox_metric_series_dropped_total",
		"Observations that were dropped because their family had too many series.",
		METRIC_COUNTER, NULL, NULL);
	return metrics;
}

static void metrics_series_destroy(struct series *series)
{
	if (series == NULL) {
		return;
	}
	free(series->labels);
	free(series->counts);
	free(series);
}

static void metrics_family_destroy(struct metric *metric)
{
	struct series *series;
	size_t at = 0;

	while ((series = map_next(&metric->series, &at, NULL)) != NULL) {
		metrics_series_destroy(series);
	}
	map_finish(&metric->series);
	free(metric->name);
	free(metric->help);
	free(metric->label_names);
	free(metric);
}

void metrics_destroy(struct metrics *metrics)
{
	struct metric *metric;
	size_t at = 0;

	if (metrics == NULL) {
		return;
	}
	while ((metric = map_next(&metrics->families, &at, NULL)) != NULL) {
		metrics_family_destroy(metric);
	}
	map_finish(&metrics->families);
	sched_mutex_finish(&metrics->lock);
	free(metrics);
}

/* ---- registering ---- */

static bool metrics_valid_name(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789";

	return *name != '\0' && strchr("0123456789", *name) == NULL &&
	       name[strspn(name, letters)] == '\0';
}

/* Splits "a,b" into the family's label names; false when there are too many or one is no name. */
static bool metrics_set_labels(struct metric *metric, const char *labels)
{
	if (labels == NULL || *labels == '\0') {
		return true;
	}
	metric->label_names = xstrdup(labels);
	for (char *at = metric->label_names; at != NULL;) {
		char *comma = strchr(at, ',');

		if (comma != NULL) {
			*comma++ = '\0';
		}
		if (metric->label_count == METRIC_LABELS_MAX || !metrics_valid_name(at) ||
		    strchr(at, ':') != NULL) {
			return false;
		}
		metric->labels[metric->label_count++] = at;
		at = comma;
	}
	return true;
}

static void metrics_set_buckets(struct metric *metric, const double *buckets)
{
	for (; *buckets != 0 && metric->bucket_count < BUCKETS_MAX; buckets++) {
		metric->buckets[metric->bucket_count++] = *buckets;
	}
}

static bool metrics_same_shape(const struct metric *a, const struct metric *b)
{
	if (a->type != b->type || a->label_count != b->label_count) {
		return false;
	}
	for (size_t i = 0; i < a->label_count; i++) {
		if (strcmp(a->labels[i], b->labels[i]) != 0) {
			return false;
		}
	}
	return true;
}

struct metric *metrics_family(struct metrics *metrics, const char *name, const char *help,
			      enum metric_type type, const char *labels, const double *buckets)
{
	struct metric *metric = xnew(struct metric), *there;

	metric->metrics = metrics;
	metric->name = xstrdup(name);
	metric->help = xstrdup(help != NULL ? help : "");
	metric->type = type;
	if (!metrics_valid_name(name) || !metrics_set_labels(metric, labels) ||
	    type < METRIC_COUNTER || type > METRIC_HISTOGRAM) {
		metrics_family_destroy(metric);
		return NULL;
	}
	if (type == METRIC_HISTOGRAM) {
		metrics_set_buckets(metric, buckets != NULL ? buckets : default_buckets);
	}

	LOCKED(&metrics->lock);
	there = map_get(&metrics->families, name);
	if (there != NULL) {
		/* Another shape would make record read values that are not there. */
		struct metric *found = metrics_same_shape(there, metric) ? there : NULL;

		metrics_family_destroy(metric);
		return found;
	}
	map_put(&metrics->families, metric->name, metric);
	return metric;
}

void metrics_on_render(struct metrics *metrics, void (*update)(void *arg), void *arg)
{
	LOCKED(&metrics->lock);
	if (metrics->hook_count < HOOKS_MAX) {
		metrics->hooks[metrics->hook_count++] =
			(struct hook){ .update = update, .arg = arg };
	}
}

/* ---- recording ---- */

/* Text in which backslash and newline, and for a label value the quote, are escaped; bytes that are
 * no UTF-8 are replaced. */
static void metrics_append_escaped(struct buf *out, const char *text, size_t most, bool value)
{
	const char *end = text + utf8_cut(text, most);

	while (text < end) {
		size_t length = utf8_length(text);

		if (length == 0) {
			buf_append_str(out, "\xef\xbf\xbd");
			text++;
			continue;
		}
		if (*text == '\n') {
			buf_append_str(out, "\\n");
		} else if (*text == '\\' || (value && *text == '"')) {
			buf_append_char(out, '\\');
			buf_append_char(out, *text);
		} else {
			buf_append(out, text, length);
		}
		text += length;
	}
}

static void metrics_append_labels(struct buf *out, const struct metric *metric,
				  const char *const *values)
{
	for (size_t i = 0; i < metric->label_count; i++) {
		buf_printf(out, "%s%s=\"", i > 0 ? "," : "", metric->labels[i]);
		metrics_append_escaped(out, values != NULL && values[i] != NULL ? values[i] : "",
				       LABEL_VALUE_MAX, true);
		buf_append_char(out, '"');
	}
}

static void metrics_series_add(const struct metric *metric, struct series *series, double value,
			       bool total)
{
	size_t bucket = 0;

	if (metric->type == METRIC_GAUGE || (metric->type == METRIC_COUNTER && total)) {
		series->value = value;
		return;
	}
	if (metric->type == METRIC_COUNTER) {
		series->value += value > 0 ? value : 0;
		return;
	}
	while (bucket < metric->bucket_count && value > metric->buckets[bucket]) {
		bucket++;
	}
	series->counts[bucket]++;
	series->value += value;
}

/* Returns the series of these labels and makes it if there is room; NULL if there is not. Lock
 * held. */
static struct series *metrics_series_of(struct metric *metric, const char *labels)
{
	struct series *series = map_get(&metric->series, labels);

	if (series != NULL || metric->series.count >= METRIC_SERIES_MAX) {
		return series;
	}
	series = xnew(struct series);
	series->labels = xstrdup(labels);
	if (metric->type == METRIC_HISTOGRAM) {
		series->counts = xnew_array(uint64_t, metric->bucket_count + 1);
	}
	map_put(&metric->series, series->labels, series);
	return series;
}

static void metrics_record(struct metric *metric, double value, const char *const *values,
			   bool total)
{
	CLEANUP_BUF struct buf labels = BUF_INIT(METRIC_TEXT_MAX);
	bool dropped = false;

	if (metric == NULL || (isnan(value) && metric->type != METRIC_GAUGE)) {
		return;
	}
	metrics_append_labels(&labels, metric, values);
	{
		LOCKED(&metric->metrics->lock);
		struct series *series = metrics_series_of(metric, buf_str(&labels));

		if (series != NULL) {
			metrics_series_add(metric, series, value, total);
		}
		dropped = series == NULL;
	}
	if (dropped) {
		metric_record(metric->metrics->dropped, 1, NULL);
	}
}

void metric_record(struct metric *metric, double value, const char *const *values)
{
	metrics_record(metric, value, values, false);
}

void metric_set(struct metric *metric, double value, const char *const *values)
{
	metrics_record(metric, value, values, true);
}

void metric_count(struct metric *metric, int change, const char *const *values)
{
	CLEANUP_BUF struct buf labels = BUF_INIT(METRIC_TEXT_MAX);
	struct series *series;

	if (metric == NULL) {
		return;
	}
	metrics_append_labels(&labels, metric, values);
	LOCKED(&metric->metrics->lock);
	series = metrics_series_of(metric, buf_str(&labels));
	if (series == NULL) {
		return;
	}
	series->value += change;
	if (series->value <= 0) {
		metrics_series_destroy(map_remove(&metric->series, buf_str(&labels)));
	}
}

void metric_forget(struct metric *metric, const char *const *values)
{
	CLEANUP_BUF struct buf labels = BUF_INIT(METRIC_TEXT_MAX);

	if (metric == NULL) {
		return;
	}
	metrics_append_labels(&labels, metric, values);
	LOCKED(&metric->metrics->lock);
	metrics_series_destroy(map_remove(&metric->series, buf_str(&labels)));
}

/* ---- rendering ---- */

static void metrics_append_number(struct buf *out, double value)
{
	if (isnan(value)) {
		buf_append_str(out, "NaN");
	} else if (isinf(value)) {
		buf_append_str(out, value > 0 ? "+Inf" : "-Inf");
	} else {
		/* 15 digits show 0.1 as 0.1; counts need one more to be exact. */
		buf_printf(out, "%.*g",
			   value > -9e15 && value < 9e15 && value == (double)(int64_t)value ? 16
											    : 15,
			   value);
	}
}

static void metrics_append_sample(struct buf *out, const char *name, const char *suffix,
				  const char *labels, double value)
{
	buf_printf(out, "%s%s", name, suffix);
	if (*labels != '\0') {
		buf_printf(out, "{%s}", labels);
	}
	buf_append_char(out, ' ');
	metrics_append_number(out, value);
	buf_append_char(out, '\n');
}

static void metrics_append_histogram(struct buf *out, const struct metric *metric,
				     const struct series *series)
{
	const char *comma = *series->labels != '\0' ? "," : "";
	uint64_t count = 0;

	for (size_t i = 0; i < metric->bucket_count; i++) {
		count += series->counts[i];
		buf_printf(out, "%s_bucket{%s%sle=\"", metric->name, series->labels, comma);
		metrics_append_number(out, metric->buckets[i]);
		buf_printf(out, "\"} %llu\n", (unsigned long long)count);
	}
	count += series->counts[metric->bucket_count];
	buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", metric->name, series->labels, comma,
		   (unsigned long long)count);
	metrics_append_sample(out, metric->name, "_sum", series->labels, series->value);
	metrics_append_sample(out, metric->name, "_count", series->labels, (double)count);
}

static int metrics_compare_series(const void *a, const void *b)
{
	return strcmp((*(struct series *const *)a)->labels, (*(struct series *const *)b)->labels);
}

static int metrics_compare_families(const void *a, const void *b)
{
	return strcmp((*(struct metric *const *)a)->name, (*(struct metric *const *)b)->name);
}

/* Returns all values of a map, in an array that the caller frees. */
static void **metrics_sorted_values(const struct map *map,
				    int (*compare)(const void *, const void *))
{
	void **values = xnew_array(void *, map->count + 1), *value;
	size_t at = 0, count = 0;

	while ((value = map_next(map, &at, NULL)) != NULL) {
		values[count++] = value;
	}
	qsort(values, count, sizeof(*values), compare);
	return values;
}

static void metrics_append_family(struct buf *out, const struct metric *metric)
{
	static const char *const types[] = { "", "counter", "gauge", "histogram" };
	void **series = metrics_sorted_values(&metric->series, metrics_compare_series);

	buf_printf(out, "# HELP %s ", metric->name);
	metrics_append_escaped(out, metric->help, 4096, false);
	buf_printf(out, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
	for (size_t i = 0; i < metric->series.count; i++) {
		const struct series *one = series[i];

		if (metric->type == METRIC_HISTOGRAM) {
			metrics_append_histogram(out, metric, one);
		} else {
			metrics_append_sample(out, metric->name, "", one->labels, one->value);
		}
	}
	free(series);
}

int metrics_render(struct metrics *metrics, struct buf *out)
{
	struct hook hooks[HOOKS_MAX];
	size_t count;

	{
		LOCKED(&metrics->lock);
		count = metrics->hook_count;
		memcpy(hooks, metrics->hooks, sizeof(hooks));
	}
	for (size_t i = 0; i < count; i++) {
		hooks[i].update(hooks[i].arg);
	}

	LOCKED(&metrics->lock);
	void **families = metrics_sorted_values(&metrics->families, metrics_compare_families);

	for (size_t i = 0; i < metrics->families.count; i++) {
		metrics_append_family(out, families[i]);
	}
	free(families);
	return out->failed ? -ENOSPC : 0;
}
