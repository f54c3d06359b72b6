"""What every protocol stands on."""

from __future__ import annotations

from ocr_gateway.health import Health
from ocr_gateway.metrics import Metrics
from ocr_gateway.readers import Backend
from ocr_gateway.reading import DocumentReader
from ocr_gateway.settings import Settings
from ocr_gateway.threads import Threads
from ocr_gateway.time_limits import TimeLimits

_WRITERS = 2  # threads; most of what they do needs the interpreter


class Gateway:
    """Settings, figures, and, once it has been started, what reads documents.

    Attributes:
        settings: what the operator has set.
        metrics: what Prometheus is told.
        documents: reads documents.
        health: tells whether pictures are read right.
        backend: what reads.
        writers: threads in which results are written as files.
        time_limits: of the requests on their way.
    """

    documents: DocumentReader
    health: Health
    backend: Backend

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.writers = Threads(_WRITERS, "writer")
        self.time_limits = TimeLimits(settings.timeout_s)

    def start(self, backend: Backend) -> None:
        """Begin to read; to be called in the event loop."""
        self.backend = backend
        self.health = Health(backend.reader, self.metrics)
        self.documents = DocumentReader(
            backend.reader, self.health, self.metrics, self.settings, takes_pixels=backend.takes_pixels
        )
