/* SPDX-License-Identifier: Apache-2.0 */
/* HAProxy's command socket as far as the router uses it: one map and one list, in a directory of the
 * test. */
#ifndef ASB_TESTS_UNIT_ROUTER_ROUTER_FIXTURE_H
#define ASB_TESTS_UNIT_ROUTER_ROUTER_FIXTURE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/sched.h"

struct fake_haproxy {
	struct sched *sched; /* real threads, whatever the test runs on */
	char dir[64], socket[96], map[96];
	int listener;
	struct sched_thread *thread;
	struct sched_mutex lock;
	/* lock; "key value\n" each, in order; the second of the version being prepared */
	struct buf live, prepared;
	unsigned int commands; /* lock */
	unsigned int passes;   /* lock: so many more are done before */
	unsigned int fails;    /* lock: so many are answered with an error */
	bool deaf;             /* lock: connections are closed without a response */
};

void fake_haproxy_start(struct fake_haproxy *fake);
void fake_haproxy_stop(struct fake_haproxy *fake);
/* The entries as they are now; freed by the caller. */
char *fake_haproxy_live(struct fake_haproxy *fake);
void fake_haproxy_fail(struct fake_haproxy *fake, unsigned int passes, unsigned int times);
/* What a file in its directory says; freed by the caller. */
char *fake_haproxy_file(const struct fake_haproxy *fake, const char *name);

#endif
