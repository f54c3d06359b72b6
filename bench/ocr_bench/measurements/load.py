"""`ocr-bench load`: perf_analyzer over real pictures, more and more requests in flight, over HTTP and gRPC."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, ClassVar

from typer import Option

from ocr_bench.errors import BenchError
from ocr_bench.measurements.perf_analyzer import PerfAnalyzer, Point, find, parse_report
from ocr_bench.measurements.perf_input import Endpoint, write_input
from ocr_bench.plots import throughput_latency
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Limit, Pictures, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_server

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TIMEOUT_S = 3600.0  # of one concurrency


class Protocol(str, Enum):
    """What perf_analyzer speaks."""

    HTTP = "http"
    GRPC = "grpc"


@dataclass(frozen=True)
class Sweep:
    """What perf_analyzer reported, over so many pictures, in windows of so many requests."""

    pictures: int
    window: int
    points: list[Point]


def measure_point(
    analyzer: PerfAnalyzer, protocol: str, address: str, concurrency: int, window: int, pictures: Path, report: Path
) -> list[Point]:
    """Run perf_analyzer with so many requests in flight; it writes `report`.

    It reports the mean over three windows of `window` requests. Pictures differ in size, so windows do too, and its
    demand that they agree is loosened until they only have to be alike.

    Raises:
        BenchError: perf_analyzer failed, or reported nothing: its windows never agreed.
    """
    arguments = [
        *("-m", Endpoint.OCR.value, "-u", address, "-i", protocol, "--input-data", str(pictures)),
        *("--concurrency-range", f"{concurrency}:{concurrency}"),
        *("--measurement-mode", "count_windows", "--measurement-request-count", str(window)),
        *("--stability-percentage", "100", "--verbose-csv", "-f", str(report)),
    ]
    said = analyzer.run(arguments, TIMEOUT_S)
    points = parse_report(report.read_text(encoding="utf-8"), protocol) if report.is_file() else []
    if not points:
        raise BenchError(f"perf_analyzer reported nothing for {protocol}, {concurrency} in flight: {said[-400:]}")
    return points


@dataclass(frozen=True, kw_only=True)
class Load(TargetMeasurement[Sweep]):
    """perf_analyzer: throughput and latency by requests in flight."""

    command: ClassVar[str] = "load"
    title: ClassVar[str] = "Load"

    pictures: Pictures
    limit: Limit = None
    concurrency: Annotated[list[int], Option(min=1, help="Requests in flight; repeatable.")] = field(
        default_factory=lambda: [1, 2, 4, 8]
    )
    protocol: Annotated[list[Protocol], Option(help="Repeatable.")] = field(default_factory=lambda: [*Protocol])
    requests: Annotated[int | None, Option(min=1, help="Requests a window; by default one a picture.")] = None

    def measure(self, place: Workplace) -> Sweep:
        """Measure every concurrency over every protocol, protocols taking turns."""
        pictures = find_pictures(self.pictures, self.limit)
        found = Sweep(len(pictures), self.requests or len(pictures), [])
        with TemporaryDirectory(prefix="ocr-bench-") as folder:
            analyzer = find(Path(folder) / "libraries")
            data = Path(folder) / "input.json"
            write_input(pictures, data)
            with (
                running_server(self.target, place.file("server.log")) as server,
                place.progress(len(self.concurrency) * len(self.protocol)) as done,
            ):
                for flights in self.concurrency:
                    for protocol in self.protocol:
                        address = server.http if protocol is Protocol.HTTP else server.grpc
                        report = Path(folder) / f"{protocol.value}-{flights}.csv"
                        found.points.extend(
                            measure_point(analyzer, protocol.value, address, flights, found.window, data, report)
                        )
                        done(f"{protocol.value} x{flights}", 1)
        found.points.sort(key=lambda point: (point.protocol, point.concurrency))
        return found

    def intro(self, found: Sweep) -> str:
        """How it was measured."""
        return f"perf_analyzer, {found.pictures} pictures over and over, windows of {found.window} requests."

    def table(self, found: Sweep) -> Table:
        """One row a protocol and concurrency; protocols together."""
        header = ("protocol", "in flight", "images/s", "mean, ms", "p50, ms", "p90, ms", "p95, ms", "p99, ms")
        rows: list[tuple[Cell, ...]] = []
        for point in found.points:
            latencies_us = (point.mean_us, point.p50_us, point.p90_us, point.p95_us, point.p99_us)
            latencies_ms = (round(latency / 1000, 1) for latency in latencies_us)
            rows.append((point.protocol, point.concurrency, point.images_per_s, *latencies_ms))
        return Table(header, tuple(rows))

    def data(self, found: Sweep) -> object:
        """The points."""
        return found.points

    def figure(self, found: Sweep) -> Figure:
        """Median latency over throughput, one curve a protocol."""
        curves: dict[str, list[tuple[int, float, float]]] = {}
        for point in found.points:
            curves.setdefault(point.protocol, []).append((point.concurrency, point.images_per_s, point.p50_us / 1000))
        return throughput_latency(curves, f"{self.target.label}: {found.pictures} pictures")
