/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfigs: what each field comes to, which file wins, where they are looked for, what is
 * refused and with which words. */
#include "config.h"

#include "core/config/kubeconfig.h"

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

#define PEM "LS0tLS1CRUdJTiBYLS0tLS0KYQo=" /* -----BEGIN X-----\na\n */
#define PEM_TEXT "-----BEGIN X-----\na\n"

#define HEAD "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
#define CONTEXT "contexts:\n- name: c\n  context: {cluster: k, user: u, namespace: n}\n"
#define CLUSTER(fields) "clusters:\n- name: k\n  cluster: {" fields "}\n"
#define USER(fields) "users:\n- name: u\n  user: {" fields "}\n"
#define EXEC "command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never"

static void parse(const char *text, struct kubeconfig *ret)
{
	struct error error = { 0 };
	int r = kubeconfig_parse(text, strlen(text), "/base", ret, &error);

	assert_string_equal(error.text, "");
	assert_int_equal(r, 0);
}

static void everything_a_cluster_says_is_read(void **state)
{
	struct kubeconfig config;

	(void)state;
	parse(HEAD CONTEXT CLUSTER(
		      "server: 'https://h:6443/prefix', tls-server-name: t, proxy-url: 'socks5://p:1', certificate-authority-data: " PEM
		      ", certificate-authority: ca.crt") USER(""),
	      &config);
	assert_string_equal(config.server, "https://h:6443/prefix");
	assert_string_equal(config.tls_server_name, "t");
	assert_string_equal(config.proxy_url, "socks5://p:1");
	assert_string_equal(config.ca_pem, PEM_TEXT);
	assert_null(config.ca_file);
	assert_false(config.insecure);
	assert_string_equal(config.namespace_, "n");
	assert_false(config.in_cluster);
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: h:1, certificate-authority: ca.crt") USER(""), &config);
	assert_string_equal(config.server, "https://h:1");
	assert_string_equal(config.ca_file, "/base/ca.crt");
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: h:1") USER(""), &config);
	assert_string_equal(config.server, "http://h:1");
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: 'unix:///run/a/api.sock'") USER(""), &config);
	assert_string_equal(config.unix_socket, "/run/a/api.sock");
	assert_string_equal(config.server, "http://localhost");
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: 'https://h', insecure-skip-tls-verify: true") USER(""),
	      &config);
	assert_null(config.unix_socket);
	assert_true(config.insecure);
	kubeconfig_finish(&config);
}

static void everything_a_user_says_is_read(void **state)
{
	struct kubeconfig config;

	(void)state;
	parse(HEAD CONTEXT CLUSTER("server: 'https://h'") USER("token: T, tokenFile: /abs/t"),
	      &config);
	assert_string_equal(config.token, "T");
	assert_string_equal(config.token_file, "/abs/t");
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: 'https://h'") USER("username: a, password: 'b:c'"),
	      &config);
	assert_string_equal(config.username, "a");
	assert_string_equal(config.password, "b:c");
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: 'https://h'")
		      USER("client-certificate: c.crt, client-certificate-data: " PEM
			   ", client-key: sub/k.key"),
	      &config);
	assert_string_equal(config.certificate_pem, PEM_TEXT);
	assert_null(config.certificate_file);
	assert_string_equal(config.key_file, "/base/sub/k.key");
	assert_null(config.key_pem);
	kubeconfig_finish(&config);
}

static void base64_may_run_over_lines(void **state)
{
	struct kubeconfig config;

	(void)state;
	parse(HEAD CONTEXT USER(
		      "") "clusters:\n- name: k\n  cluster:\n    server: https://h\n"
			  "    certificate-authority-data: |\n      LS0tLS1CRUdJTi\n      BYLS0tLS0KYQo=\n",
	      &config);
	assert_string_equal(config.ca_pem, PEM_TEXT);
	kubeconfig_finish(&config);
}

