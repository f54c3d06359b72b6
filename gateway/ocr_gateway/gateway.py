"""What every protocol stands on."""

from __future__ import annotations

from ocr_gateway.health import Health
from ocr_gateway.metrics import Metrics
from ocr_gateway.readers import Behind
from ocr_gateway.reading import Desk
from ocr_gateway.settings import Settings
from ocr_gateway.threads import Threads

_WRITERS = 2  # threads; most of what they do needs the interpreter


class Gateway:
    """Settings, figures, and, once it has been started, a desk where documents are read.

    Attributes:
        settings: what the operator has set.
        metrics: what Prometheus is told.
        desk: reads documents.
        health: tells whether pictures are read right.
        behind: what reads.
        writers: threads in which results are written as files.
    """

    desk: Desk
    health: Health
    behind: Behind

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.writers = Threads(_WRITERS, "writer")

    def start(self, behind: Behind) -> None:
        """Begin to read; to be called in the event loop."""
        self.behind = behind
        self.health = Health(behind.reader, self.metrics)
        self.desk = Desk(behind.reader, self.health, self.metrics, self.settings, takes_pixels=behind.takes_pixels)
