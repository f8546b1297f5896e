/* SPDX-License-Identifier: Apache-2.0 */
/* runtime/exec/users: who a user is, by files. */
#include "config.h"

#include "runtime/exec/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

static void write_file(const char *root, const char *name, const char *text)
{
	char *path = xprintf("%s%s", root, name);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	free(path);
}

static void users_are_found_by_name_and_number(void **state)
{
	char root[] = "/tmp/test-users-XXXXXX";
	struct user user;
	struct error error = { 0 };

	(void)state;
	assert_non_null(mkdtemp(root));

	char *etc = xprintf("%s/etc", root), *passwd = xprintf("%s/etc/passwd", root),
	     *group = xprintf("%s/etc/group", root);

	assert_int_equal(mkdir(etc, 0700), 0);
	write_file(root, "/etc/passwd",
		   "root:x:0:0::/root:/bin/sh\nann:x:12:34::/home/ann:/bin/sh\n");
	write_file(root, "/etc/group", "a:x:34:\nb:x:56:bob,ann\nc:x:78:bob\n");

	assert_int_equal(user_find("ann", root, &user, &error), 0);
	assert_int_equal(user.uid, 12);
	assert_int_equal(user.gid, 34);
	assert_int_equal(user.group_count, 2);
	assert_int_equal(user.groups[1], 56);
	assert_string_equal(user.home, "/home/ann");
	assert_int_equal(user_find("12", root, &user, &error), 0);
	assert_int_equal(user.gid, 34);
	assert_int_equal(user_find("99:98", root, &user, &error), 0);
	assert_int_equal(user.uid, 99);
	assert_int_equal(user.gid, 98);
	assert_int_equal(user.group_count, 1);
	assert_true(user_find("bob", root, &user, &error) < 0);
	assert_true(user_find("1:x", root, &user, &error) < 0);

	unlink(passwd);
	unlink(group);
	rmdir(etc);
	rmdir(root);
	free(passwd);
	free(group);
	free(etc);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(users_are_found_by_name_and_number) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
