/* SPDX-License-Identifier: Apache-2.0 */
/* Writes HAProxy's configuration. Called by router/main.c before HAProxy starts. */
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
#include "core/observe/log.h"

#define TEXT_MAX 65536u
#define FILES_EACH 3     /* descriptors of a connection: both ends, and its share of the pipes */
#define OTHER_FILES 512  /* that HAProxy keeps beside its connections */
#define WAITERS_MAX 1000 /* requests that wait for a sandbox at a time; more are answered at once */

/* A DNS-1123 label; a port from 1 to 65535 in digits. */
#define LABEL "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
#define PORT                                                                            \
	"^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|" \
	"6553[0-5])$"
#define TRACEPARENT "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"

extern const char router_wait_lua[];

static void refuse(struct buf *out, int status, const char *detail, const char *condition)
{
	buf_printf(
		out,
		"\thttp-request return status %d content-type application/json string '{\"detail\":\"%s\"}' if %s\n",
		status, detail, condition);
}

/* As many as were asked for, or as this machine has descriptors for. */
static int64_t connections(const struct options *options)
{
	struct rlimit files;
	int64_t most;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max == RLIM_INFINITY) {
		return options->connections;
	}
	most = ((int64_t)files.rlim_max - OTHER_FILES) / FILES_EACH;
	if (most < options->connections) {
		log_warning("%" PRId64 " connections at most, not %" PRId64
			    ": more need a higher limit of open files (ulimit -n)",
			    most, options->connections);
		return most > 1 ? most : 1;
	}
	return options->connections;
}

/* ":PORT" is every address: of both families where there are both. */
static void add_bind(const char *address, struct buf *out)
{
	int fd = address[0] == ':' ? socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

	if (address[0] != ':') {
		buf_printf(out, "\tbind %s\n", address);
	} else if (fd < 0) {
		buf_printf(out, "\tbind *%s\n", address);
	} else {
		buf_printf(out, "\tbind [::]%s v4v6\n", address);
		close(fd);
	}
}

/* What HAProxy says itself of a request that it has read. What it cannot read at all it answers with a
 * page of its own, before any of this counts. */
static void add_errors(struct buf *out)
{
	static const struct {
		int status;
		const char *detail;
	} errors[] = {
		{ 400, "The request is not HTTP." },
		{ 403, "The request is refused." },
		{ 405, "The method is not carried." },
		{ 408, "The request did not come in time." },
		{ 413, "The request is too large." },
		{ 422, "The request cannot be understood." },
		{ 429, "There are too many requests." },
		{ 500, "The router failed." },
		{ 501, "The request asks for what the router cannot do." },
		{ 502, "The backend sandbox did not answer." },
		{ 503, "The router cannot carry the request now." },
		{ 504, "The backend sandbox did not answer in time." },
	};

	for (size_t i = 0; i < ARRAY_LEN(errors); i++) {
		buf_printf(
			out,
			"\thttp-error status %d content-type application/json string '{\"detail\":\"%s\"}'\n",
			errors[i].status, errors[i].detail);
	}
}

static void add_global(const struct options *options, struct buf *out)
{
	int64_t most = connections(options);

	buf_printf(out,
		   "# Written by agent-sandbox-router when it starts; changes are lost.\n"
		   "global\n"
		   "\tmaxconn %" PRId64 "\n"
		   "\tstats socket %s/" COMMAND_SOCKET " mode 600 level admin\n"
		   "\tlua-load-per-thread %s/" LUA_FILE "\n"
		   "\thard-stop-after 15s\n",
		   most, options->run_dir, options->run_dir);
	if (options->jail.on) {
		/* Sockets are bound and files read before. */
		buf_printf(out, "\tuid %u\n\tgid %u\n\tchroot %s/" JAIL_DIR "\n",
			   (unsigned int)options->jail.uid, (unsigned int)options->jail.gid,
			   options->run_dir);
	}
	if (options->threads > 0) {
		buf_printf(out, "\tnbthread %" PRId64 "\n", options->threads);
	}
	buf_printf(out,
		   "defaults\n"
		   "\tmode http\n"
		   "\toption http-no-delay\n"
		   "\toption splice-auto\n"
		   "\ttimeout connect 2s\n"
		   "\ttimeout http-request 10s\n"
		   "\ttimeout http-keep-alive 60s\n"
		   "\ttimeout client 60s\n"
		   "\ttimeout client-fin 10s\n"
		   "\ttimeout server %" PRId64 "s\n"
		   "\ttimeout tunnel %" PRId64 "s\n",
		   options->timeout_s, options->timeout_s);
	add_errors(out);
}

