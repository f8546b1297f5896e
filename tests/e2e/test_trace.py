# SPDX-License-Identifier: Apache-2.0
"""One trace: what the client, the controller and the router send for one claim, collected and put together."""

import concurrent.futures
import http.client
import http.server
import json
import os
import sys
import threading
import unittest

from controller import Controller
from process import free_ports
from suite import Suite, condition
from world import IMAGE, PORT, ROOT, Case

CLIENT = os.path.join(ROOT, "clients", "python", "agentic-sandbox-client")


def router_binary():
    return os.path.join(os.environ.get("top_builddir") or os.getcwd(), "agent-sandbox-router")


class Collector:
    """Takes OTLP over HTTP with JSON (controller, router) and over gRPC (the client); spans by id."""

    def __init__(self):
        import grpc
        from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
        collector = self
        self.spans, self.lock = {}, threading.Lock()

        class Http(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                for resource in body["resourceSpans"]:
                    service = resource["resource"]["attributes"][0]["value"]["stringValue"]
                    for scope in resource["scopeSpans"]:
                        for span in scope["spans"]:
                            collector.take(service, span["name"], span["traceId"], span["spanId"], span["parentSpanId"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        class Grpc(trace_service_pb2_grpc.TraceServiceServicer):
            def Export(self, request, context):
                for resource in request.resource_spans:
                    service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
                    for scope in resource.scope_spans:
                        for span in scope.spans:
                            collector.take(service, span.name, span.trace_id.hex(), span.span_id.hex(),
                                           span.parent_span_id.hex())
                return trace_service_pb2.ExportTraceServiceResponse()

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Http)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
        self.grpc = grpc.server(concurrent.futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(Grpc(), self.grpc)
        self.grpc_url = f"http://127.0.0.1:{self.grpc.add_insecure_port('127.0.0.1:0')}"
        self.http_url = f"http://127.0.0.1:{self.http.server_port}"
        self.grpc.start()

    def take(self, service, name, trace, span, parent):
        with self.lock:
            self.spans[span] = (service, name, trace, parent)

    def names(self):
        with self.lock:
            return {(service, name) for service, name, _, _ in self.spans.values()}

    def close(self):
        self.grpc.stop(0)
        self.http.shutdown()
        self.http.server_close()


class OneTrace(Case):
    WANT = {("sandbox-client", "sandbox-client.lifecycle"), ("sandbox-client", "create_claim"),
            ("sandbox-client", "wait_for_sandbox_ready"), ("sandbox-client", "run"),
            ("agent-sandbox-controller", "reconcile SandboxClaim"), ("agent-sandbox-controller", "reconcile Sandbox"),
            ("agent-sandbox-controller", "create pods"), ("agent-sandbox-controller", "status sandboxclaims"),
            ("agent-sandbox-router", "route POST")}

    def setUp(self):
        for module in ("grpc", "kubernetes", "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"):
            try:
                __import__(module)
            except ImportError:
                raise unittest.SkipTest(f"the Python package of {module} is not installed") from None
        if not os.path.exists("/usr/sbin/haproxy"):
            raise unittest.SkipTest("haproxy is not installed")
        super().setUp()
        self.collector = Collector()
        self.addCleanup(self.collector.close)

    def environment(self, **more):
        saved = {name: os.environ.get(name) for name in more}
        os.environ.update(more)

        def restore():
            for name, value in saved.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
        self.addCleanup(restore)

    def traced_controller(self):
        """In place of the one that the other cases share: two would both do the work."""
        Suite.controller.stop()
        traced = Controller(Suite.cluster, "--enable-tracing",
                            env=dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=self.collector.http_url)).start()

        def back():
            traced.stop()
            Suite.controller = Controller(Suite.cluster).start()
        self.addCleanup(back)

    def router(self):
        """A router of its own; its URL."""
        port, health = free_ports(2)
        router = Suite.cluster.spawn("router", [
            router_binary(), "--kubeconfig", Suite.cluster.kubeconfig, "--run-dir", Suite.cluster.file("router"),
            "--listen", f"127.0.0.1:{port}", "--health-probe-bind-address", f"127.0.0.1:{health}",
            "--metrics-bind-address", "0", "--haproxy-metrics-bind-address", "0", "--enable-tracing"],
            dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=self.collector.http_url))
        self.addCleanup(router.stop)

        def is_ready():
            connection = http.client.HTTPConnection("127.0.0.1", health, timeout=5)
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
            except OSError:
                return False
            finally:
                connection.close()
        router.wait_ready(is_ready, 20)
        return f"http://127.0.0.1:{port}"

    def test_a_claim_is_one_trace_through_all_parts(self):
        self.template(template={"spec": {"containers": [{
            "name": "main", "image": IMAGE, "imagePullPolicy": "IfNotPresent",
            "readinessProbe": {"httpGet": {"path": "/", "port": PORT}, "periodSeconds": 1}}]}})
        self.traced_controller()
        url = self.router()
        self.environment(OTEL_EXPORTER_OTLP_ENDPOINT=self.collector.grpc_url, KUBECONFIG=Suite.cluster.kubeconfig)
        sys.path.insert(0, CLIENT)
        self.addCleanup(sys.path.remove, CLIENT)
        from agentic_sandbox import SandboxClient
        with SandboxClient("tmpl", namespace=self.ns, api_url=url, enable_tracing=True) as sandbox:
            self.assertEqual("traced\n", sandbox.run("echo traced").stdout)
        self.eventually(lambda: self.WANT <= self.collector.names(),
                        lambda: f"spans are missing: {self.WANT - self.collector.names()}")
        spans = self.collector.spans
        self.assertEqual(1, len({trace for _, _, trace, _ in spans.values()}), spans)
        # The router's hangs under the client's run; the controller's under its claim's creation.
        parents = {(service, name): spans.get(parent, ("", "", "", ""))[1] for service, name, _, parent in spans.values()}
        self.assertEqual("run", parents[("agent-sandbox-router", "route POST")])
        self.assertEqual("create_claim", parents[("agent-sandbox-controller", "reconcile SandboxClaim")])
        self.assertEqual("sandbox-client.lifecycle", parents[("sandbox-client", "run")])
        self.no_pods()
