"""Where poppler's pdftotext finds the words of a searchable PDF, and how they lie on the printed ones."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from html import unescape
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import LCSseq

from ocr_bench.errors import UnavailableError
from ocr_bench.scoring.labels import Line

GOOD = 0.5
FIRST_CJK = "\u2e80"
WORD = re.compile(r'<word xMin="(.+?)" yMin="(.+?)" xMax="(.+?)" yMax="(.+?)">(.+?)</word>', re.DOTALL)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """Words of a page in order, and the upright rectangles around them: (W, 4) left, top, right, bottom in pixels."""

    texts: tuple[str, ...]
    boxes: Floats


@dataclass
class LayerScore:
    """Printed words: how many there are, are met by a box (by either measure), and are found in their order.

    The order is once that in which the file has its words, and once the one that pdftotext finds by their places.
    """

    words: int = 0
    met: int = 0
    covered: int = 0
    in_order: int = 0
    in_poppler_order: int = 0

    def add(self, known: Sequence[Line], found: Placed, in_file_order: Placed) -> None:
        """Count one page."""
        boxes = np.array([[*word.polygon.min(axis=0), *word.polygon.max(axis=0)] for word in known], np.float64)
        over_union, over_known = overlaps(boxes.reshape(-1, 4), found.boxes)
        self.words += len(known)
        self.met += int((over_union >= GOOD).sum())
        self.covered += int((over_known >= GOOD).sum())
        texts = [word.text for word in known]
        self.in_order += LCSseq.similarity(texts, in_file_order.texts)
        self.in_poppler_order += LCSseq.similarity(texts, found.texts)

    def __add__(self, other: LayerScore) -> LayerScore:
        """Two counts together."""
        return LayerScore(*(mine + yours for mine, yours in zip(astuple(self), astuple(other), strict=True)))

    @property
    def shares(self) -> tuple[float, ...]:
        """Of all printed words: met, covered, in the order of the file, in pdftotext's."""
        return tuple(count / self.words for count in astuple(self)[1:])


def overlaps(known: Floats, found: Floats) -> tuple[Floats, Floats]:
    """How well each known rectangle is met by the one that overlaps it most.

    Args:
        known: (W, 4) left, top, right, bottom.
        found: (M, 4) likewise.

    Returns:
        (W,) greatest intersection over union, and (W,) greatest intersection over the known one's area.
    """
    if not len(known) or not len(found):
        return np.zeros(len(known)), np.zeros(len(known))
    corner = np.maximum(known[:, None, :2], found[None, :, :2])
    opposite = np.minimum(known[:, None, 2:], found[None, :, 2:])
    shared = (opposite - corner).clip(min=0).prod(axis=2)
    area, found_area = ((each[:, 2:] - each[:, :2]).prod(axis=1) for each in (known, found))
    return (shared / (area[:, None] + found_area - shared)).max(axis=1), (shared / area[:, None]).max(axis=1)


def placed_words(pdf: Path, dpi: float, *options: str) -> Iterator[Placed]:
    """Yield the words of each page; of Chinese the characters, which are taken to share their word's width evenly.

    Args:
        pdf: the file.
        dpi: pixels an inch of the page.
        options: of pdftotext; with "-raw" the words come in the order of the file.

    Raises:
        UnavailableError: pdftotext is not installed.
    """
    try:
        command = ["pdftotext", "-bbox", *options, str(pdf), "-"]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=True)
    except FileNotFoundError as error:
        raise UnavailableError("places of words need pdftotext: install poppler-utils") from error
    for page in done.stdout.split("<page ")[1:]:
        texts: list[str] = []
        boxes: list[list[float]] = []
        for *sides, escaped in WORD.findall(page):
            left, top, right, bottom = map(float, sides)
            text = unescape(escaped)
            parts = list(text) if max(text) >= FIRST_CJK else [text]
            edges = np.linspace(left, right, len(parts) + 1).tolist()
            texts += parts
            boxes += [[start, top, end, bottom] for start, end in itertools.pairwise(edges)]
        yield Placed(tuple(texts), np.array(boxes).reshape(-1, 4) * dpi / 72)
