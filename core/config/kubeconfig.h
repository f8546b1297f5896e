/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the API server is and who we are: from a kubeconfig or from inside a cluster.
 * https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
 *
 * Order: --kubeconfig (that file alone), $KUBECONFIG (a list, merged: the first to set a name
 * wins), in-cluster when $KUBERNETES_SERVICE_HOST is set, ~/.kube/config. Relative paths count from
 * the file that names them. auth-provider is refused with a message, so is whatever else is not
 * understood and would matter.
 */
#ifndef ASB_CORE_CONFIG_KUBECONFIG_H
#define ASB_CORE_CONFIG_KUBECONFIG_H

#include "base/error.h"
#include "base/sched.h"
#include "net/curl-transport.h"

#define KUBECONFIG_SIZE_MAX (4u << 20)

/* An exec credential plugin (client.authentication.k8s.io/v1, v1beta1). */
struct exec_config {
	char *command; /* NULL: none */
	char **args;   /* NULL-terminated */
	char **env;    /* "NAME=value", NULL-terminated */
	char *api_version;
	char *install_hint;
	bool provide_cluster_info;
	char *cluster_config; /* JSON that the cluster has for exec plugins, or NULL */
};

struct kubeconfig {
	char *server, *tls_server_name, *ca_pem, *ca_file, *proxy_url;
	char *unix_socket; /* of "unix:///PATH"; server names no host then. NULL: none */
	bool insecure;
	char *token, *token_file, *username, *password;
	char *certificate_pem, *certificate_file, *key_pem, *key_file;
	char **headers; /* Impersonate-*, NULL-terminated, or NULL */
	struct exec_config exec;
	char *namespace_; /* of the context, or of the pod; NULL: none */
	bool in_cluster;
};

/* path: --kubeconfig, or NULL. */
int kubeconfig_load(const char *path, struct kubeconfig *ret, struct error *reterr);
/* Pieces of it, for tests: one file's text; base is the directory relative paths count from. */
int kubeconfig_parse(const char *text, size_t length, const char *base, struct kubeconfig *ret,
		     struct error *reterr);
void kubeconfig_finish(struct kubeconfig *config);

/*
 * Credentials of a kubeconfig over time: token files are read again every 60 s (the last good one
 * is kept when that fails), certificate files every 5 min, exec plugins at expiry or after a 401.
 * The config must outlive it.
 */
struct credentials;
struct credentials *credentials_create(struct sched *sched, const struct kubeconfig *config);
void credentials_destroy(struct credentials *credentials);
struct http_credentials_source credentials_source(struct credentials *credentials);

#endif
