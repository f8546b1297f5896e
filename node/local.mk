# SPDX-License-Identifier: Apache-2.0
# A library of its own, for the tests to link what the program is made of.
noinst_LTLIBRARIES += libnode.la
libnode_la_SOURCES = %D%/end-pods.c %D%/end-pods.h %D%/node-private.h
libnode_la_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
libnode_la_LIBADD = libcore.la

include node/env/local.mk
include node/pod/local.mk
include node/podman/local.mk
include node/probes/local.mk
include node/process/local.mk
include node/registration/local.mk
include node/runtime/local.mk
include node/server/local.mk
include node/volumes/local.mk

bin_PROGRAMS += agent-sandbox-node
agent_sandbox_node_SOURCES = \
	%D%/main.c \
	%D%/node.c %D%/node.h \
	%D%/options.c %D%/options.h \
	%D%/runtimes.c %D%/runtimes.h
agent_sandbox_node_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
agent_sandbox_node_LDADD = libnode.la
