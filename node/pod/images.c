/* SPDX-License-Identifier: Apache-2.0 */
/* Pulls images once for all who need them. Called by the reconciles of pods, runs on
 * node/pod/jobs.c. */
#include "config.h"

#include "node/pod/images.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/map.h"
#include "base/memory.h"
#include "node/pod/backoff.h"

#define NOTE_MAX 4096
/* A pull that is not older serves all pods that ask, Always included: fifty pods that are created
 * together send one request to the registry. */
#define FRESH_US 10000000u
#define WAITERS_MAX 1024
#define IMAGES_MAX 4096 /* remembered; with more, those that no pod waits for are forgotten */

struct image {
	struct images *images;
	char *key; /* policy and name */
	const char *name;
	enum runtime_pull policy;
	bool pulling;
	uint64_t done_us; /* of the last success, 0: none */
	enum image_state state;
	int64_t took_ms;
	uint64_t failure; /* 0: the last try was none */
	int64_t failed_ms;
	struct backoff backoff;
	int code;
	char text[512];
	char **waiters; /* uids */
	size_t waiter_count;
};

struct images {
	struct sched *sched;
	struct runtime *runtime;
	struct jobs *jobs;
	images_wake wake;
	void *arg;
	struct sched_mutex lock;
	struct map items;  /* lock, and all of each image */
	uint64_t failures; /* lock */
};

struct images *images_create(struct sched *sched, struct runtime *runtime, struct jobs *jobs,
			     images_wake wake, void *arg)
{
	struct images *images = xnew(struct images);

	*images = (struct images){
		.sched = sched, .runtime = runtime, .jobs = jobs, .wake = wake, .arg = arg
	};
	sched_mutex_init(&images->lock, sched);
	return images;
}

static void images_free_waiters(char **waiters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(waiters[i]);
	}
	free(waiters);
}

static void images_free_image(struct image *image)
{
	images_free_waiters(image->waiters, image->waiter_count);
	free(image->key);
	free(image);
}

void images_destroy(struct images *images)
{
	struct image *image;
	size_t at = 0;

	if (images == NULL) {
		return;
	}
	while ((image = map_next(&images->items, &at, NULL)) != NULL) {
		images_free_image(image);
	}
	map_finish(&images->items);
	sched_mutex_finish(&images->lock);
	free(images);
}

static int64_t images_wall_ms(const struct images *images)
{
	return sched_wall_us(images->sched) / 1000;
}

/* ---- pulling, in a job ---- */

static void images_record_result(struct image *image, int code, enum runtime_image what,
				 int64_t took_ms, const char *text)
{
	struct images *images = image->images;

	LOCKED(&images->lock);
	image->took_ms = took_ms;
	image->code = code;
	snprintf(image->text, sizeof(image->text), "%s", text);
	if (code < 0) {
		image->failure = ++images->failures;
		image->failed_ms = images_wall_ms(images);
		backoff_try(&image->backoff, image->failed_ms);
		image->done_us = 0;
		return;
	}
	image->failure = 0;
	image->backoff = (struct backoff){ 0 };
	image->done_us = sched_now_us(images->sched);
	image->state = what == RUNTIME_IMAGE_SKIPPED  ? IMAGE_SKIPPED
		       : what == RUNTIME_IMAGE_PULLED ? IMAGE_PULLED
						      : IMAGE_PRESENT;
}

static void images_pull(void *arg)
{
	struct image *image = arg;
	struct images *images = image->images;
	CLEANUP_BUF struct buf note = BUF_INIT(NOTE_MAX);
	enum runtime_image what = RUNTIME_IMAGE_PRESENT;
	struct error error = { 0 };
	uint64_t began = sched_now_us(images->sched);
	int code = images->runtime->ops->ensure_image(images->runtime, image->name, image->policy,
						      &what, &note, &error);

	images_record_result(image, code, what,
			     (int64_t)((sched_now_us(images->sched) - began) / 1000),
			     code < 0 ? error.text : buf_str(&note));
}

