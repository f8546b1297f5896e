/* SPDX-License-Identifier: Apache-2.0 */
/* Exec plugins: what they are told, what they may answer, and that none of them holds us up, floods
 * us or gives secrets away. */
#include "config.h"

#include "core/config/exec-credential.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define V1 "client.authentication.k8s.io/v1"
#define SOON_US 200000u
#define LONG_US 20000000u

static const char good[] =
	"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
	"\",\"status\":{\"token\":\"T\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}}";

static void responses_are_read(void **state)
{
	struct exec_credential credential;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(exec_credential_parse(good, strlen(good), V1, &credential, &error), 0);
	assert_string_equal(credential.token, "T");
	assert_null(credential.certificate);
	assert_int_equal(credential.expires_us, INT64_C(1893456000000000));
	exec_credential_finish(&credential);

	const char *pair =
		"{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		"\",\"status\":{\"clientCertificateData\":\"C\",\"clientKeyData\":\"K\",\"token\":\"\"}}\n";

	assert_int_equal(exec_credential_parse(pair, strlen(pair), V1, &credential, &error), 0);
	assert_null(credential.token);
	assert_string_equal(credential.certificate, "C");
	assert_string_equal(credential.key, "K");
	assert_int_equal(credential.expires_us, EXEC_NEVER);
	exec_credential_finish(&credential);
}

#define STATUS(text) "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" text "}"

static void bad_answers_are_refused_without_showing_them(void **state)
{
	static const char *const bad[] = {
		"",
		"SECRET",
		"{\"token\":\"SECRET\"}",
		"{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"SECRET\"}}",
		"{\"kind\":\"Status\",\"apiVersion\":\"" V1 "\",\"status\":{\"token\":\"SECRET\"}}",
		STATUS("null"),
		STATUS("{}"),
		STATUS("{\"token\":5}"),
		STATUS("{\"clientKeyData\":\"SECRET\"}"),
		STATUS("{\"token\":\"T\",\"clientCertificateData\":\"SECRET\"}"),
		STATUS("{\"token\":\"SECRET\\r\\nX: y\"}"),
		STATUS("{\"token\":\"SECRET\",\"expirationTimestamp\":\"tomorrow\"}"),
		STATUS("{\"token\":\"SECRET\"}") "{}",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct exec_credential credential = { .expires_us = 5 };
		struct error error = { 0 };

		assert_int_equal(
			exec_credential_parse(bad[i], strlen(bad[i]), V1, &credential, &error),
			-EINVAL);
		assert_null(strstr(error.text, "SECRET"));
		assert_int_equal(credential.expires_us, 5);
	}
}

static void plugins_are_told_of_the_cluster_if_they_want(void **state)
{
	struct exec_config exec = { .command = NULL };
	struct kubeconfig config = { .server = xstrdup("https://h"),
				     .ca_pem = xstrdup("PEM"),
				     .insecure = true,
				     .proxy_url = xstrdup("http://p"),
				     .exec = exec };
	CLEANUP_BUF struct buf out = BUF_INIT(4096);

	(void)state;
	config.exec.api_version = xstrdup(V1);
	assert_int_equal(exec_credential_info(&config, &out, NULL), 0);
	assert_string_equal(
		buf_str(&out),
		"{\"spec\":{\"interactive\":false},\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
		"\"}");

	config.exec.provide_cluster_info = true;
	config.exec.cluster_config = xstrdup("{\"a\":1}");
	buf_clear(&out);
	assert_int_equal(exec_credential_info(&config, &out, NULL), 0);
	assert_string_equal(
		buf_str(&out),
		"{\"spec\":{\"interactive\":false,\"cluster\":{\"server\":\"https://h\",\"proxy-url\":\"http://p\",\"insecure-skip-tls-verify\":true,\"config\":{\"a\":1},\"certificate-authority-data\":\"UEVN\"}},\"kind\":"
		"\"ExecCredential\",\"apiVersion\":\"" V1 "\"}");
	kubeconfig_finish(&config);
}

/* ---- processes ---- */

static int run(const char *script, char *const *env, int stop_fd, uint64_t timeout_us,
	       struct buf *out, struct error *error)
{
	struct sched *sched = sched_create();
	char shell[] = "sh", flag[] = "-c", *text = xstrdup(script);
	char *argv[] = { shell, flag, text, NULL };
	char *none[] = { NULL };
	int r = exec_credential_spawn(sched, argv, env != NULL ? env : none, stop_fd,
				      sched_now_us(sched) + timeout_us, out, error);

	free(text);
	sched_destroy(sched);
	return r;
}

