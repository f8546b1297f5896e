# SPDX-License-Identifier: Apache-2.0
"""Paths, queries and DeleteOptions that do not decode or parse: refused before anything is done. What decodes means what
the real server takes it for."""

import json
import unittest

from server import ServerCase

MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
BROKEN = ("%zz", "%", "x%", "%0", "%00", "x%00", "%ff", "%c3", "%ed%a0%80")
PARAMETERS = ("labelSelector", "fieldSelector", "dryRun", "limit", "continue", "resourceVersion", "resourceVersionMatch",
              "watch", "timeoutSeconds", "fieldValidation", "propagationPolicy", "gracePeriodSeconds", "pretty",
              "allowWatchBookmarks", "sendInitialEvents", "force", "fieldManager", "orphanDependents", "container",
              "follow", "tailLines", "sinceSeconds", "sinceTime", "limitBytes", "previous", "timestamps", "command",
              "stdin", "stdout", "stderr", "tty", "ports")
UPGRADE = "SPDY/3.1"


class Case(ServerCase):
    def setUp(self):
        for name in ("kept", "also"):
            self.api.raw("POST", MAPS, {"metadata": {"name": name, "labels": {"app": name}}, "data": {"a": "b"}})
        self.before = self.state()

    def state(self):
        """What is stored, and the version of all of it."""
        answer = self.api.call("GET", MAPS)
        return answer["metadata"]["resourceVersion"], [m["metadata"]["name"] for m in answer["items"]]

    def refused(self, codes, method, path, body=None, content_type="application/json"):
        """Answers with one of the codes and a Status; nothing is changed."""
        status, answer = self.api.raw(method, path, body, content_type)
        self.assertIn(status, codes, (method, path, body, answer[:300]))
        self.assertEqual(status, json.loads(answer.decode())["code"])
        self.assertEqual(self.before, self.state(), (method, path, body))


class Paths(Case):
    def test_a_path_that_does_not_decode_is_refused_for_every_method(self):
        for path in ("/api/v1/%zz", "/%", "/apis/%zz/v1", MAPS + "/%00", MAPS + "/kept%00", MAPS + "/%ff", MAPS + "/%c3",
                     MAPS + "/a%0", "/api/v1/namespaces/%zz/configmaps", PODS + "/%zz/log", PODS + "/%00/exec",
                     "/openapi/%zz", "/api/v1/watch/%zz", "/api/v1/" + "a" * 3000):
            for method in ("GET", "HEAD", "DELETE", "POST", "PUT", "PATCH"):
                if method == "HEAD":
                    self.assertEqual(400, self.api.raw(method, path)[0])
                else:
                    self.refused((400,), method, path, {} if method not in ("GET", "DELETE") else None)

    def test_odd_paths_that_decode_are_not_found(self):
        for path in (MAPS + "/a%0ab", MAPS + "/a%2fb", "/api/v1//configmaps", MAPS + "/%20", MAPS + "/%7f"):
            self.refused((404,), "DELETE", path) if "//" not in path else self.assertEqual(
                404, self.api.raw("DELETE", path)[0])


