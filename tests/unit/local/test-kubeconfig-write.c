/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of local/kubeconfig-write.h. */
#include "config.h"

#include "local/kubeconfig-write.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/memory.h"

static int remove_one(const char *path, const struct stat *info UNUSED, int flag UNUSED,
		      struct FTW *ftw UNUSED)
{
	return remove(path);
}

static void a_kubeconfig_replaces_the_one_before(void **state)
{
	char directory[] = "/tmp/test-kubeconfig-write-XXXXXX", text[4096];
	struct stat info;
	struct error error = { 0 };

	(void)state;
	assert_non_null(mkdtemp(directory));
	CLEANUP_FREE char *path = xprintf("%s/kubeconfig", directory);

	assert_int_equal(kubeconfig_write(path, "https://a:1", "PEM", "t1", &error), 0);
	assert_int_equal(kubeconfig_write(path, "https://a:2", "PEM", "t2", &error), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);

	FILE *file = fopen(path, "re");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	assert_non_null(strstr(text, "server: https://a:2\n"));
	assert_non_null(strstr(text, "certificate-authority-data: UEVN\n"));
	assert_non_null(strstr(text, "token: t2\n"));
	assert_null(strstr(text, "t1"));
	assert_true(kubeconfig_write("/nonexistent/x", "s", "c", "t", &error) < 0);
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kubeconfig_replaces_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
