# SPDX-License-Identifier: Apache-2.0

# plugins/warmpool/, plugins/template/: their sources, as the modules have them, linked into the tests.
check_LTLIBRARIES += libwarmpool-test.la libtemplate-test.la
libwarmpool_test_la_SOURCES = $(warmpool_sources) %D%/warmpool-world.c %D%/warmpool-world.h
nodist_libwarmpool_test_la_SOURCES = plugins/warmpool/crd.c
libtemplate_test_la_SOURCES = $(template_sources)
nodist_libtemplate_test_la_SOURCES = plugins/template/crd.c

warmpool_tests = \
	tests/plugin/test-warmpool \
	tests/plugin/test-warmpool-adoption \
	tests/plugin/test-warmpool-faults \
	tests/plugin/test-warmpool-removal
check_PROGRAMS += $(warmpool_tests) tests/plugin/test-template
TESTS += $(warmpool_tests) tests/plugin/test-template
warmpool_test_libs = libwarmpool-test.la libagent-sandbox-fake-host.la $(JSONC_LIBS) $(CMOCKA_LIBS)
tests_plugin_test_warmpool_SOURCES = %D%/test-warmpool.c
tests_plugin_test_warmpool_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_LDADD = $(warmpool_test_libs)
tests_plugin_test_warmpool_adoption_SOURCES = %D%/test-warmpool-adoption.c
tests_plugin_test_warmpool_adoption_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_adoption_LDADD = $(warmpool_test_libs)
tests_plugin_test_warmpool_faults_SOURCES = %D%/test-warmpool-faults.c
tests_plugin_test_warmpool_faults_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_faults_LDADD = $(warmpool_test_libs)
tests_plugin_test_warmpool_removal_SOURCES = %D%/test-warmpool-removal.c
tests_plugin_test_warmpool_removal_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_removal_LDADD = $(warmpool_test_libs)
tests_plugin_test_template_SOURCES = %D%/test-template.c
tests_plugin_test_template_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_template_LDADD = libtemplate-test.la libagent-sandbox-fake-host.la \
	$(JSONC_LIBS) $(CMOCKA_LIBS)
