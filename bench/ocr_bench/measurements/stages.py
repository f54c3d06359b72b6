"""`ocr-bench stages`: Paddle Serving's latency table of its OCR example, column for column.

Three clocks, all CLOCK_MONOTONIC of one machine: the client's, the timestamps of Triton's trace, and the stage counters
of our Python models. "server total" and "idle" are used as Paddle Serving uses them: the six stages of det and rec, and
all the rest. What the server does between the stages (moving tensors, queueing, calling the steps) has a column of its
own, which the published table has not; it is part of idle.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, ClassVar

from ocr_bench.contenders.protocols import Connection, connections
from ocr_bench.errors import BenchError
from ocr_bench.measurements.trace import Trace, read_traces, stage_counters, trace_arguments
from ocr_bench.plots import stacked_bars
from ocr_bench.report import Cell, Table
from ocr_bench.runner import Limit, Pictures, Repeats, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_server
from ocr_predictor import LocalOcr, StageTimes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IN_PROCESS = "in-process"
SIX = ("det preprocessing", "det model", "det post-processing", "rec preprocessing", "rec model", "rec post-processing")
PARTS = ("client reads picture", "client -> server", "server decodes", *SIX, "between stages", "server -> client")
COLUMNS = (*PARTS, "server total", "idle", "total")
# Where each stage of ocr_pipeline.page goes.
COLUMN_OF_STAGE = {
    "decode": "server decodes",
    "det_resize": "det preprocessing",
    "det": "det model",
    "db_postprocess": "det post-processing",
    "crop": "rec preprocessing",
    "cls": "rec preprocessing",
    "rec": "rec model",
    "ctc_decode": "rec post-processing",
}
# Paddle Serving, examples/C++/PaddleOCR/ocr/README.md: Tesla V100, 500 pictures of RCTW, ms, in the order of COLUMNS.
PUBLISHED: Mapping[str, tuple[float | None, ...]] = {
    "Paddle Serving, web service (published)": (
        *(8.69, 13.41, 109.97, 2.82, 87.76, 4.29, 3.98, 78.51, 3.66, None, 4.12),
        *(181.02, 136.49, 317.51),
    ),
    "Paddle Serving, LocalPredictor (published)": (
        *(8.73, 16.42, 115.27, 2.93, 20.63, 3.97, 4.48, 13.84, 3.60, None, 6.91),
        *(49.45, 147.33, 196.78),
    ),
}
NOISE = 0.03  # of the total

Row = dict[str, float]  # ms by column


@dataclass(frozen=True)
class Sample:
    """One request: CLOCK_MONOTONIC ns before the file was read, before sending, after unpacking; time in stages."""

    began_ns: int
    sent_ns: int
    received_ns: int
    stages_us: Mapping[str, float]


def columns(stages_ms: Mapping[str, float], span_ms: float, before_ms: float, there_ms: float, back_ms: float) -> Row:
    """Cut one reading into PARTS and their total, in ms.

    Args:
        stages_ms: by the names of ocr_pipeline.page.
        span_ms: of all stages and what lies between them.
        before_ms: reading the file.
        there_ms: from the client to the server.
        back_ms: from the server to the client.
    """
    row = dict.fromkeys(PARTS, 0.0)
    for stage, column in COLUMN_OF_STAGE.items():
        row[column] += stages_ms.get(stage, 0.0)
    outside = {"client reads picture": before_ms, "client -> server": there_ms, "server -> client": back_ms}
    between_ms = span_ms - sum(row.values())
    return {**row, **outside, "between stages": between_ms, "total": before_ms + there_ms + span_ms + back_ms}


def from_server(sample: Sample, trace: Trace) -> Row:
    """Cut one request into columns.

    Raises:
        BenchError: the trace has not the events or steps that are expected.
    """
    det = [step for step in trace.children if step.model == "det"]
    if len(det) != 1:
        raise BenchError(f"expected one step det in the trace, found {[step.model for step in trace.children]}")
    stages_ms = {stage: us / 1e3 for stage, us in sample.stages_us.items()}
    stages_ms["det"] = det[0].span_ns("COMPUTE_START", "COMPUTE_END") / 1e6
    return columns(
        stages_ms,
        span_ms=trace.span_ns("REQUEST_START", "REQUEST_END") / 1e6,
        before_ms=(sample.sent_ns - sample.began_ns) / 1e6,
        there_ms=(trace.at["REQUEST_START"] - sample.sent_ns) / 1e6,
        back_ms=(sample.received_ns - trace.at["REQUEST_END"]) / 1e6,
    )


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


def average(rows: Sequence[Row]) -> Row:
    """Mean of every column; server total is the six stages, idle is the rest of the total."""
    mean = {name: fmean(row[name] for row in rows) for name in (*PARTS, "total")}
    mean["server total"] = sum(mean[name] for name in SIX)
    mean["idle"] = mean["total"] - mean["server total"]
    return mean


def check(rows: Mapping[str, Row]) -> None:
    """See that no clock disagrees with another.

    Raises:
        BenchError: a column is negative beyond noise: more than 3 % of the total.
    """
    for name, row in rows.items():
        worst = min(PARTS, key=lambda part: row[part])
        if row[worst] < -NOISE * row["total"]:
            raise BenchError(f"{name}: {worst} is {row[worst]:.2f} ms of {row['total']:.2f}; the clocks disagree")


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
