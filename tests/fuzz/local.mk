# SPDX-License-Identifier: Apache-2.0
# Fuzz targets, built to replay their corpora; fuzz.h says how to build them to fuzz.
check_PROGRAMS += %D%/fuzz-json-scan %D%/fuzz-yaml
TESTS += %D%/fuzz-json-scan %D%/fuzz-yaml
EXTRA_DIST += %D%/corpus

tests_fuzz_fuzz_json_scan_SOURCES = %D%/fuzz-json-scan.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_json_scan_LDADD = libbase.la $(JSONC_LIBS)

tests_fuzz_fuzz_yaml_SOURCES = %D%/fuzz-yaml.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_yaml_LDADD = libbase.la $(JSONC_LIBS)

check_PROGRAMS += %D%/fuzz-kubeconfig
TESTS += %D%/fuzz-kubeconfig
tests_fuzz_fuzz_kubeconfig_SOURCES = %D%/fuzz-kubeconfig.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_kubeconfig_LDADD = libcore.la

check_PROGRAMS += %D%/fuzz-quantity %D%/fuzz-env-expand
TESTS += %D%/fuzz-quantity %D%/fuzz-env-expand
tests_fuzz_fuzz_quantity_SOURCES = %D%/fuzz-quantity.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_quantity_LDADD = libkube.la libbase.la $(JSONC_LIBS)
tests_fuzz_fuzz_env_expand_SOURCES = %D%/fuzz-env-expand.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_env_expand_LDADD = libnode.la

include tests/fuzz/runtime-files.mk

check_PROGRAMS += %D%/fuzz-podman-frame
TESTS += %D%/fuzz-podman-frame
tests_fuzz_fuzz_podman_frame_SOURCES = %D%/fuzz-podman-frame.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_podman_frame_LDADD = libnode.la

check_PROGRAMS += %D%/fuzz-pod-spec
TESTS += %D%/fuzz-pod-spec
tests_fuzz_fuzz_pod_spec_SOURCES = %D%/fuzz-pod-spec.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_pod_spec_LDADD = libnode.la

check_PROGRAMS += %D%/fuzz-schema
TESTS += %D%/fuzz-schema
tests_fuzz_fuzz_schema_SOURCES = %D%/fuzz-schema.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_schema_LDADD = libtypes.la libapiserver.la libkube.la libbase.la $(JSONC_LIBS) -lm

check_PROGRAMS += %D%/fuzz-selector %D%/fuzz-strategic
TESTS += %D%/fuzz-selector %D%/fuzz-strategic
tests_fuzz_fuzz_selector_SOURCES = %D%/fuzz-selector.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_selector_LDADD = librequests.la libobjects.la libkube.la libbase.la $(JSONC_LIBS)
tests_fuzz_fuzz_strategic_SOURCES = %D%/fuzz-strategic.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_strategic_LDADD = librequests.la libobjects.la libkube.la libbase.la $(JSONC_LIBS)

check_PROGRAMS += %D%/fuzz-patch
TESTS += %D%/fuzz-patch
tests_fuzz_fuzz_patch_SOURCES = %D%/fuzz-patch.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_patch_LDADD = libkube.la libbase.la $(JSONC_LIBS)

check_PROGRAMS += %D%/fuzz-spdy
TESTS += %D%/fuzz-spdy
tests_fuzz_fuzz_spdy_SOURCES = %D%/fuzz-spdy.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_spdy_LDADD = libapiserver.la

check_PROGRAMS += %D%/fuzz-protobuf %D%/fuzz-route
TESTS += %D%/fuzz-protobuf %D%/fuzz-route
tests_fuzz_fuzz_protobuf_SOURCES = %D%/fuzz-protobuf.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_protobuf_LDADD = libapiserver.la libbase.la $(JSONC_LIBS)
tests_fuzz_fuzz_route_SOURCES = %D%/fuzz-route.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_route_LDADD = libapiserver.la libbase.la

check_PROGRAMS += %D%/fuzz-api
TESTS += %D%/fuzz-api
tests_fuzz_fuzz_api_SOURCES = %D%/fuzz-api.c %D%/fuzz.h %D%/replay.c
tests_fuzz_fuzz_api_LDADD = libapiserver.la libbase.la $(JSONC_LIBS)
