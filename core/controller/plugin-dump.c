/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's tables as JSON, from which deploy/ and people read what it watches and needs. Called
 * by controller/main.c. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "core/controller/plugin.h"

/* "a,b" as an array. "" is one empty item: the core group. */
static struct json_object *dump_split(const char *list)
{
	struct json_object *array = json_object_new_array();

	while (list != NULL) {
		size_t length = strcspn(list, ",");

		json_object_array_add(array, json_object_new_string_len(list, (int)length));
		list = list[length] == ',' ? list + length + 1 : NULL;
	}
	return array;
}

static struct json_object *dump_texts(const char *const *list)
{
	struct json_object *array = json_object_new_array();

	for (; list != NULL && *list != NULL; list++) {
		json_object_array_add(array, json_object_new_string(*list));
	}
	return array;
}

static void dump_add_if(struct json_object *array, bool condition, const char *text)
{
	if (condition) {
		json_object_array_add(array, json_object_new_string(text));
	}
}

static struct json_object *dump_watch(const struct asb_watch *watch)
{
	struct json_object *object = json_object_new_object(), *map = json_object_new_array(),
			   *flags = json_object_new_array();

	asb_set_str(object, "group", watch->kind.group);
	asb_set_str(object, "version", watch->kind.version);
	asb_set_str(object, "plural", watch->kind.plural);
	asb_set_str(object, "kind", watch->kind.kind);
	dump_add_if(map, (watch->enqueue & ASB_ENQUEUE_SELF) != 0, "self");
	dump_add_if(map, (watch->enqueue & ASB_ENQUEUE_OWNER) != 0, "controller");
	if ((watch->enqueue & ASB_ENQUEUE_INDEX) != 0) {
		CLEANUP_FREE char *text = xprintf("index:%s", watch->enqueue_index);

		dump_add_if(map, true, text);
	}
	dump_add_if(map, (watch->enqueue & ASB_ENQUEUE_FUNCTION) != 0, "function");
	dump_add_if(flags, (watch->flags & ASB_WATCH_METADATA) != 0, "metadata");
	dump_add_if(flags, (watch->flags & ASB_WATCH_OPTIONAL) != 0, "optional");
	dump_add_if(flags, (watch->flags & ASB_WATCH_UNWATCHED) != 0, "unwatched");
	dump_add_if(flags, (watch->flags & ASB_WATCH_SELECTED) != 0, "ours");
	json_object_object_add(object, "map", map);
	json_object_object_add(object, "flags", flags);
	json_object_object_add(object, "fields", dump_texts(watch->fields));
	json_object_object_add(object, "selector_labels", dump_texts(watch->selector_labels));
	return object;
}

static struct json_object *dump_index(const struct plugin *plugin, const struct asb_index *index)
{
	struct json_object *object = json_object_new_object();

	asb_set_str(object, "name", index->name);
	asb_set_str(object, "watch", plugin->watches[index->watch].kind.kind);
	if ((index->flags & ASB_INDEX_RESERVES) != 0) {
		asb_set_str(object, "reserves", plugin->watches[index->reserves].kind.kind);
	}
	return object;
}

static struct json_object *dump_rule(const struct asb_rule *rule)
{
	struct json_object *object = json_object_new_object();

	json_object_object_add(object, "groups", dump_split(rule->groups));
	json_object_object_add(object, "resources", dump_split(rule->resources));
	json_object_object_add(object, "verbs", dump_split(rule->verbs));
	return object;
}

static struct json_object *dump_option(const struct asb_option *option)
{
	struct json_object *object = json_object_new_object();

	asb_set_str(object, "name", option->name);
	asb_set_str(object, "fallback", option->fallback);
	asb_set_str(object, "help", option->help);
	asb_set_str(object, "file", option->file);
	return object;
}

static struct json_object *dump_metric(const struct asb_metric *metric)
{
	static const char *const types[] = { "", "counter", "gauge", "histogram", "gauge" };
	struct json_object *object = json_object_new_object();

	asb_set_str(object, "name", metric->name);
	asb_set_str(object, "help", metric->help);
	json_object_object_add(object, "labels", dump_split(metric->labels));
	asb_set_str(object, "type", metric->type < ARRAY_LEN(types) ? types[metric->type] : "");
	return object;
}

/* Adds an array made from a table by a function of its entries. */
#define DUMP_TABLE(object, name, count, expression)                   \
	do {                                                          \
		struct json_object *array_ = json_object_new_array(); \
		for (uint32_t i = 0; i < (count); i++) {              \
			json_object_array_add(array_, (expression));  \
		}                                                     \
		json_object_object_add((object), (name), array_);     \
	} while (0)

int plugin_dump(const struct plugin *plugin, struct buf *out)
{
	CLEANUP_JSON struct json_object *object = json_object_new_object();
	struct json_object *abi = json_object_new_array();

	asb_set_str(object, "file", plugin->file);
	asb_set_str(object, "name", plugin->head.name);
	asb_set_str(object, "version", plugin->head.version);
	asb_set_str(object, "description", plugin->head.description);
	json_object_array_add(abi, json_object_new_int64(plugin->head.abi_major));
	json_object_array_add(abi, json_object_new_int64(plugin->head.abi_minor));
	json_object_object_add(object, "abi", abi);
	asb_set_str(object, "json", plugin->head.json_soname);
	json_object_object_add(object, "workers", json_object_new_int64(plugin->head.workers));
	DUMP_TABLE(object, "watches", plugin->watch_count, dump_watch(&plugin->watches[i]));
	DUMP_TABLE(object, "indexes", plugin->index_count, dump_index(plugin, &plugin->indexes[i]));
	DUMP_TABLE(object, "rules", plugin->rule_count, dump_rule(&plugin->rules[i]));
	DUMP_TABLE(object, "options", plugin->option_count, dump_option(&plugin->options[i]));
	DUMP_TABLE(object, "metrics", plugin->metric_count, dump_metric(&plugin->metrics[i]));
	asb_set_str(object, "crd", plugin->head.crd);
	json_print(object, out);
	return buf_append_char(out, '\n');
}
