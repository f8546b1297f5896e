/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An error is a negative code and a sentence, made once where it happens, with the values in
 * 'quotes'; callers add context in front. Functions that fail return the code; reterr, always the
 * last argument, may be NULL.
 */
#ifndef ASB_BASE_ERROR_H
#define ASB_BASE_ERROR_H

#include "base/macros.h"

struct error {
	int code; /* 0, a negative errno, or ASB_* of plugin.h */
	char text[512];
};

/* Fills *reterr and returns code: return error_set(reterr, -EINVAL, "no such kind '%s'", name); */
int error_set(struct error *reterr, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Puts "<context>: " in front of the text and returns the code it holds. */
int error_prefix(struct error *reterr, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
