"""`ocr-bench stages`: Paddle Serving's latency table of its OCR example, column for column.

Three clocks, all CLOCK_MONOTONIC of one machine: the client's, the timestamps of Triton's trace, and the stage counters
of our Python models.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar

from ocr_bench.contenders.protocols import Connection, connections
from ocr_bench.errors import BenchError
from ocr_bench.measurements.columns import COLUMNS, PARTS, PUBLISHED, Row, Sample, average, check, columns, from_server
from ocr_bench.measurements.trace import read_traces, stage_counters, trace_arguments
from ocr_bench.plots import stacked_bars
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Limit, Pictures, Repeats, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_server
from ocr_predictor import LocalOcr, StageTimes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IN_PROCESS = "in-process"


def in_process(reader: LocalOcr, path: Path) -> Row:
    """Read one picture in this process and cut its time into columns; 0 where only a server has one."""
    times = StageTimes()
    began = time.perf_counter_ns()
    content = path.read_bytes()
    opened = time.perf_counter_ns()
    reader.ocr_timed(content, times)
    ended = time.perf_counter_ns()
    stages_ms = {stage: ns / 1e6 for stage, ns in times.spent_ns.items()}
    return columns(stages_ms, (ended - opened) / 1e6, (opened - began) / 1e6, 0.0, 0.0)


def ask(connection: Connection, path: Path, request_id: str, metrics: str) -> Sample:
    """Send one picture; the counters are read before and after, outside the time that counts."""
    before = stage_counters(metrics)
    began = time.monotonic_ns()
    content = path.read_bytes()
    sent = time.monotonic_ns()
    connection.ask(content, request_id)
    received = time.monotonic_ns()
    after = stage_counters(metrics)
    return Sample(began, sent, received, {stage: after[stage] - before.get(stage, 0.0) for stage in after})


@dataclass(frozen=True)
class Latencies:
    """Mean of every column, by row, over so many pictures."""

    pictures: int
    repeats: int
    rows: Mapping[str, Row]


@dataclass(frozen=True, kw_only=True)
class Stages(TargetMeasurement[Latencies]):
    """Paddle Serving's per-stage table: HTTP, gRPC, shared memory, in-process."""

    command: ClassVar[str] = "stages"
    title: ClassVar[str] = "Stages"

    pictures: Pictures
    limit: Limit = None
    repeats: Repeats = 3

    def measure(self, place: Workplace) -> Latencies:
        """Send every picture in every way, ways taking turns; the first round of each picture only warms."""
        paths = find_pictures(self.pictures, self.limit)
        samples: dict[str, Sample] = {}  # by request id: row/picture/repeat
        local: list[Row] = []
        with TemporaryDirectory(prefix="ocr-bench-") as folder:
            file = Path(folder) / "trace.json"
            with ExitStack() as stack:
                options = ["--allow-shared-memory", "--", *trace_arguments(file)]
                server = stack.enter_context(running_server(self.target, place.file("server.log"), options))
                ways = [stack.enter_context(closing(way)) for way in connections(server.http, server.grpc)]
                reader = stack.enter_context(self.target.open())
                done = stack.enter_context(place.progress(len(paths)))
                for number, path in enumerate(paths):
                    for repeat in range(-1, self.repeats):
                        for turn in range(len(ways)):
                            way = ways[(number + repeat + turn) % len(ways)]
                            request_id = f"{way.name}/{number}/{repeat}"
                            sample = ask(way, path, request_id, server.metrics)
                            if repeat >= 0:
                                samples[request_id] = sample
                        row = in_process(reader, path)
                        if repeat >= 0:
                            local.append(row)
                    done(path.name, 1)
            traces = read_traces(file)
        rows: dict[str, list[Row]] = {}
        for request_id, sample in samples.items():
            if request_id not in traces:
                raise BenchError(f"the trace file lacks request {request_id!r}")
            rows.setdefault(request_id.split("/")[0], []).append(from_server(sample, traces[request_id]))
        rows[IN_PROCESS] = local
        averages = {name: average(each) for name, each in rows.items()}
        check(averages)
        return Latencies(len(paths), self.repeats, averages)

    def intro(self, found: Latencies) -> str:
        """How it was measured."""
        return f"Mean over {found.pictures} pictures, {found.repeats} times each, rows taking turns."

    def table(self, found: Latencies) -> Table:
        """One row a way; the published rows last, as context."""
        body: list[tuple[Cell, ...]] = [
            (name, *(row[column] for column in COLUMNS)) for name, row in found.rows.items()
        ]
        body += [(name, *values) for name, values in PUBLISHED.items()]
        return Table(("mean, ms", *COLUMNS), tuple(body))

    def notes(self, found: Latencies) -> Sequence[str]:
        """What the columns mean."""
        return (
            "*server total* and *idle* as Paddle Serving uses them: the six stages of det and rec, and the rest. "
            "*between stages* is the server's time outside all stages; the published table has no such column. The "
            "published rows are context and no comparison of equals: Tesla V100, 500 pictures of RCTW, PP-OCR of its "
            "day.",
        )

    def figure(self, found: Latencies) -> Figure:
        """One bar a row."""
        published = {row: dict(zip(COLUMNS, values, strict=True)) for row, values in PUBLISHED.items()}
        title = f"Where a picture's time goes ({found.pictures} pictures, {found.repeats} times each)"
        return stacked_bars({**found.rows, **published}, PARTS, title)
