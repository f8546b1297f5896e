/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin for the tests of the fake host: it makes a pod of each Widget, or does what a test tells
 * it. */
#ifndef ASB_TESTS_UNIT_FAKEHOST_WIDGET_H
#define ASB_TESTS_UNIT_FAKEHOST_WIDGET_H

#include <agent-sandbox/fake-host.h>
#include <agent-sandbox/helpers.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* cmocka's macro is in the way of the host's function. */
#undef fail

enum { WIDGET, POD, SERVICE, SECRET, LEASE, ROBOT };
enum { BY_POD, BY_COLOUR, RESERVING };
enum { MADE, SIZE, TIME, WIDGETS };

#define WIDGET_W "{apiVersion: example.com/v1, kind: Widget, metadata: {namespace: ns, name: w}"
#define POD_P "{apiVersion: v1, kind: Pod, metadata: {namespace: ns, name: p"

typedef int32_t (*probe_function)(struct asb_call *call, const struct asb_key *key,
				  uint64_t *ret_requeue_after_ms);

/* What the plugin does instead of its own work, and what it saw: a plugin has no other way to meet
 * its test. */
struct probe {
	probe_function reconcile;
	unsigned int calls, inits, finis;
	char last[64]; /* the key */
	const void *arg;
};
extern struct probe probe;

extern const struct asb_watch widget_watches[];
extern const struct asb_plugin widget_plugin;

/* For cmocka: *state is a fake with that plugin. */
int setup(void **state);
int teardown(void **state);
/* Runs a probe once for ns/w. */
int32_t run(struct asb_fake *fake, probe_function function);
/* Settles, and says how often reconcile was called. */
unsigned int settled(struct asb_fake *fake);
/* A probe. */
int32_t do_nothing(struct asb_call *call, const struct asb_key *key,
		   uint64_t *ret_requeue_after_ms);
/* A fake at rest with one Widget that nobody works on. */
struct asb_fake *quiet(void **state);

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
