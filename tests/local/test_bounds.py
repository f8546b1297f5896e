# SPDX-License-Identifier: Apache-2.0
"""Small requests that ask for much work, and what must not be lost: patches, patterns, defaults, owners, merges."""

import threading
import unittest

from server import Client, ServerCase, closing_all, until

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"


def crd(plural, spec):
    kind = plural[:-1].capitalize()
    return {"metadata": {"name": plural + ".bounds.example.com"},
            "spec": {"group": "bounds.example.com", "scope": "Namespaced", "names": {"plural": plural, "kind": kind},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {
                         "type": "object", "properties": {"spec": spec}}}}]}}


class Bounds(ServerCase):
    def make_kind(self, plural, spec):
        self.api.call("POST", CRDS, crd(plural, spec))
        return f"/apis/bounds.example.com/v1/namespaces/default/{plural}"

    def served_meanwhile(self, attack):
        """Others are answered while it goes on, and after it."""
        failures = []

        def run():
            try:
                attack()
            except BaseException as error:  # pylint: disable=broad-except
                failures.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        self.api.call("GET", "/api/v1/namespaces/default")
        thread.join()
        self.api.call("GET", "/api/v1/namespaces/default")
        self.assertEqual([], failures)

    def refused_patch(self, name, patch):
        self.served_meanwhile(lambda: self.assert_status(413, "RequestEntityTooLarge", "PATCH", f"{MAPS}/{name}",
                                                         patch, content_type=JSON_PATCH))

    def test_a_patch_copies_within_bounds(self):
        self.api.call("POST", MAPS, {"metadata": {"name": "large"}, "data": {"a": "x" * 900000}})
        self.refused_patch("large", [{"op": "copy", "from": "/data/a", "path": f"/data/b{i}"} for i in range(9000)])
        self.assertEqual(["a"], list(self.api.call("GET", MAPS + "/large")["data"]))

    def test_a_patch_moves_within_bounds(self):
        owners = [f"example.com/f{i}" for i in range(40000)]
        self.api.call("POST", MAPS, {"metadata": {"name": "long", "finalizers": owners}})
        place = "/metadata/finalizers"
        self.refused_patch("long", [{"op": "move", "from": place, "path": place}] * 9000)
        self.refused_patch("long", [{"op": "add", "path": "/metadata/finalizers/0", "value": "a/b"}] * 9000)

    def test_patterns_end(self):
        path = self.make_kind("patterns", {"type": "object", "properties": {
            "s": {"type": "string", "pattern": "(a|b)*a(a|b){16}$"},
            "t": {"type": "string", "pattern": "(a|b)*a(a|b){990}$"}}})
        text = "a" * 300000
        self.api.call("POST", path, {"metadata": {"name": "fits"}, "spec": {"s": text}})
        self.assert_status(422, "Invalid", "POST", path, {"metadata": {"name": "not"}, "spec": {"s": text + "c"}})
        self.assert_status(413, "RequestEntityTooLarge", "POST", path,
                           {"metadata": {"name": "dear"}, "spec": {"t": text}})

    def test_look_around_and_back_references_are_refused_with_the_reason(self):
        for pattern, reason in (("(?!a)b", "invalid or unsupported Perl syntax: `(?!`"),
                                (r"(a)\1", r"invalid escape sequence: `\1`")):
            message = self.assert_status(422, "Invalid", "POST", CRDS,
                                         crd("refuseds", {"type": "string", "pattern": pattern}))
            self.assertIn("must be a valid regular expression, but isn't: error parsing regexp: " + reason, message)

    def test_defaults_do_not_multiply(self):
        path = self.make_kind("defaults", {"type": "array", "items": {"type": "object", "properties": {
            "d": {"type": "string", "default": "x" * 1000}}}})
        self.assert_status(413, "RequestEntityTooLarge", "POST", path,
                           {"metadata": {"name": "many"}, "spec": [{}] * 100000})

    def test_alternatives_end(self):
        path = self.make_kind("alternatives", {"type": "array", "items": {
            "type": "string", "anyOf": [{"maxLength": 0}] * 3000}})
        self.assert_status(413, "RequestEntityTooLarge", "POST", path,
                           {"metadata": {"name": "many"}, "spec": ["a"] * 100000})

    def test_finalizers_are_compared_in_time(self):
        names = [f"example.com/f{i}" for i in range(40000)]
        self.api.call("POST", MAPS, {"metadata": {"name": "ending", "finalizers": names}})
        self.api.call("DELETE", MAPS + "/ending")
        self.api.call("PATCH", MAPS + "/ending", {"metadata": {"finalizers": names[::-1][1:]}},
                      content_type="application/merge-patch+json")
        self.assert_status(422, "Invalid", "POST", MAPS, {"metadata": {"name": "bad", "finalizers": [""] * 500000}})

    def test_mounts_find_their_volumes_in_time(self):
        many = 16000
        pod = {"metadata": {"name": "mounts"}, "spec": {
            "containers": [{"name": "c", "image": "localhost/x", "volumeMounts": [
                {"name": f"v{many - 1}", "mountPath": f"/{i}"} for i in range(many)]}],
            "volumes": [{"name": f"v{i}"} for i in range(many)]}}
        self.served_meanwhile(lambda: self.api.call("POST", PODS + "?dryRun=All", pod))

    def test_tolerations_are_compared_in_time(self):
        pod = {"metadata": {"name": "tolerant"}, "spec": {
            "containers": [{"name": "c", "image": "localhost/x"}],
            "tolerations": [{"key": f"k{i}", "operator": "Exists"} for i in range(20000)]}}
        kept = self.api.call("POST", PODS, pod)["spec"]["tolerations"]
        patch = {"spec": {"tolerations": kept[::-1]}}
        merge = "application/merge-patch+json"
        self.served_meanwhile(lambda: self.api.call("PATCH", PODS + "/tolerant", patch, content_type=merge))
        self.assert_status(422, "Invalid", "PATCH", PODS + "/tolerant", {"spec": {"tolerations": kept[1:]}},
                           content_type=merge)

    def test_a_table_is_bounded_while_it_is_made(self):
        definition = crd("tables", {"type": "object", "x-kubernetes-preserve-unknown-fields": True})
        definition["spec"]["versions"][0]["additionalPrinterColumns"] = [
            {"name": "a", "type": "string", "jsonPath": ".spec"}] * 5000
        self.api.call("POST", CRDS, definition)
        path = "/apis/bounds.example.com/v1/namespaces/default/tables"
        self.api.call("POST", path, {"metadata": {"name": "small"}, "spec": {"a": 1}})
        client = Client(self.server.server, self.server.ca, self.server.admin_token)
        client.headers["Accept"] = "application/json;as=Table;v=v1;g=meta.k8s.io"
        self.assertEqual(5001, len(client.call("GET", path)["rows"][0]["cells"]))
        self.api.call("POST", path, {"metadata": {"name": "large"}, "spec": {"a": "x" * 1000000}})
        before = self.rss_kb()
        for place in (path, path + "/large"):
            status, body = client.raw("GET", place)
            self.assertEqual(500, status)
            self.assertIn(b"the table is too large", body)
        self.assert_grew_less(before, 200 << 10)

    def test_responses_that_nobody_reads_are_bounded_together(self):
        if self.sanitized:
            self.skipTest("a sanitizer's program prints lists more slowly than silent clients are given up")
        for i in range(20):
            self.api.call("POST", "/api/v1/namespaces/kube-public/configmaps",
                          {"metadata": {"name": f"unread-{i}"}, "data": {"a": "x" * 1400000}})
        path = "/api/v1/namespaces/kube-public/configmaps"
        before = self.rss_kb()
        unread = []

        def refused():
            """Asks for ten more lists that nobody reads: on a slow machine the server gives the oldest up meanwhile."""
            for _ in range(10):
                unread.append(self.tls())
                unread[-1].sendall(self.head("GET", path))
            return self.api.raw("GET", path)[0] == 503

        with closing_all(unread):
            until(refused, 120, "lists are still sent while nobody reads them")
            self.assert_status(503, "ServiceUnavailable", "GET", path)
            self.api.call("GET", "/api/v1/namespaces/default")
            self.api.call("DELETE", path + "/unread-0")
            self.assert_grew_less(before, 900 << 10)
        until(lambda: self.api.raw("GET", path)[0] == 200, 120, "the room of lists is not free again")

    def test_two_ports_of_one_number_stay(self):
        path = "/api/v1/namespaces/default/services"
        ports = [{"name": "t", "port": 53, "protocol": "TCP"}, {"name": "u", "port": 53, "protocol": "UDP"}]
        self.api.call("POST", path, {"metadata": {"name": "dns"}, "spec": {"selector": {"a": "b"}, "ports": ports}})
        patch = {"spec": {"$setElementOrder/ports": [{"port": 53}, {"port": 53}],
                          "ports": [{"port": 53, "targetPort": 5354}]}}
        for _ in range(2):
            after = self.api.call("PATCH", path + "/dns", patch, content_type=STRATEGIC)["spec"]["ports"]
            self.assertEqual([("TCP", 5354), ("UDP", 53)], [(p["protocol"], p["targetPort"]) for p in after])

    def test_an_owner_of_an_unknown_kind_keeps(self):
        owner = {"apiVersion": "agents.x-k8s.io/v1beta1", "kind": "Sandbox", "name": "old", "uid": "u"}
        gone = {"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "u"}
        self.api.call("POST", MAPS, {"metadata": {"name": "kept", "ownerReferences": [owner]}})
        self.api.call("POST", MAPS, {"metadata": {"name": "not-kept", "ownerReferences": [gone]}})
        until(lambda: "not-kept" not in self.names(), 60, "an object without owners is still there")
        self.assertIn("kept", self.names())
        until(lambda: ("OwnerRefUnknownKind", "kept") in self.events(), 60, "no event says that the kind is unknown")

    def events(self):
        events = self.api.call("GET", "/api/v1/namespaces/default/events")["items"]
        return [(e["reason"], e["involvedObject"]["name"]) for e in events]

    def names(self):
        return [item["metadata"]["name"] for item in self.api.call("GET", MAPS)["items"]]


if __name__ == "__main__":
    unittest.main()
