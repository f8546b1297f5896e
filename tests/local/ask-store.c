/* SPDX-License-Identifier: Apache-2.0 */
/* Answers what local/ makes of strategic patches and selectors, one JSON request a line. The
 * differential check against a real API server asks it (store_differential.py). */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "apiserver/requests/requests.h"
#include "apiserver/requests/strategic.h"
#include "base/json.h"
#include "base/memory.h"

#define LINE_MAX_BYTES (1 << 20)

static int64_t now_ms(void *arg)
{
	(void)arg;
	return 1767323045000;
}

static uint64_t next_random(void *arg)
{
	uint64_t *state = arg;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state ^ (*state >> 29);
}

/* {"kind", "target", "patch"} -> {"status", "object"} */
static struct json_object *ask_strategic(struct json_object *request)
{
	struct asb_kind kind = { "", "v1", "", asb_str(request, "kind") };
	struct json_object *response = json_object_new_object(), *object = NULL;
	struct error error = { 0 };
	int status = strategic_merge(&kind, asb_at(request, "target"), asb_at(request, "patch"),
				     &object, &error);

	json_object_object_add(response, "status", json_object_new_int(status));
	json_object_object_add(response, "object", object);
	asb_set_str(response, "message", error.text);
	return response;
}

static void fill(struct objects *objects, const struct asb_kind *kind, struct json_object *bodies)
{
	objects_install_with(objects, kind, &(struct objects_resource){ .status = true }, NULL);
	for (size_t i = 0; i < asb_length(bodies); i++) {
		struct json_object *body = asb_copy(json_object_array_get_idx(bodies, i));

		json_object_object_del(asb_at(body, "metadata"), "resourceVersion");
		objects_create_object(objects, kind, "", body, 0, NULL, NULL);
	}
}

/* {"objects": [Nodes], "labels", "fields"} -> {"status", "names"} */
static struct json_object *ask_selector(struct json_object *request)
{
	static const struct asb_kind kind = { "", "v1", "nodes", "Node" };
	CLEANUP(selector_release) struct selector *selector = NULL;
	struct json_object *response = json_object_new_object(), *names = json_object_new_array();
	struct list_page page = { 0 };
	struct error error = { 0 };
	uint64_t random = 1;
	struct objects *objects = objects_create(&(struct objects_config){
		.now_ms = now_ms, .random = next_random, .arg = &random, .server = true });
	int status;

	fill(objects, &kind, asb_at(request, "objects"));
	status = selector_create(objects, &kind, asb_str(request, "labels"),
				 asb_str(request, "fields"), &selector, &error);
	if (status == 0) {
		status = list_read(objects, &kind,
				   &(struct list_options){ .ns = "", .selector = selector }, &page,
				   &error);
	}
	for (size_t i = 0; i < page.count; i++) {
		json_object_array_add(names,
				      json_object_new_string(objects_state_name(page.states[i])));
	}
	list_page_finish(&page);
	objects_destroy(objects);
	json_object_object_add(response, "status", json_object_new_int(status));
	json_object_object_add(response, "names", names);
	asb_set_str(response, "message", error.text);
	return response;
}

int main(void)
{
	CLEANUP_FREE char *line = xalloc(LINE_MAX_BYTES);

	while (fgets(line, LINE_MAX_BYTES, stdin) != NULL) {
		CLEANUP_JSON struct json_object *request = json_parse(line, strlen(line), NULL);
		CLEANUP_JSON struct json_object *response = asb_at(request, "patch") != NULL
								    ? ask_strategic(request)
								    : ask_selector(request);

		puts(json_object_to_json_string_ext(response, JSON_C_TO_STRING_PLAIN));
		fflush(stdout);
	}
	return 0;
}
