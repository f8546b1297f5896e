/* SPDX-License-Identifier: Apache-2.0 */
/* The table of functions that the plugin gets. fakehost/fake.c gives it to the plugin; every call
 * into the plugin has it. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "fakehost/fake.h"

#define STATE_MAX 4096u
#define LIST_MAX 1000u

/* ---- any time ---- */

ASB_PRINTF(3, 4)
static void host_log(struct asb_instance *instance, uint32_t level, const char *format, ...)
{
	static const char *const names[] = { "?", "error", "warning", "info", "debug" };
	const struct fake_call *call = instance->fake->current;
	va_list args;

	fprintf(stderr, "%s: %s: ", instance->fake->plugin->name,
		names[level <= ASB_LOG_DEBUG ? level : 0]);
	if (call != NULL) {
		fprintf(stderr, "%s: ", call->key->key);
	}
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

static void host_metric(struct asb_instance *instance, uint32_t index, double value,
			const char *const *label_values)
{
	record_metric(instance->fake, index, value, label_values);
}

static const char *host_option(struct asb_instance *instance, uint32_t index)
{
	if (index >= instance->fake->option_count) {
		fake_fatal("option %u is not in the plugin's table", index);
	}
	return instance->fake->options[index];
}

static void host_enqueue(struct asb_instance *instance, const char *ns, const char *name,
			 uint64_t delay_ms)
{
	keys_enqueue(instance->fake, ns, name, delay_ms);
}

static int64_t host_now_ms(struct asb_instance *instance)
{
	return instance->fake->now_ms;
}

static int64_t host_now_ns(struct asb_instance *instance)
{
	return instance->fake->now_ms * 1000000;
}

static uint64_t host_random(struct asb_instance *instance)
{
	return fake_random(&instance->fake->plugin_random);
}

static void host_sha256(struct asb_instance *instance, const void *data, uint64_t size,
			char ret_hex[65])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned int length = 0;

	(void)instance;
	if (EVP_Digest(data, (size_t)size, digest, &length, EVP_sha256(), NULL) != 1 ||
	    length != 32) {
		fake_fatal("libcrypto has no SHA-256");
	}
	for (unsigned int i = 0; i < length; i++) {
		snprintf(ret_hex + (size_t)i * 2, 3, "%02x", digest[i]);
	}
}

/* ---- the store ---- */

static struct json_object *host_get(struct asb_call *call, uint32_t watch, const char *ns,
				    const char *name)
{
	struct fake_call *mine = call_of(call);
	const struct stored *stored = NULL;

	if ((call_watch(mine, watch)->flags & ASB_WATCH_UNWATCHED) == 0) {
		stored = cache_find(mine->fake->kinds[watch], ns, name);
	}
	return stored != NULL ? arena_tree(&mine->arena, asb_copy(stored->object)) : NULL;
}

static const struct tree *host_entries(struct fake_call *call, uint32_t index, const char *value)
{
	if (index >= call->fake->index_count) {
		fake_fatal("there is no index %u in the plugin's table", index);
	}
	return index_under(&call->fake->indexes[index], value);
}

static bool host_is_reserved(struct asb_fake *fake, const struct fake_kind *kind,
			     struct json_object *object)
{
	return reserve_holder(fake, kind->kind, asb_ns(object), asb_name(object)) != NULL;
}

static uint32_t host_list(struct asb_call *call, uint32_t index, const char *value, uint32_t limit,
			  uint32_t flags, struct json_object *const **ret)
{
	struct fake_call *mine = call_of(call);
	const struct tree *tree = host_entries(mine, index, value);
	const struct fake_kind *kind = mine->fake->kinds[mine->fake->indexes[index].index->watch];
	bool reverse = (flags & ASB_LIST_REVERSE) != 0;
	struct json_object **objects;
	struct tree_node *node = NULL;
	uint32_t count = 0;

	if (tree == NULL) {
		*ret = NULL;
		return 0;
	}
	limit = limit > 0 ? limit : LIST_MAX;
	objects = arena_block(&mine->arena, xnew_array(struct json_object *,
						       tree->count < limit ? tree->count : limit));
	node = reverse ? tree_last(tree) : tree_first(tree);
	for (; node != NULL && count < limit;
	     node = reverse ? tree_previous(node) : tree_next(node)) {
		const struct stored *stored = map_get(&kind->stored, node->tie);

		if ((flags & ASB_LIST_UNRESERVED) == 0 ||
		    !host_is_reserved(mine->fake, kind, stored->object)) {
			objects[count++] = arena_tree(&mine->arena, asb_copy(stored->object));
		}
	}
	*ret = objects;
	return count;
}

