/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast local mode's API stores: creates, status patches and deletes of pods of some 4 KB, over a
 * database in a directory, and what memory they take. Use: api-writes DIRECTORY [COUNT]
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/requests/requests.h"
#include "apiserver/storage/storage.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/number.h"
#include "base/sched.h"

#define ENVIRONMENT 80 /* variables of a pod: makes 4 KB of it */
#define TICK_EVERY 50

static const struct asb_kind pods = { "", "v1", "pods", "Pod" };
static const struct asb_kind namespaces = { "", "v1", "namespaces", "Namespace" };

static int64_t now_ms(void *arg)
{
	return sched_wall_us(arg) / 1000;
}

static uint64_t next_random(void *arg)
{
	return sched_random(arg);
}

static void report(struct sched *sched, const char *what, size_t count, uint64_t since_us)
{
	uint64_t us = sched_now_us(sched) - since_us;
	struct mallinfo2 memory = mallinfo2();

	printf("%-8s %6zu in %8.1f ms: %8.0f/s, heap in use %.1f MB\n", what, count,
	       (double)us / 1000, (double)count * 1e6 / (double)(us + 1),
	       (double)memory.uordblks / 1e6);
}

static struct json_object *make_pod(size_t number)
{
	struct json_object *pod = asb_new(&pods, "default", ""), *container, *list, *env;
	char text[40];

	snprintf(text, sizeof(text), "pod-%zu", number);
	asb_set_str(asb_object_in(pod, "metadata"), "name", text);
	asb_set_label(pod, "number", text);
	list = json_object_new_array();
	json_object_object_add(asb_object_in(pod, "spec"), "containers", list);
	container = json_object_new_object();
	json_object_array_add(list, container);
	asb_set_str(container, "name", "main");
	env = json_object_new_array();
	json_object_object_add(container, "env", env);
	for (size_t i = 0; i < ENVIRONMENT; i++) {
		struct json_object *variable = json_object_new_object();

		snprintf(text, sizeof(text), "VARIABLE_%zu", i);
		asb_set_str(variable, "name", text);
		asb_set_str(variable, "value", "some text of a few bytes");
		json_object_array_add(env, variable);
	}
	return pod;
}

enum verb { CREATE, PATCH, DELETE };

static int once(struct objects *objects, enum verb verb, size_t number, struct error *reterr)
{
	CLEANUP_JSON struct json_object *patch = NULL;
	char name[40];
	struct request request = {
		.kind = &pods, .ns = "default", .name = name, .subresource = ""
	};

	snprintf(name, sizeof(name), "pod-%zu", number);
	if (verb == CREATE) {
		return request_create(objects, &request, make_pod(number), NULL, reterr);
	}
	if (verb == DELETE) {
		return request_delete(objects, &request,
				      &(struct objects_delete_options){ .grace = -1 }, NULL,
				      reterr);
	}
	request.subresource = "status";
	patch = json_object_new_object();
	asb_set_str(asb_object_in(patch, "status"), "phase", "Running");
	return request_patch(objects, &request, PATCH_MERGE, patch, NULL, reterr);
}

static int run(struct sched *sched, struct objects *objects, size_t count)
{
	static const char *const names[] = { "create", "patch", "delete" };

	for (enum verb verb = CREATE; verb <= DELETE; verb++) {
		uint64_t since = sched_now_us(sched);
		struct error error = { 0 };

		for (size_t i = 0; i < count; i++) {
			int status = once(objects, verb, i, &error);

			if (status != 200 && status != 201) {
				fprintf(stderr, "%d: %s\n", status, error.text);
				return 1;
			}
			if (i % TICK_EVERY == 0) {
				request_tick(objects);
			}
		}
		report(sched, names[verb], count, since);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sched *sched = sched_create();
	struct error error = { 0 };
	struct storage *storage = NULL;
	int64_t count = 4000;

	if (argc < 2 || (argc > 2 && integer_parse(argv[2], 1, 1000000, &count) != 0)) {
		fprintf(stderr, "use: api-writes DIRECTORY [COUNT]\n");
		return 2;
	}
	if (storage_open(argv[1], 0, &storage, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}

	struct objects *objects = objects_create(&(struct objects_config){
		.now_ms = now_ms, .random = next_random, .arg = sched, .server = true });

	objects_attach(objects, storage_hooks(storage));
	objects_install_with(objects, &namespaces, &(struct objects_resource){ .status = true },
			     NULL);
	objects_install_with(
		objects, &pods,
		&(struct objects_resource){ .status = true, .namespaced = true, .graceful = true },
		NULL);

	int status = request_bootstrap(objects, NULL, &error) == 0
			     ? run(sched, objects, (size_t)count)
			     : 1;

	objects_destroy(objects);
	storage_close(storage);
	sched_destroy(sched);
	return status;
}
