/* SPDX-License-Identifier: Apache-2.0 */
/* The way to an API server as every program of ours takes it: kubeconfig, credentials, transport.
 */
#ifndef ASB_CORE_CONFIG_API_CONNECT_H
#define ASB_CORE_CONFIG_API_CONNECT_H

#include "base/error.h"
#include "base/sched.h"
#include "core/config/kubeconfig.h"
#include "net/transport.h"

/* Zeroed before api_connect. */
struct api_connection {
	struct kubeconfig kubeconfig;
	struct credentials *credentials;
	struct transport *transport;
};

/* kubeconfig: --kubeconfig, or NULL (see kubeconfig_load). Nothing is sent. api_disconnect also
 * after a failure. */
int api_connect(struct api_connection *api, struct sched *sched, const char *kubeconfig,
		const char *user_agent, struct error *reterr);
/* Stops the transport and frees all; a zeroed one is fine. */
void api_disconnect(struct api_connection *api);

#endif