class Queries(Case):
    def test_a_parameter_that_does_not_decode_is_refused_before_anything_is_done(self):
        for name in PARAMETERS:
            for value in BROKEN:
                query = f"?{name}={value}"
                self.refused((400,), "DELETE", MAPS + query)
                self.refused((400,), "DELETE", MAPS + "/kept" + query)
            self.refused((400,), "GET", MAPS + f"?{name}=%zz")
            self.refused((400,), "POST", MAPS + f"?{name}=%zz", {"metadata": {"generateName": "x-"}})
            self.refused((400,), "PATCH", MAPS + f"/kept?{name}=%zz", {"data": {"x": "y"}},
                         "application/merge-patch+json")
            self.refused((400,), "PUT", MAPS + f"/kept?{name}=%zz", {"metadata": {"name": "kept"}})

    def test_a_broken_parameter_behind_others_and_a_broken_name_are_refused(self):
        for query in ("labelSelector=app%3Dkept&dryRun=All%", "limit=1&limit=%zz", "%zz=1", "label%zzSelector=app",
                      "labelSelector=app%3Dgone%", "unknown=%zz", "&&fieldSelector=%zz", "%00", "labelSelector%00=app"):
            self.refused((400,), "DELETE", MAPS + "?" + query)

    def test_an_encoded_name_is_the_same_parameter(self):
        self.refused((400,), "DELETE", MAPS + "?%6cimit=abc")
        self.refused((422,), "DELETE", MAPS + "?%64ryRun=Some")
        answer = self.api.call("DELETE", MAPS + "?%6cabelSelector=app%3Dnone")
        self.assertEqual([], answer["items"])
        self.assertEqual(self.before, self.state())

    def test_values_that_do_not_parse_are_refused_before_a_deletion(self):
        for query, code in (("limit=abc", 400), ("limit=", 400), ("limit=1.5", 400), ("limit=%201", 400),
                            ("limit=99999999999999999999", 400), ("timeoutSeconds=abc", 400),
                            ("gracePeriodSeconds=abc", 400), ("gracePeriodSeconds=", 400),
                            ("gracePeriodSeconds=0x10", 400), ("resourceVersion=abc", 400), ("resourceVersion=-1", 400),
                            ("resourceVersionMatch=Exact", 422), ("resourceVersion=1&resourceVersionMatch=Odd", 422),
                            ("continue=abc", 400), ("labelSelector=a%3D%3D%3Db", 400), ("labelSelector=%2C", 400),
                            ("fieldSelector=abc", 400), ("fieldSelector=spec.nope%3D1", 400), ("dryRun=", 422),
                            ("dryRun=all", 422), ("dryRun=All&dryRun=Some", 422), ("propagationPolicy=", 422),
                            ("propagationPolicy=background", 422),
                            ("orphanDependents=true&propagationPolicy=Orphan", 422), ("sendInitialEvents=true", 422)):
            self.refused((code,), "DELETE", MAPS + "?" + query)
        self.refused((504,), "DELETE", MAPS + "?resourceVersion=99999999999")
        self.refused((400,), "DELETE", MAPS + "?fieldSelector=" + "metadata.name=x," * 1001)

    def test_values_of_writes_that_do_not_parse_are_refused(self):
        new = {"metadata": {"generateName": "x-"}}
        for query in ("dryRun=", "dryRun=Some", "dryRun=All&dryRun=", "fieldValidation=abc", "fieldManager=" + "m" * 129,
                      "fieldManager=a%01"):
            self.refused((422,), "POST", MAPS + "?" + query, new)
        self.refused((422,), "PATCH", MAPS + "/kept?force=true", {"data": {}}, "application/merge-patch+json")

    def test_the_first_of_two_counts(self):
        answer = self.api.call("GET", MAPS + "?limit=1&limit=500")
        self.assertEqual(1, len(answer["items"]))
        self.assertEqual(["kept"], [m["metadata"]["name"] for m in self.api.call(
            "GET", MAPS + "?labelSelector=app%3Dkept&labelSelector=app%3Dalso")["items"]])

    def test_unknown_parameters_are_ignored(self):
        for query in ("unknown=1", "a;b=c", "=x", "&&", "limits=abc", "Limit=abc"):
            self.assertEqual(200, self.api.raw("GET", MAPS + "?" + query)[0], query)
        # What a verb does not know is unknown there.
        self.assertEqual(200, self.api.raw("GET", MAPS + "?dryRun=abc&fieldValidation=abc&gracePeriodSeconds=abc")[0])
        self.assertEqual(200, self.api.raw("GET", MAPS + "?limit=-1&timeoutSeconds=-1")[0])

    def test_a_deletion_of_one_page_leaves_the_rest(self):
        self.api.call("DELETE", MAPS + "?limit=1&labelSelector=app+in+(kept%2Calso)")
        self.assertEqual(1, len([n for n in self.state()[1] if n in ("kept", "also")]))

    def test_every_route_survives_a_broken_query(self):
        for path in ("/healthz", "/version", "/api", "/api/v1", "/apis", "/openapi/v2", "/openapi/v3", PODS + "/x/log",
                     PODS + "/x/exec", PODS + "/x/attach", PODS + "/x/portforward", PODS + "/x/status",
                     "/api/v1/watch/pods", "/nothing"):
            for query in ("%zz", "a=%", "%00=1", "watch=%ff"):
                for method in ("GET", "DELETE", "POST", "PUT", "PATCH"):
                    self.assertEqual(400, self.api.raw(method, f"{path}?{query}", {} if method[0] == "P" else None)[0],
                                     (method, path, query))


