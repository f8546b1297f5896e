/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the files that options of plugins name. Called by controller/process.c at the start. */
#include "config.h"

#include "controller/option-files.h"

#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "core/observe/log.h"

/* The content of a file, the caller's; *ret is NULL when there is none. */
static int option_files_read_one(const char *path, char **ret, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(ASB_OPTION_FILE_MAX);
	int code = file_read(path, &text);

	*ret = NULL;
	if (code == -ENOENT || code == -ENOTDIR) {
		return 0;
	}
	if (code == -EFBIG) {
		return error_set(reterr, -EINVAL, "the file '%s' is longer than %u bytes", path,
				 ASB_OPTION_FILE_MAX);
	}
	if (code < 0) {
		return error_set(reterr, -EINVAL, "cannot read the file '%s': %s", path,
				 strerror(-code));
	}
	if (strlen(buf_str(&text)) != text.length) {
		return error_set(reterr, -EINVAL,
				 "the file '%s' contains a NUL byte: it is no text", path);
	}
	*ret = buf_take(&text);
	return 0;
}

int option_files_read(const struct plugin *plugin, const char **values, char ***ret_texts,
		      struct error *reterr)
{
	char **texts = xnew_array(char *, plugin->option_count);

	for (uint32_t i = 0; i < plugin->option_count; i++) {
		const struct asb_option *option = &plugin->options[i];
		const char *given = values[i], *path = given != NULL ? given : option->file;

		if (option->file == NULL) {
			continue;
		}
		if (*path != '\0' && option_files_read_one(path, &texts[i], reterr) < 0) {
			error_prefix(reterr, "--%s.%s", plugin->head.name, option->name);
			option_files_free(plugin, texts);
			return -EINVAL;
		}
		if (given != NULL && texts[i] == NULL) {
			log_warning("--%s.%s: there is no file '%s', going on with the default",
				    plugin->head.name, option->name, given);
		}
		values[i] = texts[i];
	}
	*ret_texts = texts;
	return 0;
}

void option_files_free(const struct plugin *plugin, char **texts)
{
	for (uint32_t i = 0; texts != NULL && i < plugin->option_count; i++) {
		free(texts[i]);
	}
	free(texts);
}
