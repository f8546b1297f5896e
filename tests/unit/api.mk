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
