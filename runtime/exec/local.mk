# SPDX-License-Identifier: Apache-2.0
# Commands: starting, supervising, ending them; their output.
libruntime_la_SOURCES += \
	%D%/command.c %D%/command.h \
	%D%/drain.c %D%/drain.h \
	%D%/events.c %D%/events.h \
	%D%/execution.c \
	%D%/output.c %D%/output.h \
	%D%/shlex.c %D%/shlex.h \
	%D%/signals.c %D%/signals.h \
	%D%/spawn.c %D%/spawn.h \
	%D%/spawner.c %D%/spawner.h \
	%D%/supervise.c %D%/supervise.h \
	%D%/supervise-private.h \
	%D%/tree.c %D%/tree.h \
	%D%/users.c %D%/users.h
