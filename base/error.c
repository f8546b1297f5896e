/* SPDX-License-Identifier: Apache-2.0 */
/* Error texts. Everybody's. */
#include "config.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *reterr, int code, const char *format, ...)
{
	va_list args;

	if (reterr == NULL) {
		return code;
	}
	reterr->code = code;
	va_start(args, format);
	vsnprintf(reterr->text, sizeof(reterr->text), format, args);
	va_end(args);
	return code;
}

int error_prefix(struct error *reterr, const char *format, ...)
{
	char old[sizeof(reterr->text)], context[sizeof(reterr->text)];
	va_list args;

	if (reterr == NULL) {
		return -1;
	}
	memcpy(old, reterr->text, sizeof(old));
	va_start(args, format);
	vsnprintf(context, sizeof(context), format, args);
	va_end(args);
	if (snprintf(reterr->text, sizeof(reterr->text), "%s: %s", context, old) < 0) {
		reterr->text[0] = '\0';
	}
	return reterr->code;
}
