/* SPDX-License-Identifier: Apache-2.0 */
/* Makes a transport out of a kubeconfig. Called by controller/process.c and by other programs'
 * mains. */
#include "config.h"

#include "core/config/api-connect.h"

#include <errno.h>

#include "net/curl-transport.h"

#define CONNECTIONS_MAX 64u

int api_connect(struct api_connection *api, struct sched *sched, const char *kubeconfig,
		const char *user_agent, struct error *reterr)
{
	struct kubeconfig *found = &api->kubeconfig;
	int code = kubeconfig_load(kubeconfig, found, reterr);

	if (code < 0) {
		return code;
	}
	api->credentials = credentials_create(sched, found);
	struct curl_transport_config config = {
		.server = found->server,
		.tls_server_name = found->tls_server_name,
		.ca_pem = found->ca_pem,
		.ca_file = found->ca_file,
		.insecure = found->insecure,
		.proxy_url = found->proxy_url,
		.unix_socket = found->unix_socket,
		.headers = (const char *const *)found->headers,
		.user_agent = user_agent,
		.connections = CONNECTIONS_MAX,
		.credentials = credentials_source(api->credentials),
	};

	api->transport = curl_transport_create(sched, &config, reterr);
	return api->transport != NULL ? 0 : -EINVAL;
}

void api_disconnect(struct api_connection *api)
{
	if (api->transport != NULL) {
		api->transport->ops->stop(api->transport);
		curl_transport_destroy(api->transport);
	}
	credentials_destroy(api->credentials);
	kubeconfig_finish(&api->kubeconfig);
	*api = (struct api_connection){ 0 };
}
