/* SPDX-License-Identifier: Apache-2.0 */
/* Where a kubeconfig is found: named, in the environment, around us (in a pod), at home. The
 * programs' mains load it first of all things. */
#include "config.h"

#include "core/config/kubeconfig.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

#define SERVICE_ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount"
#define NAMESPACE_MAX 253

int kubeconfig_parse(const char *text, size_t length, const char *base, struct kubeconfig *ret,
		     struct error *reterr)
{
	CLEANUP(kubeconfig_files_finish) struct kubeconfig_files files = { .count = 0 };
	int code = kubeconfig_files_add(&files, text, length, base, reterr);

	return code < 0 ? code : kubeconfig_resolve(&files, ret, reterr);
}

/* ---- files ---- */

static int kubeconfig_add_file(struct kubeconfig_files *files, const char *path,
			       struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(KUBECONFIG_SIZE_MAX);
	const char *slash = strrchr(path, '/');
	CLEANUP_FREE char *directory =
		slash == NULL ? xstrdup(".")
			      : xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
	int code = kubeconfig_read(path, &text, reterr);

	if (code < 0) {
		return code;
	}
	code = kubeconfig_files_add(files, buf_str(&text), text.length, directory, reterr);
	if (code < 0) {
		error_prefix(reterr, "kubeconfig '%.256s'", path);
	}
	return code;
}

static int kubeconfig_load_one(const char *path, struct kubeconfig *ret, struct error *reterr)
{
	CLEANUP(kubeconfig_files_finish) struct kubeconfig_files files = { .count = 0 };
	int code = kubeconfig_add_file(&files, path, reterr);

	if (code < 0) {
		return code;
	}
	code = kubeconfig_resolve(&files, ret, reterr);
	if (code < 0) {
		error_prefix(reterr, "kubeconfig '%.256s'", path);
	}
	return code;
}

/* $KUBECONFIG: files that are not there are passed over. *ret_any: one was there. */
static int kubeconfig_load_list(const char *list, bool *ret_any, struct kubeconfig *ret,
				struct error *reterr)
{
	CLEANUP(kubeconfig_files_finish) struct kubeconfig_files files = { .count = 0 };

	while (*list != '\0') {
		size_t length = strcspn(list, ":");
		CLEANUP_FREE char *path = xstrndup(list, length);
		int code = length == 0 || access(path, F_OK) < 0
				   ? 0
				   : kubeconfig_add_file(&files, path, reterr);

		if (code < 0) {
			return code;
		}
		list += length;
		list += *list == ':';
	}
	*ret_any = files.count > 0;
	if (files.count == 0) {
		return 0;
	}

	int code = kubeconfig_resolve(&files, ret, reterr);

	if (code < 0) {
		error_prefix(reterr, "$KUBECONFIG");
	}
	return code;
}

/* ---- in a pod ---- */

int kubeconfig_in_cluster(const char *directory, const char *host, const char *port,
			  struct kubeconfig *ret, struct error *reterr)
{
	char *token_file CLEANUP_FREE = xprintf("%s/token", directory),
			 *ca_file CLEANUP_FREE = xprintf("%s/ca.crt", directory);
	CLEANUP_FREE char *namespace_file = xprintf("%s/namespace", directory);
	CLEANUP_BUF struct buf name = BUF_INIT(NAMESPACE_MAX + 2);
	bool v6 = strchr(host, ':') != NULL && host[0] != '[';

	if (access(token_file, R_OK) < 0) {
		return error_set(
			reterr, -errno,
			"in a cluster, but the service account's token '%.256s' is not readable: %s",
			token_file, strerror(errno));
	}
	if (kubeconfig_read(namespace_file, &name, NULL) < 0) {
		buf_clear(&name);
	}

	size_t length = strcspn(buf_str(&name), " \t\r\n");

	*ret = (struct kubeconfig){
		.server = xprintf("https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port),
		.token_file = TAKE(token_file),
		.ca_file = access(ca_file, R_OK) == 0 ? TAKE(ca_file) : NULL,
		.namespace_ = length > 0 ? xstrndup(buf_str(&name), length) : NULL,
		.in_cluster = true,
	};
	return 0;
}

static const char *kubeconfig_variable(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && value[0] != '\0' ? value : NULL;
}

int kubeconfig_load(const char *path, struct kubeconfig *ret, struct error *reterr)
{
	const char *list = kubeconfig_variable("KUBECONFIG"), *home = kubeconfig_variable("HOME");
	const char *host = kubeconfig_variable("KUBERNETES_SERVICE_HOST"),
		   *port = kubeconfig_variable("KUBERNETES_SERVICE_PORT");
	bool any = false;

	if (path != NULL && path[0] != '\0') {
		return kubeconfig_load_one(path, ret, reterr);
	}
	if (list != NULL) {
		int code = kubeconfig_load_list(list, &any, ret, reterr);

		if (code < 0 || any) {
			return code;
		}
	}
	if (host != NULL && port != NULL) {
		return kubeconfig_in_cluster(SERVICE_ACCOUNT, host, port, ret, reterr);
	}

	CLEANUP_FREE char *at_home = home != NULL ? xprintf("%s/.kube/config", home) : NULL;

	if (at_home != NULL && access(at_home, F_OK) == 0) {
		return kubeconfig_load_one(at_home, ret, reterr);
	}
	return error_set(
		reterr, -ENOENT,
		"no kubeconfig found: give --kubeconfig, or set $KUBECONFIG, or write ~/.kube/config; this process does not run in a cluster either");
}
