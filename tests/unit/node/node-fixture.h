/* SPDX-License-Identifier: Apache-2.0 */
/* Pods and what a runtime has of them, in short words, for the tests of the node's pure parts. */
#ifndef ASB_TESTS_UNIT_NODE_NODE_FIXTURE_H
#define ASB_TESTS_UNIT_NODE_NODE_FIXTURE_H

#include <json-c/json.h>

#include "node/pod/plan.h"
#include "node/pod/view.h"

#define NOW_MS INT64_C(1700000000000)

struct pod_world {
	struct json_object *pod;
	struct runtime_list list;
	struct pod_view view;
	struct plan plan;
};

/* spec and status as JSON with ' for ". */
void world_begin(struct pod_world *world, const char *spec, const char *status);
void world_end(struct pod_world *world);
/* The pod's own row, running since 100 s ago. */
void world_sandbox(struct pod_world *world);
/* A container's attempt: made 90 s ago, started then; exited 10 s ago unless exit_code is RUNS. */
#define RUNS (-1)
#define MADE (-2)
struct runtime_status *world_add(struct pod_world *world, const char *name, uint32_t attempt,
				 int exit_code);
/* The view, all that runs started and ready. Again after each change. */
void world_look(struct pod_world *world);
struct container_view *world_container(struct pod_world *world, const char *name);
/* Makes the plan, and says its steps: "start a", "stop b", "sandbox", "forget ID", with blanks
 * between; the caller's. */
char *world_plan(struct pod_world *world);
/* The status made of the view; the caller's. */
struct json_object *world_status(struct pod_world *world);

#endif
