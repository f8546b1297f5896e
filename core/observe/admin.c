/* SPDX-License-Identifier: Apache-2.0 */
/* The health, readiness and metrics routes. Started by program.c, served on the HTTP
 * servers' threads. */
#include "config.h"

#include "core/observe/admin.h"

#include "base/memory.h"
#include "net/http-server.h"

struct admin {
	struct admin_config config;
	struct http_server *probe, *metrics; /* NULL: none */
};

/* "ok", or "not ok", then what the callback has to say. */
static int admin_response(struct buf *body, bool (*ask)(void *arg, struct buf *text), void *arg)
{
	CLEANUP_BUF struct buf text = BUF_INIT(1u << 20);
	bool good = ask == NULL || ask(arg, &text);

	buf_append_str(body, good ? "ok\n" : "not ok\n");
	buf_append(body, buf_str(&text), text.length);
	return good ? 200 : 503;
}

static int admin_respond_healthz(void *arg, struct buf *body)
{
	const struct admin *admin = arg;

	return admin_response(body, admin->config.healthy, admin->config.arg);
}

static int admin_respond_readyz(void *arg, struct buf *body)
{
	const struct admin *admin = arg;

	return admin_response(body, admin->config.ready, admin->config.arg);
}

static int admin_respond_metrics(void *arg, struct buf *body)
{
	const struct admin *admin = arg;

	return metrics_render(admin->config.metrics, body) == 0 ? 200 : 500;
}

static const struct http_route probe_routes[] = {
	{ "/healthz", "text/plain; charset=utf-8", admin_respond_healthz },
	{ "/readyz", "text/plain; charset=utf-8", admin_respond_readyz },
	{ NULL, NULL, NULL },
};

static const struct http_route metrics_routes[] = {
	{ "/metrics", "text/plain; version=0.0.4; charset=utf-8", admin_respond_metrics },
	{ NULL, NULL, NULL },
};

struct admin *admin_create(const struct admin_config *config, struct error *reterr)
{
	struct admin *admin = xnew(struct admin);

	admin->config = *config;
	if (http_server_create(config->probe_address, probe_routes, admin, &admin->probe, reterr) <
	    0) {
		error_prefix(reterr, "health probes");
		admin_destroy(admin);
		return NULL;
	}
	if (http_server_create(config->metrics_address, metrics_routes, admin, &admin->metrics,
			       reterr) < 0) {
		error_prefix(reterr, "metrics");
		admin_destroy(admin);
		return NULL;
	}
	return admin;
}

void admin_destroy(struct admin *admin)
{
	if (admin == NULL) {
		return;
	}
	http_server_destroy(admin->probe);
	http_server_destroy(admin->metrics);
	free(admin);
}

uint16_t admin_probe_port(const struct admin *admin)
{
	return admin->probe != NULL ? http_server_port(admin->probe) : 0;
}

uint16_t admin_metrics_port(const struct admin *admin)
{
	return admin->metrics != NULL ? http_server_port(admin->metrics) : 0;
}
