/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plugin ABI of agent-sandbox-controller, version 2.
 *
 * A plugin is a shared object that reconciles one kind of Kubernetes object. It exports one function,
 * asb_plugin_entry(), which returns a constant description of the plugin: what it watches, how it
 * indexes it, which rights, options and metrics it has, and three functions: init, reconcile and fini.
 * Everything the plugin may do comes in as a table of functions (struct asb_host), so a plugin has no
 * undefined symbols but those of json-c and libc, and is tested against the fake host (fake-host.h)
 * without an API server.
 *
 *	static const struct asb_watch watches[] = {
 *		{ .kind = { ... }, .enqueue = ASB_ENQUEUE_SELF },
 *		{ .kind = { 0 } },
 *	};
 *	static const struct asb_plugin plugin = {
 *		ASB_PLUGIN_HEAD,
 *		.name = "example",
 *		.version = "1.0",
 *		.watches = watches,
 *		.reconcile = example_reconcile,
 *	};
 *	ASB_PLUGIN(plugin)
 *
 * LIFE CYCLE. The host opens the file (RTLD_NOW | RTLD_LOCAL, never closed), compares the head, copies
 * the tables, calls init once, and starts the watches. Once they are synced and this process is the
 * leader, it calls reconcile for every object of the plugin's own kind (watches[0]) and again whenever
 * an object that enqueues its key changes. fini is called at an orderly end, when no reconcile is
 * running any more.
 *
 * RECONCILE sees the current state, never events: it is given a key, reads what the store holds,
 * and writes the difference. It must be idempotent. The host never runs one key twice at the same time;
 * different keys run in parallel on several threads. A plugin starts no threads and keeps no locks;
 * what it wants to remember between two calls for one key goes into key_state().
 *
 * OWNERSHIP. Whatever the host hands out during a call (trees, strings, arrays) belongs to that call
 * and is freed when the call returns: there is nothing to release, and nothing may be kept. A tree is
 * the call's own copy: it may be changed, and json_object_get() may take parts of it into a new object.
 * A member named take_... belongs to the host from the call on, whether the call succeeds or not.
 *
 * READ YOUR WRITES. The response to a write is in the store when the write returns, and enqueues
 * whatever its watch event would enqueue.
 *
 * COMPATIBILITY. Within a major version members are only added, always at the end of their struct, and
 * none changes its meaning. Sizes travel with the description (ASB_PLUGIN_HEAD), so an old plugin runs
 * in a newer host: a member that the plugin does not have reads as zero. A plugin of another major
 * version, or of a newer minor version, is refused. Numbers have a fixed width; there are no enums,
 * bools or longs in a struct.
 */
#ifndef AGENT_SANDBOX_PLUGIN_H
#define AGENT_SANDBOX_PLUGIN_H

#include <json-c/json.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ASB_MAGIC 0x31425341u /* "ASB1" */
#define ASB_ABI_MAJOR 2u
#define ASB_ABI_MINOR 0u

/* The json-c whose trees cross the line: host and plugin must have the same one. */
#if JSON_C_MAJOR_VERSION == 0 && JSON_C_MINOR_VERSION >= 15
#define ASB_JSON_SONAME "libjson-c.so.5"
#else
#error "agent-sandbox needs json-c 0.15 or newer with soname libjson-c.so.5"
#endif

#if defined(__GNUC__)
#define ASB_PRINTF(format, first) __attribute__((__format__(__printf__, format, first)))
#define ASB_EXPORT __attribute__((__visibility__("default")))
#else
#define ASB_PRINTF(format, first)
#define ASB_EXPORT
#endif

struct asb_host;
struct asb_instance; /* a loaded plugin, as the host knows it */

/*
 * One call into the plugin. The host allocates it and keeps more behind these two members.
 * Valid until the function it was given to returns, on that thread only.
 */
struct asb_call {
	const struct asb_host *host;
	struct asb_instance *instance;
};

/* A kind of object; group is "" for the core group. */
struct asb_kind {
	const char *group, *version, *plural, *kind;
};

/* An object's place. ns is "" for a kind without namespaces. */
struct asb_key {
	const char *ns, *name;
};

