"""What the server says about a request: Triton's trace file, and the stage counters of our models."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from ocr_bench.errors import BenchError

# Counters exported by the Python models: python_backends/ocr_triton/adapter.py
COUNTER = re.compile(r"^ocr_stage_duration_us\{(?P<labels>[^}]*)\}\s+(?P<value>[0-9.eE+]+)$", re.MULTILINE)
STAGE = re.compile(r'\bstage="([^"]*)"')


def trace_arguments(file: Path) -> list[str]:
    """Arguments that make tritonserver trace every request into `file`, written when the server ends."""
    settings = (f"triton,file={file}", "mode=triton", "level=TIMESTAMPS", "rate=1", "count=-1")
    return [f"--trace-config={setting}" for setting in settings]


@dataclass
class Trace:
    """One model's part in one request. `at` maps Triton's event names to CLOCK_MONOTONIC nanoseconds."""

    model: str
    request_id: str = ""
    parent: int | None = None
    at: dict[str, int] = field(default_factory=dict)

    def span_ns(self, first: str, last: str) -> int:
        """Give the time between two events.

        Raises:
            BenchError: the trace lacks one of them.
        """
        if first not in self.at or last not in self.at:
            raise BenchError(f"the trace of {self.model} has {sorted(self.at)}, expected {first} and {last}")
        return self.at[last] - self.at[first]


def parse_traces(text: str) -> dict[str, Trace]:
    """Read a trace file: the requests of clients by their request id; the steps that they caused are left out.

    Triton writes several objects with one `id`: one that names the model, others with timestamps.
    """
    traces: dict[int, Trace] = {}
    for entry in json.loads(text):
        trace = traces.setdefault(entry["id"], Trace(""))
        trace.model = entry.get("model_name", trace.model)
        trace.request_id = str(entry.get("request_id", trace.request_id))
        trace.parent = entry.get("parent_id", trace.parent)
        for stamp in entry.get("timestamps", []):
            trace.at[stamp["name"]] = stamp["ns"]
    return {trace.request_id: trace for trace in traces.values() if trace.parent not in traces and trace.request_id}


def read_traces(file: Path) -> dict[str, Trace]:
    """Read the trace file of a server that has ended.

    Raises:
        BenchError: there is none.
    """
    if not file.is_file():
        raise BenchError(f"the server left no trace file {file}; see its log beside it")
    return parse_traces(file.read_text(encoding="utf-8"))


def parse_stages(metrics: str) -> dict[str, float]:
    """Sum the stage counters of a /metrics page over their models: microseconds by stage."""
    stages: dict[str, float] = {}
    for match in COUNTER.finditer(metrics):
        for stage in STAGE.findall(match["labels"]):
            stages[stage] = stages.get(stage, 0.0) + float(match["value"])
    return stages


def stage_counters(metrics_address: str) -> dict[str, float]:
    """Read the stage counters of a server on this machine now: microseconds by stage."""
    with urllib.request.urlopen(f"http://{metrics_address}/metrics", timeout=30) as answer:
        return parse_stages(answer.read().decode("utf-8"))
