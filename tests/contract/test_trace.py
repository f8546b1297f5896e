# SPDX-License-Identifier: Apache-2.0
"""--enable-tracing: what a collector gets for one claim."""

import http.server
import json
import os
import threading

from controller import Controller
from suite import *

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """An OTLP collector that keeps every span it is sent."""

    def __init__(self, status=200):
        collector = self
        self.spans, self.services, self.paths, self.headers, self.lock = [], set(), set(), {}, threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                collector.take(self.path, dict(self.headers), body)
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path, headers, body):
        with self.lock:
            self.paths.add(path)
            self.headers = headers
            for resource in body["resourceSpans"]:
                attributes = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
                self.services.add(attributes["service.name"])
                for scope in resource["scopeSpans"]:
                    self.spans += scope["spans"]

    def named(self):
        with self.lock:
            return {span["name"]: span for span in self.spans}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Trace(Case):
    own_controller = True

    def traced(self, collector, flags="01", **env):
        """Runs a controller that traces, and makes a cold claim Ready under a trace."""
        self.addCleanup(collector.close)
        controller = Controller(Suite.cluster, "--enable-tracing",
                                env=dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url, **env))
        self.addCleanup(lambda: controller.process and controller.process.stop())
        controller.start()
        self.template()
        self.claim(annotations={TRACE_CONTEXT: json.dumps({"traceparent": f"00-{TRACE}-{PARENT}-{flags}"})})
        self.ready("sandboxclaims", "claim")
        return controller

    def test_reconciles_and_writes_hang_under_the_claims_trace(self):
        collector = Collector()
        self.traced(collector, OTEL_EXPORTER_OTLP_HEADERS="x-tenant=ours")
        want = {"reconcile SandboxClaim", "reconcile Sandbox", "create sandboxes", "create pods", "create services",
                "status sandboxes", "status sandboxclaims"}
        self.eventually(lambda: want <= set(collector.named()), lambda: f"spans {want}, got {set(collector.named())}")
        spans = {span["spanId"]: span for span in collector.spans}
        self.assertEqual({TRACE}, {span["traceId"] for span in spans.values()})
        for span in spans.values():
            self.assertLessEqual(int(span["startTimeUnixNano"]), int(span["endTimeUnixNano"]))
            if span["name"].startswith("reconcile"):
                self.assertEqual(PARENT, span["parentSpanId"])
            elif span["parentSpanId"] in spans:
                self.assertTrue(spans[span["parentSpanId"]]["name"].startswith("reconcile"), span)
        self.assertEqual({"/v1/traces"}, collector.paths)
        self.assertEqual({"agent-sandbox-controller"}, collector.services)
        self.assertEqual("ours", collector.headers.get("x-tenant"))

    def test_a_trace_that_is_not_sampled_sends_nothing(self):
        collector = Collector()
        controller = self.traced(collector, flags="00")
        controller.process.stop()
        self.assertEqual([], collector.spans)

    def test_a_collector_that_refuses_holds_up_nobody(self):
        collector = Collector(status=503)
        controller = self.traced(collector)
        failed = 'agent_sandbox_trace_spans_total{result="failed"}'
        self.eventually(lambda: controller.metrics().get(failed), "spans that count as failed")
        self.claim("second", annotations={TRACE_CONTEXT: json.dumps({"traceparent": f"00-{TRACE}-{PARENT}-01"})})
        self.ready("sandboxclaims", "second")

    def test_a_wrong_endpoint_is_a_clear_error(self):
        controller = Controller(Suite.cluster, "--enable-tracing",
                                env=dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT="collector:4318"))
        self.addCleanup(lambda: controller.process and controller.process.stop())
        controller.start(wait=0)
        self.eventually(lambda: "OTEL_EXPORTER_OTLP_ENDPOINT" in open(controller.log).read(), "the error")
