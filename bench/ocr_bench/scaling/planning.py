"""How many servers a load needs, what they cost, and how they are loaded then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from ocr_bench.scaling.record import Kind, Record
from ocr_bench.scaling.simulation import Fleet, Outcome, open_loop

_STEP = 1.15  # by which a number of servers grows, until it is enough
_ENOUGH = 8  # times as many servers as would do if none of them ever waited: more help nobody
_HOURS = 1e6 / 3600  # in which a million pages are read, one a second


@dataclass(frozen=True)
class Demand:
    """What is asked for.

    Attributes:
        rate: pages a second.
        p95_s: seconds within which 95 of 100 pages are to be answered.
        most_busy: part of the cores that may be busy: servers are lost, loads grow, and simulations err.
        run_s: seconds that are simulated.
        least: pages that are simulated at least.
        seed: of the simulation.
    """

    rate: float
    p95_s: float
    most_busy: float = 0.85
    run_s: float = 30.0
    least: int = 2000
    seed: int = 1

    @property
    def requests(self) -> int:
        """Pages that are simulated."""
        return max(self.least, math.ceil(self.rate * self.run_s))


@dataclass(frozen=True)
class Plan:
    """Servers that meet a demand, and what comes of it."""

    replicas: int
    outcome: Outcome


@dataclass(frozen=True)
class Price:
    """What servers cost.

    Attributes:
        per_core_hour: in any currency.
        peak_to_mean: how much higher the load is at its peak than on the average, where servers are there for the peak
            all the time; 1 where they come and go with the load.
    """

    per_core_hour: float
    peak_to_mean: float = 1.0

    def of_million_pages(self, cores: float, rate: float) -> float:
        """A million pages, read by so many cores at so many pages a second."""
        return cores * self.per_core_hour * self.peak_to_mean * _HOURS / rate


def cpu_s(kind: Kind) -> float:
    """Processor seconds of the server for a page of a kind, without the client's own."""
    return sum(seconds for process, seconds in kind.cpu_s.items() if process != "client")


def pages_per_s_at_most(record: Record, kinds: Sequence[Kind]) -> float:
    """What one server reads when all its cores are busy, kinds equally often."""
    return record.cores / fmean(cpu_s(kind) for kind in kinds)


def plan(record: Record, kinds: Sequence[Kind], demand: Demand, fleet: Fleet) -> Plan | None:
    """The fewest servers that meet a demand without refusing a page; None where no number of them does.

    Args:
        record: the server that all are like.
        kinds: of documents, equally often.
        demand: what is asked for.
        fleet: who asks, and how; its number of servers is not looked at.
    """
    found: dict[int, Outcome] = {}

    def is_enough(replicas: int) -> bool:
        chosen = replace(fleet, replicas=replicas)
        found[replicas] = open_loop(record, kinds, demand.rate, demand.requests, demand.seed, chosen)
        return not found[replicas].refused and found[replicas].summary.p95_s <= demand.p95_s

    least = max(1, math.ceil(demand.rate / pages_per_s_at_most(record, kinds) / demand.most_busy))
    replicas = _fewest(is_enough, least, _ENOUGH * least)
    return None if replicas is None else Plan(replicas, found[replicas])


def _fewest(is_enough: Callable[[int], bool], least: int, most: int) -> int | None:
    """The smallest number that is enough, where all larger ones are too; None where `most` is not."""
    too_few, number = least - 1, least
    while not is_enough(number):
        if number >= most:
            return None
        too_few, number = number, min(most, max(number + 1, math.ceil(number * _STEP)))
    while number - too_few > 1:
        middle = (too_few + number) // 2
        if is_enough(middle):
            number = middle
        else:
            too_few = middle
    return number


def loads(record: Record, kinds: Sequence[Kind], parts: Sequence[float], seed: int, requests: int) -> list[Outcome]:
    """One server under loads that are parts of what it reads at most."""
    most = pages_per_s_at_most(record, kinds)
    return [open_loop(record, kinds, part * most, requests, seed, Fleet(replicas=1)) for part in parts]
