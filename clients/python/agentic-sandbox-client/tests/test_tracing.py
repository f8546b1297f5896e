# SPDX-License-Identifier: Apache-2.0
"""Spans, against a collector of the tests' own that speaks OTLP over gRPC."""

import json
import socket
from concurrent import futures

import pytest
from agentic_sandbox import SandboxClient, SandboxClosedError, SandboxError, SandboxRequestError
from fakerouter import answer

grpc = pytest.importorskip("grpc")
service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc")
messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
pytest.importorskip("opentelemetry.exporter.otlp.proto.grpc.trace_exporter")
trace = pytest.importorskip("opentelemetry.trace")

TEMPLATE = "python-sandbox-template"


class Collector(service.TraceServiceServicer):
    def __init__(self):
        self.spans, self.services = {}, set()
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        service.add_TraceServiceServicer_to_server(self, self.server)
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def Export(self, request, context):
        for resource in request.resource_spans:
            self.services |= {a.value.string_value for a in resource.resource.attributes if a.key == "service.name"}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.spans[span.name] = span
        return messages.ExportTraceServiceResponse()


@pytest.fixture
def collector(monkeypatch):
    made = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:%d" % made.port)
    yield made
    made.server.stop(0)


@pytest.fixture
def client(world, router, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", world.kubeconfig)
    world.proxy.rule = None
    yield lambda **more: SandboxClient(TEMPLATE, api_url=router.url, enable_tracing=True, **more)
    assert world.claims() == []


def test_one_life_is_one_trace(world, client, router, collector):
    with client(trace_service_name="agent-7") as sandbox:
        claim = world.api.get("sandboxclaims", "default", sandbox.claim_name)
        sandbox.run("SECRET command")
        sandbox.write("SECRET-file", "SECRET content")
        sandbox.read("SECRET-file")
        sandbox.list()
        sandbox.exists("x")
        list(sandbox.run_stream("x"))
    spans = collector.spans
    assert set(spans) == {"agent-7.lifecycle", "create_claim", "wait_for_sandbox_ready", "run", "write", "read", "list", "exists"}
    root = spans["agent-7.lifecycle"]
    assert collector.services == {"agent-7"} and not root.parent_span_id
    for name, span in spans.items():
        assert span.trace_id == root.trace_id
        assert span is root or span.parent_span_id == root.span_id, name
        assert "SECRET" not in str(span)
    context = json.loads(claim["metadata"]["annotations"]["opentelemetry.io/trace-context"])["traceparent"]
    assert context[:-2] == "00-%s-%s-" % (root.trace_id.hex(), spans["create_claim"].span_id.hex())
    for request in router.requests:
        assert request.headers["traceparent"].split("-")[1] == root.trace_id.hex()
    written = router.of("/upload")[0].headers["traceparent"].split("-")[2]
    assert written == spans["write"].span_id.hex()


def test_an_error_is_marked_without_its_words(client, router, collector):
    router.fault = answer(500, {"message": "SECRET"})
    with client() as sandbox, pytest.raises(SandboxRequestError):
        sandbox.run("x")
    span = collector.spans["run"]
    assert span.status.code == 2 and span.status.message == "SandboxRequestError" and "SECRET" not in str(span)


def test_a_client_used_twice_gives_two_traces(client, collector):
    sandbox, traces = client(), set()
    for _ in range(2):
        with sandbox:
            pass
        traces.add(collector.spans["sandbox-client.lifecycle"].trace_id)
    assert len(traces) == 2


def test_streams_leave_the_applications_context_alone(client, collector):
    with client() as sandbox:
        before = trace.get_current_span()
        for _ in sandbox.run_stream("x"):
            assert trace.get_current_span() is before


def test_the_applications_provider_is_left_alone(client, collector):
    before = trace.get_tracer_provider()
    with client():
        assert trace.get_tracer_provider() is before


def test_no_collector_costs_seconds_at_most(client, monkeypatch, within):
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:%d" % held.getsockname()[1])
        with within(12):
            with client() as sandbox:
                assert sandbox.run("x").exit_code == 0


def test_tracing_that_is_not_installed_is_told_at_once(monkeypatch):
    import sys
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(SandboxError, match="tracing") as raised:
        SandboxClient(TEMPLATE, enable_tracing=True)
    assert not isinstance(raised.value, SandboxClosedError)
