/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of node/pod/security.h: safe sysctls alone, and no other seccomp profile than is named. */
#include "config.h"

#include "node/pod/security.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "tests/unit/node/node-files.h"
#include "tests/unit/node/node-objects.h"

/* A pod with this in its securityContext. */
static struct json_object *pod_of(const char *context, const char *more)
{
	CLEANUP_FREE char *text = xprintf("{\"spec\":{\"securityContext\":{%s}%s}}", context, more);

	return node_json(text);
}

static void sysctls_go_to_the_pod_or_to_its_containers(void **state UNUSED)
{
	CLEANUP_JSON struct json_object *pod = pod_of(
		"\"sysctls\":[{\"name\":\"net/ipv4/tcp_syncookies\",\"value\":\"0\"},{\"name\":\"kernel.shm_rmid_forced\",\"value\":\"1\"},{\"name\":\"net.ipv4.ip_local_port_range\",\"value\":\"1024 2000\"}]",
		"");
	char **network, **own;

	assert_int_equal(sysctls_read(pod, &network, &own, NULL), 0);
	assert_string_equal(network[0], "net.ipv4.tcp_syncookies=0");
	assert_string_equal(network[1], "net.ipv4.ip_local_port_range=1024 2000");
	assert_null(network[2]);
	assert_string_equal(own[0], "kernel.shm_rmid_forced=1");
	assert_null(own[1]);
	names_finish(network);
	names_finish(own);
}

static void sysctls_that_are_not_safe_are_refused(void **state UNUSED)
{
	static const struct {
		const char *name, *value, *more, *text;
	} cases[] = {
		{ "kernel.msgmax", "1", "", "forbidden sysctl: \"kernel.msgmax\" not allowlisted" },
		{ "net.core.somaxconn", "1", "", "not allowlisted" },
		{ "kernel.panic", "1", "", "not allowlisted" },
		{ "net.ipv4/tcp_syncookies", "1", "", "not allowlisted" },
		{ "../kernel/panic", "1", "", "not allowlisted" },
		{ "", "1", "", "not allowlisted" },
		{ "net.ipv4.tcp_syncookies", "1\\n2", "", "no value of one line" },
		{ "net.ipv4.tcp_syncookies", "1", ",\"hostNetwork\":true",
		  "not allowed with host net enabled" },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_FREE char *context = xprintf(
			"\"sysctls\":[{\"name\":\"kernel.shm_rmid_forced\",\"value\":\"1\"},{\"name\":\"%s\",\"value\":\"%s\"}]",
			cases[i].name, cases[i].value);
		CLEANUP_JSON struct json_object *pod = pod_of(context, cases[i].more);
		char **network = NULL, **own = NULL;
		struct error error = { 0 };

		assert_int_equal(sysctls_read(pod, &network, &own, &error), -EINVAL);
		assert_null(network);
		assert_non_null(strstr(error.text, cases[i].text));
	}
}

static int read_profile(const char *root, const char *of_pod, const char *of_container,
			const char *wanted)
{
	CLEANUP_JSON struct json_object *pod = pod_of(of_pod, "");
	CLEANUP_FREE char *text = xprintf("{\"securityContext\":{%s}}", of_container);
	CLEANUP_JSON struct json_object *container = node_json(text);
	CLEANUP_FREE char *profile = NULL;
	int code = seccomp_read(root, pod, container, &profile, NULL);

	if (wanted == NULL) {
		assert_null(profile);
	} else {
		assert_non_null(profile);
		assert_string_equal(profile, wanted);
	}
	return code;
}

#define PROFILE(type) "\"seccompProfile\":{\"type\":\"" type "\"}"
#define LOCAL(path) "\"seccompProfile\":{\"type\":\"Localhost\",\"localhostProfile\":\"" path "\"}"

static void seccomp_takes_the_containers_profile_before_the_pods(void **state UNUSED)
{
	CLEANUP_FREE char *root = files_temporary(), *directory = xprintf("%s/seccomp", root);
	CLEANUP_FREE char *file = xprintf("%s/strict.json", directory);

	assert_int_equal(mkdir(directory, 0700), 0);
	files_write(directory, "strict.json", "{}");
	assert_int_equal(read_profile(root, "", "", NULL), 0);
	assert_int_equal(read_profile(root, PROFILE("RuntimeDefault"), "", NULL), 0);
	assert_int_equal(read_profile(root, PROFILE("Unconfined"), "", "unconfined"), 0);
	assert_int_equal(read_profile(root, PROFILE("Unconfined"), PROFILE("RuntimeDefault"), NULL),
			 0);
	assert_int_equal(read_profile(root, LOCAL("strict.json"), "", file), 0);
	files_remove(root);
}

static void seccomp_never_falls_back_to_another_profile(void **state UNUSED)
{
	static const char *const wrong[] = {
		LOCAL("none.json"),   LOCAL("../outside"), LOCAL("/etc/passwd"),    LOCAL("link"),
		LOCAL("folder"),      LOCAL(""),           PROFILE("Localhost"),    PROFILE(""),
		PROFILE("localhost"), PROFILE("Other"),    "\"seccompProfile\":{}",
	};
	CLEANUP_FREE char *root = files_temporary(), *directory = xprintf("%s/seccomp", root);
	CLEANUP_FREE char *link = xprintf("%s/link", directory),
			  *inner = xprintf("%s/folder", directory);

	/* Without a directory of profiles too. */
	assert_int_equal(read_profile(root, LOCAL("none.json"), "", NULL), -EPERM);
	assert_int_equal(mkdir(directory, 0700), 0);
	assert_int_equal(mkdir(inner, 0700), 0);
	files_write(root, "outside", "{}");
	assert_int_equal(symlink("../outside", link), 0);
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(read_profile(root, wrong[i], "", NULL), -EPERM);
		assert_int_equal(read_profile(root, PROFILE("RuntimeDefault"), wrong[i], NULL),
				 -EPERM);
	}
	files_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sysctls_go_to_the_pod_or_to_its_containers),
		cmocka_unit_test(sysctls_that_are_not_safe_are_refused),
		cmocka_unit_test(seccomp_takes_the_containers_profile_before_the_pods),
		cmocka_unit_test(seccomp_never_falls_back_to_another_profile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
