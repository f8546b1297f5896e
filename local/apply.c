/* SPDX-License-Identifier: Apache-2.0 */
/* Brings the built-in CRDs into the API when `up` starts; their texts are made by scripts/embed.sh.
 * Parsing them takes longer than all else at a start, so it is done once for each version. */
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

static int apply(struct api *api, const char *name, const char *text, struct error *reterr)
{
	CLEANUP_FREE char *path = xprintf(CRDS "/%s", name);
	struct json_object *there CLEANUP_JSON = NULL, *wanted CLEANUP_JSON = NULL,
				  *response CLEANUP_JSON = NULL;
	char hash[SHA256_HEX];
	int status = ask(api, "GET", path, NULL, NULL, &there);

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
		status = ask(api, "PUT", path, NULL, there, &response);
	} else if (status == 404) {
		asb_set_annotation(wanted, APPLY_ANNOTATION, hash);
		status = ask(api, "POST", CRDS, NULL, wanted, &response);
	}
	return status == 200 || status == 201
		       ? 0
		       : error_set(reterr, -EIO, "the CRD %s is refused with %d: %s", name, status,
				   ask_message(response));
}

int apply_crds(struct api *api, struct error *reterr)
{
	for (size_t i = 0; i < ARRAY_LEN(crds); i++) {
		int code = apply(api, crds[i].name, crds[i].text, reterr);

		if (code < 0) {
			return code;
		}
	}
	return 0;
}
