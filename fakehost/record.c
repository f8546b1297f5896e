/* SPDX-License-Identifier: Apache-2.0 */
/* What the plugin did, for the test to read, and the faults that the test asks for. The host table
 * and fakehost/write.c fill it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/buf.h"
#include "base/memory.h"
#include "fakehost/fake.h"

/* One metric with one set of labels. */
struct series {
	char *id;
	uint32_t metric;
	double value;
};

void lines_add(struct lines *lines, char *take_line)
{
	lines->items = xrealloc(lines->items, (lines->count + 1) * sizeof(take_line));
	lines->items[lines->count++] = take_line;
}

void lines_clear(struct lines *lines)
{
	for (size_t i = 0; i < lines->count; i++) {
		free(lines->items[i]);
	}
	free(lines->items);
	*lines = (struct lines){ 0 };
}

/* Appends the labels' values; ends the process when there are not as many as the metric has. */
static void record_append_labels(struct buf *id, const struct asb_metric *metric,
				 const char *const *label_values)
{
	size_t count = metric->labels != NULL && *metric->labels != '\0' ? 1 : 0;

	for (const char *at = metric->labels; count > 0 && (at = strchr(at, ',')) != NULL; at++) {
		count++;
	}
	if (count > 0 && label_values == NULL) {
		fake_fatal("the metric '%s' needs values for its labels '%s'", metric->name,
			   metric->labels);
	}
	for (size_t i = 0; i < count; i++) {
		if (label_values[i] == NULL) {
			fake_fatal("the metric '%s' has no value for a label of '%s'", metric->name,
				   metric->labels);
		}
		buf_append_json(id, label_values[i], strlen(label_values[i]));
	}
}

/* The series of these label values, made if it is new. */
static struct series *record_series(struct asb_fake *fake, uint32_t index,
				    const char *const *label_values)
{
	CLEANUP_BUF struct buf id = BUF_INIT(65536);
	struct series *series;

	buf_printf(&id, "%u ", index);
	record_append_labels(&id, &fake->plugin->metrics[index], label_values);
	series = map_get(&fake->series, buf_str(&id));
	if (series == NULL) {
		series = xnew(struct series);
		series->id = xstrdup(buf_str(&id));
		series->metric = index;
		map_put(&fake->series, series->id, series);
	}
	return series;
}

static const struct asb_metric *record_metric_of(const struct asb_fake *fake, uint32_t index,
						 bool counted)
{
	const struct asb_metric *metric;

	if (index >= fake->metric_count) {
		fake_fatal("metric %u is not in the plugin's table", index);
	}
	metric = &fake->plugin->metrics[index];
	if ((metric->type == ASB_GAUGE_COUNTED) != counted) {
		fake_fatal("metric() is not for the metric '%s', or count_key() is not",
			   metric->name);
	}
	return metric;
}

static void record_uncount_in(struct asb_fake *fake, struct fake_key *key, uint32_t index)
{
	struct series *series =
		key->counted[index] != NULL ? map_get(&fake->series, key->counted[index]) : NULL;

	if (series != NULL) {
		series->value--;
	}
	free(TAKE(key->counted[index]));
}

void record_count_key(struct asb_fake *fake, struct fake_key *key, uint32_t index,
		      const char *const *label_values)
{
	record_metric_of(fake, index, true);
	if (key->counted == NULL) {
		key->counted = xnew_array(char *, fake->metric_count);
	}
	record_uncount_in(fake, key, index);
	if (label_values != NULL) {
		struct series *series = record_series(fake, index, label_values);

		series->value++;
		key->counted[index] = xstrdup(series->id);
	}
}

void record_uncount(struct asb_fake *fake, struct fake_key *key)
{
	for (uint32_t i = 0; key->counted != NULL && i < fake->metric_count; i++) {
		record_uncount_in(fake, key, i);
	}
	free(TAKE(key->counted));
}

