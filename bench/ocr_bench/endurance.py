"""`ocr-bench endurance`: start-up, the first request, and memory over many requests of mixed sizes."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ocr_bench.process_tree import pss_bytes
from ocr_bench.report import Table
from ocr_bench.server import Server
from ocr_client.client import OcrClient

Progress = Callable[[str, int], None]
SAMPLES = 20  # looks at the memory over the whole run
STEADY = 10  # requests after the first that the steady time is the median of


@dataclass(frozen=True)
class Endurance:
    """One server's life.

    Attributes:
        ready_s: from the start of ocr-serve to ready.
        first_ms, steady_ms: the first request after ready, and the median of the next ones, of one picture.
        requests, in_flight: the long run.
        pss_mib: memory of the server's process tree, (requests answered, MiB), the first before any request.
    """

    ready_s: float
    first_ms: float
    steady_ms: float
    requests: int
    in_flight: int
    pss_mib: tuple[tuple[int, float], ...]

    @property
    def peak_mib(self) -> float:
        """The most memory seen."""
        return max(mib for _, mib in self.pss_mib)

    @property
    def growth(self) -> float:
        """Memory at the end over memory at half of the run: 1 where it is flat."""
        halfway = min(self.pss_mib, key=lambda sample: abs(sample[0] - self.requests / 2))
        return self.pss_mib[-1][1] / halfway[1]

    def as_dict(self) -> dict[str, object]:
        """Give plain values for JSON."""
        return {**asdict(self), "peak_mib": self.peak_mib, "growth": self.growth}


def mib(server: Server) -> float:
    """Look at the memory of the server now."""
    return pss_bytes(server.pid) / 2**20


def measure(server: Server, pictures: Sequence[Path], requests: int, in_flight: int, progress: Progress) -> Endurance:
    """Ask a server that nobody has asked yet.

    Args:
        server: just started.
        pictures: asked for in turn, over and over; the first one is also the first request.
        requests: of the long run.
        in_flight: requests at a time in the long run.
        progress: told after every part of the long run.
    """
    data = [path.read_bytes() for path in pictures]
    with OcrClient(server.http, timeout_s=600) as client, ThreadPoolExecutor(in_flight) as threads:

        def timed_ms(picture: bytes) -> float:
            started = time.perf_counter()
            client.ocr(picture)
            return 1000 * (time.perf_counter() - started)

        samples = [(0, mib(server))]
        first_ms = timed_ms(data[0])
        steady_ms = median(timed_ms(data[0]) for _ in range(STEADY))
        endless = itertools.cycle(data)
        answered = 0
        for number in range(1, SAMPLES + 1):
            part = requests * number // SAMPLES - answered
            for _ in threads.map(client.ocr, itertools.islice(endless, part)):
                answered += 1
            samples.append((answered, mib(server)))
            progress(f"{samples[-1][1]:.0f} MiB", part)
    return Endurance(server.ready_s, first_ms, steady_ms, requests, in_flight, tuple(samples))


def table(found: Endurance) -> Table:
    """One row a figure."""
    rows = (
        ("from ocr-serve to ready, s", found.ready_s),
        ("first request, ms", found.first_ms),
        ("steady request, ms", found.steady_ms),
        ("first / steady", found.first_ms / found.steady_ms),
        ("PSS before any request, MiB", round(found.pss_mib[0][1])),
        (f"PSS after {found.requests} requests, {found.in_flight} in flight, MiB", round(found.pss_mib[-1][1])),
        ("largest PSS, MiB", round(found.peak_mib)),
        ("PSS at the end / at half", found.growth),
    )
    return Table(("", "value"), rows)
