"""Paddle Serving's columns: how the time of one picture is cut.

"server total" and "idle" are used as Paddle Serving uses them: the six stages of det and rec, and all the rest. What
the server does between the stages (moving tensors, queueing, calling the steps) has a column of its own, which the
published table has not; it is part of idle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ocr_bench.errors import BenchError
from ocr_bench.measurements.trace import Trace

SIX = ("det preprocessing", "det model", "det post-processing", "rec preprocessing", "rec model", "rec post-processing")
PARTS = ("client reads picture", "client -> server", "server decodes", *SIX, "between stages", "server -> client")
COLUMNS = (*PARTS, "server total", "idle", "total")
# Where each stage of ocr_pipeline.clock goes.
COLUMN_OF_STAGE = {
    "decode": "server decodes",
    "det_resize": "det preprocessing",
    "det": "det model",
    "db_postprocess": "det post-processing",
    "crop": "rec preprocessing",
    "cls": "rec preprocessing",
    "rec": "rec model",
    "rec_second": "rec model",
    "ctc_decode": "rec post-processing",
    "words": "rec post-processing",
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
        stages_ms: by the names of ocr_pipeline.clock.
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
        BenchError: the trace has not the events that are expected.
    """
    return columns(
        {stage: us / 1e3 for stage, us in sample.stages_us.items()},
        span_ms=trace.span_ns("REQUEST_START", "REQUEST_END") / 1e6,
        before_ms=(sample.sent_ns - sample.began_ns) / 1e6,
        there_ms=(trace.at["REQUEST_START"] - sample.sent_ns) / 1e6,
        back_ms=(sample.received_ns - trace.at["REQUEST_END"]) / 1e6,
    )


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
