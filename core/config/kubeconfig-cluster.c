/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster of a kubeconfig: where the server is and whom it must prove to be. Read by
 * kubeconfig-files.c for the current context. */
#include "config.h"

#include <agent-sandbox/helpers.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "core/config/kubeconfig-private.h"

/* unix:///PATH, a form of our own: the socket of an API server on this machine, which knows its
 * clients by their user. *ret: whether it is one. */
static int cluster_read_socket(const struct kubeconfig_entry *entry, const char *server,
			       struct kubeconfig *config, bool *ret, struct error *reterr)
{
	static const char scheme[] = "unix://";
	const char *path = server + sizeof(scheme) - 1;

	*ret = strncmp(server, scheme, sizeof(scheme) - 1) == 0;
	if (!*ret) {
		return 0;
	}
	if (*path != '/') {
		return kubeconfig_bad(entry, reterr,
				      "'server' has no absolute path behind unix://");
	}
	config->unix_socket = xstrdup(path);
	config->server = xstrdup("http://localhost");
	return 0;
}

/* "host:port" alone is https where anything speaks of TLS, else http, as other clients have it. */
static int cluster_read_server(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			       struct error *reterr)
{
	const char *server;
	bool is_socket;
	int code = kubeconfig_text(entry, "server", &server, reterr);

	if (code < 0) {
		return code;
	}
	if (server == NULL) {
		return kubeconfig_bad(entry, reterr, "'server' is missing");
	}
	code = cluster_read_socket(entry, server, config, &is_socket, reterr);
	if (code < 0 || is_socket) {
		return code;
	}

	const char *mark = strstr(server, "://");
	bool tls = config->ca_pem != NULL || config->ca_file != NULL || config->insecure ||
		   asb_at(entry->value, "tls-server-name") != NULL;
	const char *authority = mark != NULL ? mark + 3 : server;

	if (mark != NULL && strncasecmp(server, "https://", 8) != 0 &&
	    strncasecmp(server, "http://", 7) != 0) {
		return kubeconfig_bad(entry, reterr, "'server' is neither https nor http");
	}
	/* It is shown in logs. */
	if (memchr(authority, '@', strcspn(authority, "/?#")) != NULL) {
		return kubeconfig_bad(entry, reterr,
				      "'server' holds a user name, which belongs to the user");
	}
	config->server =
		mark != NULL ? xstrdup(server) : xprintf("%s://%s", tls ? "https" : "http", server);
	return 0;
}

static int cluster_read_trust(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			      struct error *reterr)
{
	int code =
		kubeconfig_copy_pem(entry, "certificate-authority-data", &config->ca_pem, reterr);

	if (code == 0 && config->ca_pem == NULL) {
		code = kubeconfig_copy_path(entry, "certificate-authority", &config->ca_file,
					    reterr);
	}
	if (code == 0) {
		code = kubeconfig_bool(entry, "insecure-skip-tls-verify", &config->insecure,
				       reterr);
	}
	if (code == 0 && config->insecure && (config->ca_pem != NULL || config->ca_file != NULL)) {
		code = kubeconfig_bad(
			entry, reterr,
			"a certificate authority and 'insecure-skip-tls-verify' exclude each other");
	}
	return code;
}

static int cluster_read_proxy(const struct kubeconfig_entry *entry, struct kubeconfig *config,
			      struct error *reterr)
{
	static const char *const schemes[] = { "http://", "https://", "socks5://" };
	int code = kubeconfig_copy(entry, "proxy-url", &config->proxy_url, reterr);

	if (code < 0 || config->proxy_url == NULL) {
		return code;
	}
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		if (strncasecmp(config->proxy_url, schemes[i], strlen(schemes[i])) == 0) {
			return 0;
		}
	}
	return kubeconfig_bad(entry, reterr, "'proxy-url' is neither http, https nor socks5");
}

int kubeconfig_cluster(const struct kubeconfig_entry *entry, struct kubeconfig *config,
		       struct error *reterr)
{
	int code = cluster_read_trust(entry, config, reterr);

	if (code == 0) {
		code = cluster_read_server(entry, config, reterr);
	}
	if (code == 0) {
		code = kubeconfig_copy(entry, "tls-server-name", &config->tls_server_name, reterr);
	}
	if (code == 0) {
		code = cluster_read_proxy(entry, config, reterr);
	}
	return code;
}
