/* SPDX-License-Identifier: Apache-2.0 */
/* Names the leases. Called by whoever takes them or looks at them. */
#include "config.h"

#include "controller/leases.h"

const char *const leases_names[LEADER_LEASES_MAX] = {
	"a3317529.x-k8s.io",
	"a3317529.agent-sandbox.x-k8s.io",
};

const char *leases_namespace(const struct options *options, const struct kubeconfig *kubeconfig)
{
	if (options->leader_election_namespace != NULL) {
		return options->leader_election_namespace;
	}
	return kubeconfig->in_cluster ? kubeconfig->namespace_ : NULL;
}
