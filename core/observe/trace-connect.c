/* SPDX-License-Identifier: Apache-2.0 */
/* A tracer from the environment variables that OpenTelemetry gives every program. Called by main
 * programs with --enable-tracing. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "core/observe/trace-private.h"
#include "net/curl-transport.h"

#define DEFAULT_ENDPOINT "http://localhost:4318"
#define TRACES_PATH "/v1/traces"
#define HEADERS_MAX 16u

static const char *tracer_setting(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : NULL;
}

/* The URL without its path, which goes to *ret_path. Both are the caller's. */
static char *tracer_split_endpoint(char **ret_path, struct error *reterr)
{
	const char *whole = tracer_setting("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
	const char *endpoint =
		whole != NULL ? whole : tracer_setting("OTEL_EXPORTER_OTLP_ENDPOINT");
	const char *host, *path;
	size_t length;

	endpoint = endpoint != NULL ? endpoint : DEFAULT_ENDPOINT;
	host = strstr(endpoint, "://");
	if (host == NULL ||
	    (strncmp(endpoint, "http://", 7) != 0 && strncmp(endpoint, "https://", 8) != 0)) {
		error_set(
			reterr, -EINVAL,
			"the OTLP endpoint '%s' is not http://HOST[:PORT][/PATH] or https://...; see OTEL_EXPORTER_OTLP_ENDPOINT",
			endpoint);
		return NULL;
	}
	path = strchr(host + 3, '/');
	length = path != NULL ? (size_t)(path - endpoint) : strlen(endpoint);
	path = path != NULL ? path : "";
	if (whole != NULL) {
		*ret_path = xstrdup(*path != '\0' ? path : "/");
	} else {
		size_t kept = strlen(path);

		while (kept > 0 && path[kept - 1] == '/') {
			kept--;
		}
		*ret_path = xprintf("%.*s" TRACES_PATH, (int)kept, path);
	}
	return xstrndup(endpoint, length);
}

/* "a=1,b=2" as "a: 1", "b: 2"; ends in NULL; free_headers frees. */
static char **tracer_split_headers(void)
{
	char **headers = xnew_array(char *, HEADERS_MAX + 1);
	const char *at = tracer_setting("OTEL_EXPORTER_OTLP_HEADERS");
	size_t count = 0;

	while (at != NULL && *at != '\0' && count < HEADERS_MAX) {
		size_t length = strcspn(at, ",");
		const char *equals = memchr(at, '=', length);

		if (equals != NULL && equals > at) {
			headers[count++] =
				xprintf("%.*s: %.*s", (int)(equals - at), at,
					(int)(length - (size_t)(equals + 1 - at)), equals + 1);
		}
		at += length + (at[length] == ',' ? 1 : 0);
	}
	return headers;
}

static void tracer_free_headers(char ***headers)
{
	for (size_t i = 0; (*headers)[i] != NULL; i++) {
		free((*headers)[i]);
	}
	free(*headers);
}

struct tracer *tracer_connect(struct sched *sched, struct metrics *metrics, const char *service,
			      struct error *reterr)
{
	CLEANUP_FREE char *path = NULL;
	CLEANUP_FREE char *server = tracer_split_endpoint(&path, reterr);
	CLEANUP(tracer_free_headers) char **headers = tracer_split_headers();
	const char *name = tracer_setting("OTEL_SERVICE_NAME");
	struct curl_transport_config transport = {
		.server = server,
		.headers = (const char *const *)headers,
		.user_agent = "agent-sandbox/" PACKAGE_VERSION,
		.connections = 1,
	};
	struct tracer_config config = {
		.sched = sched,
		.metrics = metrics,
		.path = path,
		.service = name != NULL ? name : service,
	};
	struct tracer *tracer;

	if (server == NULL) {
		return NULL;
	}
	config.transport = curl_transport_create(sched, &transport, reterr);
	if (config.transport == NULL) {
		return NULL;
	}
	tracer = tracer_create(&config);
	tracer->own = config.transport;
	return tracer;
}
