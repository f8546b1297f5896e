/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/probes/probe.h: thresholds and times, in simulation with commands as probes; and that
 * what hangs holds nobody up, on real threads. */
#include "config.h"

#include "node/probes/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "tests/unit/node/node-objects.h"

#define SECOND INT64_C(1000000)
#define WALL_START (INT64_C(1700000000) * SECOND)

/* A runtime whose commands say what the test wants: the first word is whose result it is. */
struct world {
	struct runtime runtime;
	struct sched *sched;
	struct prober *prober;
	struct sched_mutex lock;
	struct sched_cond cond;
	int results[PROBE_KINDS];       /* lock; exit codes, or a negative errno */
	unsigned int runs[PROBE_KINDS]; /* lock */
	uint64_t first_us[PROBE_KINDS]; /* lock; when it ran first */
	unsigned int changes;           /* lock */
	unsigned int entered;           /* lock; commands that hang */
	bool release;                   /* lock */
};

static const char *const words[PROBE_KINDS] = { "startup", "readiness", "liveness" };

static int fake_exec(struct runtime *runtime, const char *id, const char *const *argv,
		     uint32_t timeout_ms, struct buf *output, int *ret_exit, struct error *reterr)
{
	struct world *world = CONTAINER_OF(runtime, struct world, runtime);

	(void)id;
	(void)timeout_ms;
	LOCKED(&world->lock);
	if (strcmp(argv[0], "hang") == 0) {
		world->entered++;
		sched_cond_broadcast(&world->cond);
		while (!world->release) {
			sched_cond_wait(&world->cond, &world->lock, SCHED_FOREVER);
		}
		return error_set(reterr, -ETIMEDOUT, "hung");
	}
	for (int kind = 0; kind < PROBE_KINDS; kind++) {
		if (strcmp(argv[0], words[kind]) == 0) {
			if (world->runs[kind]++ == 0) {
				world->first_us[kind] = sched_now_us(world->sched);
			}
			sched_cond_broadcast(&world->cond);
			if (world->results[kind] < 0) {
				return error_set(reterr, world->results[kind], "as the test wants");
			}
			*ret_exit = world->results[kind];
			buf_append_str(output, "said so");
		}
	}
	return 0;
}

static const struct runtime_ops fake_ops = { .exec = fake_exec };

static void on_change(void *arg, const char *uid)
{
	struct world *world = arg;

	assert_string_equal(uid, "uid");
	LOCKED(&world->lock);
	world->changes++;
	sched_cond_broadcast(&world->cond);
}

static void world_init(struct world *world, struct sched *sched)
{
	*world = (struct world){ .runtime.ops = &fake_ops, .sched = sched };
	sched_mutex_init(&world->lock, sched);
	sched_cond_init(&world->cond, sched);
	world->prober = prober_create(sched, &world->runtime, on_change, world);
}

static void world_finish(struct world *world)
{
	prober_destroy(world->prober);
	sched_cond_finish(&world->cond);
	sched_mutex_finish(&world->lock);
}

static void add_at(struct world *world, const char *id, const char *container, int64_t started_ms)
{
	CLEANUP_JSON struct json_object *spec = node_json(container);

	prober_add(world->prober, "uid", id, "127.0.0.1", started_ms, spec);
}

static void add(struct world *world, const char *container)
{
	add_at(world, "id", container, sched_wall_us(world->sched) / 1000);
}

/* Lets time pass. */
static void pass(struct world *world, uint64_t us)
{
	uint64_t until = sched_now_us(world->sched) + us;

	LOCKED(&world->lock);
	while (sched_now_us(world->sched) < until) {
		sched_cond_wait(&world->cond, &world->lock, until);
	}
}

static void set(struct world *world, enum probe_kind kind, int result)
{
	LOCKED(&world->lock);
	world->results[kind] = result;
}

static unsigned int runs(struct world *world, enum probe_kind kind)
{
	LOCKED(&world->lock);
	return world->runs[kind];
}

static struct probe_state state_of(struct world *world)
{
	struct probe_state state;

	assert_true(prober_state(world->prober, "id", &state));
	return state;
}

struct play {
	struct sched *sched;
	void (*body)(struct world *world);
};

static void play(void *arg)
{
	struct play *self = arg;
	struct world world;

	world_init(&world, self->sched);
	self->body(&world);
	world_finish(&world);
}

/* Runs a test's body in simulation, with some seeds. */
static void simulate(void (*body)(struct world *world))
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct play self = {
			.sched = sched_create_simulation(seed, WALL_START),
			.body = body,
		};

		sched_run(self.sched, play, &self);
		sched_destroy(self.sched);
	}
}

#define PROBE(member, word, more) \
	"\"" member "Probe\":{\"exec\":{\"command\":[\"" word "\"]}" more "}"

