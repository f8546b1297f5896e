# SPDX-License-Identifier: Apache-2.0

# local/: the API server over HTTP
check_PROGRAMS += tests/unit/test-route tests/unit/test-tls tests/unit/test-token
TESTS += tests/unit/test-route tests/unit/test-tls tests/unit/test-token
tests_unit_test_route_SOURCES = tests/unit/test-route.c
tests_unit_test_route_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_route_LDADD = libapiserver.la $(CMOCKA_LIBS)
tests_unit_test_tls_SOURCES = tests/unit/test-tls.c
tests_unit_test_tls_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_tls_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test-token.c
tests_unit_test_token_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_token_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)

# local/: storage and semantics
STORE_LIBS = liblocal-store.la liblocal.la libkube.la libbase.la $(SQLITE_LIBS) $(CMOCKA_LIBS)
STORE_WORLD = tests/unit/store-world.c tests/unit/store-world.h
check_PROGRAMS += tests/unit/test-storage
TESTS += tests/unit/test-storage
tests_unit_test_storage_SOURCES = tests/unit/test-storage.c $(STORE_WORLD)
tests_unit_test_storage_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_storage_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-selector
TESTS += tests/unit/test-selector
tests_unit_test_selector_SOURCES = tests/unit/test-selector.c $(STORE_WORLD)
tests_unit_test_selector_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_selector_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-strategic
TESTS += tests/unit/test-strategic
tests_unit_test_strategic_SOURCES = tests/unit/test-strategic.c $(STORE_WORLD)
tests_unit_test_strategic_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_strategic_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-list
TESTS += tests/unit/test-list
tests_unit_test_list_SOURCES = tests/unit/test-list.c $(STORE_WORLD)
tests_unit_test_list_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_list_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-namespace
TESTS += tests/unit/test-namespace
tests_unit_test_namespace_SOURCES = tests/unit/test-namespace.c $(STORE_WORLD)
tests_unit_test_namespace_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_namespace_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-requests
TESTS += tests/unit/test-requests
tests_unit_test_requests_SOURCES = tests/unit/test-requests.c $(STORE_WORLD)
tests_unit_test_requests_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_requests_LDADD = $(STORE_LIBS)
