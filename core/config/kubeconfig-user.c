/* SPDX-License-Identifier: Apache-2.0 */
/* The user of a kubeconfig: how we prove who we are, and whom we act as. Read by kubeconfig-files.c
 * for the current context. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

#define HEADERS_MAX 256 /* Impersonate-* of one user */

static bool user_one_line(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

/* ---- proof ---- */

static int user_read_certificate(const struct kubeconfig_entry *entry, struct kubeconfig *config,
				 struct error *reterr)
{
	int code = kubeconfig_copy_pem(entry, "client-certificate-data", &config->certificate_pem,
				       reterr);

	if (code == 0 && config->certificate_pem == NULL) {
		code = kubeconfig_copy_path(entry, "client-certificate", &config->certificate_file,
					    reterr);
	}
	if (code == 0) {
		code = kubeconfig_copy_pem(entry, "client-key-data", &config->key_pem, reterr);
	}
	if (code == 0 && config->key_pem == NULL) {
		code = kubeconfig_copy_path(entry, "client-key", &config->key_file, reterr);
	}
	if (code < 0) {
		return code;
	}

	bool certificate = config->certificate_pem != NULL || config->certificate_file != NULL;
	bool key = config->key_pem != NULL || config->key_file != NULL;

	if (certificate != key) {
		return kubeconfig_bad(entry, reterr, "a client %s is given without a %s",
				      certificate ? "certificate" : "key",
				      certificate ? "key" : "certificate");
	}
	return 0;
}

static int user_read_token(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			   struct error *reterr)
{
	int code = kubeconfig_copy(entry, "token", &config->token, reterr);

	if (code == 0) {
		code = kubeconfig_copy_path(entry, "tokenFile", &config->token_file, reterr);
	}
	if (code == 0) {
		code = kubeconfig_copy(entry, "username", &config->username, reterr);
	}
	if (code == 0) {
		code = kubeconfig_copy(entry, "password", &config->password, reterr);
	}
	if (code < 0) {
		return code;
	}
	if (config->token != NULL && !user_one_line(config->token)) {
		return kubeconfig_bad(entry, reterr, "'token' holds a control character");
	}
	if ((config->token != NULL || config->token_file != NULL) &&
	    (config->username != NULL || config->password != NULL)) {
		return kubeconfig_bad(entry, reterr, "a token and a password exclude each other");
	}
	return 0;
}

/* ---- impersonation ---- */

static int user_add_header(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			   size_t *count, const char *name, struct json_object *value,
			   struct error *reterr)
{
	if (!json_object_is_type(value, json_type_string) ||
	    !user_one_line(json_object_get_string(value))) {
		return kubeconfig_bad(entry, reterr,
				      "a value to act as is not a string of one line");
	}
	if (++*count > HEADERS_MAX) {
		return kubeconfig_bad(entry, reterr, "there are more than %d values to act as",
				      HEADERS_MAX);
	}
	kubeconfig_list_add(&config->headers,
			    xprintf("%s: %s", name, json_object_get_string(value)));
	return 0;
}

/* A name becomes part of a header's: small letters, what may not stand there as %XX. */
static char *user_extra_name(const char *key)
{
	static const char hex[] = "0123456789ABCDEF", fine[] = "!#$&'*+-.^_`|~";
	static const char prefix[] = "Impersonate-Extra-";
	char *name = xalloc(sizeof(prefix) + 3 * strlen(key)), *out = name + sizeof(prefix) - 1;

	memcpy(name, prefix, sizeof(prefix) - 1);
	for (; *key != '\0'; key++) {
		unsigned char c = (unsigned char)*key;

		if (c < 0x80 && (isalnum(c) || strchr(fine, c) != NULL)) {
			*out++ = (char)tolower(c);
		} else {
			*out++ = '%';
			*out++ = hex[c >> 4];
			*out++ = hex[c & 15];
		}
	}
	return name;
}

static int user_add_list(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			 size_t *count, const char *name, struct json_object *list,
			 struct error *reterr)
{
	if (list != NULL && !json_object_is_type(list, json_type_array)) {
		return kubeconfig_bad(entry, reterr, "the values to act as are not lists");
	}
	for (size_t i = 0; i < asb_length(list); i++) {
		int code = user_add_header(entry, config, count, name,
					   json_object_array_get_idx(list, i), reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

static int user_add_extra(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			  size_t *count, struct json_object *extra, struct error *reterr)
{
	if (extra == NULL) {
		return 0;
	}
	if (!json_object_is_type(extra, json_type_object)) {
		return kubeconfig_bad(entry, reterr, "'as-user-extra' is not a map");
	}
	json_object_object_foreach (extra, key, list) {
		CLEANUP_FREE char *name = user_extra_name(key);
		int code = user_add_list(entry, config, count, name, list, reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}

/* Files say "as"; "act-as" is what Kubernetes' own sources call it, and files made by hand have
 * that too. */
static struct json_object *user_as_member(const struct kubeconfig_entry *entry, const char *name)
{
	struct json_object *value = asb_at(entry->value, name);
	char long_name[64];

	if (value == NULL) {
		snprintf(long_name, sizeof(long_name), "act-%s", name);
		value = asb_at(entry->value, long_name);
	}
	return value;
}

static int user_read_impersonation(const struct kubeconfig_entry *entry, struct kubeconfig *config,
				   struct error *reterr)
{
	struct json_object *user = user_as_member(entry, "as"),
			   *uid = user_as_member(entry, "as-uid");
	struct json_object *groups = user_as_member(entry, "as-groups"),
			   *extra = user_as_member(entry, "as-user-extra");
	size_t count = 0;
	int code = 0;

	if (user == NULL && (uid != NULL || groups != NULL || extra != NULL)) {
		return kubeconfig_bad(entry, reterr,
				      "a uid, groups or extras to act as need 'as', a user");
	}
	if (user != NULL) {
		code = user_add_header(entry, config, &count, "Impersonate-User", user, reterr);
	}
	if (code == 0 && uid != NULL) {
		code = user_add_header(entry, config, &count, "Impersonate-Uid", uid, reterr);
	}
	if (code == 0) {
		code = user_add_list(entry, config, &count, "Impersonate-Group", groups, reterr);
	}
	return code < 0 ? code : user_add_extra(entry, config, &count, extra, reterr);
}

/* ---- all of it ---- */

int kubeconfig_user(const struct kubeconfig_entry *entry, struct kubeconfig *config,
		    struct error *reterr)
{
	struct json_object *provider = asb_at(entry->value, "auth-provider"),
			   *exec = asb_at(entry->value, "exec");
	const char *name = asb_str(provider, "name");
	int code;

	if (provider != NULL) {
		kubeconfig_bad(
			entry, reterr,
			"'auth-provider' (%.64s) is not supported, as in other clients since 1.26: use an exec plugin",
			name != NULL ? name : "without a name");
		if (reterr != NULL) {
			reterr->code = -ENOTSUP;
		}
		return -ENOTSUP;
	}
	code = user_read_certificate(entry, config, reterr);
	if (code == 0) {
		code = user_read_token(entry, config, reterr);
	}
	if (code == 0) {
		code = user_read_impersonation(entry, config, reterr);
	}
	return code < 0 || exec == NULL ? code
					: kubeconfig_exec(entry, exec, &config->exec, reterr);
}