void record_metric(struct asb_fake *fake, uint32_t index, double value,
		   const char *const *label_values)
{
	const struct asb_metric *metric = record_metric_of(fake, index, false);
	struct series *series = record_series(fake, index, label_values);

	if (metric->type == ASB_GAUGE) {
		series->value = value;
	} else {
		series->value += metric->type == ASB_HISTOGRAM ? 1 : value;
	}
}

double asb_fake_metric_with(struct asb_fake *fake, const char *name,
			    const char *const *label_values)
{
	for (uint32_t i = 0; i < fake->metric_count; i++) {
		if (asb_streq(fake->plugin->metrics[i].name, name)) {
			return record_series(fake, i, label_values)->value;
		}
	}
	fake_fatal("the plugin has no metric '%s'", name);
}

double asb_fake_metric(struct asb_fake *fake, const char *name)
{
	const struct series *series;
	double sum = 0;
	size_t at = 0;
	bool known = false;

	for (uint32_t i = 0; i < fake->metric_count; i++) {
		known = known || asb_streq(fake->plugin->metrics[i].name, name);
	}
	if (!known) {
		fake_fatal("the plugin has no metric '%s'", name);
	}
	while ((series = map_next(&fake->series, &at, NULL)) != NULL) {
		if (strcmp(fake->plugin->metrics[series->metric].name, name) == 0) {
			sum += series->value;
		}
	}
	return sum;
}

void fault_free(struct fault *fault)
{
	if (fault != NULL) {
		free(fault->kind);
		free(fault->message);
		free(fault);
	}
}

struct fault *record_fault(struct asb_fake *fake, uint32_t verb, const char *kind)
{
	for (struct fault **at = &fake->faults; *at != NULL; at = &(*at)->next) {
		struct fault *fault = *at;

		if ((fault->verb == 0 || fault->verb == verb) &&
		    (fault->kind == NULL || strcmp(fault->kind, kind) == 0)) {
			*at = fault->next;
			return fault;
		}
	}
	return NULL;
}

void record_finish(struct asb_fake *fake)
{
	struct series *series;
	size_t at = 0;

	while ((series = map_next(&fake->series, &at, NULL)) != NULL) {
		free(series->id);
		free(series);
	}
	map_finish(&fake->series);
	while (fake->faults != NULL) {
		struct fault *fault = fake->faults;

		fake->faults = fault->next;
		fault_free(fault);
	}
	lines_clear(&fake->writes);
	lines_clear(&fake->events);
	free(fake->failure);
}

void asb_fake_fail(struct asb_fake *fake, uint32_t verb, const char *kind, int32_t result,
		   const char *message, bool done)
{
	struct fault *fault = xnew(struct fault), **at = &fake->faults;

	if (kind != NULL && cache_kind(fake, kind) == NULL) {
		fake_fatal("asb_fake_fail: the plugin watches no kind '%s'", kind);
	}
	fault->verb = verb;
	fault->kind = kind != NULL ? xstrdup(kind) : NULL;
	fault->message = xstrdup(message != NULL ? message : "");
	fault->result = result;
	fault->done = done;
	while (*at != NULL) {
		at = &(*at)->next;
	}
	*at = fault;
}

void asb_fake_before_write(struct asb_fake *fake, void (*hook)(struct asb_fake *, void *arg),
			   void *arg)
{
	fake->hook = hook;
	fake->hook_arg = arg;
}

const char *asb_fake_write(struct asb_fake *fake, unsigned int position)
{
	return position < fake->writes.count ? fake->writes.items[position] : NULL;
}

unsigned int asb_fake_writes(struct asb_fake *fake)
{
	return (unsigned int)fake->writes.count;
}

const char *asb_fake_event(struct asb_fake *fake, unsigned int position)
{
	return position < fake->events.count ? fake->events.items[position] : NULL;
}

void asb_fake_forget(struct asb_fake *fake)
{
	lines_clear(&fake->writes);
	lines_clear(&fake->events);
	free(fake->failure);
	fake->failure = xstrdup("");
}

const char *asb_fake_failure(struct asb_fake *fake)
{
	return fake->failure;
}
