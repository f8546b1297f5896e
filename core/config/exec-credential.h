/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exec credential plugins: programs that print who we are.
 * https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
#ifndef ASB_CORE_CONFIG_EXEC_CREDENTIAL_H
#define ASB_CORE_CONFIG_EXEC_CREDENTIAL_H

#include "base/buf.h"
#include "base/error.h"
#include "base/sched.h"
#include "core/config/kubeconfig.h"

#define EXEC_DEADLINE_US 60000000u /* people may have to touch a key */
#define EXEC_OUTPUT_MAX (1u << 20)
#define EXEC_NEVER INT64_MAX

struct exec_credential {
	char *token;
	char *certificate, *key; /* PEM, both or none */
	int64_t expires_us;      /* wall time, or EXEC_NEVER */
};
void exec_credential_finish(struct exec_credential *credential);

/* Runs the plugin of a config and reads what it prints. Returns -ECANCELED soon after stop_fd (-1:
 * none) is readable. Errors never hold what the plugin printed; its stderr goes to ours. */
int exec_credential_run(struct sched *sched, const struct kubeconfig *config, int stop_fd,
			uint64_t deadline_us, struct exec_credential *ret, struct error *reterr);

/* The pieces. */
/* What a plugin printed. */
int exec_credential_parse(const char *text, size_t length, const char *api_version,
			  struct exec_credential *ret, struct error *reterr);
/* KUBERNETES_EXEC_INFO. */
int exec_credential_info(const struct kubeconfig *config, struct buf *out, struct error *reterr);
/* Runs argv, env being all of its environment; stdin is empty, stdout goes to out. 0 when it has
 * ended with 0. -ENOENT: no such program. */
int exec_credential_spawn(struct sched *sched, char *const *argv, char *const *env, int stop_fd,
			  uint64_t deadline_us, struct buf *out, struct error *reterr);

#endif
