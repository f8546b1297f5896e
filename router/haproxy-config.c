/* SPDX-License-Identifier: Apache-2.0 */
/* Writes HAProxy's configuration, made from router/haproxy.cfg.in. Called by router/main.c before
 * HAProxy starts. */
#include "config.h"

#include "router/haproxy-config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/memory.h"
#include "base/template.h"
#include "core/observe/log.h"

#define TEXT_MAX 65536u
#define FILES_EACH 3    /* descriptors of a connection: both ends, and its share of the pipes */
#define OTHER_FILES 512 /* that HAProxy has open besides its connections */

extern const char router_haproxy_cfg[], router_wait_lua[]; /* made by scripts/embed.sh */

/* The number of connections that was asked for, or fewer if the limit of open files is too low. */
static int64_t config_connections(const struct options *options)
{
	struct rlimit files;
	int64_t most;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max == RLIM_INFINITY) {
		return options->connections;
	}
	most = ((int64_t)files.rlim_max - OTHER_FILES) / FILES_EACH;
	if (most < options->connections) {
		log_warning("the limit of open files allows %" PRId64 " connections, not %" PRId64
			    ": raise it (ulimit -n, LimitNOFILE=)",
			    most, options->connections);
		return most > 1 ? most : 1;
	}
	return options->connections;
}

/* ":PORT" is every address, of IPv6 and IPv4 where the machine has both. The caller's. */
static char *config_bind(const char *address)
{
	int fd;

	if (address[0] != ':') {
		return xstrdup(address);
	}
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return xprintf("*%s", address);
	}
	close(fd);
	return xprintf("[::]%s v4v6", address);
}

static const char *config_refuses(const struct options *options, uint16_t port)
{
	struct refused_ports refused = options_refused(options);

	for (size_t i = 0; refused.ports[i] != 0; i++) {
		if (refused.ports[i] == port) {
			return "yes";
		}
	}
	return NULL;
}

int config_text(const struct options *options, struct buf *out, struct error *reterr)
{
	const struct jail *jail = &options->jail;
	bool metrics = strcmp(options->haproxy_metrics_address, "0") != 0;
	CLEANUP_FREE char *most = xprintf("%" PRId64, config_connections(options));
	CLEANUP_FREE char *threads = xprintf("%" PRId64, options->threads);
	CLEANUP_FREE char *timeout = xprintf("%" PRId64, options->timeout_s);
	CLEANUP_FREE char *wait = xprintf("%" PRId64, options->wait_ms);
	CLEANUP_FREE char *uid = xprintf("%u", (unsigned int)jail->uid);
	CLEANUP_FREE char *gid = xprintf("%u", (unsigned int)jail->gid);
	CLEANUP_FREE char *bind = config_bind(options->listen);
	CLEANUP_FREE char *metrics_bind = config_bind(options->haproxy_metrics_address);
	/* The path as HAProxy sees it, in its root directory. */
	CLEANUP_FREE char *log = xprintf("%s/" LOG_SOCKET, jail->on ? "" : options->run_dir);
	const struct template_value values[] = {
		{ "RUN_DIR", options->run_dir },
		{ "MAX_CONNECTIONS", most },
		{ "THREADS", options->threads > 0 ? threads : NULL },
		{ "TIMEOUT_SECONDS", timeout },
		{ "WAIT_MS", wait },
		{ "JAIL_UID", jail->on ? uid : NULL },
		{ "JAIL_GID", gid },
		{ "BIND", bind },
		{ "METRICS_BIND", metrics ? metrics_bind : NULL },
		{ "LOG_SOCKET", options->enable_tracing ? log : NULL },
		{ "TOKENS", options->token_file != NULL ? "yes" : NULL },
		{ "REFUSE_22", config_refuses(options, 22) },
		{ "REFUSE_10250", config_refuses(options, 10250) },
		{ "REFUSE_10255", config_refuses(options, 10255) },
		{ NULL, NULL },
	};

	return template_fill(router_haproxy_cfg, values, out, reterr);
}

static int config_write_file(const struct options *options, const char *name, const char *text,
			     struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", options->run_dir, name);
	int code = file_replace(path, text, strlen(text), 0666, false);

	return code == 0 ? 0
			 : error_set(reterr, code, "cannot write %s: %s; see --run-dir", path,
				     strerror(-code));
}

int config_lock(const struct options *options, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/" LOCK_FILE, options->run_dir);
	int fd, code;

	if (mkdir(options->run_dir, 0700) < 0 && errno != EEXIST) {
		return error_set(reterr, -errno,
				 "cannot create the directory %s: %s; see --run-dir",
				 options->run_dir, strerror(errno));
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_set(reterr, -errno, "cannot open %s: %s; see --run-dir", path,
				 strerror(errno));
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		code = error_set(reterr, -errno, "another router uses %s: %s; see --run-dir",
				 options->run_dir, strerror(errno));
		close(fd);
		return code;
	}
	return fd;
}

int config_write(const struct options *options, struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(TEXT_MAX);
	int code = config_text(options, &text, reterr);

	if (code < 0) {
		return error_prefix(reterr, "HAProxy's configuration");
	}
	code = config_write_file(options, CONFIG_FILE, buf_str(&text), reterr);
	return code < 0 ? code : config_write_file(options, LUA_FILE, router_wait_lua, reterr);
}
