/* SPDX-License-Identifier: Apache-2.0 */
/* Fills in templates. Called by the router for HAProxy's configuration, and by local mode for the
 * objects that it makes. */
#include "config.h"

#include "base/template.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define IF "#if "
#define END "#end"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"

static const char *template_value(const struct template_value *values, const char *name,
				  size_t length, struct error *reterr)
{
	for (; values->name != NULL; values++) {
		if (strlen(values->name) == length && memcmp(values->name, name, length) == 0) {
			return values->value != NULL ? values->value : "";
		}
	}
	error_set(reterr, -EINVAL, "unknown name '%.*s' in a template", (int)length, name);
	return NULL;
}

static int template_check(const struct template_value *values, struct error *reterr)
{
	for (; values->name != NULL; values++) {
		const char *at = values->value != NULL ? values->value : "";

		for (; *at != '\0'; at++) {
			unsigned char c = (unsigned char)*at;

			if (c < ' ' || c == 0x7f || c == '"' || c == '\'' || c == '\\') {
				return error_set(
					reterr, -EINVAL,
					"the value of '%s' has a quote, a backslash or a control character",
					values->name);
			}
		}
	}
	return 0;
}

static int template_line(const char *line, size_t length, const struct template_value *values,
			 struct buf *out, struct error *reterr)
{
	const char *end = line + length, *at;

	while ((at = memchr(line, '@', (size_t)(end - line))) != NULL) {
		const char *name = at + 1;
		size_t name_length = strspn(name, NAME_CHARACTERS);

		if (name_length == 0 || name[name_length] != '@') {
			return error_set(reterr, -EINVAL, "'@' without a name in a template");
		}

		const char *value = template_value(values, name, name_length, reterr);

		if (value == NULL) {
			return -EINVAL;
		}
		buf_append(out, line, (size_t)(at - line));
		buf_append_str(out, value);
		line = name + name_length + 1;
	}
	buf_append(out, line, (size_t)(end - line));
	return 0;
}

int template_fill(const char *template, const struct template_value *values, struct buf *out,
		  struct error *reterr)
{
	int code = template_check(values, reterr);
	bool skipping = false;

	for (const char *line = template, *next; code == 0 && *line != '\0'; line = next) {
		size_t length = strcspn(line, "\n");

		next = line + length + (line[length] == '\n' ? 1 : 0);
		if (strncmp(line, IF, strlen(IF)) == 0) {
			const char *value = template_value(values, line + strlen(IF),
							   length - strlen(IF), reterr);

			code = value != NULL ? 0 : -EINVAL;
			skipping = value != NULL && *value == '\0';
		} else if (length == strlen(END) && strncmp(line, END, length) == 0) {
			skipping = false;
		} else if (!skipping) {
			code = template_line(line, (size_t)(next - line), values, out, reterr);
		}
	}
	if (code == 0 && out->failed) {
		code = error_set(reterr, -ENOSPC, "the text made from a template is too long");
	}
	return code;
}
