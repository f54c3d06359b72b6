"""How long the stages of pages took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from ocr_pipeline.clock import STAGES


class StageTimes:
    """Time spent in each stage since this was made.

    Attributes:
        spent_ns: nanoseconds by stage.
    """

    def __init__(self) -> None:
        self.spent_ns = dict.fromkeys(STAGES, 0)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the body as that stage."""
        started = time.perf_counter_ns()
        try:
            yield
        finally:
            self.spent_ns[name] += time.perf_counter_ns() - started
