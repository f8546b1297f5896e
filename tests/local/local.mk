# SPDX-License-Identifier: Apache-2.0

# Strategic patches and selectors against a real kube-apiserver. Skipped without $KUBEBUILDER_ASSETS.
check_PROGRAMS += tests/local/ask-store
tests_local_ask_store_SOURCES = %D%/ask-store.c
tests_local_ask_store_CFLAGS = $(AM_CFLAGS)
tests_local_ask_store_LDADD = librequests.la libobjects.la libkube.la libbase.la $(JSONC_LIBS)
TESTS += %D%/store-differential.sh
EXTRA_DIST += %D%/store-differential.sh %D%/store_differential.py

# What kinds are, against a real API server: make check builds the tool; the comparison needs KUBEBUILDER_ASSETS.
check_PROGRAMS += %D%/types-tool
tests_local_types_tool_SOURCES = %D%/types-tool.c
tests_local_types_tool_LDADD = libtypes.la libapiserver.la libkube.la libbase.la $(JSONC_LIBS) -lm
TESTS += %D%/types-differential.sh
EXTRA_DIST += %D%/types-differential.sh %D%/test_types.py %D%/cases_types.py
# The API server of local mode as its users meet it.
TESTS += %D%/local.sh
EXTRA_DIST += %D%/local.sh %D%/server.py %D%/test_bad_input.py %D%/test_bounds.py %D%/test_connections.py %D%/test_crash.py %D%/test_kubectl.py %D%/test_lists.py %D%/test_parameters.py %D%/test_python_client.py %D%/test_remote.py %D%/test_state.py %D%/test_text.py \
	%D%/test_up.py
