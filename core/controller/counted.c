/* SPDX-License-Identifier: Apache-2.0 */
/* asb_host.count_key: remembers in which series of a gauge each key is counted, so that a key moves
 * from one to another and leaves with its object. Called by host.c and worker.c. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "core/controller/controller-private.h"

/* The label values of a series: each ends in a NUL. */
struct counted_values {
	size_t length;
	char text[];
};

struct counted_key {
	struct counted_values **values; /* of each metric of the plugin; NULL: not counted there */
	char key[];
};

static size_t counted_label_count(const struct asb_metric *metric)
{
	size_t count = metric->labels != NULL && *metric->labels != '\0' ? 1 : 0;

	for (const char *at = metric->labels;
	     count > 0 && count < METRIC_LABELS_MAX && (at = strchr(at, ',')) != NULL; at++) {
		count++;
	}
	return count;
}

static struct counted_values *counted_values_copy(const struct asb_metric *metric,
						  const char *const *label_values)
{
	size_t count = counted_label_count(metric), length = 0;
	struct counted_values *values;

	for (size_t i = 0; i < count; i++) {
		length += strlen(label_values[i] != NULL ? label_values[i] : "") + 1;
	}
	values = xalloc(sizeof(*values) + length);
	for (size_t i = 0; i < count; i++) {
		const char *value = label_values[i] != NULL ? label_values[i] : "";
		size_t size = strlen(value) + 1;

		memcpy(values->text + values->length, value, size);
		values->length += size;
	}
	return values;
}

static bool counted_values_same(const struct counted_values *a, const struct counted_values *b)
{
	return a != NULL && b != NULL && a->length == b->length &&
	       memcmp(a->text, b->text, a->length) == 0;
}

/* Adds change to the series. */
static void counted_change(struct controller *controller, uint32_t index,
			   const struct counted_values *values, int change)
{
	size_t count = counted_label_count(&controller->plugin->metrics[index]);
	const char *label_values[METRIC_LABELS_MAX] = { NULL }, *at;

	if (values == NULL) {
		return;
	}
	at = values->text;
	for (size_t i = 0; i < count; i++) {
		label_values[i] = at;
		at += strlen(at) + 1;
	}
	metric_count(controller->metrics[index], change, label_values);
}

/* Counts a key under values, which may be NULL, instead of what was there. Lock held. */
static void counted_replace(struct controller *controller, struct counted_key *counted,
			    uint32_t index, struct counted_values *take_values)
{
	struct counted_values *before = counted->values[index];

	if (counted_values_same(before, take_values)) {
		free(take_values);
		return;
	}
	counted_change(controller, index, take_values, 1);
	counted_change(controller, index, before, -1);
	counted->values[index] = take_values;
	free(before);
}

static void counted_destroy(struct controller *controller, struct counted_key *counted)
{
	for (uint32_t i = 0; i < controller->plugin->metric_count; i++) {
		counted_replace(controller, counted, i, NULL);
	}
	free(counted->values);
	free(counted);
}

void counted_set(struct controller *controller, const char *ns, const char *name, uint32_t index,
		 const char *const *label_values)
{
	char key[STORE_KEY_MAX];
	struct counted_key *counted;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	counted = map_get(&controller->counted, key);
	if (counted == NULL && label_values == NULL) {
		return;
	}
	if (counted == NULL) {
		counted = xalloc(sizeof(*counted) + strlen(key) + 1);
		memcpy(counted->key, key, strlen(key) + 1);
		counted->values =
			xnew_array(struct counted_values *, controller->plugin->metric_count);
		map_put(&controller->counted, counted->key, counted);
	}
	counted_replace(
		controller, counted, index,
		label_values != NULL
			? counted_values_copy(&controller->plugin->metrics[index], label_values)
			: NULL);
}

void counted_forget(struct controller *controller, const char *ns, const char *name)
{
	char key[STORE_KEY_MAX];
	struct counted_key *counted;

	snprintf(key, sizeof(key), "%s/%s", ns, name);
	LOCKED(&controller->lock);
	counted = map_remove(&controller->counted, key);
	if (counted != NULL) {
		counted_destroy(controller, counted);
	}
}

void counted_finish(struct controller *controller)
{
	struct counted_key *counted;
	size_t at = 0;

	while ((counted = map_next(&controller->counted, &at, NULL)) != NULL) {
		counted_destroy(controller, counted);
	}
	map_finish(&controller->counted);
}
