"""`ocr-bench endurance`: start-up, the first request, and memory over many requests of mixed sizes."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated, ClassVar

from typer import Option

from ocr_bench.process_tree import pss_bytes
from ocr_bench.report import Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, Pictures, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_server
from ocr_bench.timing import timed_ms
from ocr_client import OcrClient

SAMPLES = 20  # looks at the memory over the whole run
STEADY = 10  # requests after the first that the steady time is the median of


@dataclass(frozen=True)
class Life:
    """One server's life.

    Attributes:
        pictures: how many different ones were asked for.
        ready_s: from the start of ocr-serve to ready.
        first_ms: the first request after ready.
        steady_ms: median of the next ones, of the same picture.
        pss_mib: memory of the server's process tree, (requests answered, MiB), the first before any request.
    """

    pictures: int
    ready_s: float
    first_ms: float
    steady_ms: float
    pss_mib: tuple[tuple[int, float], ...]

    @property
    def peak_mib(self) -> float:
        """The most memory seen."""
        return max(mib for _, mib in self.pss_mib)

    @property
    def growth(self) -> float:
        """Memory at the end over memory at half of the run: 1 where it is flat."""
        requests, last = self.pss_mib[-1]
        halfway = min(self.pss_mib, key=lambda sample: abs(sample[0] - requests / 2))
        return last / halfway[1]


@dataclass(frozen=True, kw_only=True)
class Endurance(TargetMeasurement[Life]):
    """Start-up, the first request, and memory over many requests of mixed sizes."""

    command: ClassVar[str] = "endurance"
    title: ClassVar[str] = "Endurance"

    pictures: Pictures
    requests: Annotated[int, Option(min=20, help="Requests of the long run.")] = 1000
    in_flight: Annotated[int, Option(min=1, help="Requests at a time.")] = 2

    def measure(self, place: Workplace) -> Life:
        """Ask a server that nobody has asked yet, for all pictures in turn, over and over."""
        contents = [path.read_bytes() for path in find_pictures(self.pictures)]
        with (
            running_server(self.target, place.file("server.log")) as server,
            OcrClient(server.http, timeout_s=REQUEST_TIMEOUT_S) as client,
            ThreadPoolExecutor(self.in_flight) as threads,
            place.progress(self.requests) as done,
        ):

            def first_picture_ms() -> float:
                return timed_ms(lambda: client.ocr(contents[0]))

            def mib() -> float:
                return pss_bytes(server.pid) / 2**20

            samples = [(0, mib())]
            first_ms, steady_ms = first_picture_ms(), median(first_picture_ms() for _ in range(STEADY))
            endless = itertools.cycle(contents)
            answered = 0
            for number in range(1, SAMPLES + 1):
                part = self.requests * number // SAMPLES - answered
                answered += len(list(threads.map(client.ocr, itertools.islice(endless, part))))
                samples.append((answered, mib()))
                done(f"{samples[-1][1]:.0f} MiB", part)
        return Life(len(contents), server.ready_s, first_ms, steady_ms, tuple(samples))

    def intro(self, found: Life) -> str:
        """How it was measured."""
        return (
            f"One server from its start; the first request after ready beside the median of the next {STEADY}; then "
            f"{self.requests} requests over {found.pictures} pictures. PSS is of the whole process tree."
        )

    def table(self, found: Life) -> Table:
        """One row a figure."""
        rows = (
            ("from ocr-serve to ready, s", found.ready_s),
            ("first request, ms", found.first_ms),
            ("steady request, ms", found.steady_ms),
            ("first / steady", found.first_ms / found.steady_ms),
            ("PSS before any request, MiB", round(found.pss_mib[0][1])),
            (f"PSS after {self.requests} requests, {self.in_flight} in flight, MiB", round(found.pss_mib[-1][1])),
            ("largest PSS, MiB", round(found.peak_mib)),
            ("PSS at the end / at half", found.growth),
        )
        return Table(("", "value"), rows)

    def data(self, found: Life) -> object:
        """What was measured, and the figures that follow from it."""
        requests = {"requests": self.requests, "in_flight": self.in_flight}
        return {**requests, **asdict(found), "peak_mib": found.peak_mib, "growth": found.growth}
