/* SPDX-License-Identifier: Apache-2.0 */
/* The API server as a whole, for `serve` and `up`: state directory, certificates, token, API,
 * listener, kubeconfig. */
#ifndef ASB_LOCAL_SERVING_H
#define ASB_LOCAL_SERVING_H

#include <stdint.h>

#include "apiserver/api/token.h"
#include "apiserver/http/tls.h"
#include "base/error.h"

struct api;
struct local_options;
struct sched;
struct server;

struct serving {
	struct sched *sched;
	char *state_dir; /* absolute */
	char *kubeconfig, *api_socket, *node_socket, *url;
	uint16_t port;
	struct tls_files tls;
	char token[TOKEN_MAX];
	struct api *api;
	struct server *server;
};

/* Creates the state directory (0700) and its parents. The caller may lock the directory before
 * serving_start. */
int serving_init(const struct local_options *options, struct serving *ret, struct error *reterr);
/* Starts to serve, and writes the kubeconfig when the server is reachable. port 0 chooses a free
 * port. */
int serving_start(struct serving *serving, const struct local_options *options, uint16_t port,
		  struct error *reterr);
/* Also takes one that is zeroed or was only partly started. */
void serving_finish(struct serving *serving);

#endif
