/* SPDX-License-Identifier: Apache-2.0 */
/* Builds pods and lists of containers. Used by test-node-plan.c and test-node-status.c. */
#include "config.h"

#include "tests/unit/node/node-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "node/pod/status.h"

static struct json_object *parse(const char *text)
{
	CLEANUP_FREE char *copy = xstrdup(text);
	struct json_object *tree;

	for (char *at = copy; *at != '\0'; at++) {
		*at = *at == '\'' ? '"' : *at;
	}
	tree = json_parse(copy, strlen(copy), NULL);
	assert_non_null(tree);
	return tree;
}

void world_begin(struct pod_world *world, const char *spec, const char *status)
{
	*world = (struct pod_world){
		.pod = parse("{'metadata':{'name':'p','namespace':'n','uid':'u','generation':1}}")
	};
	json_object_object_add(world->pod, "spec", parse(spec));
	json_object_object_add(world->pod, "status", parse(status));
}

void world_end(struct pod_world *world)
{
	pod_view_finish(&world->view);
	runtime_list_finish(&world->list);
	json_object_put(world->pod);
}

static struct runtime_status *new_row(struct pod_world *world)
{
	struct runtime_list *list = &world->list;

	list->items = xrealloc(list->items, (list->count + 1) * sizeof(*list->items));
	list->items[list->count] = (struct runtime_status){ .pod_uid = xstrdup("u") };
	return &list->items[list->count++];
}

void world_sandbox(struct pod_world *world)
{
	struct runtime_status *row = new_row(world);

	row->id = xstrdup("sandbox");
	row->phase = RUNTIME_RUNNING;
	row->ip = xstrdup("10.0.0.1");
	row->created_ms = row->started_ms = NOW_MS - 100000;
}

struct runtime_status *world_add(struct pod_world *world, const char *name, uint32_t attempt,
				 int exit_code)
{
	struct runtime_status *row = new_row(world);

	row->id = xprintf("%s-%u", name, attempt);
	row->name = xstrdup(name);
	row->attempt = attempt;
	row->image = xstrdup("image");
	row->image_id = xstrdup("sha256:1");
	row->created_ms = row->started_ms = NOW_MS - 90000;
	row->phase = exit_code == RUNS   ? RUNTIME_RUNNING
		     : exit_code == MADE ? RUNTIME_CREATED
					 : RUNTIME_EXITED;
	if (row->phase == RUNTIME_EXITED) {
		row->exit_code = exit_code;
		row->finished_ms = NOW_MS - 10000;
	}
	return row;
}

void world_look(struct pod_world *world)
{
	pod_view_finish(&world->view);
	assert_int_equal(0, pod_view_init(&world->view, world->pod, &world->list, NOW_MS));
	for (size_t i = 0; i < world->view.count; i++) {
		struct container_view *container = &world->view.containers[i];

		container->started = container->ready = container->state == CONTAINER_RUNNING;
	}
}

struct container_view *world_container(struct pod_world *world, const char *name)
{
	for (size_t i = 0; i < world->view.count; i++) {
		if (strcmp(world->view.containers[i].name, name) == 0) {
			return &world->view.containers[i];
		}
	}
	fail_msg("there is no container '%s'", name);
	return NULL;
}

char *world_plan(struct pod_world *world)
{
	static const char *const words[] = { "stop", "sandbox", "start", "forget" };
	struct buf text = BUF_INIT(4096);

	plan_make(&world->view, &world->plan);
	for (size_t i = 0; i < world->plan.count; i++) {
		const struct step *step = &world->plan.steps[i];

		buf_printf(&text, "%s%s", i > 0 ? " " : "", words[step->kind]);
		if (step->kind == STEP_FORGET) {
			buf_printf(&text, " %s", step->forget);
		} else if (step->kind != STEP_SANDBOX) {
			buf_printf(&text, " %s", world->view.containers[step->container].name);
		}
	}
	return buf_take(&text);
}

struct json_object *world_status(struct pod_world *world)
{
	struct status_facts facts = { .runtime = "test", .host_ip = "192.0.2.1" };

	return status_make(&world->view, &facts);
}
