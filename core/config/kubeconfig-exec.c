/* SPDX-License-Identifier: Apache-2.0 */
/* The exec plugin of a kubeconfig's user: which program to run, how. Read by kubeconfig-user.c, run
 * by core/config/exec-credential. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>

#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

#define EXEC_WORDS_MAX 1024 /* arguments, and variables */

static int exec_read_args(const struct kubeconfig_entry *exec, struct exec_config *config,
			  struct error *reterr)
{
	struct json_object *args = asb_at(exec->value, "args");

	if ((args != NULL && asb_array(exec->value, "args") == NULL) ||
	    asb_length(args) > EXEC_WORDS_MAX) {
		return kubeconfig_bad(exec, reterr, "'exec.args' is not a list of up to %d strings",
				      EXEC_WORDS_MAX);
	}
	for (size_t i = 0; i < asb_length(args); i++) {
		const char *word = asb_as_str(json_object_array_get_idx(args, i));

		if (word == NULL) {
			return kubeconfig_bad(
				exec, reterr,
				"'exec.args' holds something that is not a string (put it in quotes)");
		}
		kubeconfig_list_add(&config->args, xstrdup(word));
	}
	return 0;
}

static int exec_read_env(const struct kubeconfig_entry *exec, struct exec_config *config,
			 struct error *reterr)
{
	struct json_object *env = asb_at(exec->value, "env");

	if ((env != NULL && asb_array(exec->value, "env") == NULL) ||
	    asb_length(env) > EXEC_WORDS_MAX) {
		return kubeconfig_bad(exec, reterr,
				      "'exec.env' is not a list of up to %d variables",
				      EXEC_WORDS_MAX);
	}
	for (size_t i = 0; i < asb_length(env); i++) {
		struct json_object *variable = json_object_array_get_idx(env, i);
		const char *name = asb_str(variable, "name"), *value = asb_str(variable, "value");

		if (name == NULL || name[0] == '\0' || strchr(name, '=') != NULL || value == NULL) {
			return kubeconfig_bad(
				exec, reterr,
				"'exec.env' holds something that is not a name and a value, both strings");
		}
		kubeconfig_list_add(&config->env, xprintf("%s=%s", name, value));
	}
	return 0;
}

/* A plugin that needs a terminal is refused: a controller has no user who could type. */
static int exec_check_interactive(const struct kubeconfig_entry *exec, const char *api_version,
				  struct error *reterr)
{
	const char *mode;
	int code = kubeconfig_text(exec, "interactiveMode", &mode, reterr);

	if (code < 0) {
		return code;
	}
	if (mode == NULL && strcmp(api_version, "client.authentication.k8s.io/v1") == 0) {
		return kubeconfig_bad(exec, reterr, "'exec.interactiveMode' is missing");
	}
	if (asb_streq(mode, "Always")) {
		return kubeconfig_bad(exec, reterr,
				      "the exec plugin always asks its user, and here is none");
	}
	if (mode != NULL && strcmp(mode, "Never") != 0 && strcmp(mode, "IfAvailable") != 0) {
		return kubeconfig_bad(exec, reterr,
				      "'exec.interactiveMode' is not Never, IfAvailable or Always");
	}
	return 0;
}

static int exec_check_version(const struct kubeconfig_entry *exec, const char *api_version,
			      struct error *reterr)
{
	if (!asb_streq(api_version, "client.authentication.k8s.io/v1") &&
	    !asb_streq(api_version, "client.authentication.k8s.io/v1beta1")) {
		return kubeconfig_bad(
			exec, reterr,
			"'exec.apiVersion' is neither v1 nor v1beta1 of client.authentication.k8s.io");
	}
	return 0;
}

/* With a slash it is a path, relative to the file that names it; without one it is looked up in
 * PATH. */
static int exec_read_command(const struct kubeconfig_entry *exec, struct exec_config *config,
			     struct error *reterr)
{
	const char *command;
	int code = kubeconfig_text(exec, "command", &command, reterr);

	if (code == 0 && command == NULL) {
		return kubeconfig_bad(exec, reterr, "'exec.command' is missing");
	}
	if (code == 0) {
		config->command = strchr(command, '/') != NULL
					  ? kubeconfig_path(exec->directory, command)
					  : xstrdup(command);
	}
	return code;
}

int kubeconfig_exec(const struct kubeconfig_entry *user, struct json_object *value,
		    struct exec_config *ret, struct error *reterr)
{
	struct kubeconfig_entry exec = *user;
	int code;

	exec.value = value;
	if (!json_object_is_type(value, json_type_object)) {
		return kubeconfig_bad(user, reterr, "'exec' is not a map");
	}
	code = exec_read_command(&exec, ret, reterr);
	if (code == 0) {
		code = kubeconfig_copy(&exec, "apiVersion", &ret->api_version, reterr);
	}
	if (code == 0) {
		code = exec_check_version(&exec, ret->api_version, reterr);
	}
	if (code == 0) {
		code = exec_check_interactive(&exec, ret->api_version, reterr);
	}
	if (code == 0) {
		code = kubeconfig_copy(&exec, "installHint", &ret->install_hint, reterr);
	}
	if (code == 0) {
		code = kubeconfig_bool(&exec, "provideClusterInfo", &ret->provide_cluster_info,
				       reterr);
	}
	if (code == 0) {
		code = exec_read_args(&exec, ret, reterr);
	}
	return code < 0 ? code : exec_read_env(&exec, ret, reterr);
}
