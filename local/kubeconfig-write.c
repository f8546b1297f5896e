/* SPDX-License-Identifier: Apache-2.0 */
/* Small private files, written whole or not at all, and the kubeconfig among them. Certificates,
 * tokens and the command use it. */
#include "config.h"

#include "local/kubeconfig-write.h"

#include "base/buf.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KUBECONFIG_MAX (64u << 10)

static int write_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t done = write(fd, data, length);

		if (done < 0 && errno != EINTR) {
			return -errno;
		}
		data += done > 0 ? done : 0;
		length -= done > 0 ? (size_t)done : 0;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

int private_file_write(const char *path, const void *data, unsigned int length, unsigned int mode,
		       struct error *reterr)
{
	char *temporary CLEANUP_FREE = xprintf("%s.new", path);

	/* A rest of a start that was killed. */
	(void)unlink(temporary);

	int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);

	if (fd < 0) {
		return error_set(reterr, -errno, "cannot create '%s': %s", temporary,
				 strerror(errno));
	}

	int code = write_all(fd, data, length);

	if (close(fd) < 0 && code == 0) {
		code = -errno;
	}
	if (code == 0 && rename(temporary, path) < 0) {
		code = -errno;
	}
	if (code < 0) {
		(void)unlink(temporary);
		return error_set(reterr, code, "cannot write '%s': %s", path, strerror(-code));
	}
	return 0;
}

int kubeconfig_write(const char *path, const char *server, const char *ca, const char *token,
		     struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(KUBECONFIG_MAX);
	size_t length = strlen(ca);
	unsigned char *encoded CLEANUP_FREE = xalloc((length + 2) / 3 * 4 + 1);

	if (length > KUBECONFIG_MAX / 2) {
		return error_set(reterr, -E2BIG, "the CA's certificate is too large");
	}
	EVP_EncodeBlock(encoded, (const unsigned char *)ca, (int)length);
	buf_printf(&text,
		   "apiVersion: v1\nkind: Config\ncurrent-context: agent-sandbox-local\n"
		   "clusters:\n- name: agent-sandbox-local\n  cluster:\n    server: %s\n"
		   "    certificate-authority-data: %s\n"
		   "users:\n- name: agent-sandbox-local\n  user:\n    token: %s\n"
		   "contexts:\n- name: agent-sandbox-local\n  context:\n"
		   "    cluster: agent-sandbox-local\n    user: agent-sandbox-local\n"
		   "    namespace: default\n",
		   server, (const char *)encoded, token);
	return private_file_write(path, buf_str(&text), (unsigned int)text.length, 0600, reterr);
}
