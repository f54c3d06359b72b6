"""Levels of load, one after the other: up, and back down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ocr_bench.errors import BenchError
from ocr_bench.measurements.perf_analyzer import Point
from ocr_bench.scaling.exported import Scrape

# The part of a run that counts: before it the load still rises, after it perf_analyzer waits for its last answers.
STEADY = (0.4, 0.8)


@dataclass(frozen=True)
class Level:
    """Some time with so many requests in flight.

    Attributes:
        in_flight: requests.
        is_falling: whether more were in flight before.
        began_s, ended_s: of time.monotonic.
        point: what perf_analyzer says.
        figures: what the server exported, by the names of FIGURES.
    """

    in_flight: int
    is_falling: bool
    began_s: float
    ended_s: float
    point: Point
    figures: dict[str, float]


def there_and_back(levels: Sequence[int]) -> list[tuple[int, bool]]:
    """Every level, lowest first, and then back down; with each, whether it is on the way back."""
    rising = sorted(set(levels))
    return [*((level, False) for level in rising), *((level, True) for level in reversed(rising[:-1]))]


def steady(scrapes: Sequence[Scrape], began_s: float, ended_s: float) -> list[Scrape]:
    """The scrapes of a run that count.

    Raises:
        BenchError: there are not two of them.
    """
    first_s, last_s = (began_s + part * (ended_s - began_s) for part in STEADY)
    chosen = [each for each in scrapes if first_s <= each.at_s <= last_s]
    if len(chosen) < 2:
        raise BenchError(f"a level took {ended_s - began_s:.1f} s, too short to look at; ask for more --requests")
    return chosen
