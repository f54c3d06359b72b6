"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from ocr_documents.document import Origin
from ocr_gateway.requests import current

INPUT = "input"
OUTCOMES = ("ocr", "document", "failed")
Dropped = Literal["head", "write", "limit", "address"]
DROPPED: tuple[Dropped, ...] = get_args(Dropped)
# Why requests get no result, by their status; of the others those below 500 are at fault themselves.
_REASONS = {
    401: "token",
    403: "origin",
    408: "deadline",
    413: "size",
    429: "in_flight",
    499: "hung_up",
    504: "deadline",
}
_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, float("inf"))


class Metrics:
    """The figures of one gateway."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "ocr_gateway_requests", "Requests answered", ["protocol", "status"], registry=self._registry
        )
        self._refused = Counter(
            "ocr_gateway_requests_refused",
            "Requests that the gateway did not let in, or that were at fault themselves",
            ["protocol", "reason"],
            registry=self._registry,
        )
        self._failed = Counter(
            "ocr_gateway_requests_failed",
            "Requests that failed for no fault of theirs: status 5xx",
            ["protocol"],
            registry=self._registry,
        )
        self._duration = Histogram(
            "ocr_gateway_request_duration_seconds",
            "Time of requests, from their head to the end of the answer",
            ["protocol"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._in_flight = Gauge("ocr_gateway_requests_in_flight", "Requests in flight", registry=self._registry)
        self._pages = Counter(
            "ocr_gateway_pages", "Pages by what became of them", ["protocol", "outcome"], registry=self._registry
        )
        self._lines = Counter("ocr_gateway_lines", "Lines of text answered", ["protocol"], registry=self._registry)
        self._ready = Gauge("ocr_gateway_ready", "1 if a picture was just read right", registry=self._registry)
        self._connections = Gauge("ocr_gateway_connections", "Connections open", registry=self._registry)
        self._dropped = Counter(
            "ocr_gateway_connections_dropped",
            "Connections that were too many, or whose client held them up",
            ["reason"],
            registry=self._registry,
        )
        for reason in DROPPED:
            self._dropped.labels(reason)

    def begin(self, protocols: Iterable[str]) -> None:
        """Begin counters at 0: Prometheus sees no growth in one that comes with its first value."""
        for protocol in protocols:
            self._failed.labels(protocol)
            self._lines.labels(protocol)
            for reason in (*_REASONS.values(), INPUT):
                self._refused.labels(protocol, reason)
            for outcome in OUTCOMES:
                self._pages.labels(protocol, outcome)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request that was answered, or whose client did not wait for it."""
        self._requests.labels(protocol, str(status)).inc()
        self._duration.labels(protocol).observe(seconds)

    def in_flight(self, number: int) -> None:
        """Tell how many requests are in flight."""
        self._in_flight.set(number)

    def refused(self, protocol: str, status: int) -> None:
        """Count a request that gets no result."""
        if status >= 500 and status not in _REASONS:
            self._failed.labels(protocol).inc()
        else:
            self._refused.labels(protocol, _REASONS.get(status, INPUT)).inc()

    def pages(self, outcome: Origin | Literal["failed"], count: int = 1, *, lines: int = 0) -> None:
        """Count pages, or pictures, by what became of them, and the lines on them."""
        request = current()
        protocol = "" if request is None else request.protocol
        self._pages.labels(protocol, outcome).inc(count)
        self._lines.labels(protocol).inc(lines)

    def connections(self, number: int) -> None:
        """Tell how many connections are open."""
        self._connections.set(number)

    def dropped(self, reason: Dropped) -> None:
        """Count a connection that was closed because of its client."""
        self._dropped.labels(reason).inc()

    def ready(self, is_ready: bool) -> None:
        """Tell whether a picture was just read right."""
        self._ready.set(is_ready)

    def text(self) -> bytes:
        """Return all figures in Prometheus' form."""
        return generate_latest(self._registry)
