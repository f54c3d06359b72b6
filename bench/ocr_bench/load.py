"""`ocr-bench load`: perf_analyzer over real pictures, more and more requests in flight, over HTTP and gRPC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ocr_bench.errors import BenchError
from ocr_bench.perf_analyzer import PerfAnalyzer, Point, parse_report, write_input
from ocr_bench.report import Cell, Table

Progress = Callable[[str, int], None]

HEADER = ("protocol", "in flight", "images/s", "mean, ms", "p50, ms", "p90, ms", "p95, ms", "p99, ms")
TIMEOUT_S = 3600.0  # of one concurrency


def arguments(protocol: str, address: str, concurrency: int, requests: int, data: Path, report: Path) -> list[str]:
    """Give perf_analyzer's arguments for one concurrency.

    It reports the mean over three windows of `requests` requests. Pictures differ in size, so windows do too, and its
    demand that they agree is loosened until they only have to be alike.
    """
    return [
        *("-m", "ocr"),
        *("-u", address),
        *("-i", protocol),
        *("--input-data", str(data)),
        *("--concurrency-range", f"{concurrency}:{concurrency}"),
        *("--measurement-mode", "count_windows"),
        *("--measurement-request-count", str(requests)),
        *("--stability-percentage", "100"),
        "--verbose-csv",
        *("-f", str(report)),
    ]


def sweep(
    analyzer: PerfAnalyzer,
    addresses: dict[str, str],
    pictures: Sequence[Path],
    concurrencies: Sequence[int],
    requests: int,
    tell: Progress,
) -> list[Point]:
    """Measure every concurrency over every protocol, protocols taking turns.

    Args:
        analyzer: a perf_analyzer that starts.
        addresses: host:port by protocol, "http" or "grpc".
        pictures: sent one after the other, over and over.
        concurrencies: requests in flight.
        requests: length of a measurement window.
        tell: told what was done, one step each.

    Raises:
        BenchError: perf_analyzer failed, or reported nothing for a concurrency: its windows never agreed.
    """
    points: list[Point] = []
    with TemporaryDirectory(prefix="ocr-bench-") as folder:
        data = Path(folder) / "input.json"
        write_input(pictures, data)
        for concurrency in concurrencies:
            for protocol, address in addresses.items():
                report = Path(folder) / f"{protocol}-{concurrency}.csv"
                said = analyzer.run(arguments(protocol, address, concurrency, requests, data, report), TIMEOUT_S)
                found = parse_report(report.read_text(encoding="utf-8"), protocol) if report.is_file() else []
                if not found:
                    raise BenchError(
                        f"perf_analyzer reported nothing for {protocol}, {concurrency} in flight: {said[-400:]}"
                    )
                points += found
                tell(f"{protocol} x{concurrency}", 1)
    return points


def table(points: Sequence[Point]) -> Table:
    """One row a protocol and concurrency; protocols together."""
    rows: list[tuple[Cell, ...]] = []
    for point in sorted(points, key=lambda point: (point.protocol, point.concurrency)):
        latencies = (point.mean_us, point.p50_us, point.p90_us, point.p95_us, point.p99_us)
        rows.append(
            (
                point.protocol,
                point.concurrency,
                point.images_per_s,
                *(round(latency / 1000, 1) for latency in latencies),
            )
        )
    return Table(HEADER, tuple(rows))


def curves(points: Sequence[Point]) -> dict[str, list[tuple[int, float, float]]]:
    """Arrange for the picture: by protocol, (in flight, images/s, median latency in ms)."""
    by_protocol: dict[str, list[tuple[int, float, float]]] = {}
    for point in sorted(points, key=lambda point: point.concurrency):
        entry = (point.concurrency, point.images_per_s, point.p50_us / 1000)
        by_protocol.setdefault(point.protocol, []).append(entry)
    return by_protocol
