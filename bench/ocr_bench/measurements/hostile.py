"""`ocr-bench hostile`: hostile requests to a server and to the gateway before it, and what came of each."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from typer import Option

from ocr_bench.hostile.asks import Ask
from ocr_bench.hostile.corpus import requests
from ocr_bench.hostile.sending import Outcome, Result, Sender
from ocr_bench.process_tree import PeakMemory, tree
from ocr_bench.report import Cell, Table
from ocr_bench.runner import TargetMeasurement, Workplace
from ocr_bench.server import Gateway, Server, running_gateway, running_server
from ocr_client import OcrClient
from ocr_contract import canary

TIMEOUT_S = 150.0  # a request without an answer by then is one that hangs
SLOW_S = 2.0
SHOWN = 12  # kinds of slow requests that are named
EXAMPLES = 200  # of answers that are to be looked at, in the JSON file


@dataclass(frozen=True)
class Seen:
    """A request in few words: where it stands in the stream, and what came of it."""

    number: int
    kind: str
    to: str
    path: str
    outcome: Outcome
    seconds: float
    status: str
    said: str
    is_large: bool

    @property
    def sort(self) -> str:
        """The first word of its kind."""
        return self.kind.partition(":")[0]


@dataclass(frozen=True)
class Siege:
    """All requests, and how the server took them.

    Attributes:
        seen: of every request.
        peak_mib: the most memory of the server's process tree.
        gateway_peak_mib: the same of the gateway's, processes that open PDF files included.
        ended: processes of the server that were there at the beginning, and are gone at the end.
        reads_canary: whether the server reads a known picture right afterwards.
    """

    seen: list[Seen]
    peak_mib: float
    gateway_peak_mib: float
    ended: int
    reads_canary: bool


class Stream:
    """Requests and their numbers, handed out to several threads."""

    def __init__(self, asks: Iterable[Ask]) -> None:
        self._asks = enumerate(asks)
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[tuple[int, Ask]]:
        return self

    def __next__(self) -> tuple[int, Ask]:
        with self._lock:
            return next(self._asks)


def brief(number: int, result: Result) -> Seen:
    """A result without the request's body."""
    ask = result.ask
    return Seen(
        number, ask.kind, ask.to, ask.path, result.outcome, result.seconds, result.status, result.said, ask.is_large
    )


def reads_canary(server: Server) -> bool:
    """Whether the server still reads the picture whose text is known."""
    with OcrClient(server.http, timeout_s=TIMEOUT_S) as client:
        return client.ocr(canary.picture()).texts == (canary.TEXT,)


