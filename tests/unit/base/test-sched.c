/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of base/sched.h, real and simulated. Meant to be run under TSan, too. */
#include "config.h"

#include "base/sched.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"

#define WORKERS 4
#define ROUNDS 50

/* What the threads of a test share. */
struct shared {
	struct sched *sched;
	struct sched_mutex lock;
	struct sched_cond changed;
	int counter;
	int inside;
	bool overlapped;
	char order[64]; /* who came when, by letters */
	uint64_t woken_us;
};

static void shared_init(struct shared *shared, struct sched *sched)
{
	*shared = (struct shared){ .sched = sched };
	sched_mutex_init(&shared->lock, sched);
	sched_cond_init(&shared->changed, sched);
}

static void shared_finish(struct shared *shared)
{
	sched_cond_finish(&shared->changed);
	sched_mutex_finish(&shared->lock);
	sched_destroy(shared->sched);
}

static void count_up(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < ROUNDS; i++) {
		LOCKED(&shared->lock);
		shared->overlapped |= shared->inside++ != 0;
		shared->counter++;
		shared->inside--;
	}
}

static void run_workers(void *arg)
{
	struct shared *shared = arg;
	struct sched_thread *threads[WORKERS];

	for (size_t i = 0; i < WORKERS; i++) {
		threads[i] = sched_start(shared->sched, "counter", count_up, shared);
	}
	for (size_t i = 0; i < WORKERS; i++) {
		sched_join(threads[i]);
	}
}

static void check_workers(struct sched *sched)
{
	struct shared shared;

	shared_init(&shared, sched);
	sched_run(sched, run_workers, &shared);
	assert_int_equal(shared.counter, WORKERS * ROUNDS);
	assert_false(shared.overlapped);
	shared_finish(&shared);
}

static void lock_excludes_real_threads(void **state)
{
	(void)state;
	check_workers(sched_create());
}

static void lock_excludes_simulated_threads(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		check_workers(sched_create_simulation(seed, 0));
	}
}

/* ---- waiting ---- */

static void wait_for_counter(void *arg)
{
	struct shared *shared = arg;
	LOCKED(&shared->lock);

	while (shared->counter == 0) {
		assert_int_equal(sched_cond_wait(&shared->changed, &shared->lock, SCHED_FOREVER),
				 0);
	}
	shared->inside++;
}

static void wake_waiters(void *arg)
{
	struct shared *shared = arg;
	struct sched_thread *threads[WORKERS];

	for (size_t i = 0; i < WORKERS; i++) {
		threads[i] = sched_start(shared->sched, "waiter", wait_for_counter, shared);
	}
	sched_mutex_lock(&shared->lock);
	shared->counter = 1;
	sched_cond_signal(&shared->changed);
	sched_mutex_unlock(&shared->lock);
	sched_mutex_lock(&shared->lock);
	sched_cond_broadcast(&shared->changed);
	sched_mutex_unlock(&shared->lock);
	for (size_t i = 0; i < WORKERS; i++) {
		sched_join(threads[i]);
	}
	assert_int_equal(shared->inside, WORKERS);
}

static void broadcast_wakes_all_who_wait(void **state)
{
	struct shared shared;

	(void)state;
	shared_init(&shared, sched_create());
	sched_run(shared.sched, wake_waiters, &shared);
	shared_finish(&shared);
	for (uint64_t seed = 0; seed < 50; seed++) {
		shared_init(&shared, sched_create_simulation(seed, 0));
		sched_run(shared.sched, wake_waiters, &shared);
		shared_finish(&shared);
	}
}

static void real_wait_ends_at_its_deadline_and_not_before(void **state)
{
	struct shared shared;
	uint64_t deadline;
	int r = 0;

	(void)state;
	shared_init(&shared, sched_create());
	sched_mutex_lock(&shared.lock);
	deadline = sched_now_us(shared.sched) + 3000;
	while (r == 0) {
		r = sched_cond_wait(&shared.changed, &shared.lock, deadline);
	}
	assert_int_equal(r, -ETIMEDOUT);
	assert_true(sched_now_us(shared.sched) >= deadline);
	assert_int_equal(sched_cond_wait(&shared.changed, &shared.lock, 0), -ETIMEDOUT);
	sched_mutex_unlock(&shared.lock);
	deadline = sched_now_us(shared.sched) + 3000;
	sched_sleep_until(shared.sched, deadline);
	assert_true(sched_now_us(shared.sched) >= deadline);
	shared_finish(&shared);
}

