/* SPDX-License-Identifier: Apache-2.0 */
/* agent-sandbox-runtime: reads the flags, connects the parts, runs until a signal. Everything else is
 * elsewhere. */
#include "config.h"

#include <stdio.h>

#include "base/sched.h"
#include "runtime/health.h"
#include "runtime/options.h"
#include "runtime/routes-files.h"
#include "runtime/runtime.h"
#include "runtime/server.h"

int main(int argc, char **argv)
{
	struct options options;
	struct error error = { 0 };

	if (options_parse(argc, argv, &options, stderr, &error) < 0) {
		fprintf(stderr, "agent-sandbox-runtime: %s\n", error.text);
		return 2;
	}

	struct sched *sched = sched_create();
	struct server_config config = { .host = options.host,
					.port = options.port,
					.tables = { health_routes, routes_files, routes_openapi } };
	struct server *server = NULL;

	if (server_create(sched, &config, &server, &error) < 0 || server_run(server, &error) < 0) {
		fprintf(stderr, "agent-sandbox-runtime: %s\n", error.text);
		return 1;
	}
	server_destroy(server);
	sched_destroy(sched);
	return 0;
}