static void images_finish_pull(void *arg)
{
	struct image *image = arg;
	struct images *images = image->images;
	char **waiters;
	size_t count;

	sched_mutex_lock(&images->lock);
	image->pulling = false;
	waiters = TAKE(image->waiters);
	count = image->waiter_count;
	image->waiter_count = 0;
	sched_mutex_unlock(&images->lock);
	for (size_t i = 0; i < count; i++) {
		images->wake(images->arg, waiters[i]);
	}
	images_free_waiters(waiters, count);
}

/* ---- asking ---- */

static void images_forget_idle(struct images *images)
{
	struct image *image;
	size_t at = 0;

	while (images->items.count >= IMAGES_MAX) {
		do {
			image = map_next(&images->items, &at, NULL);
		} while (image != NULL && image->pulling);
		if (image == NULL) {
			return;
		}
		map_remove(&images->items, image->key);
		images_free_image(image);
		at = 0;
	}
}

static struct image *images_find(struct images *images, const char *name, enum runtime_pull policy)
{
	CLEANUP_FREE char *key = xprintf("%d %s", (int)policy, name);
	struct image *image = map_get(&images->items, key);

	if (image == NULL) {
		images_forget_idle(images);
		image = xnew(struct image);
		image->images = images;
		image->key = TAKE(key);
		image->name = strchr(image->key, ' ') + 1;
		image->policy = policy;
		map_put(&images->items, image->key, image);
	}
	return image;
}

static void images_add_waiter(struct image *image, const char *uid)
{
	for (size_t i = 0; i < image->waiter_count; i++) {
		if (strcmp(image->waiters[i], uid) == 0) {
			return;
		}
	}
	if (image->waiter_count < WAITERS_MAX) {
		image->waiters = xrealloc(image->waiters,
					  (image->waiter_count + 1) * sizeof(*image->waiters));
		image->waiters[image->waiter_count++] = xstrdup(uid);
	}
}

/* Whether the result of an earlier pull still holds; then *ret is it. */
static bool images_known(struct image *image, struct image_response *ret)
{
	struct images *images = image->images;

	if (image->done_us != 0 && sched_now_us(images->sched) - image->done_us < FRESH_US) {
		ret->state = image->state;
		ret->took_ms = image->took_ms;
		snprintf(ret->text, sizeof(ret->text), "%s", image->text);
		return true;
	}
	if (image->failure == 0) {
		return false;
	}
	ret->left_ms = backoff_wait_ms(&image->backoff, image->failed_ms, images_wall_ms(images));
	ret->state = IMAGE_FAILED;
	ret->failure = image->failure;
	ret->code = image->code;
	snprintf(ret->text, sizeof(ret->text), "%s", image->text);
	return ret->left_ms > 0;
}

void images_ask(struct images *images, const char *image_name, enum runtime_pull policy,
		const char *uid, struct image_response *ret)
{
	CLEANUP_FREE char *task = xprintf("image %d %s", (int)policy, image_name);
	struct image *image;

	*ret = (struct image_response){ 0 };
	LOCKED(&images->lock);
	image = images_find(images, image_name, policy);
	if (!image->pulling && images_known(image, ret)) {
		return;
	}
	ret->state = IMAGE_PULLING;
	images_add_waiter(image, uid);
	if (!image->pulling) {
		image->pulling = true;
		ret->began = jobs_start(images->jobs, task, images_pull, images_finish_pull, image);
		image->pulling = ret->began;
	}
}

/* ---- policy ---- */

enum runtime_pull image_policy(const char *policy, const char *image)
{
	const char *slash, *tag;

	if (policy != NULL && strcmp(policy, "Always") == 0) {
		return RUNTIME_PULL_ALWAYS;
	}
	if (policy != NULL && strcmp(policy, "Never") == 0) {
		return RUNTIME_PULL_NEVER;
	}
	if (policy != NULL && strcmp(policy, "IfNotPresent") == 0) {
		return RUNTIME_PULL_IF_NOT_PRESENT;
	}
	if (strchr(image, '@') != NULL) {
		return RUNTIME_PULL_IF_NOT_PRESENT;
	}
	slash = strrchr(image, '/');
	tag = strchr(slash != NULL ? slash : image, ':');
	return tag == NULL || strcmp(tag, ":latest") == 0 ? RUNTIME_PULL_ALWAYS
							  : RUNTIME_PULL_IF_NOT_PRESENT;
}
