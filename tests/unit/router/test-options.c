/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of router/options.c and of the text that router/haproxy-config.c makes of them. */
#include "config.h"

#include "router/options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/memory.h"
#include "router/haproxy-config.h"

static int parse(const char *one, const char *two, struct options *ret, struct error *reterr)
{
	char *argv[] = { (char *)(uintptr_t) "router", (char *)(uintptr_t)one,
			 (char *)(uintptr_t)two, NULL };

	return options_parse(two != NULL ? 3 : one != NULL ? 2 : 1, argv, ret, reterr);
}

static char *config(const char *one, const char *two)
{
	CLEANUP_BUF struct buf text = BUF_INIT(65536);
	struct options options;
	struct error error = { 0 };

	if (parse(one, two, &options, &error) < 0) {
		fail_msg("%s", error.text);
	}
	assert_int_equal(0, config_text(&options, &text, NULL));
	return buf_take(&text);
}

static void has(const char *one, const char *two, const char *wanted)
{
	char *text = config(one, two);

	if (strstr(text, wanted) == NULL) {
		fail_msg("no '%s' in %s", wanted, text);
	}
	free(text);
}

static void has_not(const char *one, const char *two, const char *unwanted)
{
	char *text = config(one, two);

	if (strstr(text, unwanted) != NULL) {
		fail_msg("'%s' in %s", unwanted, text);
	}
	free(text);
}

static void options_have_defaults(void **state UNUSED)
{
	struct options options;

	assert_int_equal(0, parse(NULL, NULL, &options, NULL));
	assert_string_equal(":8080", options.listen);
	assert_int_equal(2000, options.wait_ms);
	assert_null(options.token_file);
	assert_int_equal(22, options_refused(&options).ports[0]);
	assert_int_equal(10250, options_refused(&options).ports[1]);
	assert_int_equal(10255, options_refused(&options).ports[2]);
	assert_int_equal(0, options_refused(&options).ports[3]);
}

static void options_allow_ports(void **state UNUSED)
{
	struct options options;

	assert_int_equal(0, parse("--allow-ports", "22,10255,4000", &options, NULL));
	assert_int_equal(10250, options_refused(&options).ports[0]);
	assert_int_equal(0, options_refused(&options).ports[1]);
}

