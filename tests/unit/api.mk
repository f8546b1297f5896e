# SPDX-License-Identifier: Apache-2.0

# local/: the API server over HTTP
check_PROGRAMS += tests/unit/test-route tests/unit/test-spdy tests/unit/test-tls tests/unit/test-token
TESTS += tests/unit/test-route tests/unit/test-spdy tests/unit/test-tls tests/unit/test-token
check_PROGRAMS += tests/unit/test-api-negotiate tests/unit/test-protobuf
TESTS += tests/unit/test-api-negotiate tests/unit/test-protobuf
tests_unit_test_api_negotiate_SOURCES = tests/unit/test-api-negotiate.c
tests_unit_test_api_negotiate_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_api_negotiate_LDADD = libapiserver.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS)
tests_unit_test_protobuf_SOURCES = tests/unit/test-protobuf.c
tests_unit_test_protobuf_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_protobuf_LDADD = libapiserver.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-query
TESTS += tests/unit/test-query
tests_unit_test_query_SOURCES = tests/unit/test-query.c
tests_unit_test_query_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_query_LDADD = libapiserver.la $(CMOCKA_LIBS)
tests_unit_test_route_SOURCES = tests/unit/test-route.c
tests_unit_test_route_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_route_LDADD = libapiserver.la $(CMOCKA_LIBS)
tests_unit_test_spdy_SOURCES = tests/unit/test-spdy.c
tests_unit_test_spdy_CFLAGS = $(TEST_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_test_spdy_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS)
tests_unit_test_tls_SOURCES = tests/unit/test-tls.c
tests_unit_test_tls_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_tls_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_test_token_SOURCES = tests/unit/test-token.c
tests_unit_test_token_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_test_token_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)

# local/: up
check_PROGRAMS += tests/unit/test-mirror tests/unit/test-supervise
TESTS += tests/unit/test-mirror tests/unit/test-supervise
tests_unit_test_mirror_SOURCES = tests/unit/test-mirror.c
tests_unit_test_mirror_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_mirror_LDADD = libup.la $(CMOCKA_LIBS)
tests_unit_test_supervise_SOURCES = tests/unit/test-supervise.c
tests_unit_test_supervise_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_supervise_LDADD = libup.la $(CMOCKA_LIBS)

# local/: storage and semantics
STORE_LIBS = liblocal-store.la liblocal.la libkube.la libbase.la $(SQLITE_LIBS) $(CMOCKA_LIBS)
STORE_WORLD = tests/unit/store-world.c tests/unit/store-world.h
check_PROGRAMS += tests/unit/test-storage
TESTS += tests/unit/test-storage
tests_unit_test_storage_SOURCES = tests/unit/test-storage.c $(STORE_WORLD)
tests_unit_test_storage_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_storage_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/test-storage-check
TESTS += tests/unit/test-storage-check
tests_unit_test_storage_check_SOURCES = tests/unit/test-storage-check.c $(STORE_WORLD)
tests_unit_test_storage_check_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_storage_check_LDADD = $(STORE_LIBS)
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
check_PROGRAMS += tests/unit/test-allocation
TESTS += tests/unit/test-allocation
tests_unit_test_allocation_SOURCES = tests/unit/test-allocation.c base/allocation.c $(STORE_WORLD)
tests_unit_test_allocation_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_allocation_LDADD = $(STORE_LIBS)

check_PROGRAMS += tests/unit/test-owner
TESTS += tests/unit/test-owner
tests_unit_test_owner_SOURCES = tests/unit/test-owner.c $(STORE_WORLD)
tests_unit_test_owner_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_owner_LDADD = $(STORE_LIBS)

check_PROGRAMS += tests/unit/test-requests
TESTS += tests/unit/test-requests
tests_unit_test_requests_SOURCES = tests/unit/test-requests.c $(STORE_WORLD)
tests_unit_test_requests_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_requests_LDADD = $(STORE_LIBS)

# local/: what kinds are (status.c is in libapiserver)
TYPES_LIBS = libtypes.la libapiserver.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS) -lm
TYPES_FIXTURE = tests/unit/types-fixture.c tests/unit/types-fixture.h
TYPES_TESTS = tests/unit/test-schema tests/unit/test-types-pod tests/unit/test-crd tests/unit/test-discovery tests/unit/test-table
check_PROGRAMS += $(TYPES_TESTS)
TESTS += $(TYPES_TESTS)
tests_unit_test_schema_SOURCES = tests/unit/test-schema.c $(TYPES_FIXTURE)
tests_unit_test_schema_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_schema_LDADD = $(TYPES_LIBS)
tests_unit_test_types_pod_SOURCES = tests/unit/test-types-pod.c $(TYPES_FIXTURE)
tests_unit_test_types_pod_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_types_pod_LDADD = $(TYPES_LIBS)
tests_unit_test_crd_SOURCES = tests/unit/test-crd.c $(TYPES_FIXTURE)
tests_unit_test_crd_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_crd_LDADD = $(TYPES_LIBS)
tests_unit_test_discovery_SOURCES = tests/unit/test-discovery.c $(TYPES_FIXTURE)
tests_unit_test_discovery_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_discovery_LDADD = $(TYPES_LIBS)
tests_unit_test_table_SOURCES = tests/unit/test-table.c $(TYPES_FIXTURE)
tests_unit_test_table_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_table_LDADD = $(TYPES_LIBS)
