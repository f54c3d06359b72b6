"""`ocr-bench floor`: what the networks alone need, beside what a request takes.

The networks run in this process, in sessions made as the server makes its own, on the tensors that the server feeds
them; request and networks take turns, picture by picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import ClassVar

from ocr_bench.report import Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, Done, Limit, Pictures, Repeats, TargetMeasurement, Workplace
from ocr_bench.scoring.labels import find_pictures
from ocr_bench.server import running_server
from ocr_bench.timing import timed_ms
from ocr_client import OcrClient
from ocr_contract.options import OCR, resolve
from ocr_pipeline.finding import tile_plan
from ocr_pipeline.page import cut_lines
from ocr_pipeline.stages.decode import decode_image
from ocr_pipeline.stages.pieces import cut_long_lines
from ocr_pipeline.stages.tiles import cut_tile
from ocr_predictor import LocalOcr, StageTimes


@dataclass(frozen=True)
class Floor:
    """One picture: milliseconds of the request and of the networks alone, medians over the repeats."""

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


@dataclass(frozen=True, kw_only=True)
class LowerBound(TargetMeasurement[list[Floor]]):
    """A request beside the least time its models need."""

    command: ClassVar[str] = "floor"
    title: ClassVar[str] = "Floor"

    pictures: Pictures
    limit: Limit = None
    repeats: Repeats = 3

    def measure(self, place: Workplace) -> list[Floor]:
        """Time every picture, after one reading that makes the shapes known to both sides."""
        paths = find_pictures(self.pictures, self.limit)
        with (
            running_server(self.target, place.file("server.log")) as server,
            OcrClient(server.http, timeout_s=REQUEST_TIMEOUT_S) as client,
            self.target.open() as reader,
            place.progress(len(paths)) as done,
        ):
            return [self._measure_one(path, client, reader, done) for path in paths]

    def _measure_one(self, path: Path, client: OcrClient, reader: LocalOcr, done: Done) -> Floor:
        content, networks = path.read_bytes(), reader.networks
        pixels = decode_image(content)
        options = resolve({}, OCR, self.target.repository.parameters().options)
        plan = tile_plan(pixels, options)
        det_inputs = [cut_tile(pixels, plan, tile) for tile in plan.tiles]
        strip, pieces = cut_long_lines(cut_lines(pixels, reader.detect(content).boxes, StageTimes()).strip)
        passes = networks.passes(strip, pieces, options["text_rec_second_pass_thresh"])
        kinds = (
            lambda: client.ocr(content),
            lambda: [networks.detect(det_input) for det_input in det_inputs],
            lambda: [networks.run_calls(calls) for calls in passes],
        )
        lines = len(client.ocr(content))
        for kind in kinds[1:]:
            kind()
        laps = [[timed_ms(kind) for kind in kinds] for _ in range(self.repeats)]
        done(path.name, 1)
        return Floor(path.name, path.parent.name, lines, *(median(each) for each in zip(*laps, strict=True)))

    def intro(self, found: list[Floor]) -> str:
        """How it was measured."""
        return (
            f"One request in flight over HTTP, and det and rec alone in one process on the same tensors; medians of "
            f"{self.repeats} repeats, taking turns; means over pictures."
        )

    def table(self, found: list[Floor]) -> Table:
        """Mean per folder and over all pictures; the ratio is that of the means."""
        folders = dict.fromkeys(floor.folder for floor in found)
        groups = {folder: [floor for floor in found if floor.folder == folder] for folder in folders}
        if len(groups) > 1:
            groups["all"] = found
        header = (
            *("folder", "pictures", "lines", "det, ms", "rec, ms"),
            *("models, ms", "HTTP request, ms", "request / models"),
        )
        return Table(header, tuple((name, len(group), *means(group)) for name, group in groups.items()))


def means(group: Sequence[Floor]) -> tuple[float, ...]:
    """Lines, det, rec, both, request, and the ratio of the last two."""
    lines, det, rec, models, request = (
        fmean(values)
        for values in zip(
            *((each.lines, each.det_ms, each.rec_ms, each.models_ms, each.request_ms) for each in group), strict=True
        )
    )
    return lines, det, rec, models, request, request / models
