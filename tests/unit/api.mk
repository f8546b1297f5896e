# SPDX-License-Identifier: Apache-2.0

# local/: the API server over HTTP
check_PROGRAMS += tests/unit/apiserver/api/test-route tests/unit/apiserver/remote/test-spdy tests/unit/apiserver/http/test-tls tests/unit/apiserver/api/test-token
TESTS += tests/unit/apiserver/api/test-route tests/unit/apiserver/remote/test-spdy tests/unit/apiserver/http/test-tls tests/unit/apiserver/api/test-token
check_PROGRAMS += tests/unit/apiserver/api/test-negotiate tests/unit/apiserver/api/test-protobuf
TESTS += tests/unit/apiserver/api/test-negotiate tests/unit/apiserver/api/test-protobuf
tests_unit_apiserver_api_test_negotiate_SOURCES = tests/unit/apiserver/api/test-negotiate.c
tests_unit_apiserver_api_test_negotiate_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_api_test_negotiate_LDADD = libapiserver.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS)
tests_unit_apiserver_api_test_protobuf_SOURCES = tests/unit/apiserver/api/test-protobuf.c
tests_unit_apiserver_api_test_protobuf_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_api_test_protobuf_LDADD = libapiserver.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/apiserver/api/test-query
TESTS += tests/unit/apiserver/api/test-query
tests_unit_apiserver_api_test_query_SOURCES = tests/unit/apiserver/api/test-query.c
tests_unit_apiserver_api_test_query_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_api_test_query_LDADD = libapiserver.la $(CMOCKA_LIBS)
tests_unit_apiserver_api_test_route_SOURCES = tests/unit/apiserver/api/test-route.c
tests_unit_apiserver_api_test_route_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_api_test_route_LDADD = libapiserver.la $(CMOCKA_LIBS)
tests_unit_apiserver_remote_test_spdy_SOURCES = tests/unit/apiserver/remote/test-spdy.c
tests_unit_apiserver_remote_test_spdy_CFLAGS = $(TEST_CFLAGS) $(ZLIB_CFLAGS)
tests_unit_apiserver_remote_test_spdy_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS)
tests_unit_apiserver_http_test_tls_SOURCES = tests/unit/apiserver/http/test-tls.c
tests_unit_apiserver_http_test_tls_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_apiserver_http_test_tls_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)
tests_unit_apiserver_api_test_token_SOURCES = tests/unit/apiserver/api/test-token.c
tests_unit_apiserver_api_test_token_CFLAGS = $(TEST_CFLAGS) $(CRYPTO_CFLAGS)
tests_unit_apiserver_api_test_token_LDADD = libapiserver.la libbase.la $(CMOCKA_LIBS) $(CRYPTO_LIBS)

# local/: up
check_PROGRAMS += tests/unit/local/test-kubeconfig-write tests/unit/local/test-router-service tests/unit/local/test-supervise
TESTS += tests/unit/local/test-kubeconfig-write tests/unit/local/test-router-service tests/unit/local/test-supervise
tests_unit_local_test_router_service_SOURCES = tests/unit/local/test-router-service.c
tests_unit_local_test_router_service_CFLAGS = $(TEST_CFLAGS)
tests_unit_local_test_router_service_LDADD = libup.la $(CMOCKA_LIBS)
tests_unit_local_test_kubeconfig_write_SOURCES = tests/unit/local/test-kubeconfig-write.c
tests_unit_local_test_kubeconfig_write_CFLAGS = $(TEST_CFLAGS)
tests_unit_local_test_kubeconfig_write_LDADD = libup.la libbase.la $(CMOCKA_LIBS)
tests_unit_local_test_supervise_SOURCES = tests/unit/local/test-supervise.c
tests_unit_local_test_supervise_CFLAGS = $(TEST_CFLAGS)
tests_unit_local_test_supervise_LDADD = libup.la $(CMOCKA_LIBS)

