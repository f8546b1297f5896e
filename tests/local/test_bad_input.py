# SPDX-License-Identifier: Apache-2.0
"""What hostile or broken clients send: each is answered or cut, and the server stays well and small."""

import json
import os
import select
import socket
import ssl
import stat
import time
import unittest

from server import Client, ServerCase, closing_all, until

MAPS = "/api/v1/namespaces/default/configmaps"


class Bodies(ServerCase):
    def test_malformed_json_is_told_with_its_place(self):
        for body in (b'{"metadata":', b'{"a":1}}', b"\xff\xfe", b"[" * 100000, b'{"a":nul}', b"\x00"):
            with self.subTest(body=body[:20]):
                self.assert_status(400, "BadRequest", "POST", MAPS, body)
        self.assertRegex(self.assert_status(400, "BadRequest", "POST", MAPS, b'{"metadata": x}'), r"byte|position|line|\d")

    def test_names_in_single_quotes_are_no_json(self):
        self.assert_status(400, "BadRequest", "POST", MAPS, b"{'metadata':{'name':'quoted'}}")

    def test_malformed_yaml_is_told_with_its_line(self):
        message = self.assert_status(400, "BadRequest", "POST", MAPS, b"a: 1\nb: [\n", content_type="application/yaml")
        self.assertRegex(message, "line")

    def test_yaml_is_taken(self):
        text = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: yaml\ndata:\n  a: 'b'\n"
        self.assertEqual({"a": "b"}, self.api.call("POST", MAPS, text, "application/yaml")["data"])

    def test_an_empty_body_is_no_object(self):
        self.assert_status(400, "BadRequest", "POST", MAPS, b"")
        for body in (b"null", b"[]", b"1", b'"x"'):
            self.assert_status(400, "BadRequest", "POST", MAPS, body)

    def test_other_media_types_are_refused(self):
        for kind in ("text/plain", "application/xml", "application/cbor"):
            self.assert_status(415, "UnsupportedMediaType", "POST", MAPS, b"{}", content_type=kind)
        self.assert_status(415, "UnsupportedMediaType", "PATCH", MAPS + "/x", b"{}")
        message = self.assert_status(415, "UnsupportedMediaType", "PATCH", MAPS + "/x", b"{}",
                                     content_type="application/apply-patch+yaml")
        self.assertIn("apply", message)

    def test_a_media_type_may_have_a_charset(self):
        self.api.call("POST", MAPS, {"metadata": {"name": "charset"}}, "application/json; charset=UTF-8")

    def test_four_megabytes_are_too_much(self):
        self.assert_status(413, "RequestEntityTooLarge", "POST", MAPS,
                           {"metadata": {"name": "big"}, "data": {"x": "y" * (4 << 20)}})

    def test_a_hundred_megabytes_are_not_kept(self):
        before = self.rss_kb()
        body = b'{"metadata":{"name":"huge"},"data":{"x":"' + b"y" * (100 << 20) + b'"}}'
        self.assert_status(413, "RequestEntityTooLarge", "POST", MAPS, body)
        self.assert_grew_less(before, 20000)

    def test_a_hundred_megabytes_in_chunks_are_not_kept(self):
        before = self.rss_kb()
        with self.tls() as s:
            s.sendall(self.head("POST", MAPS, "Transfer-Encoding: chunked"))
            chunk = b"10000\r\n" + b"y" * 65536 + b"\r\n"
            for _ in range(1600):
                s.sendall(chunk)
            s.sendall(b"0\r\n\r\n")
            self.assertIn(b" 413 ", s.recv(4096))
        self.assert_grew_less(before, 20000)


