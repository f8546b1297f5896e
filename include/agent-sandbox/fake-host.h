/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host without an API server, for the tests of a plugin: objects in memory that behave as Kubernetes
 * does, a clock that the test moves, and a list of what the plugin did. Link with
 * -lagent-sandbox-fake-host.
 *
 *	struct asb_fake *fake = asb_fake_create(asb_plugin_entry());
 *
 *	asb_fake_put(fake, "{ apiVersion: ..., kind: Widget, metadata: { namespace: ns, name: w } }");
 *	asb_fake_settle(fake);
 *	assert(asb_fake_get(fake, "Pod", "ns", "w") != NULL);
 *	asb_fake_destroy(fake);
 *
 * Objects have uids, resourceVersions, generations, a status subresource, preconditions, JSON and merge
 * patches as plugin.h describes them, and owners whose deletion deletes what they own. The store is
 * always up to date. Everything happens in the calling thread; nothing waits. A mistake in the test
 * (text that is not an object, an unknown kind) ends the process with a message.
 */
#ifndef AGENT_SANDBOX_FAKE_HOST_H
#define AGENT_SANDBOX_FAKE_HOST_H

#include <agent-sandbox/plugin.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct asb_fake;

/* Loads a description, checked as the real host checks it. The clock starts at
 * 2026-01-02T03:04:05Z. */
ASB_EXPORT struct asb_fake *asb_fake_create(const struct asb_plugin *plugin);
/* The same with options: name, value, name, value, ..., NULL. No file is read: for an option of a
 * file the value is the content. */
ASB_EXPORT struct asb_fake *asb_fake_create_with(const struct asb_plugin *plugin,
						 const char *const *options);
/* Calls the plugin's fini and frees everything. */
ASB_EXPORT void asb_fake_destroy(struct asb_fake *fake);

/* --- objects, as other clients see and change them: kinds are those of the plugin's watches, by
 * name ("Pod") --- */

/* Creates an object from JSON or YAML text, or replaces the one of its name (status included).
 * Returns it as stored. Borrowed until the next change. A new object may choose its uid and
 * creationTimestamp; owners that do not exist get it collected. */
ASB_EXPORT struct json_object *asb_fake_put(struct asb_fake *fake, const char *text);
/* Merges JSON or YAML text into an object, status included. */
ASB_EXPORT struct json_object *asb_fake_merge(struct asb_fake *fake, const char *kind,
					      const char *ns, const char *name, const char *text);
ASB_EXPORT struct json_object *asb_fake_get(struct asb_fake *fake, const char *kind, const char *ns,
					    const char *name);
/* How many objects of a kind there are. */
ASB_EXPORT unsigned int asb_fake_count(struct asb_fake *fake, const char *kind);
/* The object of a kind at this position, in order of creation; NULL after the last. */
ASB_EXPORT struct json_object *asb_fake_nth(struct asb_fake *fake, const char *kind,
					    unsigned int position);
/* Deletes an object at once, and what it owns. It need not exist. */
ASB_EXPORT void asb_fake_delete(struct asb_fake *fake, const char *kind, const char *ns,
				const char *name);
/* Stops the garbage collector, or starts it again. In a cluster it takes its time, and until then a
 * plugin sees objects whose owners do not exist. */
ASB_EXPORT void asb_fake_pause_garbage_collector(struct asb_fake *fake, bool pause);
/* Only sets deletionTimestamp, as for a pod that needs time to end. */
ASB_EXPORT void asb_fake_start_deletion(struct asb_fake *fake, const char *kind, const char *ns,
					const char *name);
/* Marks a pod Running and Ready. */
ASB_EXPORT void asb_fake_pod_ready(struct asb_fake *fake, const char *ns, const char *name);
/* Reservations, as another plugin would make them. */
ASB_EXPORT int32_t asb_fake_reserve(struct asb_fake *fake, const char *kind, const char *ns,
				    const char *name, const char *holder);
ASB_EXPORT const char *asb_fake_reserved(struct asb_fake *fake, const char *kind, const char *ns,
					 const char *name);

/* --- running --- */

/* Reconciles the keys that changes have enqueued, until no key is due now. Returns 0, or -1 if
 * there are still keys after 1000 rounds. Retries have a delay and are not due now. */
ASB_EXPORT int asb_fake_settle(struct asb_fake *fake);
/* Reconciles one key, whether it is enqueued or not. Returns the result. */
ASB_EXPORT int32_t asb_fake_reconcile(struct asb_fake *fake, const char *ns, const char *name,
				      uint64_t *ret_requeue_after_ms);
/* Moves the clock, and settles at each time at which a key becomes due. Returns as
 * asb_fake_settle. */
ASB_EXPORT int asb_fake_advance(struct asb_fake *fake, uint64_t ms);
ASB_EXPORT int64_t asb_fake_now_ms(struct asb_fake *fake);
/* The milliseconds until the earliest delayed key is due; -1 for none. */
ASB_EXPORT int64_t asb_fake_next_ms(struct asb_fake *fake);
/* A restart: the state of keys, reservations and delays are gone, every object is new to the
 * plugin. */
ASB_EXPORT void asb_fake_restart(struct asb_fake *fake);

/* --- faults --- */

/* The next matching write (verb ASB_CREATE ..., 0 for any; kind NULL for any) fails with result and
 * message; done says whether it takes effect all the same, as when the response is lost. Several
 * calls are used in their order. */
ASB_EXPORT void asb_fake_fail(struct asb_fake *fake, uint32_t verb, const char *kind,
			      int32_t result, const char *message, bool done);
/* Calls hook before each write, so that a test can change objects between read and write. */
ASB_EXPORT void asb_fake_before_write(struct asb_fake *fake,
				      void (*hook)(struct asb_fake *, void *arg), void *arg);

/* --- what the plugin did --- */

/* Writes sent since the last asb_fake_forget, as text: "CREATE Pod ns/name", "SET_STATUS ...", dry
 * runs as "CREATE Pod ns/name (dry run)", and ASB_FOREGROUND as "REMOVE Pod ns/name (foreground)". NULL past the last. */
ASB_EXPORT const char *asb_fake_write(struct asb_fake *fake, unsigned int position);
ASB_EXPORT unsigned int asb_fake_writes(struct asb_fake *fake);
/* Events the same way: "Warning PodLost Sandbox ns/name: message". */
ASB_EXPORT const char *asb_fake_event(struct asb_fake *fake, unsigned int position);
ASB_EXPORT void asb_fake_forget(struct asb_fake *fake);
/* The message of the last fail(), "" for none. */
ASB_EXPORT const char *asb_fake_failure(struct asb_fake *fake);
/* The sum of a metric over all its labels; a histogram counts its observations. */
ASB_EXPORT double asb_fake_metric(struct asb_fake *fake, const char *name);
/* The same of one series: a value for each of its labels. */
ASB_EXPORT double asb_fake_metric_with(struct asb_fake *fake, const char *name,
				       const char *const *label_values);

#ifdef __cplusplus
}
#endif

#endif