/* The result of reconcile, with the meaning of controller-runtime's Result and error. */
#define ASB_DONE 0                /* nothing to do until something changes; resets the backoff */
#define ASB_REQUEUE_AFTER 1       /* the same, and call again after *ret_requeue_after_ms at the latest */
#define ASB_ERROR (-1)            /* failed: call again with backoff, 5 ms doubling to 1000 s per key */
#define ASB_TERMINAL_ERROR (-2)   /* failed, and only a change can help: no retry */

/* What reads and writes return; the numbers are part of the ABI. */
#define ASB_OK 0
#define ASB_NOT_FOUND (-101) /* 404 */
#define ASB_CONFLICT (-102)  /* 409: a uid or resourceVersion precondition did not hold */
/* 409 AlreadyExists, and the object there is not the one just sent */
#define ASB_ALREADY_EXISTS (-103)
#define ASB_FORBIDDEN (-104) /* 401, 403: rights, quota, admission */
/* 400, 413, 422: the API server refuses it; a failed JSON patch test too */
#define ASB_INVALID (-105)
/* no response, or 429 or 5xx after all retries; the write may or may not have been done */
#define ASB_UNREACHABLE (-106)
#define ASB_CANCELLED (-107) /* not sent: this process is stopping, or is not the leader any more */

/* ---- what a plugin describes ---- */

/* Takes keys of the plugin's own kind from an enqueue function. Adding a key twice is harmless. */
struct asb_keys {
	void (*add)(struct asb_keys *, const char *ns, const char *name);
};

/* Which keys of the plugin's own kind a changed object enqueues (bits of asb_watch.enqueue). */
/* the object's own namespace and name, if an object of the own kind has them */
#define ASB_ENQUEUE_SELF 1u
/* its controller owner, if that is of the own kind: the one before and the one after */
#define ASB_ENQUEUE_OWNER 2u
/* all objects that enqueue_index lists under "<namespace>/<name>" of the changed object */
#define ASB_ENQUEUE_INDEX 4u
#define ASB_ENQUEUE_FUNCTION 8u /* the keys that enqueue_function adds */

/* asb_watch.flags */
/* only metadata is read: ask the server for PartialObjectMetadata */
#define ASB_WATCH_METADATA 1u
/* watched only where a loaded plugin reconciles this kind; else get finds nothing */
#define ASB_WATCH_OPTIONAL 2u
/* written or read live, never watched: get, list and count find nothing */
#define ASB_WATCH_UNWATCHED 4u
/* a cache selector: store only objects with one of selector_labels, or whose controller is of a
 * kind that a loaded plugin reconciles; the rest of the cluster costs no memory */
#define ASB_WATCH_SELECTED 8u

/*
 * A kind the plugin reads or writes. watches[0] is its own kind: the keys that reconcile gets.
 * Other functions name a kind by its number in this table. Informers are shared by all plugins;
 * each object is stored with the union of the fields that all plugins declare (its transform), and
 * events that change no declared field enqueue no key.
 */
struct asb_watch {
	struct asb_kind kind;
	uint32_t enqueue; /* ASB_ENQUEUE_* */
	uint32_t flags;   /* ASB_WATCH_* */
	/* Fields the plugin reads beyond those always there (apiVersion, kind; of metadata: name,
	 * namespace, uid, resourceVersion, generation, creationTimestamp, deletionTimestamp,
	 * labels, annotations, ownerReferences), as paths with dots ("spec.template",
	 * "status.phase"); ends in NULL. NULL: nothing more. */
	const char *const *fields;
	const char *const *selector_labels; /* label keys for ASB_WATCH_SELECTED; ends in NULL */
	/* for ASB_ENQUEUE_INDEX: the name of an index over watches[0] */
	const char *enqueue_index;
	/* For ASB_ENQUEUE_FUNCTION. before or after is NULL when the object was added or removed.
	 * Runs on a watch thread: may read (get, list, count), must not write. */
	void (*enqueue_function)(void *state, struct asb_call *, struct json_object *before,
			     struct json_object *after, struct asb_keys *out);
};

/* Takes the entries of one object for one index. The same value twice keeps the later rank. */
struct asb_values {
	void (*add)(struct asb_values *, const char *value, int64_t rank);
};

/* asb_index.flags */
/* each value is "<namespace>/<name>" of an object of watches[reserves] that is reserved by the
 * indexed object's own "<namespace>/<name>" as long as the entry stands */
