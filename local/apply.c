/* SPDX-License-Identifier: Apache-2.0 */
/* Creates the built-in CRDs when `up` starts. Parsing them takes longer than the rest of the start,
 * so it is done only once for each version. */
#include "config.h"

#include "local/apply.h"

#include <agent-sandbox/helpers.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/macros.h"
#include "base/memory.h"
#include "base/sha256.h"
#include "base/yaml.h"
#include "local/api-client.h"

#define CRDS "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

/* Made by scripts/embed.sh. */
extern const char local_crd_sandboxes[], local_crd_sandboxclaims[], local_crd_sandboxtemplates[],
	local_crd_sandboxwarmpools[];

static const struct {
	const char *name, *text;
} crds[] = {
	{ "sandboxes.agents.x-k8s.io", local_crd_sandboxes },
	{ "sandboxclaims.extensions.agents.x-k8s.io", local_crd_sandboxclaims },
	{ "sandboxtemplates.extensions.agents.x-k8s.io", local_crd_sandboxtemplates },
	{ "sandboxwarmpools.extensions.agents.x-k8s.io", local_crd_sandboxwarmpools },
};

static int apply_crd(struct api *api, const char *name, const char *text, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf(CRDS "/%s", name);
	struct json_object *there CLEANUP_JSON = NULL, *wanted CLEANUP_JSON = NULL,
				  *response CLEANUP_JSON = NULL;
	char hash[SHA256_HEX];
	int status = api_client_call(api, "GET", path, NULL, NULL, &there);

	sha256_hex(text, strlen(text), hash);
	if (status == 200 && asb_streq(asb_annotation(there, APPLY_ANNOTATION), hash)) {
		return 0;
	}
	wanted = yaml_parse(text, strlen(text), reterr);
	if (wanted == NULL) {
		return error_prefix(reterr, "the built-in CRD %s", name);
	}
	if (status == 200) {
		json_object_object_add(there, "spec", json_object_get(asb_at(wanted, "spec")));
		asb_set_annotation(there, APPLY_ANNOTATION, hash);
		status = api_client_call(api, "PUT", path, NULL, there, &response);
	} else if (status == 404) {
		asb_set_annotation(wanted, APPLY_ANNOTATION, hash);
		status = api_client_call(api, "POST", CRDS, NULL, wanted, &response);
	}
	return status == 200 || status == 201
		       ? 0
		       : error_set(reterr, -EIO, "the API refused the CRD %s with status %d: %s",
				   name, status, api_client_message(response));
}

int apply_crds(struct api *api, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(crds); i++) {
		int code = apply_crd(api, crds[i].name, crds[i].text, reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}
