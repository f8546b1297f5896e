/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A controller of Widgets with its stores, on a scripted transport: for the tests of what plugins
 * are given. Its reflectors are not started: a test puts objects into the stores itself.
 */
#ifndef ASB_TESTS_UNIT_CORE_CONTROLLER_FIXTURE_H
#define ASB_TESTS_UNIT_CORE_CONTROLLER_FIXTURE_H

#include <agent-sandbox/helpers.h>

#include "core/controller/controller-private.h"
#include "core/controller/informer.h"
#include "tests/unit/core/core-script.h"

enum { WIDGET, POD, SERVICE, SECRET, WATCHES };
enum { BY_POD, BY_COLOUR, BY_RESERVED };       /* indexes */
enum { COLOUR, SIZE };                         /* options */
enum { MADE, SECONDS, MILLISECONDS, WIDGETS }; /* metrics */

extern const struct asb_kind rig_kinds[WATCHES];

struct rig;
typedef int32_t (*rig_reconcile)(struct rig *rig, struct asb_call *call, const struct asb_key *key,
				 uint64_t *ret_requeue_after_ms);

struct rig {
	struct sched *sched;
	struct script script;
	struct client *client;
	struct metrics *metrics;
	struct events *events;
	struct reservations *reservations;
	struct plugin plugin;
	struct controller *controller;
	struct informers *informers;
	struct store *stores[WATCHES]; /* SECRET has none */

	/* What the plugin does, and what it saw. */
	rig_reconcile reconcile;
	void (*enqueue)(struct rig *rig, struct asb_call *call, struct json_object *before,
			struct json_object *after, struct asb_keys *out);
	int init_result;
	unsigned int inits, finis, maps;
	struct sched_mutex lock;
	char keys[1024];      /* lock; those reconciled, "ns/name ..." */
	unsigned int running; /* lock */
	unsigned int most;    /* lock; running at once */
	uint64_t last_us;     /* lock */
};

/* The plugin of the rig; whatever calls it means the latest rig. */
const struct asb_plugin *rig_description(void);

void rig_init(struct rig *rig);
/* Only sched, script, metrics and the plugin: for who makes controllers itself. */
void rig_init_bare(struct rig *rig);
void rig_finish_bare(struct rig *rig);
/* The same as rig_init with option values and workers. */
void rig_init_with(struct rig *rig, const char *const *options, uint32_t workers);
void rig_finish(struct rig *rig);
/* An object of a kind n/<name> at a version, with uid "u-<name>"; ' stands for " in metadata and
 * rest, as in object_text. */
void rig_put(struct rig *rig, uint32_t watch, const char *name, uint64_t version,
	     const char *metadata, const char *rest);
void rig_delete(struct rig *rig, uint32_t watch, const char *name, uint64_t version);
/* The keys that wait in the queue, taken out, "ns/name ns/name". To be compared at once. */
const char *rig_take_keys(struct rig *rig, char ret[256]);

#define expect_keys(rig, expected)                                            \
	do {                                                                  \
		char keys_[256];                                              \
		assert_string_equal(rig_take_keys((rig), keys_), (expected)); \
	} while (0)

#endif
