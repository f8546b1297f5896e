/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines from a table, as Go's programs take them: --name value, --name=value, one dash or
 * two; a boolean is --name or --name=true|false|1|0; the last one wins. Nothing but flags is taken.
 */
#ifndef ASB_BASE_FLAGS_H
#define ASB_BASE_FLAGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum flag_type {
	FLAG_BOOL = 1, /* bool */
	FLAG_TEXT,     /* const char *, borrowed from argv */
	FLAG_INTEGER,  /* int64_t within least..most */
};

/* A table of them ends in a zeroed entry. The target's members hold the defaults before parsing. */
struct flag {
	const char *name;
	enum flag_type type;
	size_t offset; /* in the target */
	const char *argument, *help;
	int64_t least, most;
};

/* program goes into errors: "...: see PROGRAM --help". */
int flags_parse(const struct flag *flags, const char *program, int argc, char **argv, void *target,
		struct error *reterr);
/* One line a flag. */
void flags_help(const struct flag *flags, FILE *out);

#endif
