# SPDX-License-Identifier: Apache-2.0
"""SandboxTemplate: each generation is checked once with the API server."""

from suite import *

REFUSED = pod_template(restartPolicy="Sometimes")


class Template(Case):
    def checks(self):
        return [e for e in self.writes() if e.dry_run]

    def test_a_pod_that_the_server_refuses_is_told_with_its_words(self):
        self.template(template=REFUSED)
        event = self.eventually(lambda: self.events("InvalidTemplate", "tmpl"), "event InvalidTemplate")[0]
        self.assertRegex(event["message"], 'Unsupported value: "Sometimes"')
        self.assertEqual("Warning", event["type"])

    def test_a_network_policy_that_the_server_refuses_is_told(self):
        self.template(networkPolicy={"ingress": [{"ports": [{"port": 99999}]}]})
        event = self.eventually(lambda: self.events("InvalidTemplate", "tmpl"), "event InvalidTemplate")[0]
        self.assertRegex(event["message"], "99999")

    def test_a_good_one_is_checked_and_not_told(self):
        self.template(networkPolicy={"ingress": [{}]})
        self.eventually(lambda: len(self.checks()) == 2, "a dry run of a pod and of a NetworkPolicy")
        self.always(lambda: True, "", 0.5)
        self.assertEqual([], self.events("InvalidTemplate"))
        self.assertEqual([], self.pods())

    def test_each_generation_is_checked_once(self):
        self.template()
        self.eventually(lambda: len(self.checks()) == 1, "one dry run")
        self.patch("sandboxtemplates", "tmpl", {"metadata": {"annotations": {"touched": "1"}}})
        self.always(lambda: len(self.checks()) == 1, "no second one", 0.5)
        self.patch("sandboxtemplates", "tmpl", {"spec": {"podTemplate": {"spec": {"hostname": "x"}}}})
        self.eventually(lambda: len(self.checks()) == 2, "one for the next generation")

    def test_a_mended_one_is_not_told_again(self):
        self.template(template=REFUSED)
        self.eventually(lambda: self.events("InvalidTemplate", "tmpl"), "event InvalidTemplate")
        self.patch("sandboxtemplates", "tmpl", {"spec": {"podTemplate": {"spec": {"restartPolicy": "Always"}}}})
        self.eventually(lambda: len(self.checks()) == 2, "the second check")
        self.always(lambda: True, "", 0.5)
        self.assertEqual([1], [e.get("count", 1) for e in self.events("InvalidTemplate")])

    def test_a_refusal_for_lack_of_quota_is_not_the_template_s_fault(self):
        self.api.create("resourcequotas", self.ns, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
        self.eventually(lambda: (self.api.get("resourcequotas", self.ns, "none").get("status") or {}).get("hard"),
                        "the quota is known")
        self.template()
        self.eventually(self.checks, "a dry run")
        self.always(lambda: True, "", 0.5)
        self.assertEqual([], self.events("InvalidTemplate"))
