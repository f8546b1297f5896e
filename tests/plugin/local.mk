# SPDX-License-Identifier: Apache-2.0

# plugins/warmpool/, plugins/template/: their sources, as the modules have them, linked into the tests.
check_LTLIBRARIES += libwarmpool-test.la libtemplate-test.la
libwarmpool_test_la_SOURCES = $(warmpool_sources) %D%/warmpool-world.c %D%/warmpool-world.h \
	%D%/sandbox-pool-world.c %D%/sandbox-pool-world.h
nodist_libwarmpool_test_la_SOURCES = plugins/warmpool/crd.c
libtemplate_test_la_SOURCES = $(template_sources)
nodist_libtemplate_test_la_SOURCES = plugins/template/crd.c

warmpool_tests = \
	tests/plugin/test-warmpool \
	tests/plugin/test-warmpool-adoption \
	tests/plugin/test-warmpool-faults \
	tests/plugin/test-warmpool-removal \
	tests/plugin/test-warmpool-sandboxes \
	tests/plugin/test-warmpool-replacing \
	tests/plugin/test-warmpool-settings
check_PROGRAMS += $(warmpool_tests) tests/plugin/test-template
TESTS += $(warmpool_tests) tests/plugin/test-template
warmpool_test_libs = libwarmpool-test.la libplugin-common.la libagent-sandbox-fake-host.la $(JSONC_LIBS) $(CMOCKA_LIBS)
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
tests_plugin_test_warmpool_sandboxes_SOURCES = %D%/test-warmpool-sandboxes.c
tests_plugin_test_warmpool_sandboxes_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_sandboxes_LDADD = $(warmpool_test_libs)
tests_plugin_test_warmpool_replacing_SOURCES = %D%/test-warmpool-replacing.c
tests_plugin_test_warmpool_replacing_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_replacing_LDADD = $(warmpool_test_libs)
tests_plugin_test_warmpool_settings_SOURCES = %D%/test-warmpool-settings.c
tests_plugin_test_warmpool_settings_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_warmpool_settings_LDADD = $(warmpool_test_libs)
tests_plugin_test_template_SOURCES = %D%/test-template.c
tests_plugin_test_template_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_template_LDADD = libtemplate-test.la libplugin-common.la libagent-sandbox-fake-host.la \
	$(JSONC_LIBS) $(CMOCKA_LIBS)

# plugins/common/
check_PROGRAMS += tests/plugin/test-blueprint tests/plugin/test-dialect
TESTS += tests/plugin/test-blueprint tests/plugin/test-dialect
tests_plugin_test_blueprint_SOURCES = %D%/test-blueprint.c
tests_plugin_test_blueprint_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_blueprint_LDADD = libplugin-common.la $(JSONC_LIBS) $(CMOCKA_LIBS)
tests_plugin_test_dialect_SOURCES = %D%/test-dialect.c
tests_plugin_test_dialect_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_dialect_LDADD = libplugin-common.la $(JSONC_LIBS) $(CMOCKA_LIBS)

# The claim plugin.
check_LTLIBRARIES += tests/plugin/libclaim-world.la
tests_plugin_libclaim_world_la_SOURCES = tests/plugin/test-claim-world.c tests/plugin/test-claim-world.h
tests_plugin_libclaim_world_la_CFLAGS = $(TEST_CFLAGS)
tests_plugin_libclaim_world_la_LIBADD = libplugin-claim.la libagent-sandbox-fake-host.la $(JSONC_LIBS) $(CMOCKA_LIBS)
claim_tests = \
	tests/plugin/test-claim \
	tests/plugin/test-claim-beta \
	tests/plugin/test-claim-expiry \
	tests/plugin/test-claim-faults \
	tests/plugin/test-claim-measure \
	tests/plugin/test-claim-orphan \
	tests/plugin/test-claim-pick \
	tests/plugin/test-claim-policy \
	tests/plugin/test-claim-sandbox
check_PROGRAMS += $(claim_tests)
TESTS += $(claim_tests)
tests_plugin_test_claim_SOURCES = tests/plugin/test-claim.c
tests_plugin_test_claim_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_beta_SOURCES = tests/plugin/test-claim-beta.c
tests_plugin_test_claim_beta_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_beta_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_expiry_SOURCES = tests/plugin/test-claim-expiry.c
tests_plugin_test_claim_expiry_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_expiry_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_faults_SOURCES = tests/plugin/test-claim-faults.c
tests_plugin_test_claim_faults_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_faults_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_measure_SOURCES = tests/plugin/test-claim-measure.c
tests_plugin_test_claim_measure_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_measure_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_orphan_SOURCES = tests/plugin/test-claim-orphan.c
tests_plugin_test_claim_orphan_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_orphan_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_pick_SOURCES = tests/plugin/test-claim-pick.c
tests_plugin_test_claim_pick_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_pick_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_policy_SOURCES = tests/plugin/test-claim-policy.c
tests_plugin_test_claim_policy_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_policy_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)
tests_plugin_test_claim_sandbox_SOURCES = tests/plugin/test-claim-sandbox.c
tests_plugin_test_claim_sandbox_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_claim_sandbox_LDADD = tests/plugin/libclaim-world.la $(CMOCKA_LIBS)

# plugins/sandbox/
check_LTLIBRARIES += libsandbox-world.la
libsandbox_world_la_SOURCES = %D%/sandbox-world.c %D%/sandbox-world.h
libsandbox_world_la_CFLAGS = $(TEST_CFLAGS)
libsandbox_world_la_LIBADD = libplugin-sandbox.la
sandbox_tests = \
	tests/plugin/test-sandbox \
	tests/plugin/test-sandbox-adopt \
	tests/plugin/test-sandbox-beta \
	tests/plugin/test-sandbox-expiry \
	tests/plugin/test-sandbox-inventory \
	tests/plugin/test-sandbox-faults \
	tests/plugin/test-sandbox-foreign \
	tests/plugin/test-sandbox-takeover
check_PROGRAMS += $(sandbox_tests)
TESTS += $(sandbox_tests)
sandbox_test_libs = libsandbox-world.la libagent-sandbox-fake-host.la $(JSONC_LIBS) $(CMOCKA_LIBS)
tests_plugin_test_sandbox_SOURCES = %D%/test-sandbox.c
tests_plugin_test_sandbox_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_adopt_SOURCES = %D%/test-sandbox-adopt.c
tests_plugin_test_sandbox_adopt_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_adopt_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_beta_SOURCES = %D%/test-sandbox-beta.c
tests_plugin_test_sandbox_beta_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_beta_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_expiry_SOURCES = %D%/test-sandbox-expiry.c
tests_plugin_test_sandbox_expiry_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_expiry_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_inventory_SOURCES = %D%/test-sandbox-inventory.c
tests_plugin_test_sandbox_inventory_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_inventory_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_faults_SOURCES = %D%/test-sandbox-faults.c
tests_plugin_test_sandbox_faults_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_faults_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_foreign_SOURCES = %D%/test-sandbox-foreign.c
tests_plugin_test_sandbox_foreign_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_foreign_LDADD = $(sandbox_test_libs)
tests_plugin_test_sandbox_takeover_SOURCES = %D%/test-sandbox-takeover.c
tests_plugin_test_sandbox_takeover_CFLAGS = $(TEST_CFLAGS)
tests_plugin_test_sandbox_takeover_LDADD = $(sandbox_test_libs)
