/* SPDX-License-Identifier: Apache-2.0 */
/* Kubeconfig files as a list in which the first to set a name wins, and what their current context
 * comes to. Used by kubeconfig.c, which knows where files are. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"
#include "core/config/kubeconfig-private.h"

/* ---- files ---- */

int kubeconfig_read(const char *path, struct buf *out, struct error *reterr)
{
	int code = file_read(path, out);

	if (code == -EFBIG) {
		return error_set(reterr, code, "'%.256s' is larger than %zu bytes", path,
				 out->ceiling);
	}
	return code == 0
		       ? 0
		       : error_set(reterr, code, "cannot read '%.256s': %s", path, strerror(-code));
}

/* The one document of a text, which may be none at all: an empty file sets nothing. */
static struct json_object *files_parse_one(const char *text, size_t length, struct error *reterr)
{
	CLEANUP_JSON struct json_object *documents = yaml_parse_all(text, length, reterr);

	if (documents == NULL) {
		return NULL;
	}
	if (json_object_array_length(documents) == 0) {
		return json_object_new_object();
	}

	struct json_object *first = json_object_array_get_idx(documents, 0);

	if (json_object_array_length(documents) > 1 ||
	    !json_object_is_type(first, json_type_object)) {
		error_set(reterr, -EINVAL, "not a kubeconfig: its text is not one map");
		return NULL;
	}
	return json_object_get(first);
}

int kubeconfig_files_add(struct kubeconfig_files *files, const char *text, size_t length,
			 const char *directory, struct error *reterr)
{
	if (files->count == KUBECONFIG_FILES_MAX || length > KUBECONFIG_SIZE_MAX) {
		return error_set(reterr, -E2BIG, "more than %d files, or one over %u bytes",
				 KUBECONFIG_FILES_MAX, KUBECONFIG_SIZE_MAX);
	}

	CLEANUP_JSON struct json_object *tree = files_parse_one(text, length, reterr);

	if (tree == NULL) {
		return -EINVAL;
	}

	struct json_object *kind = asb_at(tree, "kind"), *version = asb_at(tree, "apiVersion");

	if ((kind != NULL && !asb_streq(asb_as_str(kind), "Config")) ||
	    (version != NULL && !asb_streq(asb_as_str(version), "v1"))) {
		return error_set(reterr, -EINVAL, "not a kubeconfig: its kind is not Config of v1");
	}
	files->list[files->count++] =
		(struct kubeconfig_file){ .tree = TAKE(tree), .directory = xstrdup(directory) };
	return 0;
}

void kubeconfig_files_finish(struct kubeconfig_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		json_object_put(files->list[i].tree);
		free(files->list[i].directory);
	}
	files->count = 0;
}

/* ---- the current context ---- */

/* Finds the first entry of that name in lists like { name: x, <what>: { ... } }. */
static int kubeconfig_files_find(const struct kubeconfig_files *files, const char *list_name,
				 const char *what, const char *name, struct kubeconfig_entry *ret,
				 struct error *reterr)
{
	for (size_t i = 0; i < files->count; i++) {
		struct json_object *list = asb_array(files->list[i].tree, list_name);

		for (size_t k = 0; k < asb_length(list); k++) {
			struct json_object *item = json_object_array_get_idx(list, k);

			if (!asb_streq(asb_str(item, "name"), name)) {
				continue;
			}
			*ret = (struct kubeconfig_entry){ .value = asb_at(item, what),
							  .directory = files->list[i].directory,
							  .what = what,
							  .name = name };
			if (!json_object_is_type(ret->value, json_type_object)) {
				return kubeconfig_bad(ret, reterr, "not a map");
			}
			return 0;
		}
	}
	return error_set(reterr, -ENOENT, "it has no %s '%.128s'", what, name);
}

static const char *files_current_context(const struct kubeconfig_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *name = asb_str(files->list[i].tree, "current-context");

		if (name != NULL && name[0] != '\0') {
			return name;
		}
	}
	return NULL;
}

/* Finds the configuration that a cluster has for exec plugins: an extension of that name. */
static void files_read_exec_extension(const struct kubeconfig_entry *cluster,
				      struct kubeconfig *config)
{
	struct json_object *list = asb_array(cluster->value, "extensions");
	CLEANUP_BUF struct buf text = BUF_INIT(KUBECONFIG_SIZE_MAX);

	for (size_t i = 0; i < asb_length(list); i++) {
		struct json_object *item = json_object_array_get_idx(list, i);

		if (asb_streq(asb_str(item, "name"), "client.authentication.k8s.io/exec") &&
		    asb_at(item, "extension") != NULL &&
		    json_print(asb_at(item, "extension"), &text) == 0) {
			config->exec.cluster_config = buf_take(&text);
			return;
		}
	}
}

static int kubeconfig_files_resolve(const struct kubeconfig_files *files, struct kubeconfig *config,
				    struct error *reterr)
{
	struct kubeconfig_entry context, cluster, user;
	const char *name = files_current_context(files), *cluster_name, *user_name;

	if (name == NULL) {
		return error_set(reterr, -EINVAL, "no current-context is set");
	}

	int code = kubeconfig_files_find(files, "contexts", "context", name, &context, reterr);

	if (code == 0) {
		code = kubeconfig_copy(&context, "namespace", &config->namespace_, reterr);
	}
	if (code == 0) {
		code = kubeconfig_text(&context, "cluster", &cluster_name, reterr);
	}
	if (code == 0 && cluster_name == NULL) {
		code = kubeconfig_bad(&context, reterr, "'cluster' is missing");
	}
	if (code == 0) {
		code = kubeconfig_files_find(files, "clusters", "cluster", cluster_name, &cluster,
					     reterr);
	}
	if (code == 0) {
		code = kubeconfig_cluster(&cluster, config, reterr);
	}
	if (code == 0) {
		code = kubeconfig_text(&context, "user", &user_name, reterr);
	}
	if (code < 0 || user_name == NULL) {
		return code;
	}
	code = kubeconfig_files_find(files, "users", "user", user_name, &user, reterr);
	if (code == 0) {
		code = kubeconfig_user(&user, config, reterr);
	}
	if (code == 0 && config->exec.provide_cluster_info) {
		files_read_exec_extension(&cluster, config);
	}
	return code;
}

int kubeconfig_resolve(const struct kubeconfig_files *files, struct kubeconfig *ret,
		       struct error *reterr)
{
	struct kubeconfig config = { 0 };
	int code = kubeconfig_files_resolve(files, &config, reterr);

	if (code < 0) {
		kubeconfig_finish(&config);
		return code;
	}
	*ret = config;
	return 0;
}
