/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flags of the Go controller of agent-sandbox that this one has no member for: each is an option
 * of a plugin or a flag of ours under another name, or it is accepted without effect, so that
 * existing manifests go on working. Their values are checked either way.
 */
#ifndef ASB_CONTROLLER_GO_FLAGS_H
#define ASB_CONTROLLER_GO_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/flags.h"

#define GO_FLAGS_MAX 64
#define GO_FLAG_VALUE_MAX 128

enum go_value {
	GO_TEXT = 1,
	GO_BOOL,
	GO_COUNT,             /* a whole number from 1 on */
	GO_INTEGER,           /* any whole number */
	GO_RATE,              /* a number from 0 on */
	GO_DURATION,          /* from 0 on; becomes milliseconds */
	GO_POSITIVE_DURATION, /* the same, more than 0 */
	GO_TLS_VERSION,
	GO_LOG_FORMAT, /* of zap: becomes ours */
	GO_LOG_LEVEL,  /* of zap: becomes ours */
};

struct go_flag {
	const char *name, *argument, *help;
	enum go_value value;
	/* What it sets: an option of a plugin; without a plugin a flag of ours; without an option
	 * nothing. */
	const char *plugin, *option;
};

/* Ends in a zeroed entry; at most GO_FLAGS_MAX. */
extern const struct go_flag go_flags[];

/* The number of a flag; -1 for none. */
int go_flag_find(const char *name, size_t length);
/* Checks a value, and writes it as what the flag sets expects it. -EINVAL and *reterr. */
int go_flag_value(const struct go_flag *flag, const char *value, char ret[GO_FLAG_VALUE_MAX],
		  struct error *reterr);
/* The row of the flag for the parser and for --help. */
struct flag go_flag_row(const struct go_flag *flag);

#endif
