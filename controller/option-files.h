/* SPDX-License-Identifier: Apache-2.0 */
/* Options whose value is the content of a file (asb_option.file). */
#ifndef ASB_CONTROLLER_OPTION_FILES_H
#define ASB_CONTROLLER_OPTION_FILES_H

#include "base/error.h"
#include "core/controller/plugin.h"

/*
 * Reads the files of a plugin's options. values has a pointer for each option, as options_for_plugin
 * makes it: the path that a flag gives, or NULL for the option's own path. Each of them becomes the
 * content of the file, or NULL (the fallback) if there is no such file. *ret_texts holds the
 * contents, option_count of them: option_files_free. -EINVAL and *reterr for a file that cannot be
 * read, is longer than ASB_OPTION_FILE_MAX bytes, or contains a NUL.
 */
int option_files_read(const struct plugin *plugin, const char **values, char ***ret_texts,
		      struct error *reterr);
void option_files_free(const struct plugin *plugin, char **texts);

#endif
