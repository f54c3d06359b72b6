"""Until when requests must be answered: each within its own time, and all of them soon once the gateway is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio

from ocr_gateway.refusals import Refusal, Stopping, TooLate


class TimeLimit:
    """The time of one request, by the clock of `anyio.current_time`; it may be cut short while the request runs.

    Attributes:
        reason: why it may not take longer, as an error.
    """

    def __init__(self, deadline: float, reason: Refusal) -> None:
        self.reason = reason
        self._deadline = deadline
        self._scopes: dict[anyio.CancelScope, float] = {}

    @contextmanager
    def scope(self, earlier_s: float = 0.0) -> Iterator[anyio.CancelScope]:
        """A scope that is cancelled when the time is over, or so many seconds before."""
        with anyio.CancelScope(deadline=self._deadline - earlier_s) as scope:
            self._scopes[scope] = earlier_s
            try:
                yield scope
            finally:
                del self._scopes[scope]

    def cut(self, deadline: float, reason: Refusal) -> None:
        """Let it end then, if it would not end earlier."""
        if deadline < self._deadline:
            self.reason, self._deadline = reason, deadline
            for scope, earlier_s in self._scopes.items():
                scope.deadline = deadline - earlier_s


class TimeLimits:
    """The time limits of all requests on their way."""

    def __init__(self, timeout_s: float) -> None:
        """Know how many seconds a request may take."""
        self._timeout_s = timeout_s
        self._limits: set[TimeLimit] = set()
        self._end = float("inf")

    @contextmanager
    def begin(self) -> Iterator[TimeLimit]:
        """The time limit of a request that begins now and ends with the body."""
        too_late = TooLate(f"there was no answer within {self._timeout_s:g} s, which is the limit")
        limit = TimeLimit(anyio.current_time() + self._timeout_s, too_late)
        limit.cut(self._end, Stopping())
        self._limits.add(limit)
        try:
            yield limit
        finally:
            self._limits.discard(limit)

    def stop(self, grace_s: float) -> None:
        """Leave all requests so many seconds, those that begin from now on included."""
        self._end = anyio.current_time() + grace_s
        for limit in self._limits:
            limit.cut(self._end, Stopping())
