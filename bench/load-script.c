/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the script of a load and fills in what differs from item to item. Called by claim-load.c. */
#include "config.h"

#include "bench/load-script.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"

#define SCRIPT_MAX (64u << 20)
#define BODY_MAX (2u << 20)

static int read_file(const char *path, struct buf *out, struct error *reterr)
{
	FILE *file = fopen(path, "re");
	char chunk[65536];
	size_t length;

	if (file == NULL) {
		return error_set(reterr, -errno, "cannot open '%s': %s", path, strerror(errno));
	}
	while ((length = fread(chunk, 1, sizeof(chunk), file)) > 0) {
		buf_append(out, chunk, length);
	}
	fclose(file);
	return out->failed ? error_set(reterr, -ENOSPC, "'%s' is too large", path) : 0;
}

static int take_steps(struct load_script *script, struct json_object *steps, struct error *reterr)
{
	if (asb_length(steps) == 0 || asb_length(steps) > LOAD_STEPS_MAX) {
		return error_set(reterr, -EINVAL, "a script has 1 to %d steps", LOAD_STEPS_MAX);
	}
	script->bodies = xnew_array(char *, asb_length(steps));
	for (size_t i = 0; i < asb_length(steps); i++) {
		struct json_object *step = json_object_array_get_idx(steps, i),
				   *body = asb_at(step, "body");
		CLEANUP_BUF struct buf text = BUF_INIT(BODY_MAX);

		if (body != NULL) {
			json_print(body, &text);
			script->bodies[i] = buf_take(&text);
		}
		script->steps[i] = (struct load_step){
			.method = asb_str(step, "method"),
			.path = asb_str(step, "path"),
			.content_type = asb_str(step, "contentType"),
			.body = script->bodies[i],
		};
		if (script->steps[i].method == NULL || script->steps[i].path == NULL) {
			return error_set(reterr, -EINVAL, "step %zu has no method or no path", i);
		}
		script->step_count++;
	}
	return 0;
}

int load_script_read(const char *file, struct load_script *ret, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(SCRIPT_MAX);
	int error = read_file(file, &text, reterr);

	*ret = (struct load_script){ 0 };
	if (error < 0) {
		return error;
	}
	ret->tree = json_parse(buf_str(&text), text.length, reterr);
	if (ret->tree == NULL) {
		return -EINVAL;
	}
	ret->items = asb_array(ret->tree, "items");
	ret->item_count = asb_length(ret->items);
	return take_steps(ret, asb_array(ret->tree, "steps"), reterr);
}

void load_script_finish(struct load_script *script)
{
	for (size_t i = 0; i < script->step_count; i++) {
		free(script->bodies[i]);
	}
	free(script->bodies);
	json_object_put(script->tree);
}

static const char *word(const struct load_script *script, size_t item, size_t number)
{
	struct json_object *words = json_object_array_get_idx(script->items, item);
	const char *text =
		number < asb_length(words)
			? json_object_get_string(json_object_array_get_idx(words, number))
			: NULL;

	return text != NULL ? text : "";
}

const char *load_script_name(const struct load_script *script, size_t item)
{
	return word(script, item, 0);
}

void load_script_expand(const struct load_script *script, size_t item, char (*uids)[LOAD_UID_SIZE],
			const char *text, struct buf *out)
{
	const char *at;

	while ((at = strchr(text, '@')) != NULL) {
		buf_append(out, text, (size_t)(at - text));
		if (at[1] >= '0' && at[1] <= '9' && at[2] == '@') {
			buf_append_str(out, word(script, item, (size_t)(at[1] - '0')));
			text = at + 3;
		} else if (strncmp(at, "@uid", 4) == 0 && at[4] >= '0' && at[4] <= '9' &&
			   at[5] == '@') {
			buf_append_str(out, uids[at[4] - '0']);
			text = at + 6;
		} else {
			buf_append_char(out, '@');
			text = at + 1;
		}
	}
	buf_append_str(out, text);
}