#define ASB_INDEX_RESERVES 1u

/*
 * An index over one watched kind. values() is called for each state of an object, on any thread,
 * with nothing but the object: it must be a pure function. Entries are kept in order of rank, then
 * name: list() and count() cost the same however many other objects there are.
 */
struct asb_index {
	const char *name;
	uint32_t watch;    /* number in watches */
	uint32_t flags;    /* ASB_INDEX_* */
	uint32_t reserves; /* number in watches, for ASB_INDEX_RESERVES */
	uint32_t reserved0;
	void (*values)(struct json_object *object, struct asb_values *out);
};

/* Rights the plugin needs; lists are separated by commas. The deployed ClusterRole is made from
 * these. */
struct asb_rule {
	const char *groups, *resources, *verbs;
};

/* An option of the plugin: flag --<plugin>.<name>. Every plugin has "workers" (threads) besides its
 * own. */
struct asb_option {
	const char *name, *fallback, *help;
	/* Not NULL: the value is the content of a file, read once before init. This is its path, and
	 * the flag names another one ("": none but the flag's). If there is no such file, fallback
	 * counts; an empty file is the empty text. The host does not start with a file that it
	 * cannot read, that is longer than ASB_OPTION_FILE_MAX bytes or that contains a NUL. */
	const char *file;
};

#define ASB_OPTION_FILE_MAX 65536u

#define ASB_COUNTER 1u
#define ASB_GAUGE 2u
#define ASB_HISTOGRAM 3u /* of the unit that buckets have */
/* how many keys count_key() has counted under these label values; metric() is not for it */
#define ASB_GAUGE_COUNTED 4u

#define ASB_METRIC_LABELS_MAX 8u  /* labels of a metric */
#define ASB_METRIC_BUCKETS_MAX 32u /* buckets of a histogram */

struct asb_metric {
	const char *name, *help;
	const char *labels; /* label names separated by commas, or NULL */
	uint32_t type;      /* ASB_COUNTER ... */
	uint32_t reserved0;
	/* for ASB_HISTOGRAM: upper bounds in ascending order, ended by 0, in the unit of what is
	 * observed; NULL: seconds, from 1 ms to 60 s */
	const double *buckets;
};

struct asb_plugin {
	/* ASB_PLUGIN_HEAD fills these. */
	uint32_t magic, abi_major, abi_minor, struct_size;
	uint32_t watch_size, index_size, rule_size, option_size, metric_size, write_size;
	const char *json_soname;

	/* lower case letters, digits, dashes: names flags, logs, metrics */
	const char *name;
	const char *version;
	const char *description; /* one line */
	uint32_t workers;        /* threads wished for; 0 is 1 */
	uint32_t reserved0;

	/* Tables; each ends in a zeroed entry, NULL is an empty one. */
	const struct asb_watch *watches;
	const struct asb_index *indexes;
	const struct asb_rule *rules;
	const struct asb_option *options;
	const struct asb_metric *metrics;
	/* the kind's CustomResourceDefinition as YAML or JSON, or NULL; see docs/plugin-abi.md */
	const char *crd;

	/* Reads options, allocates state. No I/O. Returns 0, or -1 after log() said why: the host
	 * does not start. NULL: none. */
	int32_t (*init)(const struct asb_host *, struct asb_instance *, void **ret_state);
	/* Returns ASB_DONE, ASB_REQUEUE_AFTER, ASB_ERROR or ASB_TERMINAL_ERROR. Required. */
	int32_t (*reconcile)(void *state, struct asb_call *, const struct asb_key *,
			     uint64_t *ret_requeue_after_ms);
	void (*fini)(void *state); /* may be NULL */
};

#define ASB_PLUGIN_HEAD                                                                     \
	.magic = ASB_MAGIC, .abi_major = ASB_ABI_MAJOR, .abi_minor = ASB_ABI_MINOR,         \
	.struct_size = sizeof(struct asb_plugin), .watch_size = sizeof(struct asb_watch),   \
	.index_size = sizeof(struct asb_index), .rule_size = sizeof(struct asb_rule),       \
	.option_size = sizeof(struct asb_option), .metric_size = sizeof(struct asb_metric), \
	.write_size = sizeof(struct asb_write), .json_soname = ASB_JSON_SONAME