static void sleep_until(struct shared *shared, uint64_t deadline_us)
{
	sched_sleep_until(shared->sched, deadline_us);
}

static void sleeper_a(void *arg)
{
	struct shared *shared = arg;

	for (uint64_t i = 1; i <= 3; i++) {
		sleep_until(shared, i * 1000000);
		strcat(shared->order, "a");
	}
}

static void sleeper_b(void *arg)
{
	struct shared *shared = arg;

	sleep_until(shared, 1500000);
	strcat(shared->order, "b");
	sleep_until(shared, 86400000000);
	strcat(shared->order, "B");
}

static void start_sleepers(void *arg)
{
	struct shared *shared = arg;
	struct sched_thread *a = sched_start(shared->sched, "a", sleeper_a, shared);
	struct sched_thread *b = sched_start(shared->sched, "b", sleeper_b, shared);

	sched_join(a);
	sched_join(b);
}

static void simulated_time_jumps_to_the_next_deadline(void **state)
{
	struct shared shared;

	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++) {
		shared_init(&shared, sched_create_simulation(seed, 1700000000000000));
		assert_int_equal(sched_now_us(shared.sched), 0);
		sched_run(shared.sched, start_sleepers, &shared);
		assert_string_equal(shared.order, "abaaB");
		assert_int_equal(sched_now_us(shared.sched), 86400000000);
		assert_int_equal(sched_wall_us(shared.sched), 1700086400000000);
		shared_finish(&shared);
	}
}

/* ---- replay ---- */

static uint64_t trace_of(uint64_t seed, uint64_t fact)
{
	struct shared shared;
	uint64_t trace;

	shared_init(&shared, sched_create_simulation(seed, 0));
	sched_run(shared.sched, run_workers, &shared);
	sched_note(shared.sched, fact);
	trace = sched_trace(shared.sched);
	shared_finish(&shared);
	return trace;
}

static void seed_decides_the_trace(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 10; seed++) {
		assert_int_equal(trace_of(seed, 1), trace_of(seed, 1));
		assert_int_not_equal(trace_of(seed, 1), trace_of(seed + 1, 1));
		assert_int_not_equal(trace_of(seed, 1), trace_of(seed, 2));
	}
}

/* Reads and writes in two critical sections: wrong, and the simulation has to find out. */
static void count_up_wrongly(void *arg)
{
	struct shared *shared = arg;
	int seen;

	sched_mutex_lock(&shared->lock);
	seen = shared->counter;
	sched_mutex_unlock(&shared->lock);
	sched_mutex_lock(&shared->lock);
	shared->counter = seen + 1;
	sched_mutex_unlock(&shared->lock);
}

static void run_wrong_counters(void *arg)
{
	struct shared *shared = arg;
	struct sched_thread *a = sched_start(shared->sched, "a", count_up_wrongly, shared);
	struct sched_thread *b = sched_start(shared->sched, "b", count_up_wrongly, shared);

	sched_join(a);
	sched_join(b);
}

static void simulation_finds_a_lost_update_with_some_seeds(void **state)
{
	int lost = 0;

	(void)state;
	for (uint64_t seed = 0; seed < 200; seed++) {
		struct shared shared;

		shared_init(&shared, sched_create_simulation(seed, 0));
		sched_run(shared.sched, run_wrong_counters, &shared);
		lost += shared.counter == 1 ? 1 : 0;
		shared_finish(&shared);
	}
	assert_in_range(lost, 5, 195);
}

/* ---- being stuck, and misuse ---- */

static void wait_for_nothing(void *arg)
{
	struct shared *shared = arg;
	LOCKED(&shared->lock);

	for (;;) {
		sched_cond_wait(&shared->changed, &shared->lock, SCHED_FOREVER);
	}
}

static void join_nothing(void *arg)
{
	struct shared *shared = arg;

	sched_join(sched_start(shared->sched, "hopeless", wait_for_nothing, shared));
}

