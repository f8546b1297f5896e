# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes API with the controller and a fake node; the fake router stands for the pods' addresses."""

import os
import sys

from fakerouter import FakeRouter

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))))
sys.path.append(os.path.join(ROOT, "tests", "contract"))

TEMPLATE = "python-sandbox-template"
GATEWAY_CRD = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: gateways.gateway.networking.k8s.io
  annotations: {"api-approved.kubernetes.io": "unapproved, of the tests"}
spec:
  group: gateway.networking.k8s.io
  names: {kind: Gateway, plural: gateways}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    subresources: {status: {}}
    schema:
      openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}
"""


def missing():
    """Why there can be no world here, or None."""
    try:
        import controller
    except ImportError:
        return "tests/contract is not here: the package is tested alone"
    if not os.access(controller.binary(), os.X_OK):
        return "no '%s': $top_builddir is not the folder of a build with the controller" % controller.binary()
    import cluster
    import localserver
    return cluster.missing_assets() if real() else localserver.missing_server()


def real():
    import localserver
    asked = os.environ.get("AGENTIC_SANDBOX_TEST_SERVER")
    return asked == "real" or asked is None and localserver.missing_server() is not None


class World:
    """controller=False: claims stay as they are."""

    def __init__(self, with_controller=True):
        import api
        import cluster
        import controller
        import fakenode
        import localserver
        import proxy
        self.real = real()
        self.cluster = (cluster.Cluster if self.real else localserver.LocalServer)()
        self.cluster.start(cluster.manifests())
        try:
            self.api = self.cluster.api
            self.node = fakenode.FakeNode(api.Client(self.api.server, self.api.ca, self.api.token)).start()
            if with_controller:
                self.controller = controller.Controller(self.cluster).start()
            self.proxy = proxy.Proxy(self.cluster)
            self.kubeconfig = self._through(self.proxy.url, "proxied.kubeconfig")
            self.cluster.apply(self.cluster.write("gateway.yaml", GATEWAY_CRD))
            self.template(TEMPLATE)
        except BaseException:
            self.cluster.stop()
            raise

    def _through(self, url, name):
        with open(self.cluster.kubeconfig) as f:
            text = f.read()
        return self.cluster.write(name, text.replace(self.cluster.server, url))

    def template(self, name, **annotations):
        self.api.create("sandboxtemplates", "default", {"metadata": {"name": name}, "spec": {"podTemplate": {
            "metadata": {"annotations": annotations},
            "spec": {"containers": [{"name": "main", "image": "example.com/none"}]}}}})

    def claims(self, namespace="default"):
        return [each["metadata"]["name"] for each in self.api.list("sandboxclaims", namespace)]

    def stop(self):
        self.proxy.stop()
        self.node.stop()
        self.cluster.stop()


__all__ = ["FakeRouter", "TEMPLATE", "World", "missing"]