/* Defines the one exported symbol. */
#define ASB_PLUGIN(description)                                     \
	ASB_EXPORT const struct asb_plugin *asb_plugin_entry(void); \
	const struct asb_plugin *asb_plugin_entry(void)             \
	{                                                           \
		return &(description);                              \
	}

/* ---- what the host does ---- */

/* Write verbs. */
/* POST take_body. metadata.name must be set, so that the object can be read back when the response
 * is lost: an object that is there already and has the same controller uid as take_body (neither
 * may lack one) is ASB_OK */
#define ASB_CREATE 1u
/* PATCH with a JSON patch (RFC 6902), an array; uid, if set, becomes its first test */
#define ASB_PATCH_JSON 2u
/* PATCH with a merge patch (RFC 7386), an object; uid and resource_version, if set, go into its
 * metadata */
#define ASB_PATCH_MERGE 3u
/* replaces .status with take_body, tested against uid (required); nothing is sent when the stored
 * one is equal, members that are null aside */
#define ASB_SET_STATUS 4u
#define ASB_DELETE 5u /* DELETE with uid and resource_version, if set, as preconditions */
/* PATCH of the status subresource with a JSON patch (RFC 6902), an array; uid, if set, becomes its
 * first test. Always sent: for a status that only counts if what the plugin saw still stands */
#define ASB_PATCH_STATUS 6u

/* Priorities: in which order requests wait for a connection; a lower number goes first. */
#define ASB_PRIORITY_CLAIM 1u /* a user waits for this */
#define ASB_PRIORITY_STATUS 2u
#define ASB_PRIORITY_REFILL 3u
#define ASB_PRIORITY_EVENT 4u

/* asb_write.flags */
/* validated by the API server, admission included; not stored, neither there nor here */
#define ASB_DRY_RUN 1u
/* for ASB_DELETE: what the object owns, with blockOwnerDeletion, is deleted before it
 * (propagationPolicy Foreground) */
#define ASB_FOREGROUND 2u

struct asb_write {
	uint32_t verb;     /* ASB_CREATE ... */
	uint32_t watch;    /* number in watches */
	uint32_t priority; /* ASB_PRIORITY_*; 0 is ASB_PRIORITY_CLAIM */
	uint32_t flags;
	const char *ns, *name;         /* ASB_CREATE: name may be NULL, that of take_body counts */
	const char *uid;               /* see the verbs; NULL: not tested */
	const char *resource_version;  /* see the verbs; NULL: not tested */
	struct json_object *take_body; /* NULL for ASB_DELETE */

	/* Set by the host. */
	int32_t result;      /* ASB_OK, ASB_NOT_FOUND ... */
	int32_t http_status; /* 0: no response, or nothing was sent */
	/* the object in the response, of a watched kind with the declared fields; or NULL */
	struct json_object *ret;
	/* the message of the server, or of the host, when result is not ASB_OK; else "" */
	const char *message;
};

#define ASB_WRITE_MAX 4u /* writes in one write_all */

/* list flags */
#define ASB_LIST_UNRESERVED 1u /* leave out what is reserved (see reserve) */
#define ASB_LIST_REVERSE 2u    /* highest rank first */

#define ASB_LOG_ERROR 1u
#define ASB_LOG_WARNING 2u
#define ASB_LOG_INFO 3u
#define ASB_LOG_DEBUG 4u

/*
 * The host's services. Valid from init to fini; functions that take an asb_call on that call's
 * thread, the others on any. Check struct_size before using a slot that was added after
 * version 2.0.
 */
struct asb_host {
	uint32_t struct_size, abi_minor;

	/* --- any time --- */

