"""How long a step may be at a request: until whoever sent it gives up, and no longer than the operator allows."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ocr_contract.errors import TIME_HAS_PASSED, BudgetExceeded, DeadlineExceeded

_S, _US = 1_000_000_000, 1_000  # ns
_LONGEST_US = 10**12  # of a timeout: 11 days


def deadline_ns(timeout_us: int) -> int:
    """When a request that enters now is given up, in ns of time.monotonic; 0 for never.

    Args:
        timeout_us: that the request states, in microseconds; 0 for none.
    """
    return time.monotonic_ns() + min(timeout_us, _LONGEST_US) * _US if timeout_us > 0 else 0


@dataclass(frozen=True)
class TimeLimits:
    """The limits of one request in one step.

    Attributes:
        deadline_ns: of time.monotonic; 0 for none.
        max_seconds: that the step may be at the request; None for any number.
        begun_ns: when the step began with it.
    """

    deadline_ns: int = 0
    max_seconds: int | None = None
    begun_ns: int = field(default_factory=time.monotonic_ns)

    def check(self) -> None:
        """Look at the clock; to be called wherever the step can stop.

        Raises:
            DeadlineExceeded: the request's own time has passed.
            BudgetExceeded: the step has been at it for too long.
        """
        now_ns = time.monotonic_ns()
        if self.deadline_ns and now_ns >= self.deadline_ns:
            raise DeadlineExceeded(TIME_HAS_PASSED)
        if self.max_seconds is not None and now_ns - self.begun_ns >= self.max_seconds * _S:
            raise BudgetExceeded(
                f"this takes longer than the {self.max_seconds} seconds that a step may be at one request; "
                "send it in parts, or raise max_seconds in the config.pbtxt of det_batcher and rec_batcher"
            )