@dataclass(frozen=True, kw_only=True)
class Hostile(TargetMeasurement[Siege]):
    """Hostile requests over HTTP, gRPC and the gateway: outcomes, time, memory, and processes that ended."""

    command: ClassVar[str] = "hostile"
    title: ClassVar[str] = "Hostile input"

    inputs: Annotated[int, Option(min=1, help="Requests.")] = 20_000
    seed: Annotated[int, Option(help="Another one gives other requests.")] = 13
    in_flight: Annotated[int, Option(min=1, help="Requests at a time.")] = 2

    def measure(self, place: Workplace) -> Siege:
        """Send all requests, so many at a time."""
        stream = Stream(itertools.islice(requests(self.seed), self.inputs))
        seen: list[Seen] = []
        with ExitStack() as stack:
            server = stack.enter_context(running_server(self.target, place.file("server.log")))
            gateway = stack.enter_context(running_gateway(server, place.file("gateway.log")))
            before = {process.pid for process in tree(server.pid)}
            memory = [PeakMemory(each.pid) for each in (server, gateway)]
            for each in memory:
                stack.enter_context(each.watched(0.5))
            done = stack.enter_context(place.progress(self.inputs))

            def work() -> None:
                with Sender(_addresses(server, gateway), TIMEOUT_S) as sender:
                    for number, ask in stream:
                        seen.append(brief(number, sender.send(ask)))
                        done(ask.kind.partition(":")[0], 1)

            with ThreadPoolExecutor(self.in_flight) as threads:
                for future in [threads.submit(work) for _ in range(self.in_flight)]:
                    future.result()
            ended = len(before - {process.pid for process in tree(server.pid)})
            is_well = reads_canary(server)
        of_server, of_gateway = (each.bytes / 2**20 for each in memory)
        return Siege(seen, of_server, of_gateway, ended, is_well)

    def intro(self, found: Siege) -> str:
        """How it was measured."""
        return (
            f"{len(found.seen)} requests from the seed {self.seed}, {self.in_flight} at a time, to a server and to the "
            "gateway before it: every file of the corpus once, and damaged pictures and PDF files, tensors of wrong "
            "types, shapes, lengths and values to all models, odd options, odd bodies, and messages of gRPC that are "
            "none. Refused: 4xx, or gRPC's codes for it. By Triton as 500: what its parsers refuse so, or as INTERNAL, "
            "before any code of ours. Times include what else ran on the machine."
        )

    def table(self, found: Siege) -> Table:
        """One row a sort of request, and one for all."""
        header = (
            *("sort", "inputs", *(outcome.value for outcome in Outcome)),
            *("p50, ms", "p99, ms", "slowest, s", "of honest large ones, s"),
        )
        sorts = sorted({one.sort for one in found.seen})
        rows = [_row(sort, [one for one in found.seen if one.sort == sort]) for sort in sorts]
        return Table(header, (*rows, _row("all", found.seen)))

    def notes(self, found: Siege) -> Sequence[str]:
        """Memory, processes, and what took long."""
        slow = Counter(one.kind for one in found.seen if one.seconds > SLOW_S and not one.is_large)
        named = ", ".join(f"{kind} ({count})" for kind, count in slow.most_common(SHOWN)) or "none"
        return (
            f"Most memory (PSS): server {found.peak_mib:.0f} MiB, gateway {found.gateway_peak_mib:.0f} MiB. Processes "
            f"of the server that ended: {found.ended}. Afterwards a known picture was read "
            f"{'right' if found.reads_canary else 'WRONG'}.",
            f"More than {SLOW_S:.0f} s, large honest files and PDF files of the corpus apart: {sum(slow.values())}. "
            f"Which: {named}.",
        )

    def data(self, found: Siege) -> object:
        """Counts, and the requests that somebody should look at."""
        odd = [one for one in found.seen if one.outcome in (Outcome.FAILED, Outcome.SILENT, Outcome.LATER)]
        slow = sorted((one for one in found.seen if one.seconds > SLOW_S), key=lambda one: -one.seconds)
        return {
            "inputs": len(found.seen),
            "seed": self.seed,
            "in_flight": self.in_flight,
            "outcomes": Counter(one.outcome.value for one in found.seen),
            "peak_mib": found.peak_mib,
            "gateway_peak_mib": found.gateway_peak_mib,
            "ended": found.ended,
            "reads_canary": found.reads_canary,
            "odd": odd[:EXAMPLES],
            "slow": slow[:EXAMPLES],
        }


def _addresses(server: Server, gateway: Gateway) -> dict[str, str]:
    return {"http": server.http, "grpc": server.grpc, "gateway": gateway.http}


def _row(name: str, seen: Sequence[Seen]) -> tuple[Cell, ...]:
    outcomes = Counter(one.outcome for one in seen)
    ordinary = [one.seconds for one in seen if not one.is_large]
    large = max((one.seconds for one in seen if one.is_large), default=None)
    p50, p99 = (round(float(np.percentile(ordinary, part)) * 1000) if ordinary else None for part in (50, 99))
    counts = (outcomes[outcome] for outcome in Outcome)
    return (name, len(seen), *counts, p50, p99, max(ordinary, default=None), large)
