# SPDX-License-Identifier: Apache-2.0
"""The official Python client against local mode: typed objects, custom objects, watches, pages, errors."""

import os
import threading
import unittest

try:
    import kubernetes
    from kubernetes import client, config, watch
except ImportError:
    kubernetes = None

from server import ServerCase
from test_kubectl import CRDS

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"app": "x"}},
       "spec": {"containers": [{"name": "main", "image": "example.com/none"}]}}
KIND = ("agents.x-k8s.io", "v1alpha1", "default", "sandboxes")


@unittest.skipIf(kubernetes is None, "the package kubernetes is not installed")
class PythonClient(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.apply(*(os.path.join(CRDS, n) for n in sorted(os.listdir(CRDS))))
        config.load_kube_config(cls.server.kubeconfig)
        cls.core = client.CoreV1Api()
        cls.custom = client.CustomObjectsApi()

    def test_pods_are_made_read_patched_and_deleted(self):
        made = self.core.create_namespaced_pod("default", POD)
        self.assertEqual("Pending", made.status.phase)
        self.assertEqual("p", self.core.read_namespaced_pod("p", "default").metadata.name)
        patched = self.core.patch_namespaced_pod("p", "default", {"metadata": {"labels": {"b": "c"}}})
        self.assertEqual({"app": "x", "b": "c"}, patched.metadata.labels)
        self.assertEqual(["p"], [i.metadata.name for i in self.core.list_pod_for_all_namespaces(
            label_selector="b=c").items])
        self.core.delete_namespaced_pod("p", "default", grace_period_seconds=0)
        with self.assertRaises(client.ApiException) as raised:
            self.core.read_namespaced_pod("p", "default")
        self.assertEqual(404, raised.exception.status)

    def test_custom_objects(self):
        body = {"apiVersion": "agents.x-k8s.io/v1alpha1", "kind": "Sandbox", "metadata": {"name": "s"},
                "spec": {"podTemplate": {"spec": POD["spec"]}}}
        self.custom.create_namespaced_custom_object(*KIND, body)
        self.custom.patch_namespaced_custom_object(*KIND, "s", {"metadata": {"labels": {"a": "b"}}})
        self.custom.patch_namespaced_custom_object_status(*KIND, "s", {"status": {"replicas": 1}})
        got = self.custom.get_namespaced_custom_object(*KIND, "s")
        self.assertEqual(({"a": "b"}, 1), (got["metadata"]["labels"], got["status"]["replicas"]))
        self.assertEqual(1, len(self.custom.list_namespaced_custom_object(*KIND)["items"]))
        self.custom.delete_namespaced_custom_object(*KIND, "s")
        self.assertEqual([], self.custom.list_namespaced_custom_object(*KIND)["items"])

    def test_a_watch_sees_what_happens(self):
        seen = []

        def run():
            for event in watch.Watch().stream(self.core.list_namespaced_config_map, "default", timeout_seconds=60):
                seen.append((event["type"], event["object"].metadata.name))
                if event["type"] == "DELETED":
                    return
        thread = threading.Thread(target=run)
        thread.start()
        self.core.create_namespaced_config_map("default", {"metadata": {"name": "w"}})
        self.core.patch_namespaced_config_map("w", "default", {"data": {"a": "b"}})
        self.core.delete_namespaced_config_map("w", "default")
        thread.join(120)
        self.assertEqual(["ADDED", "MODIFIED", "DELETED"], [t for t, name in seen if name == "w"])

    def test_lists_come_in_pages(self):
        for i in range(25):
            self.core.create_namespaced_secret("default", {"metadata": {"name": f"page-{i:02}", "labels": {"p": "1"}}})
        names, token = [], None
        while True:
            page = self.core.list_namespaced_secret("default", limit=10, _continue=token, label_selector="p=1")
            names += [i.metadata.name for i in page.items]
            token = page.metadata._continue
            if not token:
                break
        self.assertEqual([f"page-{i:02}" for i in range(25)], names)
        self.core.delete_collection_namespaced_secret("default", label_selector="p=1")
        self.assertEqual([], self.core.list_namespaced_secret("default", label_selector="p=1").items)

    def test_conflicts_are_told(self):
        self.core.create_namespaced_config_map("default", {"metadata": {"name": "c"}})
        old = self.core.read_namespaced_config_map("c", "default")
        self.core.patch_namespaced_config_map("c", "default", {"data": {"a": "1"}})
        old.data = {"a": "2"}
        with self.assertRaises(client.ApiException) as raised:
            self.core.replace_namespaced_config_map("c", "default", old)
        self.assertEqual(409, raised.exception.status)


if __name__ == "__main__":
    unittest.main()