static void options_say_what_is_wrong(void **state UNUSED)
{
	static const struct {
		const char *one, *two, *text;
	} cases[] = {
		{ "--listen", "", "--listen is empty" },
		{ "--listen", ":80 ssl crt /x", "--listen is empty or has a character" },
		{ "--listen", ":80\nglobal", "--listen is empty or has a character" },
		{ "--run-dir", "/a\"b", "--run-dir is empty or has a character" },
		{ "--run-dir", "/a$HOME", "--run-dir is empty or has a character" },
		{ "--run-dir", "relative", "--run-dir is an absolute path" },
		{ "--run-dir",
		  "/2345678901234567890123456789012345678901234567890123456789012345678901234567890",
		  "at most 72 characters" },
		{ "--allow-ports", "0", "--allow-ports is a list" },
		{ "--allow-ports", "22,x", "--allow-ports is a list" },
		{ "--allow-ports", "22,,23", "--allow-ports is a list" },
		{ "--allow-ports", "123456789", "--allow-ports is a list" },
		{ "--wait-ms", "60001", "--wait-ms takes a whole number from 0 to 60000" },
		{ "--threads", "-1", "--threads takes a whole number from 0 to 64" },
		{ "--nonsense", NULL,
		  "unknown flag '--nonsense'; see agent-sandbox-router --help" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct options options;
		struct error error = { 0 };

		assert_int_equal(-EINVAL, parse(cases[i].one, cases[i].two, &options, &error));
		if (strstr(error.text, cases[i].text) == NULL) {
			fail_msg("'%s' does not say '%s'", error.text, cases[i].text);
		}
	}
}

static void config_binds_where_it_is_told(void **state UNUSED)
{
	has("--listen", "127.0.0.1:1234", "\tbind 127.0.0.1:1234\n");
	has("--listen", "[::1]:1234", "\tbind [::1]:1234\n");
	has("--listen", ":1234", ":1234");
	has(NULL, NULL, "frontend metrics\n");
	has_not("--haproxy-metrics-bind-address", "0", "frontend metrics\n");
}

static void config_refuses_ports_that_are_not_allowed(void **state UNUSED)
{
	has(NULL, NULL, "{ var(txn.port) -m int 22 }");
	has(NULL, NULL, "{ var(txn.port) -m int 10255 }");
	has_not("--allow-ports", "22", "{ var(txn.port) -m int 22 }");
	has("--allow-ports", "22", "{ var(txn.port) -m int 10250 }");
}

static void config_asks_for_a_token_before_anything_is_looked_up(void **state UNUSED)
{
	char *text = config("--token-file", "/x");
	const char *asks = strstr(text, "unless is_one is_bearer is_allowed"),
		   *looks = strstr(text, "X-Sandbox-ID header is required.");

	assert_non_null(asks);
	assert_non_null(looks);
	assert_true(asks < looks);
	assert_null(strstr(text, "/x\n"));
	free(text);
	has_not(NULL, NULL, "Authorization");
}

static void config_sends_what_may_not_be_repeated_once(void **state UNUSED)
{
	char *text = config(NULL, NULL);
	const char *once = strstr(text, "\nbackend pods_once\n");

	assert_non_null(once);
	assert_null(strstr(once, "retry-on"));
	assert_non_null(strstr(once, "\thttp-reuse never\n"));
	assert_non_null(strstr(once, "\tretries 0\n"));
	assert_non_null(strstr(text, "\tuse_backend pods if METH_GET or METH_OPTIONS\n"));
	free(text);
}

static void config_logs_only_with_tracing(void **state UNUSED)
{
	has_not(NULL, NULL, "log-format");
	has("--enable-tracing", NULL, "set-header traceparent");
	has("--run-dir", "/tmp/x", "stats socket /tmp/x/haproxy.sock mode 600 level admin\n");
}

static void config_takes_the_run_folder_for_itself(void **state UNUSED)
{
	char dir[] = "/tmp/router-XXXXXX";
	struct options options;
	struct error error = { 0 };
	int first;

	assert_non_null(mkdtemp(dir));
	assert_int_equal(0, parse("--run-dir", dir, &options, &error));
	first = config_lock(&options, &error);
	assert_true(first >= 0);
	assert_true(config_lock(&options, &error) < 0);
	assert_non_null(strstr(error.text, "another router uses"));
	assert_int_equal(0, config_write(&options, &error));
	close(first);
	first = config_lock(&options, &error);
	assert_true(first >= 0);
	close(first);
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { LOCK_FILE, CONFIG_FILE, LUA_FILE };
		CLEANUP_FREE char *path = xprintf("%s/%s", dir, names[i]);

		assert_int_equal(0, unlink(path));
	}
	assert_int_equal(0, rmdir(dir));
}

static void haproxy_is_confined_where_the_router_says_so(void **state)
{
	struct options options;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(0, parse("--enable-tracing", "--run-dir=/run/x", &options, &error));
	for (int on = 0; on < 2; on++) {
		CLEANUP_BUF struct buf text = BUF_INIT(65536);

		options.jail = (struct jail){ .on = on != 0, .uid = 102, .gid = 105 };
		assert_int_equal(0, config_text(&options, &text, NULL));
		assert_int_equal(on, strstr(buf_str(&text), "\tuid 102\n\tgid 105\n"
							    "\tchroot /run/x/root\n") != NULL);
		/* The log's socket is named as HAProxy sees it. */
		assert_non_null(strstr(buf_str(&text),
				       on != 0 ? "log /log.sock " : "log /run/x/log.sock "));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(haproxy_is_confined_where_the_router_says_so),
		cmocka_unit_test(options_have_defaults),
		cmocka_unit_test(options_allow_ports),
		cmocka_unit_test(options_say_what_is_wrong),
		cmocka_unit_test(config_binds_where_it_is_told),
		cmocka_unit_test(config_refuses_ports_that_are_not_allowed),
		cmocka_unit_test(config_asks_for_a_token_before_anything_is_looked_up),
		cmocka_unit_test(config_sends_what_may_not_be_repeated_once),
		cmocka_unit_test(config_logs_only_with_tracing),
		cmocka_unit_test(config_takes_the_run_folder_for_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
