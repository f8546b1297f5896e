/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the kubeconfig of local mode. Called by local/serving.c once the server listens. */
#include "config.h"

#include "local/kubeconfig-write.h"

#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/memory.h"

#define KUBECONFIG_MAX (64u << 10)

int kubeconfig_write(const char *path, const char *server, const char *ca, const char *token,
		     struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(KUBECONFIG_MAX);
	size_t length = strlen(ca);
	CLEANUP_FREE char *encoded = base64_encode(ca, length);

	if (length > KUBECONFIG_MAX / 2) {
		return error_set(reterr, -E2BIG, "the CA's certificate is too large");
	}
	buf_printf(&text,
		   "apiVersion: v1\nkind: Config\ncurrent-context: agent-sandbox-local\n"
		   "clusters:\n- name: agent-sandbox-local\n  cluster:\n    server: %s\n"
		   "    certificate-authority-data: %s\n"
		   "users:\n- name: agent-sandbox-local\n  user:\n    token: %s\n"
		   "contexts:\n- name: agent-sandbox-local\n  context:\n"
		   "    cluster: agent-sandbox-local\n    user: agent-sandbox-local\n"
		   "    namespace: default\n",
		   server, encoded, token);
	return file_write_private(path, buf_str(&text), text.length, 0600, reterr);
}
