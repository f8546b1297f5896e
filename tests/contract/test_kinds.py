# SPDX-License-Identifier: Apache-2.0
"""Kinds: what the API server serves and refuses, with the CustomResourceDefinitions of deploy/."""

import json

from api import AGENTS, EXTENSIONS, ApiError
from kubectl import needs_kubectl
from suite import *

COMPLETE_SPEC = {
    "hostname": "inside", "subdomain": "sub", "priority": 0, "restartPolicy": "OnFailure",
    "terminationGracePeriodSeconds": 7, "activeDeadlineSeconds": 100000, "dnsPolicy": "None",
    "dnsConfig": {"nameservers": ["192.0.2.1"], "options": [{"name": "ndots", "value": "2"}]},
    "hostAliases": [{"ip": "192.0.2.2", "hostnames": ["a.example"]}],
    "securityContext": {"runAsUser": 1000, "fsGroup": 1000, "sysctls": [{"name": "kernel.shm_rmid_forced", "value": "1"}],
                        "seccompProfile": {"type": "RuntimeDefault"}},
    "tolerations": [{"key": "k", "operator": "Exists", "effect": "NoSchedule", "tolerationSeconds": None}],
    "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway",
                                   "labelSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
        {"weight": 1, "preference": {"matchExpressions": [{"key": "x", "operator": "In", "values": ["y"]}]}}]}},
    "readinessGates": [{"conditionType": "example.com/gate"}],
    "volumes": [
        {"name": "empty", "emptyDir": {"sizeLimit": "10Mi"}},
        {"name": "mixed", "projected": {"sources": [{"downwardAPI": {"items": [
            {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}}]}},
        {"name": "own", "ephemeral": {"volumeClaimTemplate": {
            "metadata": {"labels": {"kept": "yes"}},
            "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}}}],
    "initContainers": [{"name": "before", "image": "example.com/none", "restartPolicy": "Always"}],
    "containers": [{
        "name": "main", "image": "example.com/none", "command": ["a"], "args": ["b"], "workingDir": "/w", "stdin": True,
        "ports": [{"name": "dns", "containerPort": 53, "protocol": "UDP"}, {"name": "dns-tcp", "containerPort": 53}],
        "env": [{"name": "A", "value": "1"}, {"name": "B", "valueFrom": {"resourceFieldRef": {
            "resource": "limits.cpu", "divisor": "1m"}}}],
        "envFrom": [{"configMapRef": {"name": "c", "optional": True}}],
        "resources": {"limits": {"cpu": 1, "memory": "64Mi"}, "requests": {"cpu": "250m"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": "dns-tcp"}, "periodSeconds": 3},
        "livenessProbe": {"tcpSocket": {"port": 53}},
        "lifecycle": {"preStop": {"exec": {"command": ["x"]}}},
        "volumeMounts": [{"name": "empty", "mountPath": "/e", "subPath": "s"}],
        "securityContext": {"capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}}],
}


def covers(want, have):
    """Whether all of want is in have; lists of named things by their order. None: a path to the difference."""
    if isinstance(want, dict):
        for key, value in want.items():
            if value is None:
                continue
            if not isinstance(have, dict) or key not in have:
                return key
            path = covers(value, have[key])
            if path:
                return f"{key}.{path}"
    elif isinstance(want, list):
        if not isinstance(have, list) or len(have) < len(want):
            return "[]"
        for number, value in enumerate(want):
            path = covers(value, have[number])
            if path:
                return f"{number}.{path}"
    elif str(want) != str(have):
        return f"{want!r} is {have!r}"
    return None


class Kinds(Case):
    def discovery(self, root):
        return {r["name"]: r for r in self.api.call("GET", root)["resources"]}

    def refused(self, kind, spec, pattern, name="refused"):
        with self.assertRaises(ApiError) as caught:
            self.create(kind, name, spec)
        self.assertEqual(422, caught.exception.code, caught.exception)
        self.assertRegex(caught.exception.message, pattern)

    def test_each_kind_is_namespaced_and_has_status(self):
        for root, plurals in ((AGENTS, ["sandboxes"]),
                              (EXTENSIONS, ["sandboxclaims", "sandboxtemplates", "sandboxwarmpools"])):
            found = self.discovery(root)
            for plural in plurals:
                self.assertEqual(KINDS[plural], found[plural]["kind"])
                self.assertIs(True, found[plural]["namespaced"])
                self.assertIn(plural + "/status", found)

    def test_sandbox_and_pool_can_be_scaled_the_others_cannot(self):
        found = {**self.discovery(AGENTS), **self.discovery(EXTENSIONS)}
        self.assertEqual({"sandboxes/scale", "sandboxwarmpools/scale"}, {n for n in found if n.endswith("/scale")})

    def test_kubectl_knows_the_short_names(self):
        for name in ("sandbox", "sandboxtemplate", "sandboxclaim", "swp"):
            Suite.cluster.kubectl("get", name, "-n", self.ns)

    def test_kubectl_get_swp_shows_ready_and_age(self):
        self.pool(replicas=0)
        for resource, columns in (("sandboxwarmpools.v1alpha1.extensions.agents.x-k8s.io", ["READY", "AGE"]),
                                  ("swp", ["READY", "DESIRED", "AGE"])):
            head = Suite.cluster.kubectl("get", resource, "-n", self.ns).stdout.splitlines()[0].split()
            self.assertEqual(["NAME", *columns], head)

    def test_sandbox_needs_a_pod_template(self):
        self.refused("sandboxes", {"replicas": 1}, "podTemplate")
        self.refused("sandboxes", {"podTemplate": {}}, "spec.podTemplate.spec")

    def test_sandbox_replicas_are_0_or_1(self):
        for number in (-1, 2):
            self.refused("sandboxes", {"podTemplate": pod_template(), "replicas": number}, "spec.replicas")
        self.assertEqual(1, self.sandbox()["spec"]["replicas"])

    def test_shutdown_policy_is_delete_or_retain_and_retain_by_default(self):
        self.refused("sandboxes", {"podTemplate": pod_template(), "shutdownPolicy": "Keep"}, "shutdownPolicy")
        self.assertEqual("Retain", self.sandbox()["spec"]["shutdownPolicy"])
        claim = self.claim(shutdownTime=moment(3600))
        self.assertEqual("Retain", claim["spec"]["lifecycle"]["shutdownPolicy"])

    def test_shutdown_time_is_a_date_time(self):
        self.refused("sandboxes", {"podTemplate": pod_template(), "shutdownTime": "tomorrow"}, "shutdownTime")

    def test_sandbox_status_has_the_fields_of_both_versions(self):
        crd = self.api.get("customresourcedefinitions", None, "sandboxes.agents.x-k8s.io")
        for version in crd["spec"]["versions"]:
            status = version["schema"]["openAPIV3Schema"]["properties"]["status"]
            self.assertNotIn("required", status)
            self.assertEqual({"serviceFQDN", "service", "conditions", "replicas", "selector", "podIPs", "nodeName"},
                             set(status["properties"]))

    def test_claim_and_pool_need_a_reference(self):
        self.refused("sandboxclaims", {}, "spec.warmPoolRef: Required value")
        self.refused("sandboxclaims", {"sandboxTemplateRef": {}}, "sandboxTemplateRef.name")
        self.refused("sandboxwarmpools", {"replicas": 1}, "sandboxTemplateRef")

    def test_pool_needs_replicas_of_at_least_0(self):
        ref = {"sandboxTemplateRef": {"name": "tmpl"}}
        self.refused("sandboxwarmpools", ref, "spec.replicas")
        self.refused("sandboxwarmpools", dict(ref, replicas=-1), "spec.replicas")

    def test_the_scale_of_a_sandbox_without_replicas_can_be_read(self):
        self.sandbox()
        self.assertEqual(1, self.api.get("sandboxes", self.ns, "sb", "scale")["spec"]["replicas"])

    def test_kubectl_scale_stops_a_sandbox(self):
        self.sandbox()
        self.ready("sandboxes", "sb")
        Suite.cluster.kubectl("scale", "-n", self.ns, "sandbox/sb", "--replicas=0")
        self.gone("pods", "sb")

    def test_kubectl_scale_grows_a_pool(self):
        self.template()
        self.pool(replicas=0)
        Suite.cluster.kubectl("scale", "-n", self.ns, "swp/pool", "--replicas=2")
        self.assertEqual(2, self.pool_at_rest()["status"]["replicas"])

    def test_kubectl_apply_catches_a_misspelt_field_of_the_pod_spec(self):
        needs_kubectl(25, "validation by the server")
        for path in (("contaners",), ("containers", 0, "imagee"), ("volumes", 0, "emptydir")):
            spec = pod_spec(volumes=[{"name": "v", "emptyDir": {}}])
            place = spec
            for step in path[:-1]:
                place = place[step]
            place[path[-1]] = "x"
            done = Suite.cluster.kubectl("apply", "-n", self.ns, "-f", "-", check=False,
                                         stdin=json.dumps(body("sandboxes", "sb", {"podTemplate": {"spec": spec}})))
            self.assertNotEqual(0, done.returncode)
            self.assertRegex(done.stderr, f'unknown field "?.*{path[-1]}')

    def test_kubectl_explain_answers_for_the_pod_spec(self):
        needs_kubectl(27, "explain by OpenAPI v3")
        for kind in ("sandbox", "sandboxtemplate"):
            done = Suite.cluster.kubectl("explain", kind + ".spec.podTemplate.spec.containers")
            self.assertRegex(done.stdout, r"(?m)^ +image\b")

    def test_kubectl_explain_describes_our_own_fields(self):
        needs_kubectl(27, "explain by OpenAPI v3")
        for field in ("sandbox.spec.shutdownTime", "sandbox.spec.podTemplate", "sandbox.spec.volumeClaimTemplates",
                      "sandbox.status.serviceFQDN", "sandboxclaim.spec.sandboxTemplateRef",
                      "sandboxwarmpool.spec.replicas", "sandboxtemplate.spec.networkPolicy"):
            done = Suite.cluster.kubectl("explain", field)
            self.assertNotIn("<empty>", done.stdout.split("FIELDS")[0], field)

    def test_every_field_of_a_pod_spec_survives(self):
        self.sandbox(template={"spec": COMPLETE_SPEC})
        stored = self.get("sandboxes", "sb")["spec"]["podTemplate"]["spec"]
        self.assertIsNone(covers(COMPLETE_SPEC, stored))
        pod = self.eventually(lambda: self.get("pods", "sb"), "the pod")
        self.assertIsNone(covers(dict(COMPLETE_SPEC, tolerations=None), pod["spec"]))

    def test_network_policy_rules_survive_in_a_template(self):
        rules = {"ingress": [{"from": [{"podSelector": {"matchLabels": {"a": "b"}}}],
                              "ports": [{"port": 80, "protocol": "TCP"}, {"port": "http"}]}],
                 "egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
                             "ports": [{"port": 1, "endPort": 100}]}]}
        stored = self.template(networkPolicy=rules)
        self.assertEqual(rules, stored["spec"]["networkPolicy"])