class Requests(ServerCase):
    def test_a_wrong_token_is_unauthorized(self):
        for token in ("wrong", "", self.api.token + "x", "sa:default:x:99999999999:" + "0" * 64):
            client = Client(self.api.server, self.server.ca, token)
            status, body = client.raw("GET", MAPS)
            self.assertEqual((401, "Unauthorized"), (status, json.loads(body)["reason"]))
            client.close()

    def test_probes_need_no_token(self):
        client = Client(self.api.server, self.server.ca, "none")
        for path in ("/healthz", "/livez", "/readyz", "/version"):
            self.assertEqual(200, client.raw("GET", path)[0])
        client.close()

    def test_a_service_account_s_token_is_good(self):
        answer = self.api.call("POST", "/api/v1/namespaces/default/serviceaccounts/default/token",
                               {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}})
        client = Client(self.api.server, self.server.ca, answer["status"]["token"])
        self.assertEqual(200, client.raw("GET", MAPS)[0])
        client.close()

    def test_unknown_paths_and_methods(self):
        for path in ("/api/v1/nopes", "/apis/none.io/v1/things", "/nothing", "/api/v1//pods"):
            self.assertEqual(404, self.api.raw("GET", path)[0], path)
        self.assert_status(405, "MethodNotAllowed", "POST", "/api/v1/pods", {})
        self.assert_status(405, "MethodNotAllowed", "PUT", MAPS, {})
        self.assert_status(404, "NotFound", "GET", MAPS + "/none")
        self.assert_status(400, "BadRequest", "GET", "/api/v1/pods%zz")

    def test_long_paths_and_many_headers_are_refused(self):
        with self.tls() as s:
            s.sendall(self.head("GET", "/" + "a" * 20000))
            self.assertRegex(s.recv(4096)[:12], rb"HTTP/1.1 4(14|31|00)")
        with self.tls() as s:
            try:
                s.sendall(self.head("GET", MAPS, *(f"X-{i}: {'y' * 100}" for i in range(1000))))
                self.assertRegex(s.recv(4096)[:12], rb"HTTP/1.1 4(31|13|00)")
            except (ConnectionError, ssl.SSLError):
                pass  # The server had refused it and closed before all of it was sent.
        self.assertEqual(200, self.api.raw("GET", MAPS)[0])

    def test_garbage_instead_of_http_or_tls_is_cut(self):
        with self.tls(60) as s:
            s.sendall(b"\x00\x01\x02garbage\r\n\r\n" * 10)
            try:
                self.assertNotIn(b" 200 ", s.recv(4096))
            except (ConnectionError, ssl.SSLError):
                pass
        with socket.create_connection((self.api.host, self.api.port), timeout=120) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            try:
                self.assertNotIn(b" 200 ", s.recv(4096))
            except ConnectionError:
                pass
        self.assertEqual(200, self.api.raw("GET", MAPS)[0])

    def test_smuggled_lengths_are_refused(self):
        for lines in (("Content-Length: 5", "Transfer-Encoding: chunked"), ("Content-Length: -1",),
                      ("Content-Length: 99999999999999999999",)):
            with self.tls() as s:
                s.sendall(self.head("POST", MAPS, *lines) + b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertNotIn(b" 201 ", s.recv(4096))

    def test_bad_queries_are_told(self):
        for query in ("limit=x", "limit=", "limit=1.5", "resourceVersion=abc", "resourceVersionMatch=Exact", "continue=zzz",
                      "labelSelector=a%3D%3D%3Db", "fieldSelector=spec.nope%3D1", "timeoutSeconds=x&watch=1",
                      "resourceVersion=1&resourceVersionMatch=Odd"):
            status, body = self.api.raw("GET", "/api/v1/pods?" + query)
            self.assertIn(status, (400, 422), query)
            self.assertEqual("Status", json.loads(body)["kind"])
        self.assert_status(422, "Invalid", "POST", MAPS + "?dryRun=Some", {"metadata": {"name": "x"}})

    def test_the_socket_is_for_its_owner_alone(self):
        path = os.path.join(self.server.state, "api.sock")
        self.assertEqual(0o600, stat.S_IMODE(os.stat(path).st_mode))
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
            s.sendall(b"GET /api/v1/namespaces HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b" 200 ", s.recv(65536))

    def test_keys_and_tokens_are_private(self):
        for name in ("token", "ca.key", "server.key", "api.db"):
            self.assertEqual(0o600, stat.S_IMODE(os.stat(os.path.join(self.server.state, name)).st_mode), name)


    def test_a_pattern_with_unicode_and_flags_is_checked(self):
        crd = self.server.write("crd.yaml", """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.pattern.io}
spec:
  group: pattern.io
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties: {a: {type: string, pattern: '%s'}}
""" % r"^\pL+\b.(?i:x)$")
        self.assertEqual("", self.kubectl("apply", "-f", crd).stderr)
        path = "/apis/pattern.io/v1/namespaces/default/things"
        self.api.call("POST", path, {"metadata": {"name": "good"}, "a": "a X"})
        self.assert_status(422, "Invalid", "POST", path, {"metadata": {"name": "bad"}, "a": "1 X"})


class Watches(ServerCase):
    def watch(self, query, path=MAPS):
        s = self.tls(120)
        s.sendall(self.head("GET", f"{path}?watch=1&{query}"))
        return s

    def test_a_watch_ends_at_its_time_with_a_bookmark(self):
        events = list(self.api.watch("configmaps", "default", None, 1, initial=True))
        ends = [e for e, o in events if e == "BOOKMARK"
                and (o["metadata"].get("annotations") or {}).get("k8s.io/initial-events-end") == "true"]
        self.assertEqual(1, len(ends))
        self.assertEqual("BOOKMARK", events[-1][0])

    def test_a_version_to_come_is_too_large(self):
        self.assert_status(504, "Timeout", "GET", MAPS + "?watch=1&resourceVersion=999999999999")

    def test_the_unread_watch_holds_little(self):
        with closing_all([self.watch("resourceVersion=0") for _ in range(40)]):
            until(lambda: True, 1, "")
            before = self.rss_kb()
            for i in range(300):
                self.api.create("configmaps", "default", {"metadata": {"name": f"slow-{i}"}, "data": {"x": "y" * 20000}})
            self.assert_grew_less(before, 120000)  # 40 x 6 MB would be 240 MB

    def test_a_watcher_that_goes_is_noticed(self):
        def connections():
            return len(os.listdir(f"/proc/{self.process.pid}/fd"))
        before = connections()
        with closing_all([self.watch("") for _ in range(50)]) as sockets:
            for s in sockets:
                s.recv(4096)
            self.assertGreaterEqual(connections(), before + 45)
        until(lambda: connections() < before + 10, 15, "their connections are closed")

    def test_five_thousand_watches(self):
        count = 500 if self.sanitized else 5000
        before = self.rss_kb()
        with closing_all([]) as sockets:
            for _ in range(count):
                sockets.append(self.watch("sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=0"))
            for s in sockets:
                self.assertIn(b" 200 ", s.recv(4096))
            per_watch = (self.rss_kb() - before) / count
            if not self.sanitized:
                self.assertLess(per_watch, 48, "KB for each idle watch")
            begin = time.monotonic()
            self.api.create("configmaps", "default", {"metadata": {"generateName": "all-"}})
            for s in sockets:
                data = b""
                while b'"ADDED"' not in data:
                    more = s.recv(65536)
                    self.assertTrue(more)
                    data += more
            print(f"# {count} watches: {per_watch:.1f} KB each, an event to all in {time.monotonic() - begin:.2f} s")


class Slow(ServerCase):
    def test_a_head_that_does_not_end_is_cut(self):
        with self.tls(120) as s:
            s.sendall(b"GET /version HTTP/1.1\r\n")
            begin = time.monotonic()
            with self.assertRaises((ConnectionError, ssl.SSLError, OSError, TimeoutError)):
                while time.monotonic() - begin < 120:
                    s.settimeout(1)
                    try:
                        if s.recv(100) == b"":
                            raise ConnectionError
                    except TimeoutError:
                        pass
                    s.sendall(b"X")
                self.fail("it is open still")

    def test_silent_connections_are_cut(self):
        with socket.create_connection((self.api.host, self.api.port), timeout=120) as s:
            self.assertEqual(b"", s.recv(100))

    def test_others_are_served_meanwhile(self):
        sockets = []
        with closing_all(sockets):
            for _ in range(200):
                s = self.tls()
                s.sendall(self.head("POST", MAPS, "Content-Length: 1000") + b"{")
                sockets.append(s)
            self.assertEqual(200, self.api.raw("GET", MAPS)[0])
            # The answer came before the last of these was given up.
            self.assertEqual([], select.select([sockets[-1]], [], [], 0)[0])


class Restart(ServerCase):
    def test_what_was_acknowledged_survives_a_kill(self):
        self.api.create("configmaps", "default", {"metadata": {"name": "kept"}, "data": {"a": "b"}})
        token = self.api.token
        type(self).process.kill()
        self.api.close()
        type(self).process = self.server.serve()
        type(self).api = self.server.api
        self.assertEqual(token, self.api.token)
        self.assertEqual({"a": "b"}, self.api.get("configmaps", "default", "kept")["data"])

    def test_a_second_server_in_one_folder_is_refused(self):
        from server import run
        done = run(*self.process.argv)
        self.assertNotEqual(0, done.returncode)
        self.assertRegex(done.stderr, "(?i)another|in use|lock")


if __name__ == "__main__":
    unittest.main()
