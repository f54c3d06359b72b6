"""`ocr-bench floor`: what the models alone need, beside what a request takes.

The models run in this process, in sessions made as the server makes its own, on the very tensors that the server fed
them; request and models take turns, picture by picture.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

from ocr_bench.inprocess import InProcess
from ocr_bench.report import Table
from ocr_client.client import OcrClient

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Floor:
    """One picture: milliseconds of the request and of the models alone, medians over the repeats."""

    picture: str
    folder: str
    lines: int
    request_ms: float
    det_ms: float
    rec_ms: float

    @property
    def models_ms(self) -> float:
        """Det and rec."""
        return self.det_ms + self.rec_ms


def measure(pictures: Sequence[Path], url: str, pipeline: InProcess, repeats: int, progress: Progress) -> list[Floor]:
    """Time every picture `repeats` times, after one reading that makes the shapes known to both sides."""
    floors = []
    with OcrClient(url, timeout_s=600) as client:
        for path in pictures:
            data = path.read_bytes()
            client.ocr(data)
            reading = pipeline.read(data)
            pipeline.models_ns(reading)
            request_ms, det_ms, rec_ms = [], [], []
            for _ in range(repeats):
                started = time.perf_counter_ns()
                client.ocr(data)
                request_ms.append((time.perf_counter_ns() - started) / 1e6)
                det_ns, rec_ns = pipeline.models_ns(reading)
                det_ms.append(det_ns / 1e6)
                rec_ms.append(rec_ns / 1e6)
            medians = median(request_ms), median(det_ms), median(rec_ms)
            floors.append(Floor(path.name, path.parent.name, len(reading.answer.texts), *medians))
            progress(path.name, 1)
    return floors


def table(floors: Sequence[Floor]) -> Table:
    """Mean per folder and over all pictures; the ratio is that of the means."""
    folders = dict.fromkeys(floor.folder for floor in floors)
    groups = [(folder, [floor for floor in floors if floor.folder == folder]) for folder in folders]
    if len(groups) > 1:
        groups.append(("all", list(floors)))
    rows = []
    for name, group in groups:
        request, models = (fmean(floor.request_ms for floor in group), fmean(floor.models_ms for floor in group))
        rows.append(
            (
                name,
                len(group),
                fmean(floor.lines for floor in group),
                fmean(floor.det_ms for floor in group),
                fmean(floor.rec_ms for floor in group),
                models,
                request,
                request / models,
            )
        )
    header = ("folder", "pictures", "lines", "det, ms", "rec, ms", "models, ms", "HTTP request, ms", "request / models")
    return Table(header, tuple(rows))
