"""One server in a simulation: what a request goes through, and what it waits for.

A request takes one of `max_in_flight` places, or is refused. It waits for one of the `max_at_work` places of those at
work, and then goes from step to step. A step has so many instances, each at one request. All that computes shares the
cores. A network answers calls in their order: a page has a turn of as many as it may have under way, and then it is the
turn of the next page that waits for this network.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean
from typing import Any

import simpy

from ocr_bench.scaling.processor import Processor
from ocr_bench.scaling.record import NETWORKS, Kind, Limits, Page, Part, Record

_HELPERS = {"rec": ("rec", "rec_batcher"), "rec_second": ("rec_second",), "det": ("det",), "cls": ("cls",)}
_CLIENT = "client"

Simulated = Generator[simpy.Event, Any, None]


@dataclass(frozen=True)
class Work:
    """A piece of computing: a stage, or "" outside all stages; seconds alone; cores that it keeps busy alone.

    What a network computes is done in so many turns.
    """

    stage: str
    seconds: float
    cores: float
    turns: int = 1


@dataclass(frozen=True)
class Visit:
    """What a request has done in a step."""

    step: str
    works: tuple[Work, ...]


@dataclass(frozen=True)
class Way:
    """The way of a page through a server: first what is outside the steps, then each step."""

    outside: Work
    visits: tuple[Visit, ...]


def ways(record: Record, kinds: Sequence[Kind], *, is_client_here: bool) -> list[list[Way]]:
    """The ways of the pages of each kind.

    Args:
        record: the server.
        kinds: of documents.
        is_client_here: whether clients compute on the server's machine, as they did when it was measured.
    """
    told = [_cores(kind, record.cores, is_client_here=is_client_here) for kind in kinds]
    return [
        [_way(page, of_kind, record.limits) for page in kind.pages] for kind, of_kind in zip(kinds, told, strict=True)
    ]


def _way(page: Page, cores: Mapping[str, float], limits: Limits) -> Way:
    visits = tuple(
        Visit(step, tuple(Work(part.stage, part.seconds, cores[part.stage], _turns(part, limits)) for part in parts))
        for step, parts in groupby(page.parts, key=lambda part: part.step)
    )
    return Way(Work("", page.outside_s, cores[""]), visits)


def _turns(part: Part, limits: Limits) -> int:
    return math.ceil(part.calls / limits.rec_calls_in_flight) if part.stage.startswith("rec") else part.calls


def _cores(kind: Kind, cores: int, *, is_client_here: bool) -> dict[str, float]:
    """Cores that each stage of a kind keeps busy: processor time of its processes over its own time.

    The stages of a step that no network runs have the step's processor time together. What a process spends beyond what
    its stages can take on so many cores, it spends outside them: on tensors that come and go.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for step, stage in {(part.step, part.stage): None for page in kind.pages for part in page.parts}:
        groups.setdefault(_HELPERS.get(stage, (step,)), []).append(stage)
    told: dict[str, float] = {}
    outside_cpu_s = sum(kind.cpu_s.values()) - (0.0 if is_client_here else kind.cpu_s[_CLIENT])
    for processes, stages in groups.items():
        spent_s = fmean(sum(part.seconds for part in page.parts if part.stage in stages) for page in kind.pages)
        cpu_s = min(sum(kind.cpu_s.get(process, 0.0) for process in processes), cores * spent_s)
        told.update(dict.fromkeys(stages, cpu_s / spent_s))
        outside_cpu_s -= cpu_s
    outside_s = fmean(page.outside_s for page in kind.pages)
    return {**told, "": outside_cpu_s / outside_s if outside_s else 0.0}


class Replica:
    """A server in a simulation."""

    def __init__(self, environment: simpy.Environment, record: Record) -> None:
        """Start it.

        Args:
            environment: of the simulation.
            record: the server that it is like.
        """
        self.under_way = 0
        self.refused = 0
        self.processor = Processor(environment, record.cores)
        self._max_in_flight = record.limits.max_in_flight
        self._turns = simpy.Resource(environment, record.limits.max_at_work)
        self._steps: Mapping[str, simpy.Resource] = {
            step: simpy.Resource(environment, instances) for step, instances in record.limits.instances.items()
        }
        self._networks = {network: simpy.Resource(environment, 1) for network in NETWORKS}

    def admit(self) -> bool:
        """Take a place for a request, if there is one."""
        if self.under_way >= self._max_in_flight:
            self.refused += 1
            return False
        self.under_way += 1
        return True

    def read(self, way: Way) -> Simulated:
        """Read a page of a request that was admitted."""
        yield self._compute(way.outside)
        with self._turns.request() as turn:
            yield turn
            for visit in way.visits:
                with self._steps[visit.step].request() as instance:
                    yield instance
                    for work in visit.works:
                        yield from self._stage(work)
        self.under_way -= 1

    def _stage(self, work: Work) -> Simulated:
        if work.stage not in self._networks:
            yield self._compute(work)
            return
        for _ in range(work.turns):
            with self._networks[work.stage].request() as turn:
                yield turn
                yield self._compute(work)

    def _compute(self, work: Work) -> simpy.Event:
        return self.processor.work(work.seconds / work.turns, work.cores)
