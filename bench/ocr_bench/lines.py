"""`ocr-bench lines`: how the time of a page grows with its number of lines."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import cv2
import numpy as np
import numpy.typing as npt

from ocr_bench.report import Cell, Table
from ocr_client.client import OcrClient

Progress = Callable[[str, int], None]

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
        ValueError: more lines than there are places.
    """
    if not 0 <= lines <= ROWS * COLUMNS:
        raise ValueError(f"a page takes 0 to {ROWS * COLUMNS} lines, not {lines}")
    pixels = np.full((PAGE_PX, PAGE_PX, 3), 255, np.uint8)
    for number, place in enumerate(np.linspace(0, ROWS * COLUMNS - 1, lines).round().astype(int).tolist()):
        row, column = divmod(place, COLUMNS)
        corner = (column * PAGE_PX // COLUMNS + 8, row * PAGE_PX // ROWS + 27)
        cv2.putText(
            pixels, WORDS[number % len(WORDS)], corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6, (0, 0, 0), 1, cv2.LINE_AA
        )
    return pixels


def measure(url: str, counts: Sequence[int], repeats: int, progress: Progress) -> list[LinesPoint]:
    """Ask for every page `repeats` times in turns, after one round that warms."""
    files = []
    for count in counts:
        encoded, file = cv2.imencode(".png", page(count))
        if not encoded:
            raise ValueError(f"the page of {count} lines could not be written as PNG")
        files.append(file.tobytes())
    times: list[list[float]] = [[] for _ in counts]
    read = [0] * len(counts)
    with OcrClient(url, timeout_s=600) as client:
        for repeat in range(-1, repeats):
            for number, content in enumerate(files):
                started = time.perf_counter()
                read[number] = len(client.ocr(content))
                if repeat >= 0:
                    times[number].append(1000 * (time.perf_counter() - started))
                progress(f"{counts[number]} lines", 1)
    return [LinesPoint(count, lines, median(each)) for count, lines, each in zip(counts, read, times, strict=True)]


def table(points: Sequence[LinesPoint]) -> Table:
    """One row a page; what a line costs beyond the page before, and beside the first page."""
    rows: list[tuple[Cell, ...]] = []
    first = points[0]
    before: LinesPoint | None = None
    for point in points:
        further = None
        if before is not None and point.read > before.read:
            further = (point.request_ms - before.request_ms) / (point.read - before.read)
        ratio = point.ms_per_line / first.ms_per_line
        rows.append((point.drawn, point.read, point.request_ms, point.ms_per_line, ratio, further))
        before = point
    header = ("lines drawn", "lines read", "request, ms", "ms a line", "over the first page", "ms a further line")
    return Table(header, tuple(rows))
