"""`ocr-bench lines`: how the time of a page grows with its number of lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import cycle, pairwise
from statistics import median
from typing import Annotated, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
from typer import Option

from ocr_bench.report import Table
from ocr_bench.runner import REQUEST_TIMEOUT_S, Repeats, TargetMeasurement, Workplace
from ocr_bench.server import running_server
from ocr_bench.timing import timed_ms
from ocr_client import OcrClient

PAGE_PX = 2000  # both sides: the detector's largest input, so that detection costs the same on every page
ROWS, COLUMNS = 50, 20
WORDS = ("total", "2026", "table", "rm 12", "tax id", "paid", "item 7", "no. 45", "thanks", "code x")


@dataclass(frozen=True)
class LinesPoint:
    """One page: lines drawn, lines read, median time of its request, in ms."""

    drawn: int
    read: int
    request_ms: float

    @property
    def ms_per_line(self) -> float:
        """Time of the request over the lines read."""
        return self.request_ms / max(self.read, 1)


def page(lines: int) -> npt.NDArray[np.uint8]:
    """Draw a white page (2000, 2000, 3) uint8 with `lines` short lines of text, at most 1,000, evenly spread.

    Raises:
        ValueError: there are more lines than places.
    """
    if not 0 <= lines <= ROWS * COLUMNS:
        raise ValueError(f"a page holds 0 to {ROWS * COLUMNS} lines, not {lines}")
    pixels = np.full((PAGE_PX, PAGE_PX, 3), 255, np.uint8)
    places = np.linspace(0, ROWS * COLUMNS - 1, lines).round().astype(int).tolist()
    for place, word in zip(places, cycle(WORDS), strict=False):
        row, column = divmod(place, COLUMNS)
        corner = (column * PAGE_PX // COLUMNS + 8, row * PAGE_PX // ROWS + 27)
        cv2.putText(pixels, word, corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA)
    return pixels


@dataclass(frozen=True, kw_only=True)
class Lines(TargetMeasurement[list[LinesPoint]]):
    """Time per line, from pages of few lines to pages of many."""

    command: ClassVar[str] = "lines"
    title: ClassVar[str] = "Lines of a page"

    count: Annotated[list[int], Option(min=1, max=ROWS * COLUMNS, help="Lines of a page; repeatable.")] = field(
        default_factory=lambda: [10, 30, 100, 300, 1000]
    )
    repeats: Repeats = 3

    def measure(self, place: Workplace) -> list[LinesPoint]:
        """Ask for every page `repeats` times in turns, after one round that warms."""
        pages = {count: cv2.imencode(".png", page(count))[1].tobytes() for count in sorted(self.count)}
        times: dict[int, list[float]] = {count: [] for count in pages}
        with (
            running_server(self.target, place.file("server.log")) as server,
            OcrClient(server.http, timeout_s=REQUEST_TIMEOUT_S) as client,
            place.progress(len(pages) * self.repeats) as done,
        ):
            read = {count: len(client.ocr(content)) for count, content in pages.items()}
            for _ in range(self.repeats):
                for count, content in pages.items():
                    times[count].append(timed_ms(partial(client.ocr, content)))
                    done(f"{count} lines", 1)
        return [LinesPoint(count, read[count], median(times[count])) for count in pages]

    def intro(self, found: list[LinesPoint]) -> str:
        """How it was measured."""
        return f"Drawn pages of {PAGE_PX} x {PAGE_PX} pixels over HTTP, one in flight; medians of {self.repeats}."

    def table(self, found: list[LinesPoint]) -> Table:
        """One row a page; what a line costs beyond the page before, and beside the first page."""
        header = ("lines drawn", "lines read", "request, ms", "ms a line", "over the first page", "ms a further line")
        further = [None, *(further_ms(before, after) for before, after in pairwise(found))]
        first = found[0].ms_per_line
        return Table(
            header,
            tuple(
                (point.drawn, point.read, point.request_ms, point.ms_per_line, point.ms_per_line / first, more)
                for point, more in zip(found, further, strict=True)
            ),
        )


def further_ms(before: LinesPoint, after: LinesPoint) -> float | None:
    """What each line costs that the later page has beyond the other; None where it has no more."""
    lines = after.read - before.read
    return (after.request_ms - before.request_ms) / lines if lines > 0 else None
