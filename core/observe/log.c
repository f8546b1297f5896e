/* SPDX-License-Identifier: Apache-2.0 */
/* Writes log lines to stderr, each whole and with one write. Called by everything from core
 * upwards, from any thread. */
#include "config.h"

#include "core/observe/log.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

#define LINE_MAX_BYTES 8192
#define MESSAGE_MAX 4096
#define TAIL 8 /* kept free for what ends a line: quote, "...", brace, newline */
#define JSON_FLAG 16u

/* The level, and JSON_FLAG: the one global of this project. */
static _Atomic unsigned int settings = LOG_INFO;

static const char *const level_names[] = { "", "error", "warning", "info", "debug" };

void log_set_level(enum log_level level)
{
	atomic_store(&settings, (atomic_load(&settings) & JSON_FLAG) | (unsigned int)level);
}

void log_set_json(bool json)
{
	atomic_store(&settings, (atomic_load(&settings) & ~JSON_FLAG) | (json ? JSON_FLAG : 0u));
}

int log_set_up(const char *format, const char *level, struct error *reterr)
{
	if (strcmp(format, "json") == 0) {
		log_set_json(true);
	} else if (strcmp(format, "text") != 0) {
		return error_set(reterr, -EINVAL, "--log-format takes text or json, not '%s'",
				 format);
	}
	for (enum log_level i = LOG_ERROR; i <= LOG_DEBUG; i++) {
		if (strcmp(level, level_names[i]) == 0) {
			log_set_level(i);
			return 0;
		}
	}
	return error_set(reterr, -EINVAL,
			 "--log-level takes error, warning, info or debug, not '%s'", level);
}

bool log_enabled(enum log_level level)
{
	return (unsigned int)level <= (atomic_load(&settings) & ~JSON_FLAG);
}

struct line {
	char data[LINE_MAX_BYTES];
	size_t length;
	bool full; /* something did not fit */
};

static void log_put(struct line *line, const char *data, size_t length)
{
	if (line->full || line->length + length > sizeof(line->data) - TAIL) {
		line->full = true;
		return;
	}
	memcpy(line->data + line->length, data, length);
	line->length += length;
}

static void log_put_str(struct line *line, const char *text)
{
	log_put(line, text, strlen(text));
}

/* For the end of a line: TAIL is kept free for it. */
static void log_put_tail(struct line *line, const char *text)
{
	size_t length = strlen(text);

	memcpy(line->data + line->length, text, length);
	line->length += length;
}

/* Text that cannot end the line or a quoted string: control bytes and bytes that are no UTF-8 are
 * escaped or replaced. */
static void log_put_escaped(struct line *line, const char *text, bool quoted)
{
	while (*text != '\0' && !line->full) {
		size_t length = utf8_length(text);
		char escape[8];

		if (length == 0) {
			log_put_str(line, "\xef\xbf\xbd");
			text++;
			continue;
		}
		if (quoted && (*text == '"' || *text == '\\')) {
			snprintf(escape, sizeof(escape), "\\%c", *text);
			log_put_str(line, escape);
		} else if (*text == '\n') {
			log_put_str(line, "\\n");
		} else if ((unsigned char)*text < 0x20 || *text == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u00%02x",
				 (unsigned int)(unsigned char)*text);
			log_put_str(line, escape);
		} else {
			log_put(line, text, length);
		}
		text += length;
	}
}

static void log_put_quoted(struct line *line, const char *text)
{
	log_put_str(line, "\"");
	log_put_escaped(line, text, true);
	log_put_str(line, "\"");
}

/* Log time is for people only, so it is the machine's, in a simulation too. */
static void log_format_now(char ret[32])
{
	struct timespec now = { 0 };
	char seconds[21];

	timespec_get(&now, TIME_UTC);
	asb_time_format((int64_t)now.tv_sec * 1000, seconds);
	snprintf(ret, 32, "%.19s.%03uZ", seconds, (unsigned int)(now.tv_nsec / 1000000) % 1000u);
}

static bool log_needs_quotes(const char *value)
{
	return *value == '\0' || strpbrk(value, " \"\\=\n\t") != NULL;
}

static void log_text_line(struct line *line, const char *now, const char *level,
			  const char *message, const char *const *fields)
{
	log_put_str(line, now);
	log_put_str(line, " ");
	log_put_str(line, level);
	log_put_str(line, " ");
	log_put_escaped(line, message, false);
	for (; fields != NULL && fields[0] != NULL; fields += 2) {
		if (fields[1] == NULL) {
			continue;
		}
		log_put_str(line, " ");
		log_put_str(line, fields[0]);
		log_put_str(line, "=");
		if (log_needs_quotes(fields[1])) {
			log_put_quoted(line, fields[1]);
		} else {
			log_put_escaped(line, fields[1], false);
		}
	}
	log_put_tail(line, line->full ? "...\n" : "\n");
}

static void log_json_line(struct line *line, const char *now, const char *level,
			  const char *message, const char *const *fields)
{
	log_put_str(line, "{\"time\":\"");
	log_put_str(line, now);
	log_put_str(line, "\",\"level\":\"");
	log_put_str(line, level);
	log_put_str(line, "\",\"msg\":\"");
	log_put_escaped(line, message, true);
	log_put_tail(line, line->full ? "...\"" : "\"");
	/* A field goes in whole or not at all: what is cut must still parse. */
	for (; fields != NULL && fields[0] != NULL && !line->full; fields += 2) {
		size_t mark = line->length;

		if (fields[1] == NULL) {
			continue;
		}
		log_put_str(line, ",");
		log_put_quoted(line, fields[0]);
		log_put_str(line, ":");
		log_put_quoted(line, fields[1]);
		if (line->full) {
			line->length = mark;
		}
	}
	log_put_tail(line, "}\n");
}

void log_write(enum log_level level, const char *const *fields, const char *format, ...)
{
	struct line line;
	char message[MESSAGE_MAX], now[32];
	va_list args;

	if (!log_enabled(level) || level < LOG_ERROR || level > LOG_DEBUG) {
		return;
	}
	va_start(args, format);
	if (vsnprintf(message, sizeof(message), format, args) < 0) {
		message[0] = '\0';
	}
	va_end(args);

	line.length = 0;
	line.full = false;
	log_format_now(now);
	if ((atomic_load(&settings) & JSON_FLAG) != 0) {
		log_json_line(&line, now, level_names[level], message, fields);
	} else {
		log_text_line(&line, now, level_names[level], message, fields);
	}
	/* There is nowhere to report that the log cannot be written. */
	if (write(STDERR_FILENO, line.data, line.length) < 0) {
		return;
	}
}
