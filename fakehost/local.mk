# SPDX-License-Identifier: Apache-2.0
# For the tests of plugins, ours and third parties': only include/agent-sandbox/fake-host.h is its interface.
lib_LTLIBRARIES += libagent-sandbox-fake-host.la
libagent_sandbox_fake_host_la_SOURCES = \
	%D%/arena.c \
	%D%/cache.c \
	%D%/check.c \
	%D%/enqueue.c \
	%D%/fake.c %D%/fake.h \
	%D%/host.c \
	%D%/index.c \
	%D%/keys.c \
	%D%/record.c \
	%D%/reserve.c \
	%D%/run.c \
	%D%/update.c \
	%D%/util.c \
	%D%/world.c \
	%D%/write.c
libagent_sandbox_fake_host_la_CFLAGS = $(AM_CFLAGS) $(CRYPTO_CFLAGS)
libagent_sandbox_fake_host_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0 \
	-export-symbols-regex '^asb_fake_'
libagent_sandbox_fake_host_la_LIBADD = libobjects.la libkube.la libbase.la $(JSONC_LIBS) $(CRYPTO_LIBS)
