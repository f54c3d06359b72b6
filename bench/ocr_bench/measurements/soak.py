"""`ocr-bench soak`: a long run under load, hostile inputs mixed in and faults injected; every answer is compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Option

from ocr_bench.errors import BenchError
from ocr_bench.plots import over_time
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Pictures, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import answered, answers, running_server
from ocr_bench.soak.cases import drawn_cases, file_cases, hostile_cases
from ocr_bench.soak.faults import Fault, Faults, plan
from ocr_bench.soak.memory import FLAT, Growth, Sample, Watch, growth, listener
from ocr_bench.soak.outcomes import GOOD, Entry, Outcome
from ocr_bench.soak.traffic import Mix, Traffic, read_references
from ocr_client import OcrClient
from ocr_contract.options import ENDPOINTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SETTLED_MINUTES = 10.0  # a shorter run has not asked for everything often enough to tell whether memory grows
SHOWN = 10  # bad requests that are told one by one
BIN_S = 10.0  # of the rate in the figure


class Over(str, Enum):
    """What is spoken."""

    HTTP = "http"
    GRPC = "grpc"
    BOTH = "both"


@dataclass(frozen=True)
class Place:
    """Where the server under test is: addresses by protocol; its HTTP, process and metrics, where they are known."""

    addresses: dict[str, str]
    http: str
    pid: int | None
    metrics: str | None = None


@dataclass(frozen=True)
class Soaked:
    """What a run has shown.

    Attributes:
        entries: one a request.
        faults: that were injected.
        restarts: of tritonserver, as the process table showed them.
        memory: of the server's tree.
        growth: of it; None where it is not judged.
        answered: requests that the server itself counts as answered; None where it was started anew, or is not known.
    """

    entries: list[Entry]
    faults: list[Fault]
    restarts: int
    memory: list[Sample]
    growth: Growth | None
    answered: int | None = None

    def counts(self, entries: Sequence[Entry]) -> Counter[Outcome]:
        """How many requests ended in which way."""
        return Counter(entry.outcome for entry in entries)

    @property
    def read(self) -> int:
        """Answers that clients have got and that were right."""
        counts = self.counts(self.entries)
        return counts[Outcome.RIGHT] + counts[Outcome.RETRIED]

    @property
    def bad(self) -> list[Entry]:
        """Requests that ended as none should."""
        return [entry for entry in self.entries if entry.outcome not in GOOD]


@dataclass(frozen=True, kw_only=True)
class Soak(TargetMeasurement[Soaked]):
    """Many requests of mixed sizes for a long time: is each answered, once and rightly, and is memory flat?"""

    command: ClassVar[str] = "soak"
    title: ClassVar[str] = "Soak"

    minutes: Annotated[float, Option(min=0.05, help="How long requests are sent.")] = 30.0
    in_flight: Annotated[int, Option(min=1, help="Requests at a time.")] = 16
    protocol: Annotated[Over, Option(help="What is spoken; both: requests take turns.")] = Over.BOTH
    hostile: Annotated[bool, Option(help="Have every eighth request be one that must be refused.")] = False
    faults: Annotated[bool, Option(help="Kill and stop processes of the server, at most 5 in 10 minutes.")] = False
    pictures: Pictures = field(default_factory=lambda: [Path("samples")])
    drawn: Annotated[bool, Option(help="Ask for drawn pictures of many sizes too, and for other endpoints.")] = True
    limit: Annotated[float, Option("--limit-s", min=1, help="A request without an answer by then hangs.")] = 300.0
    seed: Annotated[int, Option(help="Of the order of requests, and of the faults.")] = 0
    url: Annotated[str | None, Option(help="host:port of a running server (HTTP), instead of a new one.")] = None
    grpc_url: Annotated[str | None, Option(help="The same server's gRPC.")] = None

    @property
    def heading(self) -> str:
        """The heading of the section: what a server that runs already computes in, it alone knows."""
        return f"### {self.title}: {self._what}"

    @property
    def _what(self) -> str:
        return f"server at {self.url}" if self.url else self.target.label

    def measure(self, place: Workplace) -> Soaked:
        """Read every picture alone, then ask for them at random until the time is up."""
        if self.faults and self.url:
            raise BenchError("--faults kills processes, so it takes no --url: a server of its own is started")
        cases = [*file_cases(find_pictures(self.pictures)), *(drawn_cases() if self.drawn else ())]
        duration_s = 60 * self.minutes
        with ExitStack() as stack:
            server = stack.enter_context(self._server(place))
            clients = {
                protocol: stack.enter_context(OcrClient(address, protocol, timeout_s=self.limit, retries=0))
                for protocol, address in server.addresses.items()
            }
            references = read_references(next(iter(clients.values())), cases)
            mix = Mix(cases, references, hostile_cases() if self.hostile else ())
            traffic = Traffic(clients, mix, self.seed, self.limit)
            watch = Watch(server.pid) if server.pid else None
            faults = None
            if self.faults and server.pid:
                faults = Faults(server.pid, partial(answers, server.http), plan(duration_s, self.seed), self.seed)
            with watch.watching() if watch else nullcontext(), faults.happening() if faults else nullcontext():
                before = answered(server.metrics, ENDPOINTS) if server.metrics else 0
                entries = traffic.run(self.in_flight, duration_s)
                served = answered(server.metrics, ENDPOINTS) - before if server.metrics and not faults else None
        samples = watch.samples if watch else []
        injected = faults.injected if faults else []
        restarts = max(0, len(watch.servers) - 1) if watch else 0
        under_load = [sample for sample in samples if sample.at_s <= duration_s]
        grown = growth(under_load) if samples and not self.faults and self.minutes >= SETTLED_MINUTES else None
        return Soaked(entries, injected, restarts, samples, grown, None if restarts else served)

    @contextmanager
    def _server(self, place: Workplace) -> Iterator[Place]:
        """The server under test: one that runs already, or a new one."""
        wanted = [self.protocol.value] if self.protocol is not Over.BOTH else ["http", "grpc"]
        if self.url:
            known = {"http": self.url, "grpc": self.grpc_url}
            given = {name: address for name in wanted if (address := known[name])}
            if len(given) < len(wanted):
                raise BenchError(f"--protocol {self.protocol.value} needs --grpc-url as well as --url")
            yield Place(given, self.url, listener(int(self.url.rpartition(":")[2])))
            return
        with running_server(self.target, place.file("server.log")) as server:
            known = {"http": server.http, "grpc": server.grpc}
            yield Place({name: str(known[name]) for name in wanted}, server.http, server.pid, server.metrics)

    def problems(self, found: Soaked) -> Sequence[str]:
        """What must not be."""
        counts = found.counts(found.entries)
        said = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if outcome not in GOOD and counts[outcome]]
        said += [f"the server did not come back after {fault.what}" for fault in found.faults if fault.again_s is None]
        if self.faults and not found.faults:
            said.append("no fault was injected")
        if found.restarts != len(found.faults):
            said.append(f"{found.restarts} restarts of the server after {len(found.faults)} faults")
        if found.answered is not None and not found.bad and found.answered != found.read:
            said.append(f"the server counts {found.answered} answers, and its clients {found.read}")
        if not counts[Outcome.RIGHT]:
            said.append("nothing was read")
        if found.growth and not found.growth.is_flat:
            said.append(f"memory is not flat within {FLAT:.0%}")
        return said

    def intro(self, found: Soaked) -> str:
        """How it was measured."""
        spoken = {Over.HTTP: "HTTP", Over.GRPC: "gRPC", Over.BOTH: "HTTP and gRPC in turns"}[self.protocol]
        return (
            f"{self.minutes:g} minutes, {self.in_flight} requests in flight, {spoken}. Each answer is compared with "
            "that which the same picture had when nothing else was asked for. Times are those of a client, its retries "
            f"among them.{' Pictures go from a word to 7 million pixels, or 300 lines.' if self.drawn else ''}"
        )

    def table(self, found: Soaked) -> Table:
        """One row a kind of request."""
        kinds = {
            "pictures": [entry for entry in found.entries if not entry.is_hostile],
            "hostile inputs": [entry for entry in found.entries if entry.is_hostile],
            "all": found.entries,
        }
        rows: list[tuple[Cell, ...]] = []
        for name, entries in kinds.items():
            if entries:
                counts = found.counts(entries)
                took_s = [entry.took_s for entry in entries]
                outcomes = (counts[outcome] for outcome in Outcome)
                rows.append((name, len(entries), *outcomes, median(took_s), max(took_s)))
        header = ("", "requests", *(outcome.value for outcome in Outcome), "median, s", "longest, s")
        return Table(header, tuple(rows), digits=1)

    def notes(self, found: Soaked) -> Sequence[str]:
        """Memory, faults, and what went wrong."""
        said = []
        if found.memory:
            peak = max(sample.mib for sample in found.memory)
            said.append(f"Largest memory of the server's processes together: {peak:.0f} MiB. {self._grown(found)}")
        if found.answered is not None:
            said.append(
                f"By its own count the server has answered {found.answered} requests; right ones: {found.read}."
            )
        if found.faults:
            header = ("fault", "at, s", "another server was ready after, s")
            rows = tuple((fault.what, round(fault.at_s), fault.again_s) for fault in found.faults)
            said.append(Table(header, rows, digits=1).markdown())
        if found.bad:
            shown = [f"- {entry.case}, {entry.protocol}: {entry.outcome.value}: {entry.said}" for entry in found.bad]
            said.append("\n".join(["Not as it should be:", "", *shown[:SHOWN]]))
        return said

    def _grown(self, found: Soaked) -> str:
        if found.growth is None:
            return "Whether it grows is not judged: " + (
                "each restart begins anew." if self.faults else f"that takes {SETTLED_MINUTES:g} minutes."
            )
        slope, quarters = found.growth.slope, found.growth.quarters
        return (
            f"In the second half a fitted line changes by {slope:+.1%} of the mean. The fourth quarter's mean differs "
            f"from the third's by {quarters:+.1%}."
        )

    def data(self, found: Soaked) -> object:
        """Counts, memory, faults, and the requests that went wrong."""
        return {
            "counts": {outcome.value: number for outcome, number in found.counts(found.entries).items()},
            "tries": sum(entry.tries for entry in found.entries),
            "restarts": found.restarts,
            "answered": found.answered,
            "faults": found.faults,
            "growth": found.growth,
            "memory": found.memory,
            "bad": found.bad,
        }

    def figure(self, found: Soaked) -> Figure:
        """Memory and answers a second over time, faults as lines."""
        ends = [entry.started_s + entry.took_s for entry in found.entries if entry.outcome in GOOD]
        memory = [(sample.at_s, sample.mib) for sample in found.memory]
        marks = [(fault.at_s, fault.what) for fault in found.faults]
        return over_time(memory, ends, BIN_S, marks, self._what)