static void acting_as_somebody_makes_headers(void **state)
{
	static const char *const expected[] = {
		"Impersonate-User: jane",         "Impersonate-Uid: 7",
		"Impersonate-Group: dev",         "Impersonate-Group: ops",
		"Impersonate-Extra-ab%2Fc%25: v", "Impersonate-Extra-ab%2Fc%25: w"
	};
	struct kubeconfig config;

	(void)state;
	parse(HEAD CONTEXT CLUSTER("server: 'https://h'") USER(
		      "token: T, as: jane, as-uid: '7', as-groups: [dev, ops], as-user-extra: {'Ab/C%': [v, w]}"),
	      &config);
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		assert_string_equal(config.headers[i], expected[i]);
	}
	assert_null(config.headers[ARRAY_LEN(expected)]);
	kubeconfig_finish(&config);
}

static void everything_an_exec_plugin_says_is_read(void **state)
{
	struct kubeconfig config;

	(void)state;
	parse(HEAD CONTEXT CLUSTER(
		      "server: 'https://h', extensions: [{name: other, extension: 1}, {name: client.authentication.k8s.io/exec, extension: {a: [1]}}]")
		      USER("exec: {command: bin/p, args: [a, 'b c'], env: [{name: X, value: y=z}], installHint: get it, apiVersion: client.authentication.k8s.io/v1beta1, provideClusterInfo: true}"),
	      &config);
	assert_string_equal(config.exec.command, "/base/bin/p");
	assert_string_equal(config.exec.args[0], "a");
	assert_string_equal(config.exec.args[1], "b c");
	assert_null(config.exec.args[2]);
	assert_string_equal(config.exec.env[0], "X=y=z");
	assert_string_equal(config.exec.api_version, "client.authentication.k8s.io/v1beta1");
	assert_string_equal(config.exec.install_hint, "get it");
	assert_string_equal(config.exec.cluster_config, "{\"a\":[1]}");
	assert_true(config.exec.provide_cluster_info);
	kubeconfig_finish(&config);

	parse(HEAD CONTEXT CLUSTER("server: 'https://h'") USER("exec: {" EXEC "}"), &config);
	assert_string_equal(config.exec.command, "x");
	kubeconfig_finish(&config);
}

static void json_is_read_too(void **state)
{
	struct kubeconfig config;

	(void)state;
	parse("{\"current-context\":\"c\",\"contexts\":[{\"name\":\"c\",\"context\":{\"cluster\":\"k\"}}],\"clusters\":[{\"name\":\"k\",\"cluster\":{\"server\":\"https://h\"}}]}",
	      &config);
	assert_string_equal(config.server, "https://h");
	assert_null(config.token);
	assert_null(config.namespace_);
	kubeconfig_finish(&config);
}

