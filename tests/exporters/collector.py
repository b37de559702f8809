"""An OTLP receiver on a real socket: keeps what it is sent, decoded."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import Metric, NumberDataPoint

Request = ExportMetricsServiceRequest


class Collector:
    """Listens when made; `status` is what it answers with. `close` and `reopen` are as a crash."""

    def __init__(self) -> None:
        self.received: list[Request] = []
        self.paths: list[str] = []
        self.status = 200
        self._came = threading.Condition()
        self._server = self._open(0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def wait_for(self, more: int = 1, seconds: float = 60) -> Request:
        """The newest, once that many more have come."""
        with self._came:
            wanted = len(self.received) + more
            assert self._came.wait_for(lambda: len(self.received) >= wanted, seconds)
            return self.received[-1]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reopen(self) -> None:
        self._server = self._open(self._port)

    def take(self, path: str, body: bytes) -> None:
        with self._came:
            self.paths.append(path)
            self.received.append(Request.FromString(body))
            self._came.notify_all()

    def _open(self, port: int) -> ThreadingHTTPServer:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                collector.take(self.path, body)
                answer = ExportMetricsServiceResponse().SerializeToString()
                self.send_response(collector.status)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        self._port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server


def metrics(request: Request) -> dict[str, Metric]:
    """By name."""
    (resource,) = request.resource_metrics
    (scope,) = resource.scope_metrics
    return {metric.name: metric for metric in scope.metrics}


def points(metric: Metric) -> list[NumberDataPoint]:
    kind = metric.WhichOneof("data")
    return list(getattr(metric, kind).data_points)


def number(point: NumberDataPoint) -> float:
    return float(getattr(point, str(point.WhichOneof("value"))))


def attributes(point: NumberDataPoint) -> dict[str, str]:
    return {pair.key: pair.value.string_value for pair in point.attributes}
