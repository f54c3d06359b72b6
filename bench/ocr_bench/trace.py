"""What the server says about a request: Triton's trace file, its statistics, and the stage counters of our models."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ocr_bench.errors import BenchError

# Counters exported by the Python models: python_backends/ocr_triton/adapter.py
COUNTER = re.compile(r"^ocr_stage_duration_us\{(?P<labels>[^}]*)\}\s+(?P<value>[0-9.eE+]+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="([^"]*)"')


def trace_arguments(file: Path) -> list[str]:
    """Give the arguments that make tritonserver trace every request into `file`, written when the server ends."""
    return [
        "--trace-config",
        f"triton,file={file}",
        *("--trace-config", "mode=triton"),
        *("--trace-config", "level=TIMESTAMPS"),
        *("--trace-config", "rate=1"),
        *("--trace-config", "count=-1"),
    ]


@dataclass
class Trace:
    """One model's part in one request. `at` maps Triton's event names to CLOCK_MONOTONIC nanoseconds."""

    model: str
    request_id: str = ""
    parent: int | None = None
    at: dict[str, int] = field(default_factory=dict)
    children: list[Trace] = field(default_factory=list)

    def span_ns(self, first: str, last: str) -> int:
        """Give the time between two events.

        Raises:
            BenchError: the trace lacks one of them.
        """
        if first not in self.at or last not in self.at:
            raise BenchError(f"the trace of {self.model} has {sorted(self.at)}, expected {first} and {last}")
        return self.at[last] - self.at[first]


def parse_traces(text: str) -> dict[str, Trace]:
    """Read a trace file: the requests of clients by their request id, each with the steps it caused as children.

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
    for trace in traces.values():
        if trace.parent in traces:
            traces[trace.parent].children.append(trace)
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
        labels = dict(LABEL.findall(match["labels"]))
        stages[labels["stage"]] = stages.get(labels["stage"], 0.0) + float(match["value"])
    return stages


def get(address: str, path: str) -> str:
    """Fetch a page of a server on this machine."""
    with urllib.request.urlopen(f"http://{address}{path}", timeout=30) as answer:
        return bytes(answer.read()).decode("utf-8")


def stage_counters(metrics_address: str) -> dict[str, float]:
    """Read the stage counters now: microseconds by stage."""
    return parse_stages(get(metrics_address, "/metrics"))


@dataclass(frozen=True)
class ModelStatistics:
    """Triton's statistics of one model: times it was asked and run, milliseconds queued and computed in all.

    Of a model with streams, such as `rec` on a CPU, requests wait in the backend, and that counts as computed.
    """

    model: str
    requests: int
    executions: int
    queue_ms: float
    compute_ms: float


def statistics(http_address: str) -> list[ModelStatistics]:
    """Read the statistics extension for all models that were asked."""
    found = []
    for entry in json.loads(get(http_address, "/v2/models/stats"))["model_stats"]:
        spent: Mapping[str, Mapping[str, int]] = entry["inference_stats"]
        compute_ns = sum(spent[part].get("ns", 0) for part in ("compute_input", "compute_infer", "compute_output"))
        requests = entry.get("inference_count", 0)
        if requests:
            executions = entry.get("execution_count", 0)
            queue_ms = spent["queue"].get("ns", 0) / 1e6
            found.append(ModelStatistics(entry["name"], requests, executions, queue_ms, compute_ns / 1e6))
    return found
