/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the input of exec plugins and reads their output. Called by core/config/credentials when it
 * has no valid credentials; the process itself is exec-credential-spawn.c's. */
#include "config.h"

#include "core/config/exec-credential.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

static void exec_free_secret(char *text)
{
	if (text != NULL) {
		explicit_bzero(text, strlen(text));
	}
	free(text);
}

void exec_credential_finish(struct exec_credential *credential)
{
	exec_free_secret(credential->token);
	free(credential->certificate);
	exec_free_secret(credential->key);
	*credential = (struct exec_credential){ 0 };
}

/* ---- the input of the plugin ---- */

static int exec_add_ca(struct json_object *cluster, const struct kubeconfig *config,
		       struct error *reterr)
{
	CLEANUP_BUF struct buf pem = BUF_INIT(KUBECONFIG_SIZE_MAX);

	if (config->ca_pem != NULL) {
		buf_append_str(&pem, config->ca_pem);
	} else if (config->ca_file != NULL) {
		int code = kubeconfig_read(config->ca_file, &pem, reterr);

		if (code < 0) {
			return code;
		}
	}
	if (pem.length > 0) {
		CLEANUP_FREE char *data = base64_encode(buf_str(&pem), pem.length);

		asb_set_str(cluster, "certificate-authority-data", data);
	}
	return 0;
}

static int exec_add_cluster(struct json_object *spec, const struct kubeconfig *config,
			    struct error *reterr)
{
	struct json_object *cluster = asb_object_in(spec, "cluster");

	asb_set_str(cluster, "server", config->server);
	asb_set_str(cluster, "tls-server-name", config->tls_server_name);
	asb_set_str(cluster, "proxy-url", config->proxy_url);
	if (config->insecure) {
		json_object_object_add(cluster, "insecure-skip-tls-verify",
				       json_object_new_boolean(true));
	}
	if (config->exec.cluster_config != NULL) {
		const char *text = config->exec.cluster_config;
		struct json_object *extension = json_parse(text, strlen(text), NULL);

		json_object_object_add(cluster, "config", extension);
	}
	return exec_add_ca(cluster, config, reterr);
}

int exec_credential_info(const struct kubeconfig *config, struct buf *out, struct error *reterr)
{
	CLEANUP_JSON struct json_object *info = json_object_new_object();
	struct json_object *spec = asb_object_in(info, "spec");
	int code = 0;

	asb_set_str(info, "kind", "ExecCredential");
	asb_set_str(info, "apiVersion", config->exec.api_version);
	json_object_object_add(spec, "interactive", json_object_new_boolean(false));
	if (config->exec.provide_cluster_info) {
		code = exec_add_cluster(spec, config, reterr);
	}
	if (code == 0 && json_print(info, out) < 0) {
		code = error_set(reterr, -E2BIG, "the input of the exec plugin is too large");
	}
	return code;
}

/* ---- what it says ---- */

static bool exec_one_line(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f) {
			return false;
		}
	}
	return true;
}

static const char *exec_member(struct json_object *status, const char *name)
{
	const char *text = asb_str(status, name);

	return text != NULL && text[0] != '\0' ? text : NULL;
}

static int exec_read_status(struct json_object *status, struct exec_credential *ret,
			    struct error *reterr)
{
	const char *token = exec_member(status, "token"),
		   *expiry = exec_member(status, "expirationTimestamp");
	const char *certificate = exec_member(status, "clientCertificateData"),
		   *key = exec_member(status, "clientKeyData");
	int64_t expires_ms = 0;

	if ((certificate == NULL) != (key == NULL)) {
		return error_set(
			reterr, -EINVAL,
			"the exec plugin gave a certificate without a key, or a key alone");
	}
	if (token == NULL && certificate == NULL) {
		return error_set(reterr, -EINVAL,
				 "the exec plugin gave neither a token nor a certificate");
	}
	if (token != NULL && !exec_one_line(token)) {
		return error_set(reterr, -EINVAL,
				 "the exec plugin's token holds a control character");
	}
	if (expiry != NULL && !asb_time_parse(expiry, &expires_ms)) {
		return error_set(reterr, -EINVAL,
				 "the exec plugin's expirationTimestamp is not a time");
	}
	*ret = (struct exec_credential){
		.token = token != NULL ? xstrdup(token) : NULL,
		.certificate = certificate != NULL ? xstrdup(certificate) : NULL,
		.key = key != NULL ? xstrdup(key) : NULL,
		.expires_us = expiry != NULL ? expires_ms * 1000 : EXEC_NEVER,
	};
	return 0;
}