static void output_comes_back_and_the_environment_goes_in(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(4096);
	struct error error = { 0 };
	char variable[] = "GREETING=hello";
	char *env[] = { variable, NULL };

	(void)state;
	assert_int_equal(
		run("read line; echo \"$GREETING/$HOME/$line\"", env, -1, LONG_US, &out, &error),
		0);
	assert_string_equal(buf_str(&out), "hello//\n");
}

static void no_descriptor_of_ours_reaches_it(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(4096);
	struct error error = { 0 };
	int leaky = dup(STDOUT_FILENO); /* without CLOEXEC, as libraries have them */
	CLEANUP_FREE char *script =
		xprintf("if { true >&%d; } 2>&-; then echo open; else echo closed; fi", leaky);

	(void)state;
	assert_true(leaky > 2);
	assert_int_equal(run(script, NULL, -1, LONG_US, &out, &error), 0);
	assert_string_equal(buf_str(&out), "closed\n");
	close(leaky);
}

static void failures_are_told_apart(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(4096);
	struct error error = { 0 };
	struct sched *sched = sched_create();
	char missing[] = "/nonexistent/plugin";
	char *argv[] = { missing, NULL }, *env[] = { NULL };

	(void)state;
	assert_int_equal(run("exit 3", NULL, -1, LONG_US, &out, &error), -EIO);
	assert_non_null(strstr(error.text, "status 3"));
	assert_int_equal(run("kill -9 $$", NULL, -1, LONG_US, &out, &error), -EIO);
	assert_non_null(strstr(error.text, "signal 9"));
	assert_int_equal(exec_credential_spawn(sched, argv, env, -1, SCHED_FOREVER, &out, &error),
			 -ENOENT);
	sched_destroy(sched);
}

/* A plugin whose own child lives on and holds the output; one that closed its output; both are gone
 * afterwards, or the pipe would not end. */
static void a_plugin_that_hangs_is_killed_with_its_children(void **state)
{
	static const char *const scripts[] = { "sleep 1000 & sleep 1000", "exec >&-; sleep 1000",
					       "sleep 1000 & exit 0" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(scripts); i++) {
		CLEANUP_BUF struct buf out = BUF_INIT(4096);
		struct error error = { 0 };
		int ends[2];

		assert_int_equal(pipe(ends), 0);

		/* The children hold stderr: it ends when they do. */
		int saved = dup(STDERR_FILENO);

		dup2(ends[1], STDERR_FILENO);
		close(ends[1]);
		assert_int_equal(run(scripts[i], NULL, -1, SOON_US, &out, &error), -ETIMEDOUT);
		dup2(saved, STDERR_FILENO);
		close(saved);

		char byte;

		assert_int_equal(read(ends[0], &byte, 1), 0);
		close(ends[0]);
	}
}

static void stopping_ends_it_at_once(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(4096);
	struct error error = { 0 };
	int fd = eventfd(1, EFD_CLOEXEC);

	(void)state;
	assert_int_equal(run("sleep 1000", NULL, fd, 1000 * LONG_US, &out, &error), -ECANCELED);
	close(fd);
}

static void a_flood_is_cut_off(void **state)
{
	CLEANUP_BUF struct buf out = BUF_INIT(4096);
	struct error error = { 0 };

	(void)state;
	assert_int_equal(run("while :; do echo SECRET; done", NULL, -1, LONG_US, &out, &error),
			 -EFBIG);
	assert_null(strstr(error.text, "SECRET"));
}

static void a_missing_plugin_comes_with_its_hint(void **state)
{
	struct kubeconfig config = { .exec.command = xstrdup("/nonexistent/plugin"),
				     .exec.api_version = xstrdup(V1),
				     .exec.install_hint = xstrdup("get it at example") };
	struct sched *sched = sched_create();
	struct exec_credential credential;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(
		exec_credential_run(sched, &config, -1, SCHED_FOREVER, &credential, &error),
		-ENOENT);
	assert_non_null(strstr(error.text, "'/nonexistent/plugin'"));
	assert_non_null(strstr(error.text, "get it at example"));
	kubeconfig_finish(&config);
	sched_destroy(sched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_are_read),
		cmocka_unit_test(bad_answers_are_refused_without_showing_them),
		cmocka_unit_test(plugins_are_told_of_the_cluster_if_they_want),
		cmocka_unit_test(output_comes_back_and_the_environment_goes_in),
		cmocka_unit_test(no_descriptor_of_ours_reaches_it),
		cmocka_unit_test(failures_are_told_apart),
		cmocka_unit_test(a_plugin_that_hangs_is_killed_with_its_children),
		cmocka_unit_test(stopping_ends_it_at_once),
		cmocka_unit_test(a_flood_is_cut_off),
		cmocka_unit_test(a_missing_plugin_comes_with_its_hint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
