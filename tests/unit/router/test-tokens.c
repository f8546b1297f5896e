/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of router/tokens.c: HAProxy has the hashes of what the file says, and nothing else. */
#include "config.h"

#include "router/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "router/haproxy-config.h"
#include "tests/unit/router/router-fixture.h"

#define ONE "first-token-0123456789"
#define TWO "second-token-0123456789"
#define THREE "third-token-0123456789"

struct world {
	struct fake_haproxy haproxy;
	struct sched *sched; /* simulated: time passes when all wait */
	char file[128];
	struct tokens *tokens;
};

static int begin(void **state)
{
	struct world *world = xnew(struct world);

	fake_haproxy_start(&world->haproxy);
	world->sched = sched_create_simulation(1, 0);
	snprintf(world->file, sizeof(world->file), "%s/tokens", world->haproxy.dir);
	*state = world;
	return 0;
}

static int end(void **state)
{
	struct world *world = *state;

	sched_destroy(world->sched);
	fake_haproxy_stop(&world->haproxy);
	free(world);
	return 0;
}

static void write_tokens(const struct world *world, const char *text)
{
	FILE *file = fopen(world->file, "we");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void hashes_are(const char *found, const char *one, const char *two)
{
	char first[SHA256_HEX], second[SHA256_HEX] = "";
	CLEANUP_FREE char *wanted = NULL;

	sha256_hex(one, strlen(one), first);
	if (two != NULL) {
		sha256_hex(two, strlen(two), second);
	}
	wanted = xprintf("%s\n%s%s", first, second, two != NULL ? "\n" : "");
	assert_string_equal(wanted, found);
}

static void file_has(const struct world *world, const char *one, const char *two)
{
	CLEANUP_FREE char *found = fake_haproxy_file(&world->haproxy, TOKENS_FILE);

	hashes_are(found, one, two);
}

static void live_has(struct world *world, const char *one, const char *two)
{
	CLEANUP_FREE char *found = fake_haproxy_live(&world->haproxy);

	hashes_are(found, one, two);
}

/* Lets simulated seconds pass. */
static void pass(struct world *world, unsigned int seconds)
{
	struct sched_mutex lock;
	struct sched_cond never;
	uint64_t until = sched_now_us(world->sched) + seconds * 1000000u;

	sched_mutex_init(&lock, world->sched);
	sched_cond_init(&never, world->sched);
	sched_mutex_lock(&lock);
	while (sched_now_us(world->sched) < until) {
		sched_cond_wait(&never, &lock, until);
	}
	sched_mutex_unlock(&lock);
	sched_cond_finish(&never);
	sched_mutex_finish(&lock);
}

static void rotate(void *arg)
{
	struct world *world = arg;
	struct error error = { 0 };

	write_tokens(world, ONE "\n" TWO "\n");
	world->tokens = tokens_create(world->sched, NULL, world->file, world->haproxy.dir, &error);
	assert_non_null(world->tokens);
	file_has(world, ONE, TWO);
	pass(world, 10);
	assert_int_equal(0, world->haproxy.commands); /* nothing has changed */

	write_tokens(world, "\r\n" THREE "\r\n\n" TWO);
	pass(world, 3);
	live_has(world, THREE, TWO);
	file_has(world, THREE, TWO);
	tokens_destroy(world->tokens);
}

static void tokens_follow_their_file(void **state)
{
	struct world *world = *state;

	sched_run(world->sched, rotate, world);
}

static void fail_to_rotate(void *arg)
{
	static const char *const bad[] = { "", "\n\n", "short\n", ONE "\nshort\n" };
	struct world *world = arg;
	struct error error = { 0 };

	write_tokens(world, ONE "\n");
	world->tokens = tokens_create(world->sched, NULL, world->file, world->haproxy.dir, &error);
	assert_non_null(world->tokens);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_tokens(world, bad[i]);
		pass(world, 3);
		file_has(world, ONE, NULL);
	}
	remove(world->file);
	pass(world, 3);
	assert_int_equal(0, world->haproxy.commands);

	/* Each command may be the one that fails; it is told again until it worked. */
	for (unsigned int step = 0; step < 3; step++) {
		fake_haproxy_fail(&world->haproxy, step, 1);
		write_tokens(world, step % 2 == 0 ? TWO "\n" : THREE "\n");
		pass(world, 3);
	}
	pass(world, 3);
	live_has(world, TWO, NULL);
	tokens_destroy(world->tokens);
}

static void tokens_stay_when_the_file_makes_no_sense(void **state)
{
	struct world *world = *state;

	sched_run(world->sched, fail_to_rotate, world);
}

static void tokens_are_needed_at_the_start(void **state)
{
	struct world *world = *state;
	struct error error = { 0 };
	CLEANUP_BUF struct buf many = BUF_INIT(1u << 20);

	assert_null(tokens_create(world->sched, NULL, world->file, world->haproxy.dir, &error));
	assert_non_null(strstr(error.text, world->file));
	write_tokens(world, ONE "\nsecret\n");
	assert_null(tokens_create(world->sched, NULL, world->file, world->haproxy.dir, &error));
	assert_non_null(strstr(error.text, "line 2 has a token of fewer than 16"));
	assert_null(strstr(error.text, "secret"));
	for (int i = 0; i <= TOKENS_MAX; i++) {
		buf_printf(&many, "%s-%d\n", ONE, i);
	}
	write_tokens(world, buf_str(&many));
	assert_null(tokens_create(world->sched, NULL, world->file, world->haproxy.dir, &error));
	assert_non_null(strstr(error.text, "101 tokens, but must have 1 to 100"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(tokens_follow_their_file, begin, end),
		cmocka_unit_test_setup_teardown(tokens_stay_when_the_file_makes_no_sense, begin,
						end),
		cmocka_unit_test_setup_teardown(tokens_are_needed_at_the_start, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
