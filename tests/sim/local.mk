# SPDX-License-Identifier: Apache-2.0
check_PROGRAMS += tests/sim/sim
TESTS += tests/sim/sim
tests_sim_sim_SOURCES = \
	%D%/actors.c \
	%D%/checks.c \
	%D%/foreign.c \
	%D%/sim.c \
	%D%/wire.c \
	%D%/world.c %D%/world.h
tests_sim_sim_CFLAGS = $(AM_CFLAGS)
tests_sim_sim_LDADD = libobjects.la libcore.la libkube.la libbase.la $(JSONC_LIBS)

EXTRA_DIST += \
	%D%/mutants/members-not-counted.patch \
	%D%/mutants/no-reservation.patch \
	%D%/mutants/no-test-op.patch \
	%D%/mutants/orphan-not-adopted.patch \
	%D%/mutants/orphan-not-deleted.patch \
	%D%/mutants/orphan-without-asking.patch \
	%D%/mutants/orphan-without-proof.patch \
	%D%/mutants/partial-response.patch \
	%D%/mutants/pod-first.patch
dist_check_SCRIPTS += %D%/mutants.sh
# It links objects of this build by hand, without the sanitizers' flags.
if !SANITIZED
TESTS += %D%/mutants.sh
endif
