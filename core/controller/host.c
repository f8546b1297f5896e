/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions a plugin is given: everything but the writes (host-write.c). Called by
 * plugins. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "core/controller/controller-private.h"
#include "core/observe/log.h"

#define LIST_DEFAULT 1000u
#define LIST_CHUNK 64u

static void host_log(struct asb_instance *instance, uint32_t level, const char *format, ...)
	PRINTF_LIKE(3, 4);
static void host_event(struct asb_call *base, struct json_object *about, const char *type,
		       const char *reason, const char *format, ...) PRINTF_LIKE(5, 6);
static int32_t host_fail(struct asb_call *base, int32_t result, const char *format, ...)
	PRINTF_LIKE(3, 4);

static struct controller *host_controller_of(struct asb_instance *instance)
{
	return (struct controller *)instance;
}

static struct call *host_call_of(struct asb_call *base)
{
	return (struct call *)base;
}

/* Ends the process: a plugin that uses a watch or an index it does not have is broken. */
static void host_check_number(const struct controller *controller, const char *what,
			      uint32_t number, uint32_t count)
{
	if (number >= count) {
		log_error("plugin '%s' uses %s %u but has only %u", controller->plugin->head.name,
			  what, number, count);
		abort();
	}
}

static const struct asb_kind *host_kind_of(struct controller *controller, uint32_t watch)
{
	host_check_number(controller, "watch", watch, controller->plugin->watch_count);
	return &controller->plugin->watches[watch].kind;
}

/* ---- any time ---- */

static void host_log(struct asb_instance *instance, uint32_t level, const char *format, ...)
{
	const char *const fields[] = { "plugin", host_controller_of(instance)->plugin->head.name,
				       NULL };
	char text[1024];
	va_list args;

	if (level < ASB_LOG_ERROR || level > ASB_LOG_DEBUG || !log_enabled((enum log_level)level)) {
		return;
	}
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_write((enum log_level)level, fields, "%s", text);
}

static void host_metric(struct asb_instance *instance, uint32_t index, double value,
			const char *const *label_values)
{
	struct controller *controller = host_controller_of(instance);

	host_check_number(controller, "metric", index, controller->plugin->metric_count);
	metric_record(controller->metrics[index], value, label_values);
}

static const char *host_option(struct asb_instance *instance, uint32_t index)
{
	struct controller *controller = host_controller_of(instance);

	host_check_number(controller, "option", index, controller->plugin->option_count);
	if (controller->config.option_values != NULL &&
	    controller->config.option_values[index] != NULL) {
		return controller->config.option_values[index];
	}
	return controller->plugin->options[index].fallback;
}

static void host_enqueue(struct asb_instance *instance, const char *ns, const char *name,
			 uint64_t delay_ms)
{
	queue_add_after(host_controller_of(instance)->queue, ns, name,
			delay_ms < SCHED_FOREVER / 1000 ? delay_ms * 1000 : SCHED_FOREVER - 1);
}

static int64_t host_now_ms(struct asb_instance *instance)
{
	return sched_wall_us(host_controller_of(instance)->config.sched) / 1000;
}

static int64_t host_now_ns(struct asb_instance *instance)
{
	return sched_wall_us(host_controller_of(instance)->config.sched) * 1000;
}

static uint64_t host_random(struct asb_instance *instance)
{
	return sched_random(host_controller_of(instance)->config.sched);
}

static void host_sha256(struct asb_instance *instance UNUSED, const void *data, uint64_t size,
			char ret_hex[65])
{
	sha256_hex(data, (size_t)size, ret_hex);
}

/* ---- the store ---- */

static struct json_object *host_get(struct asb_call *base, uint32_t watch, const char *ns,
				    const char *name)
{
	struct call *call = host_call_of(base);
	struct store *store;

	host_kind_of(call->controller, watch);
	store = call->controller->bindings[watch].store;
	return store != NULL && name != NULL
		       ? call_keep(call, store_get(store, ns != NULL ? ns : "", name))
		       : NULL;
}

/* What a list collects. */
struct gathering {
	struct call *call;
	struct store *store;
	const struct asb_kind *kind;
	bool unreserved;
	uint32_t limit, count, size;
	struct json_object **objects;
};

static void host_gather(struct gathering *gathering, char *key)
{
	char *slash = strchr(key, '/'), holder[STORE_KEY_MAX];
	struct json_object *object;

	*slash = '\0';
	if (gathering->unreserved &&
	    reservations_find(gathering->call->controller->config.reservations, gathering->kind,
			      key, slash + 1, holder)) {
		return;
	}
	object = call_keep(gathering->call, store_get(gathering->store, key, slash + 1));
	if (object == NULL) {
		return;
	}
	if (gathering->count == gathering->size) {
		gathering->size = gathering->size > 0 ? gathering->size * 2 : 8;
		gathering->objects =
			xrealloc(gathering->objects, gathering->size * sizeof(*gathering->objects));
	}
	gathering->objects[gathering->count++] = object;
}

