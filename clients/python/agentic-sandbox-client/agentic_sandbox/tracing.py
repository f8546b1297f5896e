# SPDX-License-Identifier: Apache-2.0
"""Spans by OpenTelemetry, where the extra "tracing" is installed and wanted. Commands and contents never go into one."""

import contextlib
import threading
from typing import Any, Dict, Iterator, Optional

from .errors import SandboxError

FLUSH_SECONDS = 5.0


class NoTracer:
    """Tracing that is switched off."""

    def start(self, **attributes: Any) -> None:
        pass

    def end(self) -> None:
        pass

    @contextlib.contextmanager
    def span(self, name: str, **attributes: Any) -> Iterator[None]:
        yield

    def context(self) -> Dict[str, str]:
        """Headers of the current span: W3C traceparent."""
        return {}


class OtelTracer(NoTracer):
    """One lifecycle span, and a child for each step. Exports to localhost:4317 unless the environment says otherwise
    (OTEL_EXPORTER_OTLP_ENDPOINT)."""

    def __init__(self, service: str):
        try:
            from opentelemetry import trace
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
        except ImportError as error:
            raise SandboxError(f"enable_tracing needs the extra: pip install 'agentic_sandbox[tracing]' ({error})") from None
        self._trace = trace
        self._propagator = TraceContextTextMapPropagator()
        self._service = service

        def provider() -> TracerProvider:
            # One of our own: the application's, if it has one, is left as it is. It is ended by end().
            made = TracerProvider(resource=Resource.create({"service.name": service}), shutdown_on_exit=False)
            made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(insecure=True)))
            return made
        self._new_provider = provider
        self._provider: Optional[Any] = None
        self._tracer: trace.Tracer = trace.NoOpTracer()
        self._lifecycle: Optional[Any] = None

    def start(self, **attributes: Any) -> None:
        self._provider = self._new_provider()
        self._tracer = self._provider.get_tracer("agentic_sandbox")
        self._lifecycle = self._tracer.start_span(f"{self._service}.lifecycle", attributes=attributes)

    def end(self) -> None:
        if self._provider is None or self._lifecycle is None:
            return
        self._lifecycle.end()
        provider, self._provider, self._lifecycle = self._provider, None, None
        # Where there is no collector it would try for a minute.
        thread = threading.Thread(target=_finish, args=(provider,), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # The interpreter is at its end and starts no more threads.
            _finish(provider)
            return
        thread.join(FLUSH_SECONDS)

    @contextlib.contextmanager
    def span(self, name: str, **attributes: Any) -> Iterator[None]:
        parent = self._trace.set_span_in_context(self._lifecycle) if self._lifecycle is not None else None
        # An error's words may hold what a user sent: its type is enough.
        with self._tracer.start_as_current_span(name, context=parent, attributes=attributes, record_exception=False,
                                                set_status_on_exception=False) as span:
            try:
                yield
            except Exception as error:
                span.set_status(self._trace.Status(self._trace.StatusCode.ERROR, type(error).__name__))
                raise

    def context(self) -> Dict[str, str]:
        carrier: Dict[str, str] = {}
        self._propagator.inject(carrier)
        return carrier


def _finish(provider: Any) -> None:
    provider.force_flush(int(FLUSH_SECONDS * 1000))
    provider.shutdown()


def make_tracer(enabled: bool, service: str) -> NoTracer:
    return OtelTracer(service) if enabled else NoTracer()
