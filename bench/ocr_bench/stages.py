"""`ocr-bench stages`: Paddle Serving's latency table of its OCR example, column for column.

Three clocks, all CLOCK_MONOTONIC of one machine: the client's, the timestamps of Triton's trace, and the stage counters
of our Python models. "server total" and "idle" are used as Paddle Serving uses them: the six stages of det and rec, and
all the rest. What the server does between the stages (moving tensors, queueing, calling the steps) has a column of its
own, which the published table has not; it is part of idle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ocr_bench.callers import Call, Caller
from ocr_bench.errors import BenchError
from ocr_bench.inprocess import InProcess
from ocr_bench.report import Cell, Table
from ocr_bench.trace import Trace, stage_counters

Progress = Callable[[str, int], None]

IN_PROCESS = "in-process"
SIX = ("det preprocessing", "det model", "det post-processing", "rec preprocessing", "rec model", "rec post-processing")
PARTS = ("client reads picture", "client -> server", "server decodes", *SIX, "between stages", "server -> client")
SUMS = ("server total", "idle", "total")
COLUMNS = (*PARTS, *SUMS)
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
ADDS_UP_WITHIN = 0.03


@dataclass(frozen=True)
class Sample:
    """One request: when the client began (before the file was read), what it saw, and the stage counters' growth."""

    began_ns: int
    call: Call
    stages_us: Mapping[str, float]


def from_server(sample: Sample, trace: Trace) -> dict[str, float]:
    """Cut one request into PARTS and the measured total, in ms.

    Raises:
        BenchError: the trace has not the events or steps that are expected.
    """
    det = [step for step in trace.children if step.model == "det"]
    if len(det) != 1:
        raise BenchError(f"expected one step det in the trace, found {[step.model for step in trace.children]}")
    us = {name: sample.stages_us.get(name, 0.0) for name in COUNTED}
    parts = {
        "client reads picture": (sample.call.sent_ns - sample.began_ns) / 1e6,
        "client -> server": (trace.at["REQUEST_START"] - sample.call.sent_ns) / 1e6,
        "server decodes": us["decode"] / 1e3,
        "det preprocessing": us["det_resize"] / 1e3,
        "det model": det[0].span_ns("COMPUTE_START", "COMPUTE_END") / 1e6,
        "det post-processing": us["db_postprocess"] / 1e3,
        "rec preprocessing": (us["crop"] + us["rec_plan"]) / 1e3,
        "rec model": us["rec_infer"] / 1e3,
        "rec post-processing": us["ctc_decode"] / 1e3,
        "server -> client": (sample.call.received_ns - trace.at["REQUEST_END"]) / 1e6,
    }
    stages_ms = sum(parts[name] for name in ("server decodes", *SIX))
    parts["between stages"] = trace.span_ns("REQUEST_START", "REQUEST_END") / 1e6 - stages_ms
    parts["total"] = (sample.call.received_ns - sample.began_ns) / 1e6
    return parts


COUNTED = ("decode", "det_resize", "db_postprocess", "crop", "rec_plan", "rec_infer", "ctc_decode")


def from_pipeline(pipeline: InProcess, path: Path) -> dict[str, float]:
    """Read one picture in this process and cut its time into PARTS (0 where only a server has one) and the total."""
    began = time.perf_counter_ns()
    data = path.read_bytes()
    sent = time.perf_counter_ns()
    ns = pipeline.read(data).stage_ns
    ended = time.perf_counter_ns()
    parts = {
        "client reads picture": sent - began,
        "client -> server": 0,
        "server decodes": ns["decode"],
        "det preprocessing": ns["det_resize"],
        "det model": ns["det"],
        "det post-processing": ns["db_postprocess"],
        "rec preprocessing": ns["crop"] + ns["rec_plan"],
        "rec model": ns["rec_infer"],
        "rec post-processing": ns["ctc_decode"],
        "between stages": ended - sent - sum(ns.values()),
        "server -> client": 0,
        "total": ended - began,
    }
    return {name: value / 1e6 for name, value in parts.items()}


def ask(caller: Caller, path: Path, request_id: str, metrics: str) -> Sample:
    """Send one picture; the counters are read before and after, outside the time that counts."""
    before = stage_counters(metrics)
    began = time.monotonic_ns()
    data = path.read_bytes()
    call = caller.ask(data, request_id)
    after = stage_counters(metrics)
    return Sample(began, call, {stage: after[stage] - before.get(stage, 0.0) for stage in after})


@dataclass(frozen=True)
class Run:
    """All requests of a run by request id ("row/picture/repeat"), and the in-process row's parts."""

    samples: dict[str, Sample]
    in_process: list[dict[str, float]]


def run(
    callers: Sequence[Caller], pipeline: InProcess, metrics: str, pictures: Sequence[Path], repeats: int, tell: Progress
) -> Run:
    """Send every picture in every way, ways taking turns; the first round of each picture only warms."""
    samples: dict[str, Sample] = {}
    local = []
    for number, path in enumerate(pictures):
        for repeat in range(-1, repeats):
            for turn in range(len(callers)):
                caller = callers[(number + repeat + turn) % len(callers)]
                request_id = f"{caller.name}/{number}/{repeat}"
                sample = ask(caller, path, request_id, metrics)
                if repeat >= 0:
                    samples[request_id] = sample
            parts = from_pipeline(pipeline, path)
            if repeat >= 0:
                local.append(parts)
        tell(path.name, 1)
    return Run(samples, local)


def averages(run_: Run, traces: Mapping[str, Trace]) -> dict[str, dict[str, float]]:
    """Mean of every column by row, and the sums."""
    rows: dict[str, list[dict[str, float]]] = {}
    for request_id, sample in run_.samples.items():
        if request_id not in traces:
            raise BenchError(f"the trace file lacks request {request_id!r}")
        rows.setdefault(request_id.split("/")[0], []).append(from_server(sample, traces[request_id]))
    rows[IN_PROCESS] = run_.in_process
    return {name: with_sums(parts) for name, parts in rows.items()}


def with_sums(parts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Average over requests; server total is the six stages, idle is the rest of the total."""
    mean = {name: fmean(part[name] for part in parts) for name in (*PARTS, "total")}
    mean["server total"] = sum(mean[name] for name in SIX)
    mean["idle"] = mean["total"] - mean["server total"]
    return mean


def check(rows: Mapping[str, Mapping[str, float]]) -> None:
    """Hold the columns to their total.

    Raises:
        BenchError: the parts of a row miss its total by more than 3 %, or one of them is negative beyond noise.
    """
    for name, row in rows.items():
        total = row["total"]
        gap = abs(sum(row[part] for part in PARTS) - total) / total
        worst = min(PARTS, key=lambda part: row[part])
        if gap > ADDS_UP_WITHIN or row[worst] < -ADDS_UP_WITHIN * total:
            raise BenchError(f"{name}: the columns miss the total by {gap:.1%}; {worst} is {row[worst]:.2f} ms")


def table(rows: Mapping[str, Mapping[str, float]], published: bool = True) -> Table:
    """One row a way; the published rows last, as context."""
    body: list[tuple[Cell, ...]] = [(name, *(row[column] for column in COLUMNS)) for name, row in rows.items()]
    if published:
        body += [(name, *values) for name, values in PUBLISHED.items()]
    return Table(("mean, ms", *COLUMNS), tuple(body))
