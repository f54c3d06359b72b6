"""Cores that several pieces of work share, in a simulation."""

from __future__ import annotations

import heapq
from itertools import count
from typing import Any

import simpy

_ROUNDING_S = 1e-9


class Processor:
    """Cores that all work under way shares alike: where it wants more of them than there are, all of it slows down.

    All work goes on at one speed, so a clock that runs at this speed tells when each piece is done.
    """

    def __init__(self, environment: simpy.Environment, cores: float) -> None:
        """Begin with nothing to do.

        Args:
            environment: of the simulation.
            cores: that there are.
        """
        self.cores = cores
        self.busy_core_s = 0.0  # so far
        self._environment = environment
        self._done_s = 0.0  # what that clock shows
        self._looked_s = environment.now
        self._wanted = 0.0  # cores
        self._under_way: list[tuple[float, int, float, simpy.Event]] = []
        self._numbers = count()
        self._plan = 0

    def work(self, seconds: float, cores: float) -> simpy.Event:
        """Begin a piece of work.

        Args:
            seconds: that it takes alone.
            cores: that it keeps busy alone; it is never faster than that.

        Returns:
            what happens when it is done
        """
        self._advance()
        wanted = min(cores, self.cores)
        done = self._environment.event()
        heapq.heappush(self._under_way, (self._done_s + seconds, next(self._numbers), wanted, done))
        self._wanted += wanted
        self._wake_at_next()
        return done

    @property
    def _speed(self) -> float:
        return 1.0 if self._wanted <= self.cores else self.cores / self._wanted

    def _advance(self) -> None:
        now_s = self._environment.now
        self._done_s += (now_s - self._looked_s) * self._speed
        self.busy_core_s += (now_s - self._looked_s) * min(self._wanted, self.cores)
        self._looked_s = now_s

    def _wake_at_next(self) -> None:
        self._plan += 1
        if self._under_way:
            left_s = max(0.0, self._under_way[0][0] - self._done_s) / self._speed
            timeout = self._environment.timeout(left_s, self._plan)
            timeout.callbacks.append(self._wake)

    def _wake(self, event: Any) -> None:
        if event.value != self._plan:  # something has begun or ended since that was planned
            return
        self._advance()
        while self._under_way and self._under_way[0][0] <= self._done_s + _ROUNDING_S:
            _, _, wanted, done = heapq.heappop(self._under_way)
            self._wanted -= wanted
            done.succeed()
        if not self._under_way:
            self._wanted = 0.0  # no rounding is left behind
        self._wake_at_next()