static void add_authentication(const struct options *options, struct buf *out)
{
	if (options->token_file == NULL) {
		return;
	}
	/* The file has hashes: a comparison that ends early tells nothing about a token. */
	buf_printf(
		out,
		"\tacl is_one req.fhdr_cnt(Authorization) eq 1\n"
		"\tacl is_bearer req.fhdr(Authorization) -m reg -i '^bearer +[^ ]+$'\n"
		"\tacl is_allowed req.fhdr(Authorization),regsub('^bearer +','',i),sha2(256),hex,lower -m str -f %s/" TOKENS_FILE
		"\n"
		"\thttp-request return status 401 content-type application/json hdr WWW-Authenticate Bearer string '{\"detail\":\"Not authenticated\"}' unless is_one is_bearer is_allowed\n"
		"\thttp-request del-header Authorization\n",
		options->run_dir);
}

static void add_checks(const struct options *options, struct buf *out)
{
	struct refused_ports refused = options_refused(options);

	/* HAProxy lets a NUL in a header pass; readers differ in what they make of it. */
	refuse(out, 400, "The request is not HTTP.", "{ req.hdrs -m reg '\\x00' }");
	refuse(out, 405, "CONNECT is not carried.", "METH_CONNECT");
	add_authentication(options, out);
	refuse(out, 400, "X-Sandbox-ID header is required.",
	       "!{ req.fhdr(X-Sandbox-ID) -m found }");
	refuse(out, 400, "Invalid sandbox ID format.",
	       "{ req.fhdr_cnt(X-Sandbox-ID) gt 1 } or !{ req.fhdr(X-Sandbox-ID) -m reg " LABEL
	       " }");
	buf_append_str(out, "\tacl has_ns req.fhdr(X-Sandbox-Namespace) -m found\n"
			    "\tacl has_port req.fhdr(X-Sandbox-Port) -m found\n");
	refuse(out, 400, "Invalid namespace format.",
	       "{ req.fhdr_cnt(X-Sandbox-Namespace) gt 1 } or has_ns !{ req.fhdr(X-Sandbox-Namespace) -m reg " LABEL
	       " }");
	refuse(out, 400, "Invalid port format.",
	       "{ req.fhdr_cnt(X-Sandbox-Port) gt 1 } or has_port !{ req.fhdr(X-Sandbox-Port) -m reg " PORT
	       " }");
	buf_append_str(
		out,
		"\thttp-request set-var(txn.id) req.fhdr(X-Sandbox-ID)\n"
		"\thttp-request set-var(txn.ns) str(default)\n"
		"\thttp-request set-var(txn.ns) req.fhdr(X-Sandbox-Namespace) if has_ns\n"
		"\thttp-request set-var(txn.port) int(8888)\n"
		"\thttp-request set-var(txn.port) req.fhdr(X-Sandbox-Port),add(0) if has_port\n");
	for (size_t i = 0; refused.ports[i] != 0; i++) {
		char condition[64];

		snprintf(condition, sizeof(condition), "{ var(txn.port) -m int %u }",
			 refused.ports[i]);
		refuse(out, 403, "This port is not carried; see --allow-ports.", condition);
	}
}

