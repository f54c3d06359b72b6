"""What has become of requests, as Triton's /metrics tells it."""

from collections.abc import Sequence

import triton_python_backend_utils as pb_utils

from ocr_contract.errors import BudgetExceeded, DeadlineExceeded, InvalidInput, Overloaded
from ocr_contract.options import RECOGNITION

# The first that fits counts. Every other error is a failure of the server.
_REASONS = (
    (Overloaded, "in_flight"),
    (DeadlineExceeded, "deadline"),
    (BudgetExceeded, "budget"),
    (InvalidInput, "input"),
)
_FAMILIES = (
    ("ocr_requests_refused", "Requests that were refused, by the reason"),
    ("ocr_requests_failed", "Requests that failed in a Python model"),
    ("ocr_pages", "Pictures in which text was read or found, by the endpoint"),
    ("ocr_lines", "Lines of text that were read or found, by the endpoint"),
)


class Counters:
    """Counters of one model; requests that it refuses or that fail in it, and those that it has answered."""

    def __init__(self, model: str, endpoints: Sequence[str]) -> None:
        """Begin at 0.

        Args:
            model: the step.
            endpoints: whose requests it is the last to be at.
        """
        refused, failed, pages, lines = self._families = tuple(
            pb_utils.MetricFamily(name, description, pb_utils.MetricFamily.COUNTER) for name, description in _FAMILIES
        )
        self._refused = {reason: refused.Metric(labels={"reason": reason}) for _, reason in _REASONS}
        self._failed = failed.Metric(labels={"model": model})
        self._pages = {name: pages.Metric(labels={"model": name}) for name in endpoints if name != RECOGNITION}
        self._lines = {name: lines.Metric(labels={"model": name}) for name in endpoints}

    def answered(self, endpoint: str, lines: int) -> None:
        """Count an answer with so many lines; lines of `text_recognition` are on no page."""
        if endpoint in self._pages:
            self._pages[endpoint].increment(1)
        self._lines[endpoint].increment(lines)

    def ended_by(self, error: Exception) -> None:
        """Count a request that was refused, or that failed."""
        for kind, reason in _REASONS:
            if isinstance(error, kind):
                self._refused[reason].increment(1)
                return
        self._failed.increment(1)


class Restarts:
    """The gauge `ocr_restarts`; every process may tell it."""

    def __init__(self, count: int) -> None:
        gauge = pb_utils.MetricFamily.GAUGE
        self._family = pb_utils.MetricFamily("ocr_restarts", "Times that ocr-serve has started the server anew", gauge)
        self._metric = self._family.Metric(labels={})
        self._metric.set(count)
