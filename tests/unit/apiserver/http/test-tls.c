/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of local mode, as OpenSSL's verifier sees them. */
#include "config.h"

#include "apiserver/http/tls.h"

#include <ftw.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

#define NOW INT64_C(1800000000)
#define DAY INT64_C(86400)

static int remove_one(const char *path, const struct stat *info UNUSED, int flag UNUSED,
		      struct FTW *ftw UNUSED)
{
	return remove(path);
}

static int make_directory(void **state)
{
	char *directory = xstrdup("/tmp/test-tls-XXXXXX");

	*state = directory;
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static int remove_directory(void **state)
{
	nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(*state);
	return 0;
}

static X509 *first(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(certificate);
	return certificate;
}

/* Whether the leaf is good for a server of that name at that time, for who trusts the CA. */
static bool verifies(const struct tls_files *files, int64_t when, const char *host, const char *ip)
{
	X509 *ca = first(files->ca), *leaf = first(files->leaf);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *context = X509_STORE_CTX_new();

	X509_STORE_add_cert(store, ca);
	assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
	X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER);

	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);

	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
	X509_VERIFY_PARAM_set_time(param, (time_t)when);
	if (host != NULL) {
		X509_VERIFY_PARAM_set1_host(param, host, 0);
	}
	if (ip != NULL) {
		X509_VERIFY_PARAM_set1_ip_asc(param, ip);
	}

	bool good = X509_verify_cert(context) == 1;

	X509_STORE_CTX_free(context);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(leaf);
	return good;
}

static void load(const char *directory, int64_t now, struct tls_files *ret)
{
	struct error error = { 0 };

	if (tls_load(directory, now, ret, &error) < 0) {
		fail_msg("%s", error.text);
	}
}

static void clients_that_trust_the_ca_trust_the_leaf(void **state)
{
	struct tls_files files;

	load(*state, NOW, &files);
	assert_true(verifies(&files, NOW, "localhost", NULL));
	assert_true(verifies(&files, NOW, NULL, "127.0.0.1"));
	assert_true(verifies(&files, NOW, NULL, "::1"));
	assert_false(verifies(&files, NOW, "example.com", NULL));
	assert_false(verifies(&files, NOW, NULL, "10.0.0.1"));
	assert_false(verifies(&files, NOW + 400 * DAY, "localhost", NULL));
	tls_finish(&files);
}

static void keys_are_for_their_owner_alone(void **state)
{
	static const char *const names[] = { "ca.key", "server.key" };
	struct tls_files files;
	struct stat info;

	load(*state, NOW, &files);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		CLEANUP_FREE char *path = xprintf("%s/%s", (char *)*state, names[i]);

		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_mode & 0777, 0600);
	}
	tls_finish(&files);
}

static void a_second_start_finds_what_the_first_made(void **state)
{
	struct tls_files once, again;

	load(*state, NOW, &once);
	load(*state, NOW + 200 * DAY, &again);
	assert_string_equal(once.ca, again.ca);
	assert_string_equal(once.leaf, again.leaf);
	assert_string_equal(once.key, again.key);
	tls_finish(&once);
	tls_finish(&again);
}

static void a_leaf_in_its_last_days_is_made_anew_under_the_same_ca(void **state)
{
	struct tls_files once, again;

	load(*state, NOW, &once);
	load(*state, NOW + 310 * DAY, &again);
	assert_string_equal(once.ca, again.ca);
	assert_string_not_equal(once.leaf, again.leaf);
	assert_true(verifies(&again, NOW + 600 * DAY, "localhost", NULL));
	tls_finish(&once);
	tls_finish(&again);
}

static void a_damaged_leaf_is_made_anew_a_damaged_ca_is_told(void **state)
{
	CLEANUP_FREE char *leaf = xprintf("%s/server.crt", (char *)*state);
	CLEANUP_FREE char *ca = xprintf("%s/ca.crt", (char *)*state);
	struct tls_files files;
	struct error error = { 0 };

	load(*state, NOW, &files);
	tls_finish(&files);
	assert_int_equal(truncate(leaf, 100), 0);
	load(*state, NOW, &files);
	assert_true(verifies(&files, NOW, "localhost", NULL));
	tls_finish(&files);
	assert_int_equal(truncate(ca, 100), 0);
	assert_true(tls_load(*state, NOW, &files, &error) < 0);
	assert_non_null(strstr(error.text, "ca.crt"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clients_that_trust_the_ca_trust_the_leaf,
						make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(keys_are_for_their_owner_alone, make_directory,
						remove_directory),
		cmocka_unit_test_setup_teardown(a_second_start_finds_what_the_first_made,
						make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
			a_leaf_in_its_last_days_is_made_anew_under_the_same_ca, make_directory,
			remove_directory),
		cmocka_unit_test_setup_teardown(a_damaged_leaf_is_made_anew_a_damaged_ca_is_told,
						make_directory, remove_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