/* A span of ours between the caller's and the sandbox's; router/spans.c reads the log. */
static void add_tracing(const struct options *options, struct buf *out)
{
	if (!options->enable_tracing) {
		return;
	}
	buf_printf(
		out,
		"\tlog %s/" LOG_SOCKET " len 2048 format raw local0\n"
		"\tlog-format \"%%[var(txn.parent)] %%[var(txn.span)] %%Ts %%ms %%Ta %%ST %%HM %%[var(txn.id)] %%[var(txn.ns)]\"\n"
		"\tacl is_traced req.fhdr(traceparent) -m reg " TRACEPARENT "\n"
		"\thttp-request set-log-level silent unless is_traced\n"
		"\thttp-request set-var(txn.parent) req.fhdr(traceparent) if is_traced\n"
		"\thttp-request set-var(txn.span) uuid,sha1,hex,lower,bytes(0,16) if is_traced\n"
		"\thttp-request set-header traceparent %%[var(txn.parent),bytes(0,36)]%%[var(txn.span)]%%[var(txn.parent),bytes(52,3)] if is_traced\n",
		/* The path as HAProxy sees it. */
		options->jail.on ? "" : options->run_dir);
}

static void add_lookup(const struct options *options, struct buf *out)
{
	buf_printf(
		out,
		"\thttp-request set-var(txn.key) var(txn.id),concat(/,txn.ns)\n"
		"\thttp-request set-var(txn.address) var(txn.key),map_str(%s/" MAP_FILE ")\n"
		"\thttp-request lua.wait_for_sandbox unless { var(txn.address) -m found }\n"
		"\thttp-request return status 503 content-type application/json hdr Retry-After 1 hdr X-Sandbox-Not-Sent true lf-string '{\"detail\":\"Sandbox %%[var(txn.id)] in namespace %%[var(txn.ns)] is not there or not Ready.\"}' unless { var(txn.address) -m found }\n",
		options->run_dir);
}

static void add_frontend(const struct options *options, struct buf *out)
{
	buf_append_str(out, "frontend sandboxes\n");
	add_bind(options->listen, out);
	buf_append_str(
		out,
		"\thttp-request return status 200 content-type application/json string '{\"status\":\"ok\"}' if METH_GET { path /healthz } !{ req.fhdr(X-Sandbox-ID) -m found }\n");
	add_tracing(options, out);
	add_checks(options, out);
	add_lookup(options, out);
	/* What a client says about the way it came is nobody's to believe; what is between a client
	 * and us is not the sandbox's. Many servers take '_' in a name for '-'; and a header Proxy
	 * becomes a variable of the environment for CGI, which says where to connect through. */
	buf_append_str(out,
		       "\thttp-request set-uri %[pathq] unless { url_beg / } or { url -m str * }\n"
		       "\thttp-request del-header ^x[-_]forwarded[-_] -m reg\n"
		       "\thttp-request del-header Forwarded\n"
		       "\thttp-request set-header X-Forwarded-For %[src]\n"
		       "\thttp-request set-header X-Forwarded-Proto http\n"
		       "\thttp-request del-header ^proxy([-_]|$) -m reg\n"
		       "\thttp-request del-header Keep-Alive\n"
		       "\thttp-request del-header TE\n"
		       "\thttp-request del-header HTTP2-Settings\n"
		       "\tacl is_websocket req.fhdr(Upgrade) -i websocket\n"
		       "\thttp-request del-header Connection\n"
		       "\thttp-request set-header Connection Upgrade if is_websocket\n"
		       "\thttp-request del-header Upgrade unless is_websocket\n"
		       "\thttp-request set-dst var(txn.address)\n"
		       "\thttp-request set-dst-port var(txn.port)\n"
		       "\tuse_backend pods if METH_GET or METH_OPTIONS\n"
		       "\tdefault_backend pods_once\n");
}

