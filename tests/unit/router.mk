# SPDX-License-Identifier: Apache-2.0

# the router, and the flags of the smaller programs
ROUTER_TESTS = tests/unit/base/test-flags \
	tests/unit/router/test-options \
	tests/unit/router/test-route \
	tests/unit/router/test-spans \
	tests/unit/router/test-table \
	tests/unit/router/test-tokens
check_PROGRAMS += $(ROUTER_TESTS)
TESTS += $(ROUTER_TESTS)
ROUTER_FIXTURE = tests/unit/router/router-fixture.c tests/unit/router/router-fixture.h
tests_unit_base_test_flags_SOURCES = tests/unit/base/test-flags.c
tests_unit_base_test_flags_CFLAGS = $(TEST_CFLAGS)
tests_unit_base_test_flags_LDADD = libbase.la $(CMOCKA_LIBS)
tests_unit_router_test_options_SOURCES = tests/unit/router/test-options.c
tests_unit_router_test_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_router_test_options_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_router_test_route_SOURCES = tests/unit/router/test-route.c
tests_unit_router_test_route_CFLAGS = $(TEST_CFLAGS)
tests_unit_router_test_route_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_router_test_spans_SOURCES = tests/unit/router/test-spans.c
tests_unit_router_test_spans_CFLAGS = $(TEST_CFLAGS)
tests_unit_router_test_spans_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_router_test_table_SOURCES = tests/unit/router/test-table.c $(ROUTER_FIXTURE)
tests_unit_router_test_table_CFLAGS = $(TEST_CFLAGS)
tests_unit_router_test_table_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_router_test_tokens_SOURCES = tests/unit/router/test-tokens.c $(ROUTER_FIXTURE)
tests_unit_router_test_tokens_CFLAGS = $(TEST_CFLAGS)
tests_unit_router_test_tokens_LDADD = librouter.la $(CMOCKA_LIBS)
