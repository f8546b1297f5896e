# SPDX-License-Identifier: Apache-2.0
"""What names a sandbox, what a request may say of itself, and what of that a sandbox gets to see."""

import shutil
import subprocess
import unittest

from routersuite import *

BAD_LABELS = ("foo.evil.com", "Foo", "-a", "a-", "a_b", "a" * 64, "a\tb", "a%00", "\u00e4", "a@b", "[::1]", "a:80", "", "a b",
              "..", "a/b", "a,b", "127.0.0.1")
BAD_PORTS = ("0", "-1", "65536", "99999999999999999999", "+80", "0x50", "8_0", "8 0", "", "80,81", "\u0668\u0660", "8080a",
             "00080")


def named(*headers, line="GET / HTTP/1.1"):
    text = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{line}\r\nHost: x\r\n{text}Connection: close\r\n\r\n".encode("utf-8")


def parse(data):
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    return Answer(int(lines[0].split(" ")[1]), [tuple(line.split(": ", 1)) for line in lines[1:]], body)


class Headers(Case):
    def raw_answer(self, *headers, **more):
        return parse(self.router.raw(named(*headers, **more)))

    def test_healthz_needs_no_routing_headers(self):
        answer = self.router.ask(path="/healthz")
        self.assertEqual((200, b'{"status":"ok"}'), (answer.status, answer.body))

    def test_a_sandbox_s_own_healthz_is_reached(self):
        self.assertEqual("/healthz", self.router.ask(self.sandbox(), "/healthz").json()["path"])

    def test_a_missing_id_is_a_400(self):
        self.assert_detail(400, "X-Sandbox-ID header is required.", self.router.ask())

    def test_an_id_is_a_label(self):
        for bad in BAD_LABELS:
            with self.subTest(bad):
                self.assert_detail(400, "Invalid sandbox ID format.", self.raw_answer(("X-Sandbox-ID", bad)))

    def test_a_namespace_is_a_label(self):
        for bad in BAD_LABELS:
            with self.subTest(bad):
                self.assert_detail(400, "Invalid namespace format.",
                                   self.raw_answer(("X-Sandbox-ID", "a"), ("X-Sandbox-Namespace", bad)))

    def test_a_port_is_1_to_65535_in_digits(self):
        for bad in BAD_PORTS:
            with self.subTest(bad):
                self.assert_detail(400, "Invalid port format.",
                                   self.raw_answer(("X-Sandbox-ID", "a"), ("X-Sandbox-Port", bad)))

    def test_a_line_end_within_an_id_is_a_400(self):
        for bad in ("a\r\n b", "a\nX: y", "a\0b", "a\rb"):
            with self.subTest(repr(bad)):
                self.assertIn(self.raw_answer(("X-Sandbox-ID", bad)).status, (400, 503))

    def test_a_repeated_routing_header_is_a_400(self):
        name = self.sandbox()
        for header, detail in (("X-Sandbox-ID", "Invalid sandbox ID format."),
                               ("X-Sandbox-Namespace", "Invalid namespace format."),
                               ("X-Sandbox-Port", "Invalid port format.")):
            value = {"X-Sandbox-ID": name, "X-Sandbox-Namespace": "default", "X-Sandbox-Port": "8888"}[header]
            others = [("X-Sandbox-ID", name)] if header != "X-Sandbox-ID" else []
            with self.subTest(header):
                self.assert_detail(400, detail, self.raw_answer(*others, (header, value), (header, value)))
                self.assert_detail(400, detail, self.raw_answer(*others, (header, value), (header.lower(), value)))

    def test_the_ports_of_a_node_are_refused(self):
        name = self.sandbox()
        for port in ("22", "10250", "10255"):
            self.assert_detail(403, "This port is not carried; see --allow-ports.", self.router.ask(name, port=port))

    def test_an_allowed_port_is_carried(self):
        router = self.start("--allow-ports", "22")
        name = self.sandbox()
        self.assertEqual(502, router.ask(name, port="22").status)
        self.assertEqual(403, router.ask(name, port="10250").status)

    def test_namespace_and_port_choose(self):
        self.api.create("namespaces", None, {"metadata": {"name": "other"}})
        until(lambda: self.api.get("serviceaccounts", "other", "default"), 10, "the namespace is ready")
        name = self.fresh_name()
        here, there = self.fresh_address(), self.fresh_address()
        self.make_pod(self.make_sandbox(name), address=here)
        self.make_pod(self.make_sandbox(name, ns="other"), address=there)
        second = Sandboxes(free_ports(1)[0])
        self.addCleanup(second.stop)
        self.assertEqual(here, self.router.ask(name).json()["address"])
        self.assertEqual(there, self.router.ask(name, ns="other").json()["address"])
        answer = self.router.ask(name, ns="other", port=str(second.port)).json()
        self.assertEqual((there, second.port), (answer["address"], answer["port"]))

    def test_what_is_between_client_and_router_stays_there(self):
        answer = self.router.ask(self.sandbox(), headers=[
            ("Connection", "close, X-Sandbox-ID, Authorization"), ("TE", "trailers"), ("Keep-Alive", "timeout=5"),
            ("Proxy-Authorization", "Basic eDp4"), ("Proxy-Connection", "keep-alive"), ("HTTP2-Settings", "AAMAAABk"),
            ("Upgrade", "h2c"), ("Authorization", "Bearer kept")]).json()
        names = {name.lower(): value for name, value in answer["headers"]}
        for name in ("te", "keep-alive", "proxy-authorization", "proxy-connection", "http2-settings", "upgrade"):
            self.assertNotIn(name, names)
        self.assertNotIn("X-Sandbox-ID", names.get("connection", ""))
        self.assertEqual("Bearer kept", names["authorization"])

    def test_a_client_cannot_say_where_it_comes_from(self):
        answer = self.router.ask(self.sandbox(), headers=[
            ("X-Forwarded-For", "1.2.3.4"), ("X-Forwarded-For", "5.6.7.8"), ("X-Forwarded-Host", "evil"),
            ("X-Forwarded-Proto", "https"), ("X-Forwarded-Prefix", "/x"), ("Forwarded", "for=1.2.3.4")]).json()
        forwarded = {k.lower(): v for k, v in answer["headers"] if "forwarded" in k.lower()}
        self.assertEqual({"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}, forwarded)

    def test_underscores_hide_nothing(self):
        """Servers that make environment variables of headers take '_' for '-'."""
        answer = self.router.ask(self.sandbox(), headers=[
            ("X_Forwarded_For", "1.2.3.4"), ("x-forwarded_proto", "https"), ("X_FORWARDED-Host", "evil"), ("Proxy", "http://evil"),
            ("Proxy_Authorization", "Basic eDp4"), ("X_Other", "kept"), ("Proxyless", "kept")]).json()
        names = {k.lower().replace("_", "-"): v for k, v in answer["headers"]}
        self.assertEqual(("127.0.0.1", "http"), (names["x-forwarded-for"], names["x-forwarded-proto"]))
        self.assertEqual(("kept", "kept"), (names["x-other"], names["proxyless"]))
        self.assertEqual([], [n for n in names if n in ("x-forwarded-host", "proxy", "proxy-authorization")])

    def test_an_absolute_target_is_a_path_of_the_sandbox(self):
        address = self.fresh_address()
        name = self.sandbox(address)
        for target, path in (("http://169.254.169.254/latest?x=1", "/latest?x=1"), ("HTTP://10.0.0.1:80/a//b", "/a//b"),
                             ("https://kubernetes.default/", "/"), ("ftp://x/y", "/y")):
            with self.subTest(target):
                host = target.split("/")[2]
                data = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Sandbox-ID: {name}\r\nConnection: close\r\n\r\n"
                answer = parse(self.router.raw(data.encode()))
                self.assertEqual(200, answer.status, answer)
                self.assertEqual((path, address), (answer.json()["path"], answer.json()["address"]))

    def test_http_2_without_tls_is_a_request_like_any_other(self):
        curl = shutil.which("curl")
        if not curl or "HTTP2" not in subprocess.run([curl, "--version"], capture_output=True, text=True).stdout:
            raise unittest.SkipTest("curl with HTTP/2 is not installed")
        address = self.fresh_address()
        name = self.sandbox(address)
        self.known(name)
        done = subprocess.run([curl, "-s", "--http2-prior-knowledge", "--path-as-is", "-d", "12345",
                               "-H", f"X-Sandbox-ID: {name}", f"http://127.0.0.1:{self.router.port}//a/../%2f?x"],
                              capture_output=True, text=True, timeout=120)
        seen = json.loads(done.stdout)
        self.assertEqual(("POST", "//a/../%2f?x", address, 5), (seen["method"], seen["path"], seen["address"], seen["length"]))

    def test_connect_is_refused(self):
        name = self.sandbox()
        answer = parse(self.router.raw(f"CONNECT 10.0.0.1:443 HTTP/1.1\r\nHost: 10.0.0.1:443\r\nX-Sandbox-ID: {name}\r\n"
                                       "Connection: close\r\n\r\n".encode()))
        self.assert_detail(405, "CONNECT is not carried.", answer)

    def test_an_ipv6_pod_is_reached(self):
        self.assertEqual("fd99::7", self.router.ask(self.sandbox("fd99::7")).json()["address"])