/* policy: how connections to pods are used again. */
static void add_backend(const char *name, const char *policy, struct buf *out)
{
	buf_printf(out, "backend %s\n%s\tserver pod 0.0.0.0:0 pool-purge-delay 2s\n", name, policy);
	/* txn.answered: the sandbox said something. Without it a 503 is HAProxy's own: it could not
	 * connect, so nothing was sent. */
	buf_append_str(
		out,
		"\thttp-response set-var(txn.answered) bool(true)\n"
		"\thttp-response deny deny_status 502 if { res.hdrs -m reg '\\x00' }\n"
		"\thttp-response del-header ^x[-_]sandbox[-_]not[-_]sent$ -m reg\n"
		"\thttp-after-response set-header X-Sandbox-Not-Sent true if { status 503 } !{ var(txn.answered) -m found }\n"
		"\thttp-after-response set-status 502 if { status 503 } !{ var(txn.answered) -m found }\n"
		"\thttp-error status 503 content-type application/json lf-string '{\"detail\":\"Could not connect to the backend sandbox: %[var(txn.id)]\"}'\n"
		"\thttp-error status 502 content-type application/json lf-string '{\"detail\":\"Could not connect to the backend sandbox: %[var(txn.id)]\"}'\n"
		"\thttp-error status 504 content-type application/json lf-string '{\"detail\":\"The backend sandbox did not answer in time: %[var(txn.id)]\"}'\n");
}

/*
 * A kept connection may be closed by the sandbox, or be gone with a pod whose address is another's
 * now, at the moment a request goes out on it: nobody knows then whether the request was seen. So
 * requests that may be made twice (GET, HEAD, OPTIONS) share connections and are tried once more;
 * any other has a connection of its own, where a failure to connect is certain to be just that.
 */
static void add_backends(struct buf *out)
{
	add_backend("pods", "\thttp-reuse always\n\tretries 1\n\tretry-on empty-response\n", out);
	add_backend("pods_once", "\thttp-reuse never\n\toption http-server-close\n\tretries 0\n",
		    out);
}

int config_text(const struct options *options, struct buf *out)
{
	add_global(options, out);
	if (strcmp(options->haproxy_metrics_address, "0") != 0) {
		buf_append_str(out, "frontend metrics\n");
		add_bind(options->haproxy_metrics_address, out);
		buf_append_str(
			out,
			"\thttp-request use-service prometheus-exporter if { path /metrics }\n\thttp-request return status 404\n");
	}
	add_frontend(options, out);
	add_backends(out);
	return out->failed ? -ENOSPC : 0;
}

static int write_file(const struct options *options, const char *name, const struct buf *text,
		      struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/%s", options->run_dir, name);
	int error = file_replace(path, buf_str(text), text->length, 0666, false);

	return error == 0 ? 0
			  : error_set(reterr, error, "cannot write %s: %s; see --run-dir", path,
				      strerror(-error));
}

int config_lock(const struct options *options, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf("%s/" LOCK_FILE, options->run_dir);
	int fd, error;

	if (mkdir(options->run_dir, 0700) < 0 && errno != EEXIST) {
		return error_set(reterr, -errno, "cannot make the directory %s: %s; see --run-dir",
				 options->run_dir, strerror(errno));
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		return error_set(reterr, -errno, "cannot open %s: %s; see --run-dir", path,
				 strerror(errno));
	}
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = error_set(reterr, -errno, "another router uses %s: %s; see --run-dir",
				  options->run_dir, strerror(errno));
		close(fd);
		return error;
	}
	return fd;
}

int config_write(const struct options *options, struct error *reterr)
{
	CLEANUP_BUF struct buf config = BUF_INIT(TEXT_MAX), lua = BUF_INIT(TEXT_MAX);
	int error = config_text(options, &config);

	if (error < 0) {
		return error_set(reterr, error, "HAProxy's configuration is too long");
	}
	buf_printf(&lua,
		   "local MAP_FILE = \"%s/" MAP_FILE "\"\nlocal WAIT_MS = %" PRId64
		   "\nlocal WAITERS_MAX = %d\n%s",
		   options->run_dir, options->wait_ms, WAITERS_MAX, router_wait_lua);
	error = write_file(options, CONFIG_FILE, &config, reterr);
	return error < 0 ? error : write_file(options, LUA_FILE, &lua, reterr);
}
