/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of a controller share: binding and mapping (controller.c), workers (worker.c), the
 * plugin's table (host*.c). */
#ifndef ASB_CORE_CONTROLLER_CONTROLLER_PRIVATE_H
#define ASB_CORE_CONTROLLER_CONTROLLER_PRIVATE_H

#include "base/map.h"
#include "core/controller/controller.h"

struct binding {
	struct store *store; /* NULL: not watched here */
	struct reflector *reflector;
	bool metadata_only;
};

struct worker {
	struct controller *controller;
	struct sched_thread *thread;
	uint64_t busy_since_us; /* controller.lock; 0: idle */
};

struct controller {
	struct controller_config config;
	const struct plugin *plugin;
	const struct asb_host *host; /* what its calls are given */
	void *state;                 /* the plugin's */
	struct queue *queue;
	struct binding bindings[PLUGIN_WATCHES_MAX];
	uint32_t store_indexes[PLUGIN_INDEXES_MAX];
	struct metric *metrics[PLUGIN_TABLE_MAX];
	struct metric *reconciles, *durations;

	struct sched_mutex lock;
	struct map key_states; /* lock */
	struct map counted;    /* lock; of struct counted_key, see counted.c */
	struct worker *workers;
	uint32_t worker_count; /* lock; 0: not started */
};

/* One call into the plugin: what was handed out is freed at its end. */
struct call {
	struct asb_call base; /* first: the plugin holds its address */
	struct controller *controller;
	const char *ns, *name; /* the key; NULL in a mapping */
	struct json_object **trees;
	size_t tree_count, tree_size;
	void **blocks;
	size_t block_count, block_size;
	/* of the key, once asked for: it stays this one, whatever happens to the object meanwhile
	 */
	struct key_state *key_state;
	struct span span; /* not live unless its object is traced */
	char failure[512];
};

/* A JSON object of headers, of which traceparent counts: put on a claim by whoever made it. */
#define ANNOTATION_TRACE_CONTEXT "opentelemetry.io/trace-context"

extern const struct asb_host controller_host;

void call_begin(struct call *call, struct controller *controller, const char *ns, const char *name);
void call_finish(struct call *call);
/* The tree now belongs to the call; returns it. NULL is fine. */
struct json_object *call_keep(struct call *call, struct json_object *take_tree);
/* Zeroed memory that belongs to the call. */
void *call_alloc(struct call *call, size_t size);

/* The memory of the call's key; NULL when size is more than it has. */
void *call_key_state(struct call *call, uint64_t size);

/* The state that a plugin keeps of a key (asb_host.key_state). key_state_forget: the object is
 * gone. */
void *key_state_get(struct controller *controller, const char *ns, const char *name, uint64_t size);
void key_state_forget(struct controller *controller, const char *ns, const char *name);
void key_state_finish(struct controller *controller);

/* asb_host.count_key. counted_forget: the object is gone. */
void counted_set(struct controller *controller, const char *ns, const char *name, uint32_t index,
		 const char *const *label_values);
void counted_forget(struct controller *controller, const char *ns, const char *name);
void counted_finish(struct controller *controller);

/* asb_host's writes, in host-write.c. */
int32_t host_write_all(struct asb_call *base, struct asb_write *writes, uint32_t count);

/* The body of a worker thread. */
void worker_run(void *arg);

#endif
