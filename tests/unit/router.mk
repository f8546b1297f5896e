# SPDX-License-Identifier: Apache-2.0

# the router, and the flags of the smaller programs
ROUTER_TESTS = tests/unit/test-flags \
	tests/unit/test-router-options \
	tests/unit/test-router-route \
	tests/unit/test-router-spans \
	tests/unit/test-router-table \
	tests/unit/test-router-tokens
check_PROGRAMS += $(ROUTER_TESTS)
TESTS += $(ROUTER_TESTS)
ROUTER_FIXTURE = tests/unit/router-fixture.c tests/unit/router-fixture.h
tests_unit_test_flags_SOURCES = tests/unit/test-flags.c
tests_unit_test_flags_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_flags_LDADD = libbase.la $(CMOCKA_LIBS)
tests_unit_test_router_options_SOURCES = tests/unit/test-router-options.c
tests_unit_test_router_options_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_router_options_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_test_router_route_SOURCES = tests/unit/test-router-route.c
tests_unit_test_router_route_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_router_route_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_test_router_spans_SOURCES = tests/unit/test-router-spans.c
tests_unit_test_router_spans_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_router_spans_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_test_router_table_SOURCES = tests/unit/test-router-table.c $(ROUTER_FIXTURE)
tests_unit_test_router_table_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_router_table_LDADD = librouter.la $(CMOCKA_LIBS)
tests_unit_test_router_tokens_SOURCES = tests/unit/test-router-tokens.c $(ROUTER_FIXTURE)
tests_unit_test_router_tokens_CFLAGS = $(TEST_CFLAGS)
tests_unit_test_router_tokens_LDADD = librouter.la $(CMOCKA_LIBS)
