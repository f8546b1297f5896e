/* SPDX-License-Identifier: Apache-2.0 */
/* Asks until there is an answer, and says in the log what stands in the way. Called by
 * controller/process.c before it starts its manager. */
#include "config.h"

#include "controller/start-check.h"

#include <errno.h>
#include <string.h>

#include "controller/cluster-check.h"
#include "controller/leases.h"
#include "core/observe/log.h"

#define PAUSE_MS 1000 /* between two looks */

/* Names in the log what stands in the way. -EPERM. */
static int start_check_refuse(const struct cluster_check *check)
{
	CLEANUP_BUF struct buf text = BUF_INIT(16384);

	for (size_t i = 0; i < check->crd_count; i++) {
		if (crd_report_harms(&check->crds[i])) {
			crd_report_advise(&check->crds[i], &text);
		}
	}
	for (const char *line = buf_str(&text); *line != '\0';) {
		size_t length = strcspn(line, "\n");

		log_error("this controller would do harm here: %.*s", (int)length, line);
		line += length + (line[length] == '\n');
	}
	log_error(
		"not started; run agent-sandbox-controller --check-cluster for all that was found");
	return -EPERM;
}

/* Without election: 0, or -EAGAIN and *reterr as long as another controller leads. */
static int start_check_leases(const struct program *program, struct client *client,
			      const struct options *options, struct error *reterr)
{
	const char *ns = leases_namespace(options, &program->api.kubeconfig);
	struct cluster_check check = { 0 };
	const struct lease_report *live;
	int code;

	ns = ns != NULL ? ns : LEASES_DEFAULT_NAMESPACE;
	code = cluster_check_leases(client, program->sched, ns, leases_names, &check, reterr);
	live = cluster_check_live_lease(&check);
	if (code == 0 && live != NULL) {
		code = error_set(
			reterr, -EAGAIN,
			"lease '%s/%s' is held by '%s': this controller has no election, so it waits until nobody renews that lease",
			ns, live->name, live->holder);
	}
	return code;
}

/* 0, -EPERM, or -EAGAIN and *reterr. */
static int start_check_once(const struct program *program, struct client *client,
			    const struct options *options, struct error *reterr)
{
	struct cluster_check check;
	int code = cluster_check_crds(client, options->extensions, &check, reterr);

	if (code < 0) {
		error_prefix(reterr, "cannot look at the CRDs before the start, trying again");
		return code;
	}
	if (cluster_check_harms(&check)) {
		return start_check_refuse(&check);
	}
	if (!options->leader_elect) {
		code = start_check_leases(program, client, options, reterr);
	}
	if (code == 0 && cluster_check_is_partial(&check)) {
		log_warning(
			"the CRDs could not be checked, going on: the ClusterRole lacks get for customresourcedefinitions");
	}
	return code;
}

int start_check(const struct program *program, struct client *client, const struct options *options)
{
	char said[sizeof(((struct error *)NULL)->text)] = "";

	for (;;) {
		struct error error = { 0 };
		int code = start_check_once(program, client, options, &error);

		if (code != -EAGAIN) {
			return code;
		}
		if (strcmp(said, error.text) != 0) {
			memcpy(said, error.text, sizeof(said));
			log_warning("%s", error.text);
		}
		if (program_must_end(program, PAUSE_MS)) {
			return -ECANCELED;
		}
	}
}
