"""What the Python models tell in Triton's /metrics: what has become of requests, and the time spent in stages."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import triton_python_backend_utils as pb_utils

from ocr_contract.errors import BudgetExceeded, DeadlineExceeded, InvalidInput, NotServing, OutOfMemory, Overloaded
from ocr_contract.options import RECOGNITION

# The first that fits counts. Every other error is a failure of the server.
_REASONS = (
    (OutOfMemory, "memory"),
    (Overloaded, "in_flight"),
    (NotServing, "restart"),
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


class StageClock:
    """Sums the time of the stages inside one model and exports it to Triton's /metrics.

    Counters `ocr_stage_duration_us` and `ocr_stage_count`, labels `model` and `stage`.
    """

    def __init__(self, model: str, stages: tuple[str, ...]) -> None:
        counter = pb_utils.MetricFamily.COUNTER
        self._model = model
        self._families = (
            pb_utils.MetricFamily("ocr_stage_duration_us", "Time spent in a stage inside a Python model", counter),
            pb_utils.MetricFamily("ocr_stage_count", "Times a stage inside a Python model ran", counter),
        )
        self._spent_us: dict[str, int] = {}
        self._count: dict[str, int] = {}
        self._metrics: dict[str, tuple[Any, ...]] = {}
        for stage in stages:
            self._add(stage)

    def _add(self, stage: str) -> None:
        """Count a stage from now on; its counters stand at 0."""
        labels = {"model": self._model, "stage": stage}
        self._metrics[stage] = tuple(family.Metric(labels=labels) for family in self._families)
        self._spent_us[stage] = self._count[stage] = 0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as stage `name`, be it one that nobody has named before."""
        if name not in self._metrics:
            self._add(name)
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            self._spent_us[name] += (time.perf_counter_ns() - start) // 1000
            self._count[name] += 1

    def export(self) -> None:
        """Hand what has been summed since the last call to Triton."""
        for stage, count in self._count.items():
            if count:
                duration_metric, count_metric = self._metrics[stage]
                duration_metric.increment(self._spent_us[stage])
                count_metric.increment(count)
                self._spent_us[stage] = self._count[stage] = 0
