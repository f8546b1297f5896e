/* SPDX-License-Identifier: Apache-2.0 */
/* Promises of controller/crd-report.h: what each generation of definitions is taken for. */
#include "config.h"

#include "controller/crd-report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/macros.h"

#define SERVED(name, properties)                                                   \
	"{\"name\":\"" name "\",\"served\":true,\"schema\":{\"openAPIV3Schema\":{" \
	"\"properties\":{\"spec\":{\"properties\":{" properties "}}}}}}"
#define CRD(versions, stored) \
	"{\"spec\":{\"versions\":[" versions "]},\"status\":{\"storedVersions\":[" stored "]}}"
#define ALPHA "\"v1alpha1\""
#define BETA "\"v1beta1\""
#define WEBHOOK                                                                       \
	"{\"spec\":{\"conversion\":{\"strategy\":\"Webhook\"},\"versions\":[" SERVED( \
		"v1beta1", "") "]},\"status\":{\"storedVersions\":[" BETA "]}}"

static void each_generation_is_told_by_what_it_has(void **state)
{
	static const struct {
		enum crd_kind kind;
		const char *crd; /* NULL: not there */
		bool harms;
		const char *found, *advice; /* advice "": none */
	} cases[] = {
		{ CRD_SANDBOXES, NULL, false, "not there", "apply the definition" },
		{ CRD_SANDBOXES, CRD(SERVED("v1alpha1", ""), ALPHA), false,
		  "definition of v1alpha1 alone; served: v1alpha1; stored: v1alpha1",
		  "in place of this one" },
		{ CRD_SANDBOXES,
		  CRD(SERVED("v1alpha1", "\"origin\":{}") "," SERVED("v1beta1", "\"origin\":{}"),
		      ALPHA "," BETA),
		  false,
		  "definition of this project; served: v1alpha1 and v1beta1; stored: v1alpha1 and v1beta1; conversion: none",
		  "" },
		{ CRD_SANDBOXES, CRD(SERVED("v1beta1", "\"origin\":{}"), BETA), false,
		  "definition of this project; served: v1beta1", "" },
		{ CRD_SANDBOXES, CRD(SERVED("v1beta1", ""), BETA), false,
		  "definition of the Go controller v1; served: v1beta1", "in place of this one" },
		{ CRD_SANDBOXES,
		  CRD(SERVED("v1alpha1", "") "," SERVED("v1beta1", ""), ALPHA "," BETA), true,
		  "definition of the Go controller v0.2 to v0.5", "finish its migration" },
		{ CRD_SANDBOXES, CRD(SERVED("v1alpha1", "") "," SERVED("v1beta1", ""), BETA), false,
		  "stored: v1beta1", "in place of this one" },
		{ CRD_SANDBOXES, WEBHOOK, true, "conversion: by a webhook",
		  "kubectl patch crd sandboxes.agents.x-k8s.io" },
		{ CRD_TEMPLATES,
		  CRD(SERVED("v1alpha1", "\"networkPolicyManagement\":{\"enum\":[\"Managed\"]}"),
		      ALPHA),
		  true, "v0.2 to v0.5", "objects may be stored as v1alpha1" },
		{ CRD_TEMPLATES,
		  CRD(SERVED("v1alpha1",
			     "\"networkPolicyManagement\":{\"enum\":[\"Managed\",\"PerClaim\"]}"),
		      ALPHA),
		  false, "definition of this project", "" },
		{ CRD_TEMPLATES, CRD(SERVED("v1alpha1", "\"networkPolicy\":{}"), ALPHA), false,
		  "definition of v1alpha1 alone", "in place of this one" },
		{ CRD_CLAIMS,
		  CRD(SERVED("v1alpha1", "\"sandboxTemplateRef\":{},\"warmpool\":{}"), ALPHA), true,
		  "v0.2 to v0.5", "finish its migration" },
		{ CRD_CLAIMS,
		  CRD(SERVED("v1beta1", "\"sandboxTemplateRef\":{},\"warmPoolRef\":{}"), BETA),
		  false, "definition of this project", "" },
		{ CRD_WARM_POOLS, CRD(SERVED("v1beta1", "\"members\":{}"), BETA), false,
		  "definition of this project", "" },
		/* Nothing in it is to be relied on. */
		{ CRD_CLAIMS, "[]", false, "served: none; stored: none", "apply" },
		{ CRD_CLAIMS, "{\"spec\":{\"versions\":{\"name\":1}},\"status\":[]}", false,
		  "served: none", "apply" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP_JSON struct json_object *crd =
			cases[i].crd != NULL ? json_parse(cases[i].crd, strlen(cases[i].crd), NULL)
					     : NULL;
		struct buf found = BUF_INIT(4096), advice = BUF_INIT(4096);
		struct crd_report report;

		assert_true(cases[i].crd == NULL || crd != NULL);
		crd_report_of(cases[i].kind, crd, &report);
		crd_report_describe(&report, &found);
		crd_report_advise(&report, &advice);
		if (crd_report_harms(&report) != cases[i].harms ||
		    strstr(buf_str(&found), cases[i].found) == NULL ||
		    strstr(buf_str(&found), crd_name(cases[i].kind)) == NULL ||
		    strstr(buf_str(&advice), cases[i].advice) == NULL ||
		    (cases[i].advice[0] == '\0' && advice.length > 0)) {
			fail_msg("case %zu: %s\n%s", i, buf_str(&found), buf_str(&advice));
		}
		buf_finish(&found);
		buf_finish(&advice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_generation_is_told_by_what_it_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
