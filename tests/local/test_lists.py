# SPDX-License-Identifier: Apache-2.0
"""Large lists in each of their forms: what they take is a few times their text, not the trees of all objects."""

import http.client
import json
import re
import unittest

from server import ServerCase

MAPS = "/api/v1/namespaces/default/configmaps"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
COUNT, KEYS = 12, 30000


class Lists(ServerCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for i in range(COUNT):
            cls.api.call("POST", MAPS, {"metadata": {"name": f"m{i:02}"}, "data": {f"key{j}": "v" * 12 for j in range(KEYS)}})

    def peak_kb(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"VmHWM:\s+(\d+)", f.read()).group(1))

    def forget_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w") as f:
            f.write("5")

    def read(self, query, accept):
        connection = http.client.HTTPSConnection(self.api.host, self.api.port, context=self.api.tls, timeout=60)
        connection.request("GET", MAPS + query, headers={"Authorization": "Bearer " + self.api.token, "Accept": accept})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertEqual(200, answer.status)
        return text

    def test_no_form_of_a_list_holds_the_trees_of_all_objects(self):
        trees_kb = None
        for query, accept in (("", "application/json"), ("?pretty=true", "application/json"),
                              ("?includeObject=Object", TABLE), ("?includeObject=Object&pretty=1", TABLE)):
            self.forget_peak()
            before = self.rss_kb()
            text = self.read(query, accept)
            answer = json.loads(text.decode())
            names = [m["metadata"]["name"] for m in (answer["items"] if "items" in answer
                                                     else [row["object"] for row in answer["rows"]])]
            self.assertEqual([f"m{i:02}" for i in range(COUNT)], [n for n in names if n != "kube-root-ca.crt"])
            self.assertEqual("pretty" in query, text.count(b"\n") > 1)
            if not self.sanitized:
                # Buffers double as they grow, and a pretty list has its plain form beside it.
                trees_kb = 5 * len(text) // 1024 + 24 * 1024
                self.assertLess(self.peak_kb() - before, trees_kb, (query, accept))

    def test_a_pretty_object_is_the_same_object(self):
        plain = self.api.call("GET", MAPS + "/kube-root-ca.crt")
        for query in ("?pretty", "?pretty=true"):
            status, text = self.api.raw("GET", MAPS + "/kube-root-ca.crt" + query)
            self.assertEqual((200, plain), (status, json.loads(text)))
            self.assertIn(b'\n  "metadata": {\n    "name": "kube-root-ca.crt",\n', text)


if __name__ == "__main__":
    unittest.main()
