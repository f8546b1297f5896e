# SPDX-License-Identifier: Apache-2.0
# The server inside a sandbox, the real program over HTTP.
TESTS += %D%/runtime.sh
EXTRA_DIST += %D%/runtime.sh %D%/run.py %D%/server.py %D%/forms.py \
	%D%/test_bounds.py %D%/test_files.py %D%/test_openapi.py %D%/test_upload.py

# Commands, streams, the protocol; the words of commands beside Python's.
EXTRA_DIST += %D%/test_background.py %D%/test_execute.py %D%/health.py %D%/hung.py %D%/test_hostile.py %D%/test_holdups.py %D%/test_http.py %D%/test_init.py %D%/test_stream.py %D%/shlex-diff.py %D%/static.sh %D%/hardened.sh
TESTS += %D%/shlex-diff.py %D%/static.sh %D%/hardened.sh
check_PROGRAMS += %D%/shlex-words
tests_runtime_shlex_words_SOURCES = %D%/shlex-words.c
tests_runtime_shlex_words_LDADD = libruntime.la

# The static program in small images, where podman is.
TESTS += %D%/images.py
EXTRA_DIST += %D%/images.py
