/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens: which are good, for whom, until when; and the small files they are kept in. */
#include "config.h"

#include "apiserver/api/token.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define NOW INT64_C(1800000000)

static bool good(const char *token, int64_t now, char user[TOKEN_USER_MAX])
{
	CLEANUP_FREE char *text = xprintf("Bearer %s", token);

	return token_check(SECRET, text, now, user);
}

static void the_secret_itself_is_the_admin_s(void **state)
{
	char user[TOKEN_USER_MAX];

	(void)state;
	assert_true(good(SECRET, NOW, user));
	assert_string_equal(user, "admin");
	assert_true(token_check(SECRET, "bearer  " SECRET, NOW, user));
}

static void all_else_is_refused(void **state)
{
	static const char *const bad[] = {
		NULL,
		"",
		"Bearer",
		"Bearer ",
		SECRET,
		"Basic " SECRET,
		"Bearer " SECRET "0",
		"Bearer 0123456789abcdef",
		"Bearer sa:",
		"Bearer sa:a:b:99999999999:",
		"Bearer sa:a:b:99999999999:0000000000000000000000000000000000000000000000000000000000000000",
	};
	char user[TOKEN_USER_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_false(token_check(SECRET, bad[i], NOW, user));
	}
}

static void a_service_account_s_token_says_who_it_is_until_its_end(void **state)
{
	char token[TOKEN_MAX], user[TOKEN_USER_MAX];

	(void)state;
	assert_int_equal(token_issue(SECRET, "ns", "robot", NOW + 600, token), 0);
	assert_true(good(token, NOW, user));
	assert_string_equal(user, "system:serviceaccount:ns:robot");
	assert_true(good(token, NOW + 599, user));
	assert_false(good(token, NOW + 600, user));
}

static void a_changed_token_is_no_token(void **state)
{
	char token[TOKEN_MAX], user[TOKEN_USER_MAX];

	(void)state;
	assert_int_equal(token_issue(SECRET, "ns", "robot", NOW + 600, token), 0);
	for (size_t i = 0; i < strlen(token); i++) {
		char kept = token[i];

		token[i] = kept == 'a' ? 'b' : 'a';
		assert_false(good(token, NOW, user));
		token[i] = kept;
	}
	assert_false(token_check("another secret of some length", token, NOW, user));
}

static int remove_one(const char *path, const struct stat *info UNUSED, int flag UNUSED,
		      struct FTW *ftw UNUSED)
{
	return remove(path);
}

static void the_admin_s_token_is_made_once_and_kept_private(void **state)
{
	char directory[] = "/tmp/test-token-XXXXXX", once[TOKEN_MAX], again[TOKEN_MAX];
	struct stat info;
	struct error error = { 0 };

	(void)state;
	assert_non_null(mkdtemp(directory));
	CLEANUP_FREE char *path = xprintf("%s/token", directory);

	assert_int_equal(token_load(directory, once, &error), 0);
	assert_int_equal(token_load(directory, again, &error), 0);
	assert_string_equal(once, again);
	assert_int_equal(strlen(once), 64);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(truncate(path, 3), 0);
	assert_true(token_load(directory, again, &error) < 0);
	assert_non_null(strstr(error.text, "remove it"));
	nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_secret_itself_is_the_admin_s),
		cmocka_unit_test(all_else_is_refused),
		cmocka_unit_test(a_service_account_s_token_says_who_it_is_until_its_end),
		cmocka_unit_test(a_changed_token_is_no_token),
		cmocka_unit_test(the_admin_s_token_is_made_once_and_kept_private),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
