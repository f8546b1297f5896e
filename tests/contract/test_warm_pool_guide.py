# SPDX-License-Identifier: Apache-2.0
"""The guides word for word: warm pool (in namespace default) and a cold claim."""

import os

from suite import *

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "examples")


class Guide(Case):
    alone = True

    def setUp(self):
        super().setUp()
        self.ns = "default"

    def kubectl(self, *argv, **more):
        return Suite.cluster.kubectl(*argv, **more).stdout

    def apply(self, name):
        self.kubectl("apply", "-f", os.path.join(EXAMPLES, name))

    def forget(self, *names):
        for name in names:
            self.kubectl("delete", "--ignore-not-found", "--wait=false", "-f", os.path.join(EXAMPLES, name))

    def leaves_nothing(self):
        """What the guide made is gone once its objects are deleted."""
        def rest():
            return [p["metadata"]["name"] for kind in ("sandboxes", "sandboxclaims", "sandboxwarmpools", "pods")
                    for p in self.api.list(kind, "default")]
        self.eventually(lambda: not rest(), lambda: f"nothing is left: {rest()}", 20)
        services = [s["metadata"]["name"] for s in self.api.list("services", "default")]
        self.assertEqual(["kubernetes"], services or ["kubernetes"])

    def warm_pool(self, template):
        self.addCleanup(self.forget, "warm-pool/claim.yaml", "warm-pool/warm-pool.yaml", template)
        self.apply("warm-pool/runtime-class-gvisor.yaml")
        self.apply(template)
        self.assertIn("python-runtime-template", self.kubectl("get", "sandboxtemplate"))
        self.apply("warm-pool/warm-pool.yaml")
        self.assertIn("python-warmpool", self.kubectl("get", "sandboxwarmpool", "python-warmpool"))
        self.pool_at_rest("python-warmpool")
        self.kubectl("wait", "--for=condition=Ready", "pod", "-l", "agents.x-k8s.io/pool", "--timeout=60s")
        before = self.pool_pods("python-warmpool")
        for pod in before.values():
            self.assertRegex(pod["metadata"]["name"], "^python-warmpool-[a-z0-9]{5}$")
            self.assertEqual(("99619c39", name_hash("python-runtime-template"), "python-sandbox"),
                             (labels(pod)[POOL], labels(pod)[TEMPLATE_HASH], labels(pod)["sandbox"]))

        self.apply("warm-pool/claim.yaml")
        # kubectl wait needs the object: the guide's reader types slower than the controller creates it.
        self.eventually(lambda: self.get("sandboxes", "warmpool-test"), "the Sandbox", 1)
        said = self.kubectl("wait", "--for=condition=Ready", "sandbox/warmpool-test", "--timeout=240s")
        self.assertEqual("sandbox.agents.x-k8s.io/warmpool-test condition met\n", said)
        pod = self.kubectl("get", "sandbox", "warmpool-test", "-o",
                           r"jsonpath={.metadata.annotations.agents\.x-k8s\.io/pod-name}")
        self.assertIn(pod, before)
        taken = labels(self.get("pods", pod))
        self.assertEqual(name_hash("warmpool-test"), taken[NAME_HASH])
        self.assertNotIn(POOL, taken)
        self.pool_at_rest("python-warmpool")
        listed = self.kubectl("get", "pods", "-l", "agents.x-k8s.io/pool", "-o", "name").split()
        self.assertEqual(2, len(listed))
        self.assertNotIn("pod/" + pod, listed)

        self.forget("warm-pool/claim.yaml", "warm-pool/warm-pool.yaml", template)
        self.leaves_nothing()

    def test_warm_pool(self):
        self.warm_pool("warm-pool/template.yaml")

    def test_warm_pool_with_gvisor(self):
        self.warm_pool("warm-pool/template-gvisor.yaml")

    def test_cold_claim(self):
        self.addCleanup(self.forget, "python-template-sandbox/sandbox-python-claim.yaml", "python-template-sandbox/sandbox-python-template.yaml")
        self.apply("python-template-sandbox/sandbox-python-template.yaml")
        self.apply("python-template-sandbox/sandbox-python-claim.yaml")
        self.ready("sandboxclaims", "sandbox-python-claim")
        self.kubectl("wait", "--for=condition=Ready", "pod", "--selector=app=python-sandbox", "--timeout=60s")
        pod = self.get("pods", "sandbox-python-claim")
        self.assertEqual("codexec-python-sandbox", labels(pod)["sandbox"])
        self.forget("python-template-sandbox/sandbox-python-claim.yaml", "python-template-sandbox/sandbox-python-template.yaml")
        self.leaves_nothing()
