# SPDX-License-Identifier: Apache-2.0

# base/
check_PROGRAMS += tests/unit/test-buf
TESTS += tests/unit/test-buf
tests_unit_test_buf_SOURCES = tests/unit/test-buf.c
tests_unit_test_buf_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_buf_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-error
TESTS += tests/unit/test-error
tests_unit_test_error_SOURCES = tests/unit/test-error.c
tests_unit_test_error_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_error_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-memory
TESTS += tests/unit/test-memory
tests_unit_test_memory_SOURCES = tests/unit/test-memory.c
tests_unit_test_memory_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_memory_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-json
TESTS += tests/unit/test-json
tests_unit_test_json_SOURCES = tests/unit/test-json.c
tests_unit_test_json_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_json_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-yaml
TESTS += tests/unit/test-yaml
tests_unit_test_yaml_SOURCES = tests/unit/test-yaml.c
tests_unit_test_yaml_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_yaml_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-json-scan
TESTS += tests/unit/test-json-scan
tests_unit_test_json_scan_SOURCES = tests/unit/test-json-scan.c
tests_unit_test_json_scan_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_json_scan_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-sched
TESTS += tests/unit/test-sched
tests_unit_test_sched_SOURCES = tests/unit/test-sched.c
tests_unit_test_sched_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_sched_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-map
TESTS += tests/unit/test-map
tests_unit_test_map_SOURCES = tests/unit/test-map.c
tests_unit_test_map_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_map_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-heap
TESTS += tests/unit/test-heap
tests_unit_test_heap_SOURCES = tests/unit/test-heap.c
tests_unit_test_heap_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_heap_LDADD = libbase.la $(CMOCKA_LIBS)
check_PROGRAMS += tests/unit/test-tree
TESTS += tests/unit/test-tree
tests_unit_test_tree_SOURCES = tests/unit/test-tree.c
tests_unit_test_tree_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_tree_LDADD = libbase.la $(CMOCKA_LIBS)

check_PROGRAMS += tests/unit/test-kind tests/unit/test-patch tests/unit/test-version
TESTS += tests/unit/test-kind tests/unit/test-patch tests/unit/test-version
tests_unit_test_kind_SOURCES = tests/unit/test-kind.c
tests_unit_test_kind_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_kind_LDADD = libkube.la libbase.la $(CMOCKA_LIBS)
tests_unit_test_patch_SOURCES = tests/unit/test-patch.c
tests_unit_test_patch_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_patch_LDADD = libkube.la libbase.la $(CMOCKA_LIBS)
tests_unit_test_version_SOURCES = tests/unit/test-version.c
tests_unit_test_version_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_version_LDADD = libkube.la libbase.la $(CMOCKA_LIBS)

# net/ (-lssl: the server of the tests)
TEST_SERVER = tests/unit/test-server.c tests/unit/test-server.h tests/unit/transport-fixture.h
TEST_SERVER_LIBS = libnet.la libbase.la $(CMOCKA_LIBS) -lssl $(CRYPTO_LIBS)
check_PROGRAMS += tests/unit/test-curl-transport
TESTS += tests/unit/test-curl-transport
tests_unit_test_curl_transport_SOURCES = tests/unit/test-curl-transport.c $(TEST_SERVER)
tests_unit_test_curl_transport_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_curl_transport_LDADD = $(TEST_SERVER_LIBS)
check_PROGRAMS += tests/unit/test-curl-faults
TESTS += tests/unit/test-curl-faults
tests_unit_test_curl_faults_SOURCES = tests/unit/test-curl-faults.c $(TEST_SERVER)
tests_unit_test_curl_faults_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_curl_faults_LDADD = $(TEST_SERVER_LIBS)
check_PROGRAMS += tests/unit/test-curl-stream
TESTS += tests/unit/test-curl-stream
tests_unit_test_curl_stream_SOURCES = tests/unit/test-curl-stream.c $(TEST_SERVER)
tests_unit_test_curl_stream_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_curl_stream_LDADD = $(TEST_SERVER_LIBS)
check_PROGRAMS += tests/unit/test-retry-after
TESTS += tests/unit/test-retry-after
tests_unit_test_retry_after_SOURCES = tests/unit/test-retry-after.c
tests_unit_test_retry_after_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_retry_after_LDADD = libnet.la $(CMOCKA_LIBS)

# fakehost/
FAKE_HOST_TESTS = \
	tests/unit/test-fake-host \
	tests/unit/test-fake-host-check \
	tests/unit/test-fake-host-store \
	tests/unit/test-fake-host-write
FAKE_HOST_LIBS = libagent-sandbox-fake-host.la $(JSONC_LIBS) $(CMOCKA_LIBS)
check_PROGRAMS += $(FAKE_HOST_TESTS)
TESTS += $(FAKE_HOST_TESTS)
tests_unit_test_fake_host_SOURCES = tests/unit/test-fake-host.c tests/unit/widget.c tests/unit/widget.h
tests_unit_test_fake_host_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_fake_host_LDADD = $(FAKE_HOST_LIBS)
tests_unit_test_fake_host_check_SOURCES = tests/unit/test-fake-host-check.c tests/unit/widget.c tests/unit/widget.h
tests_unit_test_fake_host_check_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_fake_host_check_LDADD = $(FAKE_HOST_LIBS)
tests_unit_test_fake_host_store_SOURCES = tests/unit/test-fake-host-store.c tests/unit/widget.c tests/unit/widget.h
tests_unit_test_fake_host_store_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_fake_host_store_LDADD = $(FAKE_HOST_LIBS)
tests_unit_test_fake_host_write_SOURCES = tests/unit/test-fake-host-write.c tests/unit/widget.c tests/unit/widget.h
tests_unit_test_fake_host_write_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_fake_host_write_LDADD = $(FAKE_HOST_LIBS)
