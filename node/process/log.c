/* SPDX-License-Identifier: Apache-2.0 */
/* Logs of containers that are plain processes, out of the two files that their supervisors keep.
 * Called through node/process/process.c's table. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/number.h"
#include "node/process/process-private.h"

#define FOLLOW_MS 200
#define LINE_BYTES 20480u /* longer than any that a supervisor writes */

struct reading {
	const struct runtime_log_options *options;
	int (*bytes)(void *arg, const char *data, size_t length);
	void *arg;
	uint64_t sent, skip; /* skip: lines that tailLines leaves out */
	uint64_t lines;      /* seen, of those that are young enough */
	bool counting;       /* nothing is sent yet */
};

/* One line without its end: 0, or what ends the reading. */
static int log_take_line(struct reading *reading, char *line)
{
	char *text = strchr(line, ' ');
	int64_t ms = 0;
	char stamp[32] = "";
	int code;

	if (text == NULL) {
		return 0;
	}
	*text++ = '\0';
	if (integer_parse(line, 0, INT64_MAX, &ms) < 0 || ms < reading->options->since_ms) {
		return 0;
	}
	if (reading->lines++ < reading->skip || reading->counting) {
		return 0;
	}
	if (reading->options->timestamps) {
		char second[21];

		asb_time_format(ms, second);
		snprintf(stamp, sizeof(stamp), "%.19s.%03dZ ", second, (int)(ms % 1000));
	}

	CLEANUP_FREE char *whole = xprintf("%s%s\n", stamp, text);
	size_t length = strlen(whole);
	uint64_t limit = reading->options->limit_bytes;
	bool full = limit > 0 && reading->sent + length >= limit;

	if (full) {
		length = (size_t)(limit - reading->sent);
	}
	reading->sent += length;
	code = length > 0 ? reading->bytes(reading->arg, whole, length) : 0;
	return code != 0 ? code : full ? -ECANCELED : 0;
}

/* From where the file was left to its last whole line. */
static int log_take_file(struct reading *reading, FILE *file)
{
	CLEANUP_FREE char *line = xalloc(LINE_BYTES);
	int code = 0;

	clearerr(file);
	while (code == 0) {
		long at = ftell(file);
		size_t length;

		if (fgets(line, LINE_BYTES, file) == NULL) {
			break;
		}
		length = strlen(line);
		if (length == 0 || line[length - 1] != '\n') {
			(void)fseek(file, at, SEEK_SET);
			break;
		}
		line[length - 1] = '\0';
		code = log_take_line(reading, line);
	}
	return code;
}

static FILE *log_open(const char *directory, const char *name)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", directory, name);

	return fopen(path, "re");
}

static int log_take_both(struct reading *reading, const char *directory, FILE **ret_file)
{
	FILE *old = log_open(directory, "log.1");
	FILE *file = log_open(directory, "log");
	int code = old != NULL ? log_take_file(reading, old) : 0;

	if (old != NULL) {
		fclose(old);
	}
	if (code == 0 && file != NULL) {
		code = log_take_file(reading, file);
	}
	*ret_file = file;
	return code;
}

static bool log_has_ended(const char *directory)
{
	CLEANUP_JSON struct json_object *end = process_load(directory, "exit.json");

	return end != NULL;
}

int process_logs(struct runtime *runtime, const char *id, const struct runtime_log_options *options,
		 int (*bytes)(void *arg, const char *data, size_t length), void *arg,
		 struct error *reterr)
{
	CLEANUP_FREE char *directory = process_directory(process_of(runtime), id, reterr);
	struct reading reading = { .options = options, .bytes = bytes, .arg = arg };
	FILE *file = NULL;
	int code;

	if (directory == NULL) {
		return -EINVAL;
	}
	if (options->tail_lines >= 0) {
		reading.counting = true;
		(void)log_take_both(&reading, directory, &file);
		if (file != NULL) {
			fclose(file);
		}
		reading.skip = reading.lines > (uint64_t)options->tail_lines
				       ? reading.lines - (uint64_t)options->tail_lines
				       : 0;
		reading.lines = 0;
		reading.counting = false;
	}
	code = log_take_both(&reading, directory, &file);
	while (code == 0 && options->follow && file != NULL) {
		bool ended = log_has_ended(directory);

		code = log_take_file(&reading, file);
		if (ended) {
			break;
		}
		(void)poll(NULL, 0, FOLLOW_MS);
	}
	if (file != NULL) {
		fclose(file);
	}
	return code == -ECANCELED ? 0 : code;
}
