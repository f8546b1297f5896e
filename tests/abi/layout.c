/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structs of plugin ABI 1.0 on x86_64, in numbers: what plugins that exist were built with. A
 * change of one of these lines is a new major version; a member added at the end of a struct is a
 * new minor one, and a new line here.
 */
#include <agent-sandbox/plugin.h>
#include <stddef.h>

#if defined(__x86_64__) && defined(__LP64__)

/* Exact as long as the minor version is 0. */
#if ASB_ABI_MINOR == 0
#define SIZE(name, number) \
	_Static_assert(sizeof(struct name) == (number), "struct " #name " is not that of 1.0")
#else
#define SIZE(name, number) \
	_Static_assert(sizeof(struct name) >= (number), "struct " #name " is shorter than in 1.0")
#endif
#define AT(name, member, number)                                  \
	_Static_assert(offsetof(struct name, member) == (number), \
		       "struct " #name ": " #member " has moved")
#define VALUE(name, number) _Static_assert((name) == (number), #name " has another value")

int main(void)
{
	SIZE(asb_call, 16);
	AT(asb_call, host, 0);
	AT(asb_call, instance, 8);

	SIZE(asb_kind, 32);
	AT(asb_kind, group, 0);
	AT(asb_kind, version, 8);
	AT(asb_kind, plural, 16);
	AT(asb_kind, kind, 24);

	SIZE(asb_key, 16);
	AT(asb_key, ns, 0);
	AT(asb_key, name, 8);

	SIZE(asb_keys, 8);
	AT(asb_keys, add, 0);

	SIZE(asb_watch, 72);
	AT(asb_watch, kind, 0);
	AT(asb_watch, enqueue, 32);
	AT(asb_watch, flags, 36);
	AT(asb_watch, fields, 40);
	AT(asb_watch, selector_labels, 48);
	AT(asb_watch, enqueue_index, 56);
	AT(asb_watch, enqueue_function, 64);

	SIZE(asb_values, 8);
	AT(asb_values, add, 0);

	SIZE(asb_index, 32);
	AT(asb_index, name, 0);
	AT(asb_index, watch, 8);
	AT(asb_index, flags, 12);
	AT(asb_index, reserves, 16);
	AT(asb_index, reserved0, 20);
	AT(asb_index, values, 24);

	SIZE(asb_rule, 24);
	AT(asb_rule, groups, 0);
	AT(asb_rule, resources, 8);
	AT(asb_rule, verbs, 16);

	SIZE(asb_option, 32);
	AT(asb_option, name, 0);
	AT(asb_option, fallback, 8);
	AT(asb_option, help, 16);
	AT(asb_option, file, 24);

	SIZE(asb_metric, 40);
	AT(asb_metric, name, 0);
	AT(asb_metric, help, 8);
	AT(asb_metric, labels, 16);
	AT(asb_metric, type, 24);
	AT(asb_metric, reserved0, 28);
	AT(asb_metric, buckets, 32);

	SIZE(asb_plugin, 152);
	AT(asb_plugin, magic, 0);
	AT(asb_plugin, abi_major, 4);
	AT(asb_plugin, abi_minor, 8);
	AT(asb_plugin, struct_size, 12);
	AT(asb_plugin, watch_size, 16);
	AT(asb_plugin, index_size, 20);
	AT(asb_plugin, rule_size, 24);
	AT(asb_plugin, option_size, 28);
	AT(asb_plugin, metric_size, 32);
	AT(asb_plugin, write_size, 36);
	AT(asb_plugin, json_soname, 40);
	AT(asb_plugin, name, 48);
	AT(asb_plugin, version, 56);
	AT(asb_plugin, description, 64);
	AT(asb_plugin, workers, 72);
	AT(asb_plugin, reserved0, 76);
	AT(asb_plugin, watches, 80);
	AT(asb_plugin, indexes, 88);
	AT(asb_plugin, rules, 96);
	AT(asb_plugin, options, 104);
	AT(asb_plugin, metrics, 112);
	AT(asb_plugin, crd, 120);
	AT(asb_plugin, init, 128);
	AT(asb_plugin, reconcile, 136);
	AT(asb_plugin, fini, 144);

	SIZE(asb_write, 80);
	AT(asb_write, verb, 0);
	AT(asb_write, watch, 4);
	AT(asb_write, priority, 8);
	AT(asb_write, flags, 12);
	AT(asb_write, ns, 16);
	AT(asb_write, name, 24);
	AT(asb_write, uid, 32);
	AT(asb_write, resource_version, 40);
	AT(asb_write, take_body, 48);
	AT(asb_write, result, 56);
	AT(asb_write, http_status, 60);
	AT(asb_write, ret, 64);
	AT(asb_write, message, 72);

	SIZE(asb_host, 168);
	AT(asb_host, struct_size, 0);
	AT(asb_host, abi_minor, 4);
	AT(asb_host, log, 8);
	AT(asb_host, metric, 16);
	AT(asb_host, option, 24);
	AT(asb_host, enqueue, 32);
	AT(asb_host, now_ms, 40);
	AT(asb_host, random, 48);
	AT(asb_host, sha256, 56);
	AT(asb_host, get, 64);
	AT(asb_host, list, 72);
	AT(asb_host, count, 80);
	AT(asb_host, reserve, 88);
	AT(asb_host, release, 96);
	AT(asb_host, reserved, 104);
	AT(asb_host, key_state, 112);
	AT(asb_host, get_live, 120);
	AT(asb_host, write_all, 128);
	AT(asb_host, event, 136);
	AT(asb_host, fail, 144);
	AT(asb_host, now_ns, 152);
	AT(asb_host, count_key, 160);

	VALUE(ASB_MAGIC, 0x31425341u);
	VALUE(ASB_ABI_MAJOR, 2);
	VALUE(ASB_DONE, 0);
	VALUE(ASB_REQUEUE_AFTER, 1);
	VALUE(ASB_ERROR, -1);
	VALUE(ASB_TERMINAL_ERROR, -2);
	VALUE(ASB_OK, 0);
	VALUE(ASB_NOT_FOUND, -101);
	VALUE(ASB_CONFLICT, -102);
	VALUE(ASB_ALREADY_EXISTS, -103);
	VALUE(ASB_FORBIDDEN, -104);
	VALUE(ASB_INVALID, -105);
	VALUE(ASB_UNREACHABLE, -106);
	VALUE(ASB_CANCELLED, -107);
	VALUE(ASB_ENQUEUE_SELF, 1);
	VALUE(ASB_ENQUEUE_OWNER, 2);
	VALUE(ASB_ENQUEUE_INDEX, 4);
	VALUE(ASB_ENQUEUE_FUNCTION, 8);
	VALUE(ASB_WATCH_METADATA, 1);
	VALUE(ASB_WATCH_OPTIONAL, 2);
	VALUE(ASB_WATCH_UNWATCHED, 4);
	VALUE(ASB_WATCH_SELECTED, 8);
	VALUE(ASB_INDEX_RESERVES, 1);
	VALUE(ASB_COUNTER, 1);
	VALUE(ASB_GAUGE, 2);
	VALUE(ASB_HISTOGRAM, 3);
	VALUE(ASB_GAUGE_COUNTED, 4);
	VALUE(ASB_METRIC_LABELS_MAX, 8);
	VALUE(ASB_METRIC_BUCKETS_MAX, 32);
	VALUE(ASB_OPTION_FILE_MAX, 65536);
	VALUE(ASB_CREATE, 1);
	VALUE(ASB_PATCH_JSON, 2);
	VALUE(ASB_PATCH_MERGE, 3);
	VALUE(ASB_SET_STATUS, 4);
	VALUE(ASB_DELETE, 5);
	VALUE(ASB_PATCH_STATUS, 6);
	VALUE(ASB_PRIORITY_CLAIM, 1);
	VALUE(ASB_PRIORITY_STATUS, 2);
	VALUE(ASB_PRIORITY_REFILL, 3);
	VALUE(ASB_PRIORITY_EVENT, 4);
	VALUE(ASB_DRY_RUN, 1);
	VALUE(ASB_FOREGROUND, 2);
	VALUE(ASB_WRITE_MAX, 4);
	VALUE(ASB_LIST_UNRESERVED, 1);
	VALUE(ASB_LIST_REVERSE, 2);
	VALUE(ASB_LOG_ERROR, 1);
	VALUE(ASB_LOG_WARNING, 2);
	VALUE(ASB_LOG_INFO, 3);
	VALUE(ASB_LOG_DEBUG, 4);
	return 0;
}

#else

int main(void)
{
	return 77; /* the numbers are those of x86_64 */
}

#endif
