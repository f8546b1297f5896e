# SPDX-License-Identifier: Apache-2.0
bin_PROGRAMS += agent-sandbox-controller
agent_sandbox_controller_SOURCES = \
	%D%/check-cluster.c %D%/check-cluster.h \
	%D%/cluster-check.c %D%/cluster-check.h \
	%D%/crd-report.c %D%/crd-report.h \
	%D%/go-flags.c %D%/go-flags.h \
	%D%/leases.c %D%/leases.h \
	%D%/main.c \
	%D%/option-files.c %D%/option-files.h \
	%D%/options.c %D%/options.h \
	%D%/plugin-set.c %D%/plugin-set.h \
	%D%/process.c %D%/process.h \
	%D%/start-check.c %D%/start-check.h
agent_sandbox_controller_CFLAGS = $(AM_CFLAGS) $(CURL_CFLAGS)
# Plugins find json-c through their own needs; nothing is exported to them by symbol.
agent_sandbox_controller_LDADD = libcore.la
