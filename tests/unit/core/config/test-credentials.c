/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials over time, mostly in simulated time: when files are read again, what a refusal does,
 * how often a plugin runs. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "core/config/kubeconfig-private.h"
#include "core/config/kubeconfig.h"

#define WALL_US INT64_C(1700000000000000) /* 2023-11-14T22:13:20Z */
#define PAIR(x) "-----BEGIN " x "-----\n"

/* One test: a directory, a config and its credentials, run in a simulation. */
struct world {
	struct sched *sched;
	char directory[64];
	struct kubeconfig config;
	struct credentials *credentials;
	struct http_credentials_source source;
};

static char *path_of(const struct world *world, const char *name)
{
	return xprintf("%s/%s", world->directory, name);
}

static void put(const struct world *world, const char *name, const char *text, mode_t mode)
{
	CLEANUP_FREE char *path = path_of(world, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void drop(const struct world *world, const char *name)
{
	CLEANUP_FREE char *path = path_of(world, name);

	unlink(path);
}

/* Lets time pass. */
static void pass(struct world *world, unsigned int seconds)
{
	struct sched_mutex lock;
	struct sched_cond never;
	uint64_t until = sched_now_us(world->sched) + seconds * UINT64_C(1000000);

	sched_mutex_init(&lock, world->sched);
	sched_cond_init(&never, world->sched);
	sched_mutex_lock(&lock);
	while (sched_cond_wait(&never, &lock, until) != -ETIMEDOUT) {
	}
	sched_mutex_unlock(&lock);
	sched_cond_finish(&never);
	sched_mutex_finish(&lock);
}

static void begin(struct world *world)
{
	world->credentials = credentials_create(world->sched, &world->config);
	world->source = credentials_source(world->credentials);
}

/* What is sent now: a header value, or the certificate where there is no header, or the error. */
static void expect(struct world *world, const char *expected)
{
	struct http_credentials now = { 0 };
	struct error error = { 0 };
	int r = world->source.get(world->source.arg, &now, &error);
	const char *got = r < 0                       ? error.text
			  : now.authorization != NULL ? now.authorization
						      : now.certificate;

	assert_int_equal(r, error.code);
	if (r < 0) {
		assert_non_null(strstr(got, expected));
	} else {
		assert_string_equal(got != NULL ? got : "nothing", expected);
	}
	http_credentials_finish(&now);
}

static uint64_t generation(struct world *world)
{
	struct http_credentials now = { 0 };
	uint64_t value;

	assert_int_equal(world->source.get(world->source.arg, &now, NULL), 0);
	value = now.generation;
	http_credentials_finish(&now);
	return value;
}

static void refuse(struct world *world)
{
	world->source.refused(world->source.arg, generation(world));
}

static void in_world(void (*test)(struct world *world))
{
	static const char *const names[] = { "token", "c.pem", "k.pem", "plugin", "runs", "says" };
	struct world world = { .sched = sched_create_simulation(1, WALL_US),
			       .directory = "/tmp/test-credentials-XXXXXX" };

	assert_non_null(mkdtemp(world.directory));
	test(&world);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		drop(&world, names[i]);
	}
	rmdir(world.directory);
	credentials_destroy(world.credentials);
	kubeconfig_finish(&world.config);
	sched_destroy(world.sched);
}

/* ---- what is constant ---- */

static void test_constant(struct world *world)
{
	begin(world);
	expect(world, "nothing");
	credentials_destroy(world->credentials);

	world->config.token = xstrdup("T");
	begin(world);
	expect(world, "Bearer T");
	refuse(world);
	expect(world, "Bearer T");
	credentials_destroy(world->credentials);
	free(TAKE(world->config.token));

	world->config.username = xstrdup("aladdin");
	world->config.password = xstrdup("opensesame");
	begin(world);
	expect(world, "Basic YWxhZGRpbjpvcGVuc2VzYW1l");
}

static void constant_credentials_are_passed_on(void **state)
{
	(void)state;
	in_world(test_constant);
}

/* ---- files ---- */

static void test_token_file(struct world *world)
{
	world->config.token_file = path_of(world, "token");
	begin(world);
	expect(world, "cannot read");
	put(world, "token", " \n ", 0600);
	expect(world, "is empty");
	put(world, "token", "on\ne", 0600);
	expect(world, "control character");
	put(world, "token", " one\n", 0600);
	expect(world, "Bearer one");

	put(world, "token", "two", 0600);
	pass(world, 59);
	expect(world, "Bearer one");
	pass(world, 1);
	expect(world, "Bearer two");

	/* The last good one is better than none. */
	drop(world, "token");
	pass(world, 60);
	expect(world, "Bearer two");

	put(world, "token", "three", 0600);
	expect(world, "Bearer two");
	refuse(world);
	expect(world, "Bearer three");
}

static void token_files_are_read_every_minute_and_after_a_refusal(void **state)
{
	(void)state;
	in_world(test_token_file);
}

static void test_fallback(struct world *world)
{
	world->config.token = xstrdup("given");
	world->config.token_file = path_of(world, "token");
	begin(world);
	expect(world, "Bearer given");
	put(world, "token", "read", 0600);
	pass(world, 60);
	expect(world, "Bearer read");
}

static void a_token_stands_in_until_its_file_can_be_read(void **state)
{
	(void)state;
	in_world(test_fallback);
}

static void test_certificate(struct world *world)
{
	world->config.certificate_file = path_of(world, "c.pem");
	world->config.key_file = path_of(world, "k.pem");
	begin(world);
	expect(world, "cannot read");
	put(world, "c.pem", PAIR("C1"), 0600);
	put(world, "k.pem", "nonsense", 0600);
	expect(world, "not in PEM form");
	put(world, "k.pem", PAIR("K1"), 0600);
	expect(world, PAIR("C1"));

	uint64_t first = generation(world);

	pass(world, 300);
	expect(world, PAIR("C1"));
	assert_int_equal(generation(world), first);

	put(world, "c.pem", PAIR("C2"), 0600);
	pass(world, 299);
	expect(world, PAIR("C1"));
	pass(world, 1);
	expect(world, PAIR("C2"));
	assert_int_not_equal(generation(world), first);

	drop(world, "k.pem");
	pass(world, 300);
	expect(world, PAIR("C2"));
}

static void certificate_files_are_read_every_five_minutes(void **state)
{
	(void)state;
	in_world(test_certificate);
}

/* ---- plugins ---- */

/* A plugin that notes its run and prints what the test has put into "says". */
static void set_plugin(struct world *world)
{
	CLEANUP_FREE char *script = xprintf("#!/bin/sh\nprintf x >>%s/runs\ncat %s/says\n",
					    world->directory, world->directory);

	put(world, "plugin", script, 0700);
	world->config.exec.command = path_of(world, "plugin");
	world->config.exec.api_version = xstrdup("client.authentication.k8s.io/v1");
}

static void say(struct world *world, const char *token, const char *expiry)
{
	CLEANUP_FREE char *text = xprintf(
		"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"token\":\"%s\"%s%s%s}}",
		token, expiry != NULL ? ",\"expirationTimestamp\":\"" : "",
		expiry != NULL ? expiry : "", expiry != NULL ? "\"" : "");

	put(world, "says", text, 0600);
}

static size_t runs(struct world *world)
{
	CLEANUP_FREE char *path = path_of(world, "runs");
	CLEANUP_BUF struct buf text = BUF_INIT(1000);

	(void)kubeconfig_read(path, &text, NULL);
	return text.length;
}

static void test_expiry(struct world *world)
{
	set_plugin(world);
	say(world, "one", "2023-11-14T22:23:20Z"); /* ten minutes */
	begin(world);
	expect(world, "Bearer one");
	say(world, "two", NULL);
	pass(world, 599);
	expect(world, "Bearer one");
	pass(world, 1);
	expect(world, "Bearer two");
	pass(world, 1000000);
	expect(world, "Bearer two");
	assert_int_equal(runs(world), 2);
}

static void plugins_run_again_when_their_answer_expires(void **state)
{
	(void)state;
	in_world(test_expiry);
}

static void test_refusal(struct world *world)
{
	set_plugin(world);
	say(world, "one", NULL);
	begin(world);
	expect(world, "Bearer one");

	uint64_t first = generation(world);

	say(world, "two", NULL);
	refuse(world);
	/* Others were refused the same: that is one refusal. */
	world->source.refused(world->source.arg, first);
	expect(world, "Bearer two");
	world->source.refused(world->source.arg, first);
	expect(world, "Bearer two");
	assert_int_equal(runs(world), 2);

	/* A server that refuses whatever it gets does not start plugins all the time. */
	for (int i = 0; i < 10; i++) {
		refuse(world);
		expect(world, "Bearer two");
	}
	assert_int_equal(runs(world), 2);
	pass(world, 5);
	refuse(world);
	expect(world, "Bearer two");
	assert_int_equal(runs(world), 3);
}

static void a_refusal_runs_the_plugin_once(void **state)
{
	(void)state;
	in_world(test_refusal);
}

static void test_failure(struct world *world)
{
	set_plugin(world);
	put(world, "says", "SECRET", 0600);
	begin(world);
	for (int i = 0; i < 10; i++) {
		expect(world, "did not print");
	}
	assert_int_equal(runs(world), 1);
	say(world, "one", NULL);
	pass(world, 5);
	expect(world, "Bearer one");
	assert_int_equal(runs(world), 2);
}

static void failing_plugins_run_every_five_seconds(void **state)
{
	(void)state;
	in_world(test_failure);
}

static void test_expired(struct world *world)
{
	set_plugin(world);
	say(world, "old", "2020-01-01T00:00:00Z");
	begin(world);
	for (int i = 0; i < 10; i++) {
		expect(world, "Bearer old");
	}
	assert_int_equal(runs(world), 1);
}

static void answers_that_come_expired_are_tried(void **state)
{
	(void)state;
	in_world(test_expired);
}

static void test_static_first(struct world *world)
{
	set_plugin(world);
	world->config.token = xstrdup("T");
	begin(world);
	expect(world, "Bearer T");
	assert_int_equal(runs(world), 0);
}

static void what_the_file_holds_goes_before_a_plugin(void **state)
{
	(void)state;
	in_world(test_static_first);
}

/* ---- threads (real ones) ---- */

static void get_canceled(void *arg)
{
	struct http_credentials_source *source = arg;
	struct http_credentials got = { 0 };

	if (source->get(source->arg, &got, NULL) != -ECANCELED) {
		abort();
	}
}

static void stopping_ends_plugins_and_those_who_wait_for_them(void **state)
{
	struct sched *sched = sched_create();
	char name[] = "/tmp/test-credentials-XXXXXX";
	int fd = mkstemp(name);
	static const char script[] = "#!/bin/sh\nexec sleep 1000\n";
	struct kubeconfig config = { .exec.command = xstrdup(name),
				     .exec.api_version =
					     xstrdup("client.authentication.k8s.io/v1") };
	struct sched_thread *threads[3];

	(void)state;
	assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	assert_int_equal(fchmod(fd, 0700), 0);
	close(fd);

	struct credentials *credentials = credentials_create(sched, &config);
	struct http_credentials_source source = credentials_source(credentials);

	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		threads[i] = sched_start(sched, "get", get_canceled, &source);
	}
	source.stop(source.arg);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		sched_join(threads[i]);
	}
	credentials_destroy(credentials);
	kubeconfig_finish(&config);
	unlink(name);
	sched_destroy(sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_credentials_are_passed_on),
		cmocka_unit_test(token_files_are_read_every_minute_and_after_a_refusal),
		cmocka_unit_test(a_token_stands_in_until_its_file_can_be_read),
		cmocka_unit_test(certificate_files_are_read_every_five_minutes),
		cmocka_unit_test(plugins_run_again_when_their_answer_expires),
		cmocka_unit_test(a_refusal_runs_the_plugin_once),
		cmocka_unit_test(failing_plugins_run_every_five_seconds),
		cmocka_unit_test(answers_that_come_expired_are_tried),
		cmocka_unit_test(what_the_file_holds_goes_before_a_plugin),
		cmocka_unit_test(stopping_ends_plugins_and_those_who_wait_for_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
