/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What local mode makes of objects, for comparing with a real API server (test_types.py). Each line
 * of stdin is {"type": [group, version, plural], "ns", "object", "old", "store", "strict"}; each line
 * of stdout the object as it would be stored, or the Status of its refusal. "store" keeps it: CRDs
 * are served, what is kept can be found by admission.
 */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdio.h>

#include "apiserver/types/types.h"
#include "base/json.h"
#include "base/macros.h"
#include "base/memory.h"

#define LINE_CEILING (16u << 20)

struct tool {
	struct types *types;
	struct json_object *kept; /* "plural/ns/name" -> object */
	uint64_t random;
};

static void key_of(const struct type *type, const char *ns, const char *name, char ret[700])
{
	snprintf(ret, 700, "%s/%s/%s", type->kind.plural, ns, name);
}

static struct json_object *get(void *arg, const struct type *type, const char *ns, const char *name)
{
	const struct tool *tool = arg;
	char key[700];

	key_of(type, ns, name, key);
	return asb_at(tool->kept, key);
}

static int64_t now_ms(void *arg)
{
	(void)arg;
	return 1700000000000;
}

static uint64_t next_random(void *arg)
{
	struct tool *tool = arg;

	tool->random = tool->random * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return tool->random >> 16;
}

static struct json_object *admit(struct tool *tool, struct type_request *request,
				 struct json_object *object, struct json_object *old)
{
	int status = type_check_body(request, object);
	char key[700];

	if (status == 0) {
		status = type_admit(request, old != NULL ? TYPE_OP_UPDATE : TYPE_OP_CREATE, object,
				    old);
	}
	if (status != 0) {
		return json_object_get(request->status);
	}
	if (!request->dry_run) {
		key_of(request->type, request->ns, asb_name(object), key);
		json_object_object_add(tool->kept, key, json_object_get(object));
		types_stored(tool->types, request->type, object);
	}
	return json_object_get(object);
}

static struct json_object *response(struct tool *tool, struct json_object *line)
{
	struct json_object *names = asb_array(line, "type"), *result;
	const char *ns = asb_str(line, "ns");
	struct type_request request = {
		.types = tool->types,
		.type = types_find(tool->types, asb_as_str(json_object_array_get_idx(names, 0)),
				   asb_as_str(json_object_array_get_idx(names, 1)),
				   asb_as_str(json_object_array_get_idx(names, 2))),
		.ns = ns != NULL ? ns : "",
		.validation = asb_true(asb_at(line, "strict")) ? TYPE_VALIDATION_STRICT
							       : TYPE_VALIDATION_WARN,
		.dry_run = !asb_true(asb_at(line, "store")),
		.causes = CAUSES_INIT,
	};

	if (request.type == NULL) {
		return status_failure(404, "NotFound", NULL, NULL, NULL, "no such kind");
	}
	result = admit(tool, &request, asb_at(line, "object"), asb_at(line, "old"));
	type_request_finish(&request);
	return result;
}

static bool run(struct tool *tool, const char *text, size_t length)
{
	struct error error = { 0 };
	CLEANUP_JSON struct json_object *line = json_parse(text, length, &error);
	CLEANUP_JSON struct json_object *result = NULL;
	CLEANUP_BUF struct buf out = BUF_INIT(LINE_CEILING);

	if (asb_length(asb_at(line, "type")) != 3) {
		fprintf(stderr, "bad line: %s\n", error.text);
		return false;
	}
	result = response(tool, line);
	json_print(result, &out);
	puts(buf_str(&out));
	fflush(stdout);
	return true;
}

int main(void)
{
	struct tool tool = { .kept = json_object_new_object() };
	const struct types_callbacks world = { get, now_ms, next_random, &tool };
	CLEANUP_BUF struct buf line = BUF_INIT(LINE_CEILING);
	bool good = true;
	int byte;

	tool.types = types_create(&world);
	while (good && (byte = getchar()) != EOF) {
		if (byte != '\n') {
			buf_append_char(&line, (char)byte);
			continue;
		}
		good = run(&tool, buf_str(&line), line.length);
		buf_clear(&line);
	}
	types_destroy(tool.types);
	json_object_put(tool.kept);
	return good ? 0 : 1;
}
