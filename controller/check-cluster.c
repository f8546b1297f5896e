/* SPDX-License-Identifier: Apache-2.0 */
/* Connects, asks and prints, and starts nothing. Called by controller/main.c. */
#include "config.h"

#include "controller/check-cluster.h"

#include "controller/cluster-check.h"
#include "controller/leases.h"
#include "core/controller/program.h"

#define CHECK_TEXT_MAX (64u << 10)

static int check_cluster_ask(struct program *program, const struct options *options, FILE *out,
			     struct error *reterr)
{
	CLEANUP_BUF struct buf text = BUF_INIT(CHECK_TEXT_MAX);
	struct client *client = client_create(&(struct client_config){
		.sched = program->sched, .transport = program->api.transport, .slots = 4 });
	struct cluster_check check;
	const char *ns = leases_namespace(options, &program->api.kubeconfig);
	int code = cluster_check_crds(client, options->extensions, &check, reterr);

	ns = ns != NULL ? ns : LEASES_DEFAULT_NAMESPACE;
	if (code == 0) {
		code = cluster_check_leases(client, program->sched, ns, leases_names, &check,
					    reterr);
	}
	client_destroy(client);
	if (code < 0) {
		return CHECK_CLUSTER_PARTIAL;
	}
	cluster_check_print(&check, &text);
	fprintf(out, "Cluster %s, leases in namespace %s\n%s", program->api.kubeconfig.server, ns,
		buf_str(&text));
	return cluster_check_harms(&check)        ? CHECK_CLUSTER_HARMS
	       : cluster_check_is_partial(&check) ? CHECK_CLUSTER_PARTIAL
						  : 0;
}

int check_cluster_run(const struct options *options, FILE *out)
{
	struct program program;
	struct error error = { 0 };
	int status = CHECK_CLUSTER_PARTIAL;
	int code = program_init(&program, "agent-sandbox-controller", &error);

	if (code == 0) {
		code = program_connect(&program, options->kubeconfig, false, &error);
	}
	if (code == 0) {
		status = check_cluster_ask(&program, options, out, &error);
	}
	if (error.text[0] != '\0') {
		fprintf(stderr, "agent-sandbox-controller: cannot check the cluster: %s\n",
			error.text);
	}
	program_stop_serving(&program);
	program_finish(&program);
	return fflush(out) != 0 ? CHECK_CLUSTER_PARTIAL : status;
}
