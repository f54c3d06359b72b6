"""Whether a measurement had the machine for itself: others take time from it, and it shows in all that is measured."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import psutil

from ocr_bench.process_tree import cpu_s
from ocr_bench.scaling.record import ALLOWED
from ocr_pipeline.cores import cores

Measured = TypeVar("Measured")

TRIES = 3
_NOT_WORKING = ("idle", "iowait", "guest", "guest_nice")  # the last two are part of user and nice


@dataclass(frozen=True)
class _Moment:
    """Processor seconds so far: of all processes, and of those that are measured."""

    at_s: float
    all_s: float
    ours_s: float


def _now(pid: int) -> _Moment:
    times = psutil.cpu_times()._asdict()
    working_s = sum(seconds for name, seconds in times.items() if name not in _NOT_WORKING)
    return _Moment(time.monotonic(), working_s, cpu_s(pid) + time.process_time())


def undisturbed(work: Callable[[], Measured], pid: int) -> tuple[Measured, float]:
    """Measure, and again where others took too much of the processor; the time in which they took least counts.

    Args:
        work: measures something of a server.
        pid: of the server.

    Returns:
        what it gave, and the part of the cores that others took meanwhile, 0 to 1
    """
    found: list[tuple[float, Measured]] = []
    for _ in range(TRIES):
        before = _now(pid)
        measured = work()
        after = _now(pid)
        others_s = (after.all_s - before.all_s) - (after.ours_s - before.ours_s)
        found.append((max(0.0, others_s) / cores() / (after.at_s - before.at_s), measured))
        if found[-1][0] <= ALLOWED:
            break
    others, measured = min(found, key=lambda pair: pair[0])
    return measured, round(others, 4)
