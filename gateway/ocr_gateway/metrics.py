"""What Prometheus is told."""

from __future__ import annotations

from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from ocr_documents.document import Origin

_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, float("inf"))


class Metrics:
    """The figures of one gateway."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "ocr_gateway_requests", "Requests answered", ["protocol", "status"], registry=self._registry
        )
        self._duration = Histogram(
            "ocr_gateway_request_duration_seconds",
            "Time of requests, from their head to the end of the answer",
            ["protocol"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        self._in_flight = Gauge("ocr_gateway_requests_in_flight", "Requests in flight", registry=self._registry)
        self._pages = Counter("ocr_gateway_pages", "Pages by what became of them", ["outcome"], registry=self._registry)
        self._ready = Gauge("ocr_gateway_ready", "1 if a picture was just read right", registry=self._registry)

    def answered(self, protocol: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(protocol, str(status)).inc()
        self._duration.labels(protocol).observe(seconds)

    def in_flight(self, number: int) -> None:
        """Tell how many requests are in flight."""
        self._in_flight.set(number)

    def pages(self, outcome: Origin | Literal["failed"], count: int = 1) -> None:
        """Count pages, or pictures, by what became of them."""
        self._pages.labels(outcome).inc(count)

    def ready(self, is_ready: bool) -> None:
        """Tell whether a picture was just read right."""
        self._ready.set(is_ready)

    def text(self) -> bytes:
        """Return all figures in Prometheus' form."""
        return generate_latest(self._registry)
