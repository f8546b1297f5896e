/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of core/config/kubeconfig share, and what their tests and core/config/credentials
 * look at. */
#ifndef ASB_CORE_CONFIG_KUBECONFIG_PRIVATE_H
#define ASB_CORE_CONFIG_KUBECONFIG_PRIVATE_H

#include <json-c/json.h>

#include "base/buf.h"
#include "core/config/kubeconfig.h"

#define KUBECONFIG_FILES_MAX 64 /* in $KUBECONFIG */

struct kubeconfig_file {
	struct json_object *tree;
	char *directory; /* relative paths in it count from here */
};

/* In the order of $KUBECONFIG. */
struct kubeconfig_files {
	struct kubeconfig_file list[KUBECONFIG_FILES_MAX];
	size_t count;
};

/* A named entry: "user 'x'" of some file. */
struct kubeconfig_entry {
	struct json_object *value;
	const char *directory;
	const char *what, *name; /* for errors */
};

/* kubeconfig-files.c */
int kubeconfig_files_add(struct kubeconfig_files *files, const char *text, size_t length,
			 const char *directory, struct error *reterr);
void kubeconfig_files_finish(struct kubeconfig_files *files);
/* What the current context says; *ret is as it was on failure. */
int kubeconfig_resolve(const struct kubeconfig_files *files, struct kubeconfig *ret,
		       struct error *reterr);
/* Appends a file of at most the buffer's ceiling. */
int kubeconfig_read(const char *path, struct buf *out, struct error *reterr);

/* kubeconfig-fields.c: a member that must be a string; *ret is NULL when it is missing, null or
 * empty. Borrowed. */
int kubeconfig_text(const struct kubeconfig_entry *entry, const char *name, const char **ret,
		    struct error *reterr);
int kubeconfig_bool(const struct kubeconfig_entry *entry, const char *name, bool *ret,
		    struct error *reterr);
/* The same as a copy: text, a path, or base64 of PEM text. */
int kubeconfig_copy(const struct kubeconfig_entry *entry, const char *name, char **ret,
		    struct error *reterr);
int kubeconfig_copy_path(const struct kubeconfig_entry *entry, const char *name, char **ret,
			 struct error *reterr);
int kubeconfig_copy_pem(const struct kubeconfig_entry *entry, const char *name, char **ret,
			struct error *reterr);
/* error_set with the entry's name in front. */
int kubeconfig_bad(const struct kubeconfig_entry *entry, struct error *reterr, const char *format,
		   ...) PRINTF_LIKE(3, 4);
/* path, from directory if it is relative. A string of its own. */
char *kubeconfig_path(const char *directory, const char *path);
/* Appends to a NULL-terminated list of strings. */
void kubeconfig_list_add(char ***list, char *take_text);
void kubeconfig_list_free(char ***list);

/* kubeconfig-cluster.c, kubeconfig-user.c, kubeconfig-exec.c */
int kubeconfig_cluster(const struct kubeconfig_entry *entry, struct kubeconfig *config,
		       struct error *reterr);
int kubeconfig_user(const struct kubeconfig_entry *entry, struct kubeconfig *config,
		    struct error *reterr);
int kubeconfig_exec(const struct kubeconfig_entry *user, struct json_object *exec,
		    struct exec_config *ret, struct error *reterr);

/* kubeconfig.c: as a pod, with the given service and the directory of its service account. */
int kubeconfig_in_cluster(const char *directory, const char *host, const char *port,
			  struct kubeconfig *ret, struct error *reterr);

#endif