static void ready_soon_body(struct world *world)
{
	uint64_t begin = sched_now_us(world->sched);

	add(world, "{" PROBE("readiness", "readiness",
			     ",\"initialDelaySeconds\":2,\"periodSeconds\":1") "}");
	pass(world, SECOND);
	assert_true(state_of(world).started);
	assert_false(state_of(world).ready);
	assert_int_equal(runs(world, PROBE_READINESS), 0);
	pass(world, SECOND + SECOND / 10);
	assert_true(state_of(world).ready);
	assert_true(world->first_us[PROBE_READINESS] - begin < 2 * SECOND + SECOND / 50);
	assert_int_equal(world->changes, 1);
	pass(world, 10 * SECOND);
	assert_int_equal(runs(world, PROBE_READINESS), 11);
	assert_int_equal(world->changes, 1);
}

static void a_container_is_ready_as_soon_as_its_delay_allows(void **state)
{
	(void)state;
	simulate(ready_soon_body);
}

static void old_body(struct world *world)
{
	uint64_t begin = sched_now_us(world->sched);

	/* Started long ago: within a second, whatever its delay was. */
	add_at(world, "id", "{" PROBE("readiness", "readiness", ",\"initialDelaySeconds\":30") "}",
	       WALL_START / 1000 - 100000);
	pass(world, 2 * SECOND);
	assert_true(state_of(world).ready);
	assert_true(world->first_us[PROBE_READINESS] - begin < SECOND + SECOND / 50);
}

static void delays_count_from_the_containers_start(void **state)
{
	(void)state;
	simulate(old_body);
}

static void thresholds_body(struct world *world)
{
	add(world,
	    "{" PROBE("readiness", "readiness",
		      ",\"periodSeconds\":1,\"successThreshold\":2,\"failureThreshold\":3") "}");
	pass(world, SECOND / 2);
	assert_false(state_of(world).ready);
	pass(world, SECOND);
	assert_true(state_of(world).ready);
	set(world, PROBE_READINESS, 1);
	pass(world, 2 * SECOND);
	assert_true(state_of(world).ready);
	assert_int_equal(state_of(world).failures, 2);
	assert_string_equal(state_of(world).message, "Readiness probe failed: said so");
	pass(world, SECOND);
	assert_false(state_of(world).ready);
	assert_false(state_of(world).failed);
	/* One good result among bad ones is not two in a row. */
	set(world, PROBE_READINESS, 0);
	pass(world, SECOND);
	set(world, PROBE_READINESS, 1);
	pass(world, SECOND);
	set(world, PROBE_READINESS, 0);
	pass(world, SECOND);
	assert_false(state_of(world).ready);
	pass(world, SECOND);
	assert_true(state_of(world).ready);
}

static void readiness_follows_its_thresholds(void **state)
{
	(void)state;
	simulate(thresholds_body);
}

static void startup_body(struct world *world)
{
	set(world, PROBE_STARTUP, 1);
	set(world, PROBE_LIVENESS, 1);
	add(world,
	    "{" PROBE("startup", "startup", ",\"periodSeconds\":1,\"failureThreshold\":30") "," PROBE(
		    "readiness", "readiness", "") "," PROBE("liveness", "liveness",
							    ",\"periodSeconds\":1") "}");
	pass(world, 5 * SECOND + SECOND / 2);
	assert_false(state_of(world).started);
	assert_int_equal(runs(world, PROBE_LIVENESS), 0);
	assert_int_equal(runs(world, PROBE_READINESS), 0);
	set(world, PROBE_STARTUP, 0);
	pass(world, SECOND);
	assert_true(state_of(world).started);
	assert_true(state_of(world).ready);
	assert_int_equal(runs(world, PROBE_STARTUP), 7);
	pass(world, 5 * SECOND);
	assert_true(state_of(world).failed);
	assert_false(state_of(world).ready);
	assert_int_equal(state_of(world).kind, PROBE_LIVENESS);
	assert_int_equal(runs(world, PROBE_STARTUP), 7);
	/* It will be restarted: nothing asks it any more. */
	assert_int_equal(runs(world, PROBE_LIVENESS), 3);
	assert_int_equal(runs(world, PROBE_READINESS), 1);
}

static void others_wait_for_startup_and_end_with_liveness(void **state)
{
	(void)state;
	simulate(startup_body);
}

static void never_body(struct world *world)
{
	set(world, PROBE_STARTUP, 1);
	add(world, "{" PROBE("startup", "startup", ",\"periodSeconds\":1") "}");
	pass(world, 10 * SECOND);
	assert_true(state_of(world).failed);
	assert_false(state_of(world).started);
	assert_int_equal(runs(world, PROBE_STARTUP), 3);
	assert_string_equal(state_of(world).message, "Startup probe failed: said so");
	assert_int_equal(world->changes, 3);
}

static void startup_that_fails_for_good_is_a_failure(void **state)
{
	(void)state;
	simulate(never_body);
}

static void unknown_body(struct world *world)
{
	add(world, "{" PROBE("liveness", "liveness", ",\"periodSeconds\":1") "}");
	pass(world, SECOND / 2);
	set(world, PROBE_LIVENESS, -EAGAIN);
	pass(world, 10 * SECOND);
	assert_false(state_of(world).failed);
	assert_int_equal(state_of(world).failures, 0);
	set(world, PROBE_LIVENESS, -ETIMEDOUT);
	pass(world, 3 * SECOND);
	assert_true(state_of(world).failed);
	assert_string_equal(state_of(world).message,
			    "Liveness probe failed: command 'liveness' timed out after 1 s");
}

