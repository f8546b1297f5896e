# SPDX-License-Identifier: Apache-2.0
"""Spans: each request with a sampled traceparent has one, between the caller's and the sandbox's."""

import http.server
import threading
import time

from routersuite import *

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in sent["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                self.server.spans += scope["spans"]
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args):
        pass


class Tracing(Case):
    def setUp(self):
        super().setUp()
        self.collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
        self.collector.spans = []
        threading.Thread(target=self.collector.serve_forever, daemon=True).start()
        self.addCleanup(self.collector.server_close)
        self.addCleanup(self.collector.shutdown)
        port = self.collector.server_address[1]
        self.traced = self.start("--enable-tracing", env={"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}"})
        self.name = self.sandbox()
        self.known(self.name, router=self.traced)

    def span(self):
        return until(lambda: self.collector.spans and self.collector.spans.pop(), 10, "a span")

    @staticmethod
    def attributes(span):
        return {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}

    def ask(self, *parents, **how):
        return self.traced.ask(how.pop("name", self.name), headers=[("traceparent", p) for p in parents], **how)

    def test_a_span_hangs_between_the_caller_s_and_the_sandbox_s(self):
        before = time.time()
        answer = self.ask(f"00-{TRACE}-{PARENT}-01", method="POST")
        seen = dict((k.lower(), v) for k, v in answer.json()["headers"])["traceparent"].split("-")
        span = self.span()
        self.assertEqual((TRACE, PARENT), (span["traceId"], span["parentSpanId"]))
        self.assertEqual(["00", TRACE, span["spanId"], "01"], seen)
        self.assertNotEqual(PARENT, span["spanId"])
        begin, end = int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9
        self.assertTrue(before - 1 <= begin <= end <= time.time() + 1, (before, begin, end))
        found = self.attributes(span)
        self.assertEqual(("POST", "200", self.name, "default"),
                         (found["http.request.method"], found["http.response.status_code"], found["agent_sandbox.id"],
                          found["k8s.namespace.name"]))

    def test_each_request_has_an_id_of_its_own(self):
        found = set()
        for _ in range(5):
            self.ask(f"00-{TRACE}-{PARENT}-01")
            found.add(self.span()["spanId"])
        self.assertEqual(5, len(found))

    def test_a_failure_is_told(self):
        answer = self.ask(f"00-{TRACE}-{PARENT}-01", port=str(free_ports(1)[0]))
        self.assertEqual(502, answer.status)
        span = self.span()
        self.assertEqual("502", self.attributes(span)["http.response.status_code"])
        self.assertEqual(2, span["status"]["code"])

    def test_what_is_not_sampled_or_no_traceparent_makes_none(self):
        for parent in (f"00-{TRACE}-{PARENT}-00", "nonsense", f"00-{TRACE}-{PARENT}-01-x", f"00-{'0' * 32}-{PARENT}-01"):
            self.assertEqual(200, self.ask(parent).status)
        self.assertEqual(200, self.ask().status)
        self.ask(f"00-{TRACE}-{PARENT}-01")
        self.span()
        self.assertEqual([], self.collector.spans)

    def test_without_the_flag_traceparent_goes_through(self):
        parent = f"00-{TRACE}-{PARENT}-01"
        seen = self.router.ask(self.name, headers=[("traceparent", parent), ("tracestate", "a=b")]).json()["headers"]
        self.assertEqual({"traceparent": parent, "tracestate": "a=b"},
                         {k.lower(): v for k, v in seen if k.lower().startswith("trace")})
