/* SPDX-License-Identifier: Apache-2.0 */
/* The fake host: what a wrong test or plugin is told before the process ends. */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/fakehost/widget.h"

/* A child does this; it must abort with a message that has this in it. */
static void check_abort(void (*wrong)(const void *arg), const void *arg, const char *message)
{
	FILE *output = tmpfile();
	char text[1024];
	int status = 0;
	pid_t child;

	assert_non_null(output);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		const struct rlimit none = { 0, 0 };

		setrlimit(RLIMIT_CORE, &none);
		signal(SIGABRT, SIG_DFL);
		dup2(fileno(output), STDERR_FILENO);
		wrong(arg);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	rewind(output);
	text[fread(text, 1, sizeof(text) - 1, output)] = '\0';
	fclose(output);
	print_message("%s", text);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(text, message));
}

static void load(const void *arg)
{
	asb_fake_create(arg);
}

static void a_description_is_checked_as_by_the_real_host(void **state)
{
	static const struct asb_watch no_watch[] = { { { 0 } } };
	static const struct asb_watch no_index[] = { { .kind = { "g", "v", "ws", "W" },
						       .enqueue = ASB_ENQUEUE_INDEX,
						       .enqueue_index = "x" },
						     { { 0 } } };
	static const struct asb_watch no_function[] = {
		{ .kind = { "g", "v", "ws", "W" }, .enqueue = ASB_ENQUEUE_FUNCTION }, { { 0 } }
	};
	static const struct asb_watch unwatched[] = {
		{ .kind = { "g", "v", "ws", "W" }, .flags = ASB_WATCH_UNWATCHED }, { { 0 } }
	};
	struct asb_plugin wrong = widget_plugin;

	(void)state;
	check_abort(load, NULL, "no plugin");
	wrong.magic = 0;
	check_abort(load, &wrong, "magic");
	wrong = widget_plugin;
	wrong.abi_major = 1;
	check_abort(load, &wrong, "ABI 1.0");
	wrong = widget_plugin;
	wrong.abi_minor = 1;
	check_abort(load, &wrong, "ABI 2.1");
	wrong = widget_plugin;
	wrong.watch_size = 8;
	check_abort(load, &wrong, "sizes");
	wrong = widget_plugin;
	wrong.json_soname = "libjson-c.so.4";
	check_abort(load, &wrong, "libjson-c.so.4");
	wrong = widget_plugin;
	wrong.name = "Big Name";
	check_abort(load, &wrong, "lower case");
	wrong = widget_plugin;
	wrong.reconcile = NULL;
	check_abort(load, &wrong, "no reconcile");
	wrong = widget_plugin;
	wrong.watches = no_watch;
	wrong.indexes = NULL;
	check_abort(load, &wrong, "no watches");
	wrong.watches = no_index;
	check_abort(load, &wrong, "no index 'x'");
	wrong.watches = no_function;
	check_abort(load, &wrong, "enqueue_function");
	wrong.watches = unwatched;
	check_abort(load, &wrong, "must be watched");
}

static void options(const void *arg)
{
	const char *const given[] = { arg, "x", NULL };

	asb_fake_create_with(&widget_plugin, given);
}

static void put(const void *arg)
{
	asb_fake_put(asb_fake_create(&widget_plugin), arg);
}

static void count(const void *arg)
{
	asb_fake_count(asb_fake_create(&widget_plugin), arg);
}

static void mistakes_of_a_test_end_it(void **state)
{
	(void)state;
	check_abort(options, "no-such", "no option 'no-such'");
	check_abort(count, "Gadget", "no kind 'Gadget'");
	check_abort(put, "[]", "not an object");
	check_abort(put, "{a: [}", "not an object");
	check_abort(put, "{apiVersion: v1, kind: Gadget, metadata: {name: x}}", "no kind 'Gadget'");
	check_abort(put, "{apiVersion: v1, kind: Widget, metadata: {name: x}}",
		    "not of the group 'example.com'");
	check_abort(put, "{apiVersion: v1, kind: Pod, metadata: {namespace: ns}}",
		    "name or generateName is required");
}

static int32_t no_result(struct asb_call *call, const struct asb_key *key,
			 uint64_t *ret_requeue_after_ms)
{
	(void)call;
	(void)key;
	(void)ret_requeue_after_ms;
	return 17;
}

static int32_t much_memory(struct asb_call *call, const struct asb_key *key,
			   uint64_t *ret_requeue_after_ms)
{
	(void)key;
	(void)ret_requeue_after_ms;
	return call->host->key_state(call, 4097) == NULL ? ASB_DONE : ASB_ERROR;
}

static int32_t no_watch(struct asb_call *call, const struct asb_key *key,
			uint64_t *ret_requeue_after_ms)
{
	(void)ret_requeue_after_ms;
	return asb_get(call, 99, key->ns, key->name) == NULL ? ASB_DONE : ASB_ERROR;
}

static void reconcile(const void *arg)
{
	memcpy(&probe.reconcile, arg, sizeof(probe.reconcile));
	asb_fake_reconcile(asb_fake_create(&widget_plugin), "ns", "w", NULL);
}

static void mistakes_of_a_plugin_end_it(void **state)
{
	static const probe_function wrong[] = { no_result, much_memory, no_watch };

	(void)state;
	check_abort(reconcile, &wrong[0], "not a result");
	check_abort(reconcile, &wrong[1], "4096");
	check_abort(reconcile, &wrong[2], "no watch 99");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_description_is_checked_as_by_the_real_host),
		cmocka_unit_test(mistakes_of_a_test_end_it),
		cmocka_unit_test(mistakes_of_a_plugin_end_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