int exec_credential_parse(const char *text, size_t length, const char *api_version,
			  struct exec_credential *ret, struct error *reterr)
{
	CLEANUP_JSON struct json_object *tree = json_parse(text, length, NULL);

	if (tree == NULL) {
		return error_set(reterr, -EINVAL,
				 "the exec plugin did not print one JSON document");
	}
	if (!asb_streq(asb_str(tree, "kind"), "ExecCredential") ||
	    !asb_streq(asb_str(tree, "apiVersion"), api_version)) {
		return error_set(reterr, -EINVAL,
				 "the exec plugin did not print an ExecCredential of '%.64s'",
				 api_version);
	}
	return exec_read_status(asb_at(tree, "status"), ret, reterr);
}

/* ---- running it ---- */

static bool exec_same_variable(const char *a, const char *b)
{
	size_t length = strcspn(a, "=");

	return strncmp(a, b, length + 1) == 0;
}

/* Our environment, with those of the config instead where both have one. */
static char **exec_make_environment(const struct kubeconfig *config, const char *info)
{
	char **env = NULL;
	char **more = config->exec.env;

	for (char **variable = environ; *variable != NULL; variable++) {
		bool given = exec_same_variable("KUBERNETES_EXEC_INFO=", *variable);

		for (size_t i = 0; more != NULL && more[i] != NULL && !given; i++) {
			given = exec_same_variable(more[i], *variable);
		}
		if (!given) {
			kubeconfig_list_add(&env, xstrdup(*variable));
		}
	}
	for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
		kubeconfig_list_add(&env, xstrdup(more[i]));
	}
	kubeconfig_list_add(&env, xprintf("KUBERNETES_EXEC_INFO=%s", info));
	return env;
}

static char **exec_make_arguments(const struct exec_config *exec)
{
	char **argv = NULL;

	kubeconfig_list_add(&argv, xstrdup(exec->command));
	for (size_t i = 0; exec->args != NULL && exec->args[i] != NULL; i++) {
		kubeconfig_list_add(&argv, xstrdup(exec->args[i]));
	}
	return argv;
}

static int exec_run(struct sched *sched, const struct kubeconfig *config, int stop_fd,
		    uint64_t deadline_us, struct exec_credential *ret, struct error *reterr)
{
	struct buf info CLEANUP_BUF = BUF_INIT(KUBECONFIG_SIZE_MAX),
			output CLEANUP_BUF = BUF_INIT(EXEC_OUTPUT_MAX);
	int code = exec_credential_info(config, &info, reterr);

	if (code < 0) {
		return code;
	}

	CLEANUP(kubeconfig_list_free) char **argv = exec_make_arguments(&config->exec);
	CLEANUP(kubeconfig_list_free) char **env = exec_make_environment(config, buf_str(&info));

	code = exec_credential_spawn(sched, argv, env, stop_fd, deadline_us, &output, reterr);
	if (code == 0) {
		code = exec_credential_parse(buf_str(&output), output.length,
					     config->exec.api_version, ret, reterr);
	}
	if (output.data != NULL) {
		explicit_bzero(output.data, output.size);
	}
	return code;
}

int exec_credential_run(struct sched *sched, const struct kubeconfig *config, int stop_fd,
			uint64_t deadline_us, struct exec_credential *ret, struct error *reterr)
{
	int code = exec_run(sched, config, stop_fd, deadline_us, ret, reterr);

	if (code < 0 && reterr != NULL) {
		error_prefix(reterr, "exec plugin '%.128s'", config->exec.command);
		if (code == -ENOENT && config->exec.install_hint != NULL) {
			size_t length = strlen(reterr->text);

			snprintf(reterr->text + length, sizeof(reterr->text) - length, ": %s",
				 config->exec.install_hint);
		}
	}
	return code;
}
