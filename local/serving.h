/* SPDX-License-Identifier: Apache-2.0 */
/* The API server as one thing: state directory, certificates, token, API, listener, kubeconfig. What
 * `serve` and `up` stand on. */
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

/* Makes the state directory (0700) and its parents. What follows may take a lock there first. */
int serving_init(const struct local_options *options, struct serving *ret, struct error *reterr);
/* Serves; the kubeconfig is written when it answers. port: 0 picks one. */
int serving_start(struct serving *serving, const struct local_options *options, uint16_t port,
		  struct error *reterr);
/* Also of a half-built or zeroed one. */
void serving_finish(struct serving *serving);

#endif
