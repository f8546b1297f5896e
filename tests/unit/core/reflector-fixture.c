/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a reflector, its store, a client and the scripted transport together. Used by the tests of
 * the reflector. */
#include "config.h"

#include "tests/unit/core/reflector-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/observe/log.h"

static void note_change(void *arg)
{
	struct mirror *mirror = arg;

	mirror->changes++;
}

void mirror_init(struct mirror *mirror)
{
	*mirror = (struct mirror){ 0 };
	log_set_level(LOG_ERROR); /* warnings are what most of these tests are about */
	store_world_init(&mirror->world);
	store_select_all(mirror->world.store);
	store_seal(mirror->world.store);
	script_init(&mirror->script, mirror->world.sched);
	mirror->client = client_create(&(struct client_config){
		.sched = mirror->world.sched,
		.transport = &mirror->script.transport,
		.slots = 4,
	});
	mirror->config = (struct reflector_config){
		.sched = mirror->world.sched,
		.client = mirror->client,
		.store = mirror->world.store,
		.changed = note_change,
		.arg = mirror,
	};
}

void mirror_start(struct mirror *mirror)
{
	mirror->reflector = reflector_create(&mirror->config);
	assert_int_equal(reflector_state(mirror->reflector), REFLECTOR_LISTING);
	reflector_start(mirror->reflector);
}

void mirror_finish(struct mirror *mirror)
{
	client_stop(mirror->client);
	mirror->script.transport.ops->stop(&mirror->script.transport);
	reflector_stop(mirror->reflector);
	reflector_destroy(mirror->reflector);
	client_destroy(mirror->client);
	script_finish(&mirror->script);
	store_world_finish(&mirror->world);
}

void mirror_init_synced(struct mirror *mirror)
{
	mirror_init(mirror);
	script_response(&mirror->script, LIST_FIRST, 200, ADDED("a", "5", "Running") LISTED("10"));
	mirror_start(mirror);
	expect_settled(mirror, 1);
	expect_wakes(&mirror->world, "+a!");
	assert_int_equal(reflector_state(mirror->reflector), REFLECTOR_SYNCED);
	assert_int_equal(store_version(mirror->world.store), 10);
}

void expect_settled(struct mirror *mirror, unsigned int streams)
{
	if (!script_settle(&mirror->script, streams)) {
		for (size_t i = 0; i < mirror->script.step_count; i++) {
			if (!mirror->script.steps[i].used) {
				fail_msg("nothing used '%s'; the last request was '%s'",
					 mirror->script.steps[i].match,
					 script_line(&mirror->script,
						     mirror->script.sent_count - 1));
			}
		}
		fail_msg("%u streams are open, not %u", mirror->script.streams, streams);
	}
}

uint64_t sent_us(struct mirror *mirror, size_t n)
{
	assert_true(n < mirror->script.sent_count && n < SCRIPT_SENT_MAX);
	return mirror->script.sent[n].when_us;
}
