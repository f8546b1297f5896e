/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of kubeconfigs share: single members of entries, with errors that name the entry
 * and the member but never a value. The readers of clusters, users and exec plugins are made of
 * these. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

int kubeconfig_bad(const struct kubeconfig_entry *entry, struct error *reterr, const char *format,
		   ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return error_set(reterr, -EINVAL, "%s '%.128s': %s", entry->what, entry->name, text);
}

int kubeconfig_text(const struct kubeconfig_entry *entry, const char *name, const char **ret,
		    struct error *reterr)
{
	struct json_object *value = asb_at(entry->value, name);

	*ret = NULL;
	if (value == NULL) {
		return 0;
	}
	if (!json_object_is_type(value, json_type_string)) {
		return kubeconfig_bad(entry, reterr, "'%s' is not a string (put it in quotes)",
				      name);
	}
	if (json_has_nul(value)) {
		return kubeconfig_bad(entry, reterr, "'%s' holds a NUL", name);
	}
	if (json_object_get_string_len(value) > 0) {
		*ret = json_object_get_string(value);
	}
	return 0;
}

int kubeconfig_bool(const struct kubeconfig_entry *entry, const char *name, bool *ret,
		    struct error *reterr)
{
	struct json_object *value = asb_at(entry->value, name);

	if (value != NULL && !json_object_is_type(value, json_type_boolean)) {
		return kubeconfig_bad(entry, reterr, "'%s' is neither true nor false", name);
	}
	*ret = asb_true(value);
	return 0;
}

int kubeconfig_copy(const struct kubeconfig_entry *entry, const char *name, char **ret,
		    struct error *reterr)
{
	const char *text;
	int code = kubeconfig_text(entry, name, &text, reterr);

	if (code == 0 && text != NULL) {
		free(*ret);
		*ret = xstrdup(text);
	}
	return code;
}

int kubeconfig_copy_path(const struct kubeconfig_entry *entry, const char *name, char **ret,
			 struct error *reterr)
{
	const char *text;
	int code = kubeconfig_text(entry, name, &text, reterr);

	if (code == 0 && text != NULL) {
		free(*ret);
		*ret = kubeconfig_path(entry->directory, text);
	}
	return code;
}

int kubeconfig_copy_pem(const struct kubeconfig_entry *entry, const char *name, char **ret,
			struct error *reterr)
{
	const char *text;
	CLEANUP_BUF struct buf pem = BUF_INIT(KUBECONFIG_SIZE_MAX);
	int code = kubeconfig_text(entry, name, &text, reterr);

	if (code < 0 || text == NULL) {
		return code;
	}
	if (base64_decode(text, strlen(text), &pem) < 0 || strlen(buf_str(&pem)) != pem.length) {
		return kubeconfig_bad(entry, reterr, "'%s' is not base64 of text", name);
	}
	if (strstr(buf_str(&pem), "-----BEGIN ") == NULL) {
		return kubeconfig_bad(entry, reterr, "'%s' is not in PEM form", name);
	}
	free(*ret);
	*ret = buf_take(&pem);
	return 0;
}

void kubeconfig_list_add(char ***list, char *take_text)
{
	size_t count = 0;

	while (*list != NULL && (*list)[count] != NULL) {
		count++;
	}
	*list = xrealloc(*list, (count + 2) * sizeof(**list));
	(*list)[count] = take_text;
	(*list)[count + 1] = NULL;
}

void kubeconfig_list_free(char ***list)
{
	for (size_t i = 0; *list != NULL && (*list)[i] != NULL; i++) {
		free((*list)[i]);
	}
	free(*list);
	*list = NULL;
}

char *kubeconfig_path(const char *directory, const char *path)
{
	return path[0] == '/' || directory[0] == '\0' ? xstrdup(path)
						      : xprintf("%s/%s", directory, path);
}

static void kubeconfig_free_secret(char *text)
{
	if (text != NULL) {
		explicit_bzero(text, strlen(text));
	}
	free(text);
}

void kubeconfig_finish(struct kubeconfig *config)
{
	struct exec_config *exec = &config->exec;

	free(config->server);
	free(config->tls_server_name);
	free(config->ca_pem);
	free(config->ca_file);
	free(config->unix_socket);
	kubeconfig_free_secret(config->proxy_url);
	kubeconfig_free_secret(config->token);
	free(config->token_file);
	free(config->username);
	kubeconfig_free_secret(config->password);
	free(config->certificate_pem);
	free(config->certificate_file);
	kubeconfig_free_secret(config->key_pem);
	free(config->key_file);
	kubeconfig_list_free(&config->headers);
	free(config->namespace_);
	free(exec->command);
	kubeconfig_list_free(&exec->args);
	kubeconfig_list_free(&exec->env);
	free(exec->api_version);
	free(exec->install_hint);
	free(exec->cluster_config);
	*config = (struct kubeconfig){ 0 };
}