static uint64_t host_count(struct asb_call *call, uint32_t index, const char *value)
{
	const struct tree *tree = host_entries(call_of(call), index, value);

	return tree != NULL ? tree->count : 0;
}

static int32_t host_reserve(struct asb_call *call, uint32_t watch, const char *ns, const char *name,
			    const char *holder)
{
	struct fake_call *mine = call_of(call);

	return reserve_add(mine->fake, &call_watch(mine, watch)->kind, ns, name, holder);
}

static void host_release(struct asb_call *call, uint32_t watch, const char *ns, const char *name,
			 const char *holder)
{
	struct fake_call *mine = call_of(call);

	reserve_remove(mine->fake, &call_watch(mine, watch)->kind, ns, name, holder);
}

static const char *host_reserved(struct asb_call *call, uint32_t watch, const char *ns,
				 const char *name)
{
	struct fake_call *mine = call_of(call);
	const char *holder = reserve_holder(mine->fake, &call_watch(mine, watch)->kind, ns, name);

	return holder != NULL ? arena_block(&mine->arena, xstrdup(holder)) : NULL;
}

static void *host_key_state(struct asb_call *call, uint64_t size)
{
	struct fake_key *key = call_of(call)->key;

	if (key == NULL) {
		fake_fatal(
			"key_state() may be called in a reconcile only, not in an enqueue function");
	}
	if (size == 0 || size > STATE_MAX) {
		fake_fatal("key_state() gives 1 to %u bytes, not %llu", STATE_MAX,
			   (unsigned long long)size);
	}
	if (key->state == NULL) {
		key->state = xalloc((size_t)size);
		key->state_size = (size_t)size;
	}
	if (size > key->state_size) {
		fake_fatal("key_state() of %s has %zu bytes since its first call, not %llu",
			   key->key, key->state_size, (unsigned long long)size);
	}
	return key->state;
}

static void host_count_key(struct asb_call *call, uint32_t index, const char *const *label_values)
{
	struct fake_call *mine = call_of(call);

	if (mine->key == NULL) {
		fake_fatal(
			"count_key() may be called in a reconcile only, not in an enqueue function");
	}
	record_count_key(mine->fake, mine->key, index, label_values);
}

/* ---- events and failures ---- */

ASB_PRINTF(5, 6)
static void host_event(struct asb_call *call, struct json_object *about, const char *type,
		       const char *reason, const char *format, ...)
{
	CLEANUP_FREE char *message = NULL;
	const char *kind = asb_str(about, "kind"), *name = asb_name(about);
	va_list args;

	if (kind == NULL || name == NULL) {
		fake_fatal("event '%s' is about an object without kind or name", reason);
	}
	if (!asb_streq(type, "Normal") && !asb_streq(type, "Warning")) {
		fake_fatal("event '%s' has the type '%s', not Normal or Warning", reason, type);
	}
	va_start(args, format);
	if (vasprintf(&message, format, args) < 0) {
		abort();
	}
	va_end(args);
	lines_add(&call_of(call)->fake->events,
		  xprintf("%s %s %s %s%s%s: %s", type, reason, kind, asb_ns(about),
			  *asb_ns(about) != '\0' ? "/" : "", name, message));
}

ASB_PRINTF(3, 4)
static int32_t host_fail(struct asb_call *call, int32_t result, const char *format, ...)
{
	struct asb_fake *fake = call_of(call)->fake;
	char *message = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&message, format, args) < 0) {
		abort();
	}
	va_end(args);
	free(fake->failure);
	fake->failure = message;
	host_log(&fake->instance, ASB_LOG_WARNING, "%s", message);
	return result;
}

static const struct asb_host host_functions = {
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
	.get_live = write_read,
	.write_all = write_all,
	.event = host_event,
	.fail = host_fail,
	.now_ns = host_now_ns,
	.count_key = host_count_key,
};

const struct asb_host *host_table(void)
{
	return &host_functions;
}
