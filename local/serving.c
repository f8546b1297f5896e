/* SPDX-License-Identifier: Apache-2.0 */
/* Starts the parts of the API server in their order, and ends them in the reverse order. Called by
 * local/main.c for `serve` and by local/up.c. */
#include "config.h"

#include "local/serving.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "apiserver/api/api.h"
#include "local/kubeconfig-write.h"
#include "apiserver/http/server.h"
#include "base/memory.h"
#include "base/sched.h"
#include "local/options.h"
#include "local/state-directory.h"

#define DESCRIPTORS_LEAST 64u

/* Child processes get this path, and may have another working directory. */
static int serving_make_absolute(char **path, struct error *reterr)
{
	char *absolute = realpath(*path, NULL);

	if (absolute == NULL) {
		return error_set(reterr, -errno, "cannot find the directory '%s': %s", *path,
				 strerror(errno));
	}
	free(*path);
	*path = absolute;
	return 0;
}

int serving_init(const struct local_options *options, struct serving *ret, struct error *reterr)
{
	*ret = (struct serving){ .state_dir = local_options_state_dir(options) };
	if (ret->state_dir == NULL) {
		return error_set(reterr, -ENOENT,
				 "there is no home directory: use --state-dir DIR");
	}
	ret->sched = sched_create();

	int code = state_directory_make(ret->state_dir, reterr);

	/* `serve` keeps the path as it was given, because other programs may compare it. */
	if (code == 0 && strcmp(options->command, "serve") != 0) {
		code = serving_make_absolute(&ret->state_dir, reterr);
	}
	if (code < 0) {
		return code;
	}
	ret->kubeconfig = options->kubeconfig != NULL ? xstrdup(options->kubeconfig)
						      : xprintf("%s/kubeconfig", ret->state_dir);
	ret->api_socket = xprintf("%s/api.sock", ret->state_dir);
	ret->node_socket = options->node_socket != NULL ? xstrdup(options->node_socket)
							: xprintf("%s/node.sock", ret->state_dir);
	return 0;
}

/* With fewer descriptors the API server would not start, or would serve only a few clients. */
static int serving_check_descriptors(struct error *reterr)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS_LEAST) {
		return 0;
	}
	limit.rlim_cur = DESCRIPTORS_LEAST;
	if (limit.rlim_max >= DESCRIPTORS_LEAST && setrlimit(RLIMIT_NOFILE, &limit) == 0) {
		return 0;
	}
	return error_set(
		reterr, -EMFILE,
		"the limit of open files is %llu, and the API server needs %u: raise it (ulimit -n, LimitNOFILE=)",
		(unsigned long long)limit.rlim_max, DESCRIPTORS_LEAST);
}

static int serving_load(struct serving *serving, struct error *reterr)
{
	int code = tls_load(serving->state_dir, sched_wall_us(serving->sched) / 1000000,
			    &serving->tls, reterr);

	return code < 0 ? code : token_load(serving->state_dir, serving->token, reterr);
}

int serving_start(struct serving *serving, const struct local_options *options, uint16_t port,
		  struct error *reterr)
{
	const char *host = options->address != NULL ? options->address : "127.0.0.1";
	int code = serving_check_descriptors(reterr);

	if (code == 0 && serving->tls.ca == NULL) {
		code = serving_load(serving, reterr);
	}

	if (code < 0) {
		return code;
	}

	struct api_config api = { .sched = serving->sched,
				  .state_dir = serving->state_dir,
				  .ca = serving->tls.ca,
				  .secret = serving->token,
				  .node_socket = serving->node_socket,
				  .audit_log = options->audit_log };

	if (serving->api == NULL) {
		serving->api = api_create(&api, reterr);
	}
	if (serving->api == NULL) {
		return reterr->code;
	}

	struct server_config server = { .sched = serving->sched,
					.api = serving->api,
					.address = options->address,
					.port = port,
					.certificate = serving->tls.leaf,
					.key = serving->tls.key,
					.token = serving->token,
					.socket_path = serving->api_socket };

	code = server_create(&server, &serving->server, reterr);
	if (code < 0) {
		return code;
	}

	CLEANUP_FREE char *address = xprintf("%s:%u", host, server_port(serving->server));

	serving->port = server_port(serving->server);
	serving->url = xprintf("https://%s", address);
	api_set_address(serving->api, address);
	return kubeconfig_write(serving->kubeconfig, serving->url, serving->tls.ca, serving->token,
				reterr);
}

void serving_finish(struct serving *serving)
{
	server_destroy(serving->server);
	api_destroy(serving->api);
	tls_finish(&serving->tls);
	explicit_bzero(serving->token, sizeof(serving->token));
	free(serving->kubeconfig);
	free(serving->api_socket);
	free(serving->node_socket);
	free(serving->url);
	free(serving->state_dir);
	sched_destroy(serving->sched);
	*serving = (struct serving){ 0 };
}