static uint32_t host_list(struct asb_call *base, uint32_t index, const char *value, uint32_t limit,
			  uint32_t flags, struct json_object *const **ret)
{
	struct call *call = host_call_of(base);
	struct controller *controller = call->controller;
	struct store_cursor cursor = { 0 };
	char keys[LIST_CHUNK][STORE_KEY_MAX];
	size_t chunk;

	host_check_number(controller, "index", index, controller->plugin->index_count);
	uint32_t watch = controller->plugin->indexes[index].watch;
	struct gathering gathering = {
		.call = call,
		.store = controller->bindings[watch].store,
		.kind = host_kind_of(controller, watch),
		.unreserved = (flags & ASB_LIST_UNRESERVED) != 0,
		.limit = limit > 0 ? limit : LIST_DEFAULT,
	};

	*ret = NULL;
	if (gathering.store == NULL || value == NULL) {
		return 0;
	}
	do {
		size_t most = gathering.limit - gathering.count < LIST_CHUNK
				      ? gathering.limit - gathering.count
				      : LIST_CHUNK;

		chunk = store_keys(gathering.store, controller->store_indexes[index], value,
				   (flags & ASB_LIST_REVERSE) != 0, &cursor, keys, most);
		for (size_t i = 0; i < chunk && gathering.count < gathering.limit; i++) {
			host_gather(&gathering, keys[i]);
		}
	} while (chunk > 0 && gathering.count < gathering.limit);
	if (gathering.count > 0) {
		struct json_object **objects = call_alloc(call, gathering.count * sizeof(*objects));

		memcpy(objects, gathering.objects, gathering.count * sizeof(*objects));
		*ret = objects;
	}
	free(gathering.objects);
	return gathering.count;
}

static uint64_t host_count(struct asb_call *base, uint32_t index, const char *value)
{
	struct controller *controller = host_call_of(base)->controller;
	struct store *store;

	host_check_number(controller, "index", index, controller->plugin->index_count);
	store = controller->bindings[controller->plugin->indexes[index].watch].store;
	return store != NULL && value != NULL
		       ? store_count(store, controller->store_indexes[index], value)
		       : 0;
}

static int32_t host_reserve(struct asb_call *base, uint32_t watch, const char *ns, const char *name,
			    const char *holder)
{
	struct controller *controller = host_call_of(base)->controller;

	return reservations_take(controller->config.reservations, host_kind_of(controller, watch),
				 ns, name, holder, controller)
		       ? ASB_OK
		       : ASB_ALREADY_EXISTS;
}

static void host_release(struct asb_call *base, uint32_t watch, const char *ns, const char *name,
			 const char *holder)
{
	struct controller *controller = host_call_of(base)->controller;

	reservations_release(controller->config.reservations, host_kind_of(controller, watch), ns,
			     name, holder);
}

static const char *host_reserved(struct asb_call *base, uint32_t watch, const char *ns,
				 const char *name)
{
	struct call *call = host_call_of(base);
	char holder[STORE_KEY_MAX], *copy;

	if (!reservations_find(call->controller->config.reservations,
			       host_kind_of(call->controller, watch), ns, name, holder)) {
		return NULL;
	}
	copy = call_alloc(call, strlen(holder) + 1);
	memcpy(copy, holder, strlen(holder) + 1);
	return copy;
}

static void *host_key_state(struct asb_call *base, uint64_t size)
{
	struct call *call = host_call_of(base);
	void *state = call->name != NULL ? call_key_state(call, size) : NULL;

	if (state == NULL) {
		log_error(
			"plugin '%s' asks for key state outside a reconcile, or for more bytes than in its first call",
			call->controller->plugin->head.name);
		abort();
	}
	return state;
}

static void host_count_key(struct asb_call *base, uint32_t index, const char *const *label_values)
{
	struct call *call = host_call_of(base);
	const struct plugin *plugin = call->controller->plugin;

	host_check_number(call->controller, "metric", index, plugin->metric_count);
	if (call->name == NULL || plugin->metrics[index].type != ASB_GAUGE_COUNTED) {
		log_error(
			"plugin '%s' counts a key outside a reconcile, or in metric '%s', which is no ASB_GAUGE_COUNTED",
			plugin->head.name, plugin->metrics[index].name);
		abort();
	}
	counted_set(call->controller, call->ns, call->name, index, label_values);
}

/* ---- the API server ---- */

static int32_t host_get_live(struct asb_call *base, uint32_t watch, const char *ns,
			     const char *name, struct json_object **ret)
{
	struct call *call = host_call_of(base);
	const struct asb_kind *kind = host_kind_of(call->controller, watch);
	struct store *store = call->controller->bindings[watch].store;
	CLEANUP_BUF struct buf body = BUF_INIT(RESPONSE_MAX);
	struct error error = { 0 };
	struct json_object *object;
	int32_t result = client_read(call->controller->config.client, kind, ns, name,
				     PRIORITY_CLAIM, &body, &error);

	*ret = NULL;
	if (result != ASB_OK) {
		return result;
	}
	if (store != NULL) {
		object = store_transform(store, buf_str(&body), body.length);
	} else {
		object = json_parse(buf_str(&body), body.length, NULL);
	}
	*ret = call_keep(call, object);
	return object != NULL ? ASB_OK : ASB_UNREACHABLE;
}

static void host_event(struct asb_call *base, struct json_object *about, const char *type,
		       const char *reason, const char *format, ...)
{
	struct controller *controller = host_call_of(base)->controller;
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	events_emit(controller->config.events, about, type, reason, text);
}

static int32_t host_fail(struct asb_call *base, int32_t result, const char *format, ...)
{
	struct call *call = host_call_of(base);
	va_list args;

	va_start(args, format);
	vsnprintf(call->failure, sizeof(call->failure), format, args);
	va_end(args);
	return result;
}

const struct asb_host controller_host = {
	.struct_size = sizeof(struct asb_host),
	.abi_minor = ASB_ABI_MINOR,
	.log = host_log,
	.metric = host_metric,
	.option = host_option,
	.enqueue = host_enqueue,
	.now_ms = host_now_ms,
	.random = host_random,
	.sha256 = host_sha256,
	.get = host_get,
	.list = host_list,
	.count = host_count,
	.reserve = host_reserve,
	.release = host_release,
	.reserved = host_reserved,
	.key_state = host_key_state,
	.get_live = host_get_live,
	.write_all = host_write_all,
	.event = host_event,
	.fail = host_fail,
	.now_ns = host_now_ns,
	.count_key = host_count_key,
};
