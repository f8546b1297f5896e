# SPDX-License-Identifier: Apache-2.0
# What every container runtime offers, and one that only pretends, for tests and benchmarks.
libnode_la_SOURCES += \
	%D%/fake.c %D%/fake.h \
	%D%/fake-table.c %D%/fake-table.h \
	%D%/runtime.c %D%/runtime.h
