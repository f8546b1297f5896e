/* SPDX-License-Identifier: Apache-2.0 */
/* The command agent-sandbox-local: serves the API until a signal ends it. Run by people, and by
 * what starts local mode. */
#include "config.h"

#include "base/memory.h"
#include "base/sched.h"
#include "core/log.h"
#include "core/signals.h"
#include "core/tidy.h"
#include "local/api.h"
#include "local/kubeconfig-write.h"
#include "local/options.h"
#include "local/server.h"
#include "local/tls.h"
#include "local/token.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TIDY_FIRST_MS 2000
#define TIDY_MS 30000

/* All of serve's, in the order it comes and, from behind, goes. */
struct serving {
	struct sched *sched;
	char *state_dir, *kubeconfig, *api_socket, *node_socket;
	struct tls_files tls;
	char token[TOKEN_MAX];
	struct api *api;
	struct server *server;
};

/* The folder and those above it, ours alone. */
static int make_folder(const char *path, struct error *reterr)
{
	char *text CLEANUP_FREE = xstrdup(path);

	for (char *slash = text; slash != NULL;) {
		slash = strchr(slash + 1, '/');
		if (slash != NULL) {
			*slash = '\0';
		}
		if (mkdir(text, 0700) < 0 && errno != EEXIST) {
			return error_set(reterr, -errno, "cannot make the folder '%s': %s", text,
					 strerror(errno));
		}
		if (slash != NULL) {
			*slash = '/';
		}
	}
	return 0;
}

static int load(struct serving *serving, const struct local_options *options, struct error *reterr)
{
	int code = make_folder(serving->state_dir, reterr);

	serving->kubeconfig = options->kubeconfig != NULL
				      ? xstrdup(options->kubeconfig)
				      : xprintf("%s/kubeconfig", serving->state_dir);
	serving->api_socket = xprintf("%s/api.sock", serving->state_dir);
	serving->node_socket = options->node_socket != NULL
				       ? xstrdup(options->node_socket)
				       : xprintf("%s/node.sock", serving->state_dir);
	if (code == 0) {
		code = tls_load(serving->state_dir, sched_wall_us(serving->sched) / 1000000,
				&serving->tls, reterr);
	}
	return code < 0 ? code : token_load(serving->state_dir, serving->token, reterr);
}

static int start(struct serving *serving, const struct local_options *options, struct error *reterr)
{
	struct api_config api = { .sched = serving->sched,
				  .state_dir = serving->state_dir,
				  .ca = serving->tls.ca,
				  .secret = serving->token,
				  .node_socket = serving->node_socket,
				  .audit_log = options->audit_log };
	const char *host = options->address != NULL ? options->address : "127.0.0.1";

	serving->api = api_create(&api, reterr);
	if (serving->api == NULL) {
		return reterr->code;
	}

	struct server_config server = { .sched = serving->sched,
					.api = serving->api,
					.address = options->address,
					.port = (uint16_t)options->port,
					.certificate = serving->tls.leaf,
					.key = serving->tls.key,
					.token = serving->token,
					.socket_path = serving->api_socket };
	int code = server_create(&server, &serving->server, reterr);

	if (code < 0) {
		return code;
	}

	char *address CLEANUP_FREE = xprintf("%s:%u", host, server_port(serving->server));
	char *url CLEANUP_FREE = xprintf("https://%s", address);

	api_set_address(serving->api, address);
	return kubeconfig_write(serving->kubeconfig, url, serving->tls.ca, serving->token, reterr);
}

static void finish(struct serving *serving)
{
	server_destroy(serving->server);
	api_destroy(serving->api);
	tls_finish(&serving->tls);
	explicit_bzero(serving->token, sizeof(serving->token));
	free(serving->kubeconfig);
	free(serving->api_socket);
	free(serving->node_socket);
	free(serving->state_dir);
	sched_destroy(serving->sched);
}

/* Until a signal comes. Start-up and thousands of watches that went leave memory behind. */
static void wait_for_end(int signals)
{
	struct pollfd wait = { .fd = signals, .events = POLLIN };
	int pause_ms = TIDY_FIRST_MS, ready;

	do {
		ready = poll(&wait, 1, pause_ms);
		if (ready == 0) {
			tidy();
			pause_ms = TIDY_MS;
		}
	} while (ready == 0 || (ready < 0 && errno == EINTR));
}

static int serve(const struct local_options *options, int signals, struct error *reterr)
{
	struct serving serving = { .state_dir = local_options_state_dir(options) };

	if (serving.state_dir == NULL) {
		return error_set(reterr, -ENOENT, "there is no home folder: say --state-dir DIR");
	}
	serving.sched = sched_create();

	int code = load(&serving, options, reterr);

	if (code == 0) {
		code = start(&serving, options, reterr);
	}
	if (code == 0) {
		printf("%s\n", serving.kubeconfig);
		fflush(stdout);
		wait_for_end(signals);
	}
	finish(&serving);
	return code;
}

int main(int argc, char **argv)
{
	struct local_options options;
	struct error error = { 0 };

	/* Threads that answer take turns; an arena for each would only hold free memory. */
	mallopt(M_ARENA_MAX, 2);
	if (local_options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "agent-sandbox-local: %s\n", error.text);
		return 2;
	}
	if (options.help) {
		local_options_help(stdout);
		return 0;
	}
	if (options.version) {
		puts("agent-sandbox-local " PACKAGE_VERSION);
		return 0;
	}

	if (log_set_up(options.log_format != NULL ? options.log_format : "text",
		       options.log_level != NULL ? options.log_level : "info", &error) < 0) {
		fprintf(stderr, "agent-sandbox-local: %s\n", error.text);
		return 2;
	}

	int signals = signals_open(&error);

	if (signals < 0 || serve(&options, signals, &error) < 0) {
		log_error("%s", error.text);
		return 1;
	}
	close(signals);
	return 0;
}