# local/: storage and semantics
STORE_LIBS = librequests.la libobjects.la libkube.la libbase.la $(SQLITE_LIBS) $(CMOCKA_LIBS)
STORE_WORLD = tests/unit/apiserver/store-world.c tests/unit/apiserver/store-world.h
check_PROGRAMS += tests/unit/apiserver/storage/test-storage
TESTS += tests/unit/apiserver/storage/test-storage
tests_unit_apiserver_storage_test_storage_SOURCES = tests/unit/apiserver/storage/test-storage.c $(STORE_WORLD)
tests_unit_apiserver_storage_test_storage_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_storage_test_storage_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/apiserver/storage/test-storage-check
TESTS += tests/unit/apiserver/storage/test-storage-check
tests_unit_apiserver_storage_test_storage_check_SOURCES = tests/unit/apiserver/storage/test-storage-check.c $(STORE_WORLD)
tests_unit_apiserver_storage_test_storage_check_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_storage_test_storage_check_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/apiserver/requests/test-selector
TESTS += tests/unit/apiserver/requests/test-selector
tests_unit_apiserver_requests_test_selector_SOURCES = tests/unit/apiserver/requests/test-selector.c $(STORE_WORLD)
tests_unit_apiserver_requests_test_selector_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_requests_test_selector_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/apiserver/requests/test-strategic
TESTS += tests/unit/apiserver/requests/test-strategic
tests_unit_apiserver_requests_test_strategic_SOURCES = tests/unit/apiserver/requests/test-strategic.c $(STORE_WORLD)
tests_unit_apiserver_requests_test_strategic_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_requests_test_strategic_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/apiserver/requests/test-list
TESTS += tests/unit/apiserver/requests/test-list
tests_unit_apiserver_requests_test_list_SOURCES = tests/unit/apiserver/requests/test-list.c $(STORE_WORLD)
tests_unit_apiserver_requests_test_list_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_requests_test_list_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/apiserver/requests/test-namespace
TESTS += tests/unit/apiserver/requests/test-namespace
tests_unit_apiserver_requests_test_namespace_SOURCES = tests/unit/apiserver/requests/test-namespace.c $(STORE_WORLD)
tests_unit_apiserver_requests_test_namespace_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_requests_test_namespace_LDADD = $(STORE_LIBS)
check_PROGRAMS += tests/unit/base/test-allocation
TESTS += tests/unit/base/test-allocation
tests_unit_base_test_allocation_SOURCES = tests/unit/base/test-allocation.c base/allocation.c $(STORE_WORLD)
tests_unit_base_test_allocation_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_base_test_allocation_LDADD = $(STORE_LIBS)

check_PROGRAMS += tests/unit/apiserver/objects/test-owner
TESTS += tests/unit/apiserver/objects/test-owner
tests_unit_apiserver_objects_test_owner_SOURCES = tests/unit/apiserver/objects/test-owner.c $(STORE_WORLD)
tests_unit_apiserver_objects_test_owner_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_objects_test_owner_LDADD = $(STORE_LIBS)

check_PROGRAMS += tests/unit/apiserver/requests/test-requests
TESTS += tests/unit/apiserver/requests/test-requests
tests_unit_apiserver_requests_test_requests_SOURCES = tests/unit/apiserver/requests/test-requests.c $(STORE_WORLD)
tests_unit_apiserver_requests_test_requests_CFLAGS = $(TEST_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_apiserver_requests_test_requests_LDADD = $(STORE_LIBS)

# local/: what kinds are (status.c is in libapiserver)
TYPES_LIBS = libtypes.la libapiserver.la libkube.la libbase.la $(JSONC_LIBS) $(CMOCKA_LIBS) -lm
TYPES_FIXTURE = tests/unit/apiserver/types-fixture.c tests/unit/apiserver/types-fixture.h
TYPES_TESTS = tests/unit/apiserver/schema/test-schema tests/unit/apiserver/kinds/test-pod-validate tests/unit/apiserver/types/test-crd tests/unit/apiserver/types/test-discovery tests/unit/apiserver/types/test-table
check_PROGRAMS += $(TYPES_TESTS)
TESTS += $(TYPES_TESTS)
tests_unit_apiserver_schema_test_schema_SOURCES = tests/unit/apiserver/schema/test-schema.c $(TYPES_FIXTURE)
tests_unit_apiserver_schema_test_schema_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_schema_test_schema_LDADD = $(TYPES_LIBS)
tests_unit_apiserver_kinds_test_pod_validate_SOURCES = tests/unit/apiserver/kinds/test-pod-validate.c $(TYPES_FIXTURE)
tests_unit_apiserver_kinds_test_pod_validate_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_kinds_test_pod_validate_LDADD = $(TYPES_LIBS)
tests_unit_apiserver_types_test_crd_SOURCES = tests/unit/apiserver/types/test-crd.c $(TYPES_FIXTURE)
tests_unit_apiserver_types_test_crd_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_types_test_crd_LDADD = $(TYPES_LIBS)
tests_unit_apiserver_types_test_discovery_SOURCES = tests/unit/apiserver/types/test-discovery.c $(TYPES_FIXTURE)
tests_unit_apiserver_types_test_discovery_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_types_test_discovery_LDADD = $(TYPES_LIBS)
tests_unit_apiserver_types_test_table_SOURCES = tests/unit/apiserver/types/test-table.c $(TYPES_FIXTURE)
tests_unit_apiserver_types_test_table_CFLAGS = $(TEST_CFLAGS)
tests_unit_apiserver_types_test_table_LDADD = $(TYPES_LIBS)
