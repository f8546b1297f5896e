/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command lines from a table, as Go's programs take them: --name value, --name=value, one dash or
 * two; a boolean is --name or --name=true|false|1|0; the last one wins. Words that are not flags
 * are refused.
 */
#ifndef ASB_BASE_FLAGS_H
#define ASB_BASE_FLAGS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum flag_type {
	FLAG_BOOL = 1,   /* bool */
	FLAG_TEXT,       /* const char *, borrowed from argv */
	FLAG_INTEGER,    /* int64_t within least..most */
	FLAG_NUMBER,     /* double within least..most */
	FLAG_OTHER,      /* the program's own: flags_other stores it */
	FLAG_OTHER_BOOL, /* the same for a boolean: flags_other gets "true" or "false" */
};

/* A table of them ends in a zeroed entry. The target's members hold the defaults before parsing. */
struct flag {
	const char *name;
	enum flag_type type;
	size_t offset; /* in the target */
	const char *argument, *help;
	int64_t least, most;
};

/*
 * Takes the value of a FLAG_OTHER, or of a flag that the table does not have: name has that length,
 * value is borrowed from argv, or NULL when the command line ends before it. 0, or a negative code:
 * -ENOENT for an unknown flag and -ENODATA for a missing value, which flags_parse_with then
 * reports; else *reterr is set.
 */
typedef int (*flags_other)(void *target, const char *name, size_t length, const char *value,
			   struct error *reterr);

/* program goes into errors: "...; see PROGRAM --help". -EINVAL and *reterr for what is not
 * understood; the target may have changed then. */
int flags_parse(const struct flag *flags, const char *program, int argc, char **argv, void *target,
		struct error *reterr);
/* The same, for programs that have flags of their own form. */
int flags_parse_with(const struct flag *flags, const char *program, flags_other other, int argc,
		     char **argv, void *target, struct error *reterr);
/* Prints one line for each flag of the table. */
void flags_help(const struct flag *flags, FILE *out);

#endif
