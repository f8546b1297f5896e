/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Structured logs: one line an event on stderr, text ("time level message key=value") or JSON. A
 * line over 8 KiB is cut. Callers never pass a secret or a whole object. The level is the one
 * global of this project.
 */
#ifndef ASB_CORE_OBSERVE_LOG_H
#define ASB_CORE_OBSERVE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

enum log_level { LOG_ERROR = 1, LOG_WARNING, LOG_INFO, LOG_DEBUG }; /* the numbers of ASB_LOG_* */

void log_set_level(enum log_level level);
void log_set_json(bool json);
/* Both from flags: --log-format (text, json), --log-level (error, warning, info, debug); -EINVAL
 * and *reterr for another word. */
int log_set_up(const char *format, const char *level, struct error *reterr);
bool log_enabled(enum log_level level);

/* fields: "key", "value" pairs ending in NULL, or NULL. A NULL value leaves its pair out. */
void log_write(enum log_level level, const char *const *fields, const char *format, ...)
	PRINTF_LIKE(3, 4);

#define log_error(...) log_write(LOG_ERROR, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_WARNING, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, NULL, __VA_ARGS__)

#endif