static void lock_twice(void *arg)
{
	struct shared *shared = arg;

	sched_mutex_lock(&shared->lock);
	sched_mutex_lock(&shared->lock);
}

/* Runs fn in a simulation in a child; it must abort. What it wrote goes to text. */
static void expect_abort(void (*fn)(void *arg), char *text, size_t size)
{
	int pipes[2], status;
	size_t length = 0;
	ssize_t got;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct shared shared;

		signal(SIGABRT, SIG_DFL);
		prctl(PR_SET_DUMPABLE, 0);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		shared_init(&shared, sched_create_simulation(1, 0));
		sched_run(shared.sched, fn, &shared);
		_exit(0);
	}
	close(pipes[1]);
	while ((got = read(pipes[0], text + length, size - 1 - length)) > 0) {
		length += (size_t)got;
	}
	text[length] = '\0';
	close(pipes[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void stuck_simulation_says_who_waits_for_what(void **state)
{
	char text[1024];

	(void)state;
	expect_abort(join_nothing, text, sizeof(text));
	assert_non_null(strstr(text, "'main' waits for the end of 'run'"));
	assert_non_null(strstr(text, "'run' waits for the end of 'hopeless'"));
	assert_non_null(strstr(text, "'hopeless' waits for condition"));
}

static void locking_twice_aborts_a_simulation(void **state)
{
	char text[1024];

	(void)state;
	expect_abort(lock_twice, text, sizeof(text));
	assert_non_null(strstr(text, "'run' locks what it has locked"));
}

/* ---- the rest ---- */

static void look_at_thread(void *arg)
{
	struct shared *shared = arg;
	sigset_t set;

	assert_int_equal(prctl(PR_GET_NAME, shared->order), 0);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	shared->counter =
		sigismember(&set, SIGTERM) + sigismember(&set, SIGINT) + sigismember(&set, SIGCHLD);
}

static void real_threads_have_names_and_take_no_signals(void **state)
{
	struct shared shared;
	sigset_t set;

	(void)state;
	shared_init(&shared, sched_create());
	sched_join(sched_start(shared.sched, "a-name-that-is-too-long", look_at_thread, &shared));
	assert_string_equal(shared.order, "a-name-that-is-");
	assert_int_equal(shared.counter, 3);
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &set), 0);
	assert_int_equal(sigismember(&set, SIGTERM), 0);
	shared_finish(&shared);
}

static void production_tells_the_time_and_has_no_trace(void **state)
{
	struct sched *sched = sched_create(), *other = sched_create();

	(void)state;
	assert_false(sched_is_simulation(sched));
	sched_note(sched, 1);
	assert_int_equal(sched_trace(sched), 0);
	assert_true(sched_now_us(sched) > 0);
	assert_true(sched_wall_us(sched) > INT64_C(1600000000000000));
	assert_int_not_equal(sched_random(sched), sched_random(sched));
	assert_int_not_equal(sched_random(sched), sched_random(other));
	sched_destroy(sched);
	sched_destroy(other);
	sched_destroy(NULL);
}

static void simulated_random_numbers_replay(void **state)
{
	struct sched *a = sched_create_simulation(7, 0), *b = sched_create_simulation(7, 0);

	(void)state;
	assert_true(sched_is_simulation(a));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(sched_random(a), sched_random(b));
	}
	sched_destroy(a);
	sched_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lock_excludes_real_threads),
		cmocka_unit_test(lock_excludes_simulated_threads),
		cmocka_unit_test(broadcast_wakes_all_who_wait),
		cmocka_unit_test(real_wait_ends_at_its_deadline_and_not_before),
		cmocka_unit_test(simulated_time_jumps_to_the_next_deadline),
		cmocka_unit_test(seed_decides_the_trace),
		cmocka_unit_test(simulation_finds_a_lost_update_with_some_seeds),
		cmocka_unit_test(stuck_simulation_says_who_waits_for_what),
		cmocka_unit_test(locking_twice_aborts_a_simulation),
		cmocka_unit_test(real_threads_have_names_and_take_no_signals),
		cmocka_unit_test(production_tells_the_time_and_has_no_trace),
		cmocka_unit_test(simulated_random_numbers_replay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