	/* Writes one line to the log, with the plugin's name. Never a secret, never a whole
	 * object. */
	void (*log)(struct asb_instance *, uint32_t level, const char *format, ...)
		ASB_PRINTF(3, 4);
	/* Adds to a counter, sets a gauge, observes a histogram: metrics[index]; label values in
	 * the order of its labels, NULL where it has none. */
	void (*metric)(struct asb_instance *, uint32_t index, double value,
		       const char *const *label_values);
	/* The value of options[index]; lives as long as the instance. */
	const char *(*option)(struct asb_instance *, uint32_t index);
	/* Calls reconcile for this key after delay_ms, or earlier if something else asks for it. */
	void (*enqueue)(struct asb_instance *, const char *ns, const char *name, uint64_t delay_ms);
	/* Wall clock, milliseconds since 1970; tests set it. */
	int64_t (*now_ms)(struct asb_instance *);
	/* A random number, for names; tests and simulations choose it. */
	uint64_t (*random)(struct asb_instance *);
	/* SHA-256 of size bytes as 64 lower case hexadecimal digits and a NUL. */
	void (*sha256)(struct asb_instance *, const void *data, uint64_t size, char ret_hex[65]);

	/* --- the store: no I/O, no waiting --- */

	/* The stored object, with the declared fields, or NULL. An object that was removed by this
	 * process but is not gone from the stream yet has a metadata.deletionTimestamp. */
	struct json_object *(*get)(struct asb_call *, uint32_t watch, const char *ns,
				   const char *name);
	/* The objects that indexes[index] holds under value, by rank then name, at most limit (0:
	 * 1000). Returns how many; *ret is an array of that length. */
	uint32_t (*list)(struct asb_call *, uint32_t index, const char *value, uint32_t limit,
			 uint32_t flags, struct json_object *const **ret);
	/* How many there are; parses nothing. */
	uint64_t (*count)(struct asb_call *, uint32_t index, const char *value);

	/* Reservations say, within this process and across plugins, that an object of
	 * watches[watch] is spoken for. They live in memory; an index with ASB_INDEX_RESERVES makes
	 * them from objects, and so rebuilds them at start. holder is "<namespace>/<name>" of who
	 * reserves. reserve returns ASB_OK (also when holder has it already) or ASB_ALREADY_EXISTS.
	 * reserved returns the holder or NULL. release of what holder does not hold does nothing.
	 * When a key's object is gone, or another one has its name, what the plugin reserved with
	 * the key as holder is released. */
	int32_t (*reserve)(struct asb_call *, uint32_t watch, const char *ns, const char *name,
			   const char *holder);
	void (*release)(struct asb_call *, uint32_t watch, const char *ns, const char *name,
			const char *holder);
	const char *(*reserved)(struct asb_call *, uint32_t watch, const char *ns,
				const char *name);

	/* The state of this key: size bytes, zeroed at first, then as the last call left them. They
	 * are gone when the key's object is gone, or the process, so keep here only what is cheap
	 * to lose. At most 4096 bytes; the first call decides the size. */
	void *(*key_state)(struct asb_call *, uint64_t size);

	/* --- the API server: these wait --- */

	/* A GET from the API server, for the rare case in which the store cannot know. ASB_OK and
	 * *ret, or an error. */
	int32_t (*get_live)(struct asb_call *, uint32_t watch, const char *ns, const char *name,
			struct json_object **ret);
	/* Sends up to ASB_WRITE_MAX writes together and returns when each has its result. Returns
	 * the first result that is not ASB_OK, else ASB_OK. */
	int32_t (*write_all)(struct asb_call *, struct asb_write *writes, uint32_t count);
	/* An Event about an object (its apiVersion, kind and metadata are read), type "Normal" or
	 * "Warning". Queued, sent with the lowest priority, dropped under pressure; repeated events
	 * are counted in one Event. */
	void (*event)(struct asb_call *, struct json_object *about, const char *type,
		      const char *reason, const char *format, ...) ASB_PRINTF(5, 6);
	/* Records for the log why this call fails, and returns result:
	 * return h->fail(call, ASB_ERROR, "..."). */
	int32_t (*fail)(struct asb_call *, int32_t result, const char *format, ...)
		ASB_PRINTF(3, 4);

	/* --- any time, as those above --- */

	/* Wall clock, nanoseconds since 1970, as fine as the host's clock is; tests set it. */
	int64_t (*now_ns)(struct asb_instance *);

	/* --- in a reconcile --- */

	/* Counts this call's key under these label values in metrics[index], an ASB_GAUGE_COUNTED,
	 * instead of under those that it was counted under before. label_values NULL: it is not
	 * counted any more. A key whose object is gone is not counted either. */
	void (*count_key)(struct asb_call *, uint32_t index, const char *const *label_values);
};

#ifdef __cplusplus
}
#endif

#endif