static void what_is_not_understood_is_refused_and_secrets_stay_secret(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{ "", "no current-context" },
		{ "[]", "not one map" },
		{ "a: 1\n---\nb: 2\n", "not one map" },
		{ "a: [", "" },
		{ "kind: Pod\n", "Config" },
		{ "apiVersion: v2\n", "Config" },
		{ HEAD, "no context 'c'" },
		{ HEAD CONTEXT, "no cluster 'k'" },
		{ HEAD "contexts: [{name: c, context: {user: u}}]\n", "'cluster' is missing" },
		{ HEAD "contexts: [{name: c, context: 5}]\n", "not a map" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'"), "no user 'u'" },
		{ HEAD CONTEXT CLUSTER("a: b"), "'server' is missing" },
		{ HEAD CONTEXT CLUSTER("server: 5"), "not a string" },
		{ HEAD CONTEXT CLUSTER("server: 'ftp://h'"), "neither https nor http" },
		{ HEAD CONTEXT CLUSTER("server: 'unix://a/api.sock'"), "no absolute path" },
		{ HEAD CONTEXT CLUSTER("server: 'https://u:SECRET@h'"), "user name" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', insecure-skip-tls-verify: 'yes'"),
		  "neither true nor false" },
		{ HEAD CONTEXT CLUSTER(
			  "server: 'https://h', insecure-skip-tls-verify: true, certificate-authority: x"),
		  "exclude" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', certificate-authority-data: '!!'"),
		  "base64" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', certificate-authority-data: 'YWJj'"),
		  "PEM" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', certificate-authority-data: 'YWI'"),
		  "base64" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', certificate-authority-data: 'AAAA'"),
		  "base64" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h', proxy-url: 'ftp://u:SECRET@p'"),
		  "'proxy-url'" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("auth-provider: {name: gcp}"),
		  "(gcp)" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'")
			  USER("token: SECRET, password: SECRET"),
		  "exclude" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("token: \"SECRET\\nX: y\""),
		  "control character" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("token: 12345"), "quotes" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("client-certificate: c"),
		  "without a key" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("client-key-data: " PEM),
		  "without a certificate" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("as-groups: [a]"), "need 'as'" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'")
			  USER("as: \"a\\r\\nAuthorization: b\""),
		  "one line" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("as: a, as-groups: b"),
		  "lists" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("exec: {command: x}"),
		  "apiVersion" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER(
			  "exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}"),
		  "apiVersion" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'")
			  USER("exec: {command: x, apiVersion: client.authentication.k8s.io/v1}"),
		  "interactiveMode" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER(
			  "exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}"),
		  "asks its user" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER(
			  "exec: {interactiveMode: Never, apiVersion: client.authentication.k8s.io/v1}"),
		  "'exec.command'" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("exec: {" EXEC ", args: [1]}"),
		  "'exec.args'" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'")
			  USER("exec: {" EXEC ", env: [{name: 'A=B', value: SECRET}]}"),
		  "'exec.env'" },
		{ HEAD CONTEXT CLUSTER("server: 'https://h'") USER("exec: 5"),
		  "'exec' is not a map" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kubeconfig config = { .in_cluster = true };
		struct error error = { 0 };

		assert_true(kubeconfig_parse(cases[i].text, strlen(cases[i].text), "/base", &config,
					     &error) < 0);
		assert_true(error.code < 0);
		if (strstr(error.text, cases[i].why) == NULL ||
		    strstr(error.text, "SECRET") != NULL) {
			fail_msg("case %zu says: %s", i, error.text);
		}
		/* Untouched. */
		assert_true(config.in_cluster);
		assert_null(config.server);
	}
}

/* ---- where files are ---- */

static char *directory; /* a test's own */

static char *put(const char *name, const char *text)
{
	char *path = xprintf("%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	return path;
}

static int make_directory(void **state)
{
	(void)state;
	directory = xstrdup("/tmp/test-kubeconfig-XXXXXX");
	assert_non_null(mkdtemp(directory));
	unsetenv("KUBECONFIG");
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	return setenv("HOME", directory, 1);
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "a",      "b",         "token",
					     "ca.crt", "namespace", ".kube/config",
					     ".kube" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xprintf("%s/%s", directory, names[i]);

		remove(path);
	}
	rmdir(directory);
	free(directory);
	return 0;
}

static void the_first_file_to_set_a_name_wins(void **state)
{
	CLEANUP_FREE char *a =
		put("a", "users: [{name: u, user: {tokenFile: t}}]\n"
			 "clusters: [{name: k, cluster: {server: 'https://first'}}]\n");
	CLEANUP_FREE char *b =
		put("b", HEAD CONTEXT CLUSTER("server: 'https://second'") USER("token: T"));
	char *list CLEANUP_FREE = xprintf("%s/missing::%s:%s", directory, a, b),
		   *path CLEANUP_FREE = xprintf("%s/t", directory);
	struct kubeconfig config;
	struct error error = { 0 };

	(void)state;
	setenv("KUBECONFIG", list, 1);
	assert_int_equal(kubeconfig_load(NULL, &config, &error), 0);
	assert_string_equal(config.server, "https://first");
	assert_string_equal(config.token_file, path);
	assert_null(config.token);
	assert_string_equal(config.namespace_, "n");
	kubeconfig_finish(&config);

	/* A file that is named stands alone. */
	assert_int_equal(kubeconfig_load(b, &config, &error), 0);
	assert_string_equal(config.server, "https://second");
	assert_string_equal(config.token, "T");
	kubeconfig_finish(&config);
}

static void files_are_looked_for_in_order(void **state)
{
	struct kubeconfig config;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(kubeconfig_load(NULL, &config, &error), -ENOENT);
	assert_non_null(strstr(error.text, "--kubeconfig"));
	assert_int_equal(kubeconfig_load("/nonexistent/file", &config, &error), -ENOENT);
	assert_non_null(strstr(error.text, "'/nonexistent/file'"));

	CLEANUP_FREE char *kube = xprintf("%s/.kube", directory);

	assert_int_equal(mkdir(kube, 0700), 0);

	CLEANUP_FREE char *home =
		put(".kube/config", HEAD CONTEXT CLUSTER("server: 'https://home'") USER(""));

	assert_int_equal(kubeconfig_load(NULL, &config, &error), 0);
	assert_string_equal(config.server, "https://home");
	kubeconfig_finish(&config);

	CLEANUP_FREE char *a = put("a", HEAD CONTEXT CLUSTER("server: 'https://env'") USER(""));

	setenv("KUBECONFIG", a, 1);
	assert_int_equal(kubeconfig_load("", &config, &error), 0);
	assert_string_equal(config.server, "https://env");
	kubeconfig_finish(&config);

	CLEANUP_FREE char *b = put("b", "current-context: [");

	assert_true(kubeconfig_load(b, &config, &error) < 0);
	assert_non_null(strstr(error.text, b));
}

static void a_pod_uses_its_service_account(void **state)
{
	struct kubeconfig config;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(kubeconfig_in_cluster(directory, "10.0.0.1", "443", &config, &error),
			 -ENOENT);
	assert_non_null(strstr(error.text, "token"));

	char *token CLEANUP_FREE = put("token", "T"), *ca CLEANUP_FREE = put("ca.crt", "x");
	CLEANUP_FREE char *ns = put("namespace", "agents\n");

	assert_int_equal(kubeconfig_in_cluster(directory, "10.0.0.1", "443", &config, &error), 0);
	assert_string_equal(config.server, "https://10.0.0.1:443");
	assert_string_equal(config.token_file, token);
	assert_string_equal(config.ca_file, ca);
	assert_string_equal(config.namespace_, "agents");
	assert_true(config.in_cluster);
	kubeconfig_finish(&config);

	assert_int_equal(kubeconfig_in_cluster(directory, "fd00::1", "6443", &config, &error), 0);
	assert_string_equal(config.server, "https://[fd00::1]:6443");
	kubeconfig_finish(&config);
}

static void endless_files_are_refused(void **state)
{
	struct kubeconfig config;
	struct error error = { 0 };

	(void)state;
	assert_int_equal(kubeconfig_load("/dev/zero", &config, &error), -EFBIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_a_cluster_says_is_read),
		cmocka_unit_test(everything_a_user_says_is_read),
		cmocka_unit_test(base64_may_run_over_lines),
		cmocka_unit_test(acting_as_somebody_makes_headers),
		cmocka_unit_test(everything_an_exec_plugin_says_is_read),
		cmocka_unit_test(json_is_read_too),
		cmocka_unit_test(what_is_not_understood_is_refused_and_secrets_stay_secret),
		cmocka_unit_test_setup_teardown(the_first_file_to_set_a_name_wins, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(files_are_looked_for_in_order, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(a_pod_uses_its_service_account, make_directory,
						remove_directory),
		cmocka_unit_test(endless_files_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
