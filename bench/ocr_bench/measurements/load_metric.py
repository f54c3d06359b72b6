"""`ocr-bench load-metric`: which exported figure tells how loaded a server is, so that servers may be added by it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Option

from ocr_bench.measurements.load import Protocol, measure_point
from ocr_bench.measurements.perf_analyzer import PerfAnalyzer, find
from ocr_bench.measurements.perf_input import write_input
from ocr_bench.process_tree import repeated
from ocr_bench.report import Table
from ocr_bench.runner import Done, Limit, Pictures, TargetMeasurement, Workplace
from ocr_bench.scaling.exported import FIGURES, Scrape, scrape
from ocr_bench.scaling.levels import Level, steady, there_and_back
from ocr_bench.scaling.plots import load_figures
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import Server, running_server

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

INTERVAL_S = 1.0  # between two scrapes
WINDOWS_OF_REQUESTS = 24  # at least, where few are in flight


@dataclass(frozen=True)
class Climb:
    """All levels in their order, and all scrapes."""

    pictures: int
    levels: list[Level]
    scrapes: list[Scrape]


def climb(
    analyzer: PerfAnalyzer,
    server: Server,
    pictures: Sequence[Path],
    levels: Sequence[int],
    requests: int,
    done: Done,
    interval_s: float = INTERVAL_S,
) -> Climb:
    """Load a server with more and more requests, and then with fewer, and look at what it exports.

    Args:
        analyzer: perf_analyzer.
        server: one that is up.
        pictures: that it is sent, one after the other.
        levels: requests in flight.
        requests: that a window of perf_analyzer has at least; three windows are measured.
        done: is told of every level.
        interval_s: between two looks.

    Raises:
        BenchError: perf_analyzer failed, or a level was too short.
    """
    scrapes: list[Scrape] = []
    found: list[Level] = []
    with (
        TemporaryDirectory(prefix="ocr-bench-") as folder,
        repeated(lambda: scrapes.append(scrape(server.metrics)), interval_s),
    ):
        data = Path(folder) / "input.json"
        write_input(pictures, data)
        for number, (in_flight, is_falling) in enumerate(there_and_back(levels)):
            report = Path(folder) / f"{number}.csv"
            began_s = time.monotonic()
            window = max(requests, in_flight)
            (point,) = measure_point(analyzer, Protocol.GRPC.value, server.grpc, in_flight, window, data, report)
            ended_s = time.monotonic()
            stretch = steady(scrapes, began_s, ended_s)
            figures = {figure.name: figure.over(stretch) for figure in FIGURES}
            found.append(Level(in_flight, is_falling, began_s, ended_s, point, figures))
            done(f"{in_flight} in flight", 1)
    return Climb(len(pictures), found, scrapes)


def told(level: Level) -> dict[str, float]:
    """What a level tells: perf_analyzer's figures, and then the server's, by their names."""
    client = {
        "answers a second (perf_analyzer)": level.point.images_per_s,
        "p50, ms (perf_analyzer)": level.point.p50_us / 1e3,
        "p95, ms (perf_analyzer)": level.point.p95_us / 1e3,
    }
    return {**client, **level.figures}


@dataclass(frozen=True, kw_only=True)
class LoadMetric(TargetMeasurement[Climb]):
    """Which exported figure tells load: perf_analyzer with more and more requests in flight, and back."""

    command: ClassVar[str] = "load-metric"
    title: ClassVar[str] = "Which figure tells load"

    pictures: Pictures
    limit: Limit = None
    in_flight: Annotated[list[int], Option(min=1, help="Requests in flight; repeatable.")] = field(
        default_factory=lambda: [1, 2, 4, 8, 16, 32, 64]
    )
    requests: Annotated[
        int, Option(min=1, help="Requests of a window at least; each level has three windows or more.")
    ] = WINDOWS_OF_REQUESTS

    def measure(self, place: Workplace) -> Climb:
        """Start a server, and load it."""
        pictures = find_pictures(self.pictures, self.limit)
        with TemporaryDirectory(prefix="ocr-bench-") as folder:
            analyzer = find(Path(folder) / "libraries")
            with (
                running_server(self.target, place.file("server.log")) as server,
                place.progress(len(there_and_back(self.in_flight))) as done,
            ):
                return climb(analyzer, server, pictures, self.in_flight, self.requests, done)

    def intro(self, found: Climb) -> str:
        """How it was measured."""
        return (
            f"perf_analyzer over gRPC, {found.pictures} pictures over and over; `/metrics` read every second. Each "
            "figure is its mean over the middle of a level; after the arrow, on the way back."
        )

    def table(self, found: Climb) -> Table:
        """One row a figure, one column a number of requests in flight; the client's own latency first."""
        levels = sorted({level.in_flight for level in found.levels})
        values = [(level, told(level)) for level in found.levels]
        rows = []
        for name in values[0][1]:
            cells = []
            for in_flight in levels:
                ways = [told[name] for level, told in values if level.in_flight == in_flight]
                cells.append(" → ".join(f"{value:.3g}" if value < 100 else f"{value:.0f}" for value in ways))
            rows.append((name, *cells))
        return Table(("requests in flight", *map(str, levels)), tuple(rows))

    def notes(self, found: Climb) -> Sequence[str]:
        """How Prometheus computes each."""
        rows = tuple((figure.name, f"`{figure.promql}`") for figure in FIGURES)
        return (Table(("figure", "PromQL"), rows).markdown(),)

    def data(self, found: Climb) -> object:
        """The levels; scrapes are many."""
        return [asdict(level) for level in found.levels]

    def figure(self, found: Climb) -> Drawing:
        """Left, each figure over requests in flight, as a multiple of what it is at the lowest; right, over time."""
        return load_figures(found.levels, found.scrapes, self.target.label)
