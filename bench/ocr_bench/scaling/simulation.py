"""Several servers, their clients, and a load: what comes of it.

Seeded: the same arguments give the same answer. A measured load is run again with the very requests that it had.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import count

import simpy

from ocr_bench.scaling.record import Kind, Point, Record
from ocr_bench.scaling.replica import Replica, Simulated, Way, ways
from ocr_bench.scaling.traffic import Answer, Summary, order, summary, times


class Balancing(str, Enum):
    """How a client chooses the server of a request, of those that it knows."""

    ROUND_ROBIN = "round-robin"
    LEAST_OUTSTANDING = "least-outstanding"


@dataclass(frozen=True)
class Fleet:
    """Servers, and who asks them.

    Attributes:
        replicas: servers, all alike.
        clients: each balances for itself, and knows of no other.
        balancing: how.
    """

    replicas: int
    clients: int = 8
    balancing: Balancing = Balancing.LEAST_OUTSTANDING


@dataclass(frozen=True)
class Outcome:
    """What came of a load.

    Attributes:
        summary: of the answers.
        refused: requests that a server had no place for.
        utilisation: part of the cores that was busy.
        under_way: requests that a server had under way, on the average.
    """

    summary: Summary
    refused: int
    utilisation: float
    under_way: float


class _Client:
    """A client that spreads its requests over servers."""

    def __init__(self, replicas: Sequence[Replica], balancing: Balancing, chance: random.Random) -> None:
        self._replicas = replicas
        self._least = balancing is Balancing.LEAST_OUTSTANDING
        self._next = count(chance.randrange(len(replicas)))
        self._outstanding = [0] * len(replicas)

    def choose(self) -> int:
        """The number of the server for the next request."""
        turn = next(self._next) % len(self._replicas)
        if not self._least:
            return turn
        # Of several that are alike, the one whose turn it would be: else all clients would crowd the first.
        order_of_turn = (*range(turn, len(self._replicas)), *range(turn))
        return min(order_of_turn, key=self._outstanding.__getitem__)

    def ask(self, environment: simpy.Environment, way: Way, answers: list[Answer]) -> Simulated:
        """Have a page read, unless the server refuses."""
        chosen = self.choose()
        replica = self._replicas[chosen]
        sent_s = environment.now
        if replica.admit():
            self._outstanding[chosen] += 1
            yield from replica.read(way)
            self._outstanding[chosen] -= 1
            answers.append(Answer(sent_s, environment.now))


def open_loop(
    record: Record,
    kinds: Sequence[Kind],
    rate: float,
    requests: int,
    seed: int,
    fleet: Fleet,
    *,
    is_client_here: bool = False,
) -> Outcome:
    """Requests come by themselves, at random times.

    Args:
        record: the server that all are like.
        kinds: of documents, equally often.
        rate: requests a second, of all clients together.
        requests: how many.
        seed: of their order and times.
        fleet: servers and clients.
        is_client_here: whether clients compute on the server's machine.
    """
    environment = simpy.Environment()
    replicas = [Replica(environment, record) for _ in range(fleet.replicas)]
    chance = random.Random(f"clients {seed}")  # noqa: S311 -- nothing to guess
    clients = [_Client(replicas, fleet.balancing, chance) for _ in range(fleet.clients)]
    answers: list[Answer] = []
    asked = order(ways(record, kinds, is_client_here=is_client_here), requests, seed)

    def arrive() -> Simulated:
        for way, at_s in zip(asked, times(rate, requests, seed), strict=True):
            yield environment.timeout(at_s - environment.now)
            environment.process(chance.choice(clients).ask(environment, way, answers))

    environment.process(arrive())
    environment.run()
    return _outcome(environment, replicas, answers)


def closed_loop(
    record: Record, kinds: Sequence[Kind], in_flight: int, requests: int, seed: int, *, is_client_here: bool = False
) -> Outcome:
    """So many requests are in flight always, on one server.

    Args:
        record: the server.
        kinds: of documents, equally often.
        in_flight: requests, at most `max_in_flight` of the server.
        requests: how many in all, more than are in flight.
        seed: of their order.
        is_client_here: whether clients compute on the server's machine.
    """
    environment = simpy.Environment()
    replica = Replica(environment, record)
    client = _Client([replica], Balancing.ROUND_ROBIN, random.Random(0))  # noqa: S311 -- nothing to guess
    answers: list[Answer] = []
    asked = iter(order(ways(record, kinds, is_client_here=is_client_here), requests, seed))

    def ask_on() -> Simulated:
        for way in asked:
            yield from client.ask(environment, way, answers)

    for _ in range(in_flight):
        environment.process(ask_on())
    environment.run()
    return _outcome(environment, [replica], answers, in_flight)


def again(record: Record, point: Point) -> Outcome:
    """A load that was measured, in a simulation."""
    kinds, here = record.kinds, True
    if point.mode == "closed":
        return closed_loop(record, kinds, int(point.level), point.requests, point.seed, is_client_here=here)
    fleet = Fleet(replicas=1, clients=1)
    return open_loop(record, kinds, point.level, point.requests, point.seed, fleet, is_client_here=here)


def _outcome(
    environment: simpy.Environment, replicas: Sequence[Replica], answers: Sequence[Answer], in_flight: int = 0
) -> Outcome:
    ended_s = environment.now
    cores = sum(replica.processor.cores for replica in replicas)
    busy_core_s = sum(replica.processor.busy_core_s for replica in replicas)
    return Outcome(
        summary(answers, in_flight),
        sum(replica.refused for replica in replicas),
        busy_core_s / (cores * ended_s),
        sum(answer.received_s - answer.sent_s for answer in answers) / ended_s / len(replicas),
    )