class Options(Case):
    def test_delete_options_of_wrong_types_are_refused(self):
        for body, code in (({"gracePeriodSeconds": "x"}, 400), ({"gracePeriodSeconds": 1.5}, 400), ({"dryRun": "All"}, 400),
                           ({"dryRun": [1]}, 400), ({"dryRun": ["Al"]}, 422), ({"dryRun": ["All", "Al"]}, 422),
                           ({"dryRun": ["All\0"]}, 400), ({"propagationPolicy": 1}, 400), ({"propagationPolicy": "x"}, 422),
                           ({"propagationPolicy": ""}, 422), ({"propagationPolicy": "Orphan\0"}, 400),
                           ({"preconditions": "x"}, 400), ({"preconditions": {"uid": 1}}, 400),
                           ({"preconditions": {"uid": "x\0"}}, 400), ({"preconditions": {"uid": "x"}}, 409),
                           ({"preconditions": {"resourceVersion": 1}}, 400), ({"orphanDependents": "x"}, 400),
                           ({"orphanDependents": True, "propagationPolicy": "Orphan"}, 422), ({"kind": "Pod"}, 400),
                           ({"kind": 1}, 400), ([], 400), ("x", 400), (1, 400)):
            self.refused((code,), "DELETE", MAPS + "/kept", body)
            if code != 409:
                self.refused((code,), "DELETE", MAPS, body)
        for text in (b"{", b"null", b'{"dryRun":["All"],}', b"\xff", b'{"dryRun":["\xff"]}',
                     b'{"dryRun\\u0000":[]}'):
            self.refused((400,), "DELETE", MAPS + "/kept", text)
            self.refused((400,), "DELETE", MAPS, text)

    def test_members_that_are_null_or_unknown_say_nothing(self):
        body = {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": None, "dryRun": None, "unknown": 1,
                "preconditions": None, "propagationPolicy": None, "orphanDependents": None}
        self.api.call("DELETE", MAPS + "/kept", body)
        self.assertNotIn("kept", self.state()[1])


class Logs(Case):
    def setUp(self):
        self.api.raw("POST", PODS, {"metadata": {"name": "p"}, "spec": {
            "nodeName": "nowhere", "containers": [{"name": "c", "image": "localhost/x"}]}})
        super().setUp()

    def test_parameters_of_logs_are_checked(self):
        for query, code in (("tailLines=abc", 400), ("tailLines=-1", 422), ("sinceSeconds=0", 422), ("sinceSeconds=x", 400),
                            ("limitBytes=0", 422), ("limitBytes=", 400), ("sinceTime=abc", 400), ("container=none", 400),
                            ("sinceTime=2020-01-01T00:00:00Z&sinceSeconds=1", 422)):
            self.refused((code,), "GET", f"{PODS}/p/log?{query}")

    def test_parameters_of_sessions_are_checked(self):
        for sub, query in (("exec", "command=%zz"), ("exec", "command=a%00b&stdout=1"), ("attach", "stdin=%zz"),
                           ("portforward", "ports=%zz")):
            for method in ("GET", "POST"):
                self.refused((400,), method, f"{PODS}/p/{sub}?{query}", {} if method == "POST" else None)


class Audit(Case):
    def test_a_line_has_no_control_bytes_and_is_json(self):
        for name in ("%0a%1b[31m", "%7f", "%c2%9b", '"', "\\", "x" * 2000):
            self.api.raw("DELETE", f"{MAPS}/{name}?a=%0d%0a&b=\"\\", None)
        for path in ("/api/v1/%zz", MAPS + "/kept?x=%zz", MAPS + "?x=" + "y" * 16000):
            self.api.raw("DELETE", path)
        with open(self.server.audit_log, "rb") as f:
            lines = f.read().split(b"\n")
        self.assertEqual(b"", lines.pop())
        uris = [json.loads(line.decode())["requestURI"] for line in lines]
        self.assertIn("/api/v1/%zz", uris)
        for line in lines:
            self.assertFalse([c for c in line.decode() if ord(c) < 32 or 127 <= ord(c) < 160], line[:200])


if __name__ == "__main__":
    unittest.main()
