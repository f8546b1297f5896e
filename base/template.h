/* SPDX-License-Identifier: Apache-2.0 */
/* Fills in text files that scripts/embed.sh built into a program: configurations and objects. */
#ifndef ASB_BASE_TEMPLATE_H
#define ASB_BASE_TEMPLATE_H

#include "base/buf.h"
#include "base/error.h"

struct template_value {
	const char *name;  /* capital letters, digits and '_' */
	const char *value; /* NULL is "" */
};

/*
 * Appends the template to out. @NAME@ is replaced by the value of NAME. The lines between a line
 * "#if NAME" and the next line "#end" are left out when that value is "".
 *
 * The table of values ends in a NULL name. -EINVAL: the template names something that is not in the
 * table, or is malformed, or a value has a quote, a backslash or a control character, which could
 * end the string or the line that it is in. -ENOSPC: out is full. Both set *reterr.
 */
int template_fill(const char *template, const struct template_value *values, struct buf *out,
		  struct error *reterr);

#endif
