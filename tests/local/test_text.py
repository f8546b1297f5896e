# SPDX-License-Identifier: Apache-2.0
"""Bytes that are not UTF-8 and NULs in bodies: nothing of it is stored that a client could not read, or that would be
read as something else."""

import json
import unittest

from server import ServerCase

MAPS = "/api/v1/namespaces/default/configmaps"
JSON = "application/json"
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
PATCH = "application/json-patch+json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"
NOT_UTF8 = (b"\xff", b"\xc3(", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82")


def field(number, content):
    """A protobuf field of bytes."""
    size, head = len(content), bytes([number << 3 | 2])
    while size >= 128:
        head += bytes([size & 127 | 128])
        size >>= 7
    return head + bytes([size]) + content


def config_map(name, entry_key, entry_value):
    meta = field(1, name)
    data = field(2, field(1, entry_key) + field(2, entry_value))
    unknown = field(1, field(1, b"v1") + field(2, b"ConfigMap")) + field(2, field(1, meta) + data)
    return b"k8s\0" + unknown


class Text(ServerCase):
    def setUp(self):
        self.api.raw("POST", MAPS, {"metadata": {"name": "kept"}, "data": {"a": "b"}})
        self.before = self.stored()

    def stored(self):
        answer = self.api.call("GET", MAPS)
        return answer["metadata"]["resourceVersion"], answer["items"]

    def refused(self, code, method, path, body, content_type=JSON):
        status, answer = self.api.raw(method, path, body, content_type)
        self.assertEqual(code, status, (body, answer[:300]))
        self.assertEqual(code, json.loads(answer.decode())["code"])
        self.assertEqual(self.before, self.stored(), body)

    def test_bytes_that_are_not_utf8_are_refused_in_json(self):
        for raw in NOT_UTF8:
            for text in (b'{"metadata":{"generateName":"u-"},"data":{"x":"%s"}}', b'{"metadata":{"name":"%s"}}',
                         b'{"metadata":{"generateName":"u-","annotations":{"x":"%s"}}}',
                         b'{"metadata":{"generateName":"u-","annotations":{"x%s":"y"}}}',
                         b'{"metadata":{"generateName":"u-"},"data":{"x%s":"y"}}', b'{"metadata":{"generateName":"u-"},"%s":1}'):
                self.refused(400, "POST", MAPS, text % raw)
                self.refused(400, "PUT", MAPS + "/kept", text % raw)
            for kind in (MERGE, STRATEGIC):
                self.refused(400, "PATCH", MAPS + "/kept", b'{"data":{"x":"%s"}}' % raw, kind)
                self.refused(400, "PATCH", MAPS + "/kept", b'{"%s":"x"}' % raw, kind)
            self.refused(400, "PATCH", MAPS + "/kept", b'[{"op":"add","path":"/data/x","value":"%s"}]' % raw, PATCH)
            self.refused(400, "PATCH", MAPS + "/kept", b'[{"op":"add","path":"/data/%s","value":"x"}]' % raw, PATCH)
            self.refused(400, "POST", MAPS, b'metadata: {generateName: u-}\ndata: {x: "%s"}\n' % raw, YAML)
            self.refused(400, "POST", MAPS, config_map(b"u", b"x", raw), PROTOBUF)
            self.refused(400, "POST", MAPS, config_map(b"u", raw, b"x"), PROTOBUF)
            self.refused(400, "POST", MAPS, config_map(raw, b"x", b"x"), PROTOBUF)
            self.refused(400, "DELETE", MAPS + "/kept", b'{"dryRun":["%s"]}' % raw)

    def test_a_nul_in_metadata_is_refused(self):
        for meta in ('"name":"a\\u0000b"', '"generateName":"a\\u0000b"', '"generateName":"u-","labels":{"x":"a\\u0000b"}',
                     '"generateName":"u-","finalizers":["x.y/z\\u0000a"]',
                     '"generateName":"u-","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"a\\u0000","uid":"u"}]'):
            self.refused(422, "POST", MAPS, b'{"metadata":{%s}}' % meta.encode())
        self.refused(400, "POST", MAPS, b'{"kind":"ConfigMap\\u0000","metadata":{"generateName":"u-"}}')
        self.refused(400, "POST", MAPS, b'{"apiVersion":"v1\\u0000","metadata":{"generateName":"u-"}}')
        self.refused(400, "POST", MAPS, b'{"metadata":{"generateName":"u-","namespace":"default\\u0000x"}}')
        self.refused(422, "POST", MAPS, b'metadata: {name: "a\\0b"}\n', YAML)
        self.refused(422, "POST", MAPS, config_map(b"a\0b", b"x", b"x"), PROTOBUF)
        self.refused(422, "PATCH", MAPS + "/kept", b'{"metadata":{"labels":{"x":"a\\u0000"}}}', MERGE)
        self.refused(422, "PATCH", MAPS + "/kept", b'{"metadata":{"finalizers":["a.b/c\\u0000"]}}', STRATEGIC)
        self.refused(422, "PATCH", MAPS + "/kept",
                     b'[{"op":"add","path":"/metadata/labels","value":{"x":"a\\u0000"}}]', PATCH)

    def test_a_name_with_a_nul_is_refused(self):
        for text in (b'{"metadata":{"generateName":"u-","labels":{"x\\u0000":"y"}}}', b'{"metadata":{"name":"u"},"data\\u0000":{}}',
                     b'{"metadata":{"generateName":"u-","annotations":{"x\\u0000y":"z"}}}', b'{"data":{"x\\u0000" : "y"}}'):
            self.refused(400, "POST", MAPS, text)
        self.refused(400, "PATCH", MAPS + "/kept", b'{"data":{"a\\u0000":"c"}}', MERGE)
        self.refused(400, "PATCH", MAPS + "/kept", b'{"$patch\\u0000":"delete"}', STRATEGIC)
        self.refused(400, "POST", MAPS, config_map(b"u", b"x\0y", b"x"), PROTOBUF)
        self.refused(400, "DELETE", MAPS + "/kept", b'{"dryRun\\u0000":["All"]}')

    def test_a_nul_in_what_says_how_to_patch_is_refused(self):
        for text in (b'[{"op":"remove\\u0000","path":"/data"}]', b'[{"op":"remove","path":"/data\\u0000x"}]',
                     b'[{"op":"move","from":"/data\\u0000x","path":"/data"}]'):
            self.refused(400, "PATCH", MAPS + "/kept", text, PATCH)
        self.refused(400, "PATCH", MAPS + "/kept", b'{"$patch":"delete\\u0000"}', STRATEGIC)

    def test_a_nul_in_a_pod_or_a_binding_is_refused(self):
        pods = "/api/v1/namespaces/default/pods"
        for spec in ('"containers":[{"name":"c","image":"localhost/x","command":["a\\u0000b"]}]',
                     '"containers":[{"name":"c\\u0000","image":"localhost/x"}]',
                     '"nodeName":"n\\u0000","containers":[{"name":"c","image":"localhost/x"}]'):
            self.refused(422, "POST", pods, b'{"metadata":{"name":"p"},"spec":{%s}}' % spec.encode())
        self.refused(400, "POST", pods + "/p/binding", b'{"metadata":{"name":"p"},"target":{"name":"n\\u0000x"}}')
        self.refused(400, "POST", pods + "/p/eviction", b'{"metadata":{"name":"p\\u0000"}}')

    def test_a_nul_in_what_the_server_compares_is_another_text(self):
        uid, version = (self.api.call("GET", MAPS + "/kept")["metadata"][name] for name in ("uid", "resourceVersion"))
        for place in (MAPS + "/kept", "/api/v1/namespaces/default"):
            for text in ("\0", "abc\0", "\0abc"):
                for kind in (MERGE, STRATEGIC):
                    self.refused(422, "PATCH", place, {"metadata": {"uid": text}}, kind)
                    self.refused(409, "PATCH", place, {"metadata": {"resourceVersion": text}}, kind)
                    self.refused(422, "PATCH", place, {"metadata": {"creationTimestamp": text}}, kind)
                self.refused(422, "PATCH", place, [{"op": "add", "path": "/metadata/uid", "value": text}], PATCH)
                self.refused(409, "PATCH", place, [{"op": "add", "path": "/metadata/resourceVersion", "value": text}], PATCH)
        for text in (uid + "\0", uid + "\0x", "\0"):
            self.refused(422, "PATCH", MAPS + "/kept", {"metadata": {"uid": text}}, MERGE)
            self.refused(409, "PUT", MAPS + "/kept", {"metadata": {"name": "kept", "uid": text}})
            self.refused(422, "POST", MAPS, {"metadata": {"name": "u", "uid": text}})
            self.refused(400, "DELETE", MAPS + "/kept", {"preconditions": {"uid": text}})
        for text in (version + "\0", version + "\0x", "\0"):
            self.refused(409, "PATCH", MAPS + "/kept", {"metadata": {"resourceVersion": text}}, MERGE)
            self.refused(409, "PUT", MAPS + "/kept", {"metadata": {"name": "kept", "resourceVersion": text}})
            self.refused(400, "POST", MAPS, {"metadata": {"name": "u", "resourceVersion": text}})
            self.refused(400, "DELETE", MAPS + "/kept", {"preconditions": {"resourceVersion": text}})

    def test_a_nul_in_what_the_server_replaces_is_refused(self):
        for name, text in (("name", "kept\0"), ("name", "kept\0x"), ("namespace", "default\0"), ("namespace", "\0"),
                           ("creationTimestamp", "\0"), ("deletionTimestamp", "x\0")):
            self.refused(422, "PATCH", MAPS + "/kept", {"metadata": {name: text}}, MERGE)
            self.refused(422, "PATCH", MAPS + "/kept", {"metadata": {name: text}}, STRATEGIC)
            self.refused(400 if name == "namespace" else 422, "PUT", MAPS + "/kept", {"metadata": {"name": "kept", name: text}})
            self.refused(400 if name == "namespace" else 422, "POST", MAPS, {"metadata": {"generateName": "u", name: text}})
        for body in ({"kind": "ConfigMap\0x"}, {"apiVersion": "v1\0x"}, {"apiVersion": "\0"}):
            self.refused(422, "PATCH", MAPS + "/kept", body, MERGE)

    def test_a_nul_in_the_version_of_a_scale_is_another_version(self):
        crds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        pools = "/apis/text.test/v1/namespaces/default/pools"
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        scale = {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas"}
        self.api.call("POST", crds, {"metadata": {"name": "pools.text.test"}, "spec": {
            "group": "text.test", "scope": "Namespaced", "names": {"plural": "pools", "kind": "Pool"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema},
                          "subresources": {"scale": scale}}]}})
        self.api.call("POST", pools, {"apiVersion": "text.test/v1", "kind": "Pool", "metadata": {"name": "p"}, "spec": {"replicas": 0}})
        version = self.api.call("GET", pools + "/p")["metadata"]["resourceVersion"]
        self.before = self.stored()
        for text in (version + "\0", "\0"):
            for kind in (MERGE, STRATEGIC):
                self.refused(409, "PATCH", pools + "/p/scale", {"metadata": {"resourceVersion": text}}, kind)
            self.refused(400, "PUT", pools + "/p/scale", {"metadata": {"name": "p", "resourceVersion": text}})
        self.api.call("DELETE", pools + "/p")
        self.api.call("DELETE", crds + "/pools.text.test")

    def test_a_nul_in_text_that_nobody_reads_is_kept(self):
        self.api.call("POST", MAPS, {"metadata": {"name": "nul", "annotations": {"x": "a\0b"}}, "data": {"x": "y\0z"}})
        stored = self.api.call("GET", MAPS + "/nul")
        self.assertEqual(("a\0b", "y\0z"), (stored["metadata"]["annotations"]["x"], stored["data"]["x"]))
        self.api.call("DELETE", MAPS + "/nul")

    def test_lone_surrogates_become_replacement_characters(self):
        self.api.call("POST", MAPS, b'{"metadata":{"name":"lone"},"data":{"x":"a\\ud800b\\udc00"}}')
        self.assertEqual("a\ufffdb\ufffd", self.api.call("GET", MAPS + "/lone")["data"]["x"])
        self.api.call("DELETE", MAPS + "/lone")

    def test_a_message_that_quotes_half_a_character_is_json(self):
        for length in range(60, 66):
            self.refused(422, "POST", f"{MAPS}?dryRun={'x' * length}%F0%9F%98%80", {})
        for accept in ("\xff", "\xc3("):
            status, answer = self.api.raw("POST", MAPS, b"{}", "application/" + accept)
            self.assertEqual(415, status)
            json.loads(answer.decode())


if __name__ == "__main__":
    unittest.main()