static void what_cannot_be_tried_says_nothing_of_the_container(void **state)
{
	(void)state;
	simulate(unknown_body);
}

static void grpc_body(struct world *world)
{
	add(world, "{\"readinessProbe\":{\"grpc\":{\"port\":1},\"periodSeconds\":1}}");
	pass(world, SECOND / 2);
	assert_false(state_of(world).ready);
	assert_non_null(strstr(state_of(world).message, "no grpc probes"));
}

static void grpc_fails_and_says_why(void **state)
{
	(void)state;
	simulate(grpc_body);
}

static void removed_body(struct world *world)
{
	struct probe_state ignored;

	add(world, "{}");
	assert_true(state_of(world).ready && state_of(world).started);
	prober_remove(world->prober, "id");
	assert_false(prober_state(world->prober, "id", &ignored));
	add(world, "{" PROBE("readiness", "readiness",
			     ",\"initialDelaySeconds\":1,\"periodSeconds\":1") "}");
	/* Adding what is there does nothing. */
	add(world, "{}");
	assert_false(state_of(world).ready);
	pass(world, 3 * SECOND + SECOND / 2);

	unsigned int seen = runs(world, PROBE_READINESS);

	prober_remove(world->prober, "id");
	prober_remove(world->prober, "id");
	pass(world, 3 * SECOND);
	assert_int_equal(runs(world, PROBE_READINESS), seen);
}

static void removed_containers_are_not_probed(void **state)
{
	(void)state;
	simulate(removed_body);
}

/* Eight containers whose probes hang, and a ninth. */
static void hang_body(struct world *world)
{
	for (int i = 0; i < 8; i++) {
		CLEANUP_FREE char *id = xprintf("hang-%d", i);

		add_at(world, id, "{" PROBE("liveness", "hang", "") "}", 0);
	}
	{
		LOCKED(&world->lock);
		while (world->entered < 8) {
			sched_cond_wait(&world->cond, &world->lock, SCHED_FOREVER);
		}
	}
	add(world, "{" PROBE("readiness", "readiness", "") "}");
	{
		LOCKED(&world->lock);
		while (world->changes == 0) {
			sched_cond_wait(&world->cond, &world->lock, SCHED_FOREVER);
		}
	}
	assert_true(state_of(world).ready);
	/* None waits for the command that hangs, and none is told of its end. */
	for (int i = 0; i < 8; i++) {
		CLEANUP_FREE char *id = xprintf("hang-%d", i);

		prober_remove(world->prober, id);
	}
	{
		LOCKED(&world->lock);
		world->release = true;
		sched_cond_broadcast(&world->cond);
	}
	prober_remove(world->prober, "id");
	assert_int_equal(world->changes, 1);
}

static void probes_that_hang_hold_up_no_other(void **state)
{
	struct play self = { .sched = sched_create(), .body = hang_body };

	(void)state;
	play(&self);
	sched_destroy(self.sched);
	simulate(hang_body);
}

/* A server that begins to listen after the first try, on real threads and a port of the kernel's. */
static void late_server_body(struct world *world)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t deadline = sched_now_us(world->sched) + 20 * SECOND;

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	CLEANUP_FREE char *container =
		xprintf("{\"readinessProbe\":{\"tcpSocket\":{\"port\":%u},\"periodSeconds\":100}}",
			ntohs(address.sin_port));

	add(world, container);
	LOCKED(&world->lock);
	while (world->changes < 1 && sched_cond_wait(&world->cond, &world->lock, deadline) == 0) {
	}
	assert_int_equal(state_of(world).failures, 1);
	assert_false(state_of(world).ready);
	assert_int_equal(listen(fd, 8), 0);
	while (world->changes < 2 && sched_cond_wait(&world->cond, &world->lock, deadline) == 0) {
	}
	assert_true(state_of(world).ready);
	assert_int_equal(state_of(world).failures, 1);
	close(fd);
}

static void a_young_server_is_ready_before_its_period_is_over(void **state)
{
	struct play self = { .sched = sched_create(), .body = late_server_body };

	(void)state;
	play(&self);
	sched_destroy(self.sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_container_is_ready_as_soon_as_its_delay_allows),
		cmocka_unit_test(delays_count_from_the_containers_start),
		cmocka_unit_test(readiness_follows_its_thresholds),
		cmocka_unit_test(others_wait_for_startup_and_end_with_liveness),
		cmocka_unit_test(startup_that_fails_for_good_is_a_failure),
		cmocka_unit_test(what_cannot_be_tried_says_nothing_of_the_container),
		cmocka_unit_test(grpc_fails_and_says_why),
		cmocka_unit_test(removed_containers_are_not_probed),
		cmocka_unit_test(probes_that_hang_hold_up_no_other),
		cmocka_unit_test(a_young_server_is_ready_before_its_period_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
