"""How good an answer is: detection, exact lines, edit distance, page token F1.

Counts are summed over pages before a ratio is taken (micro average), as the ICDAR evaluation does, except where said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyclipper

from ocr_bench.labels import Polygon

# Han (with extensions), kana, hangul: one character is one token.
CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
TOKEN = re.compile(f"[{CJK}]|[^\\W_{CJK}]+")
CLIPPER_SCALE = 2**8  # pyclipper works on integers: 1/256 pixel is finer than any label


@dataclass(frozen=True)
class Score:
    """Hits among what was answered (`predicted`) and among what there was to find (`labelled`)."""

    hits: float = 0.0
    predicted: float = 0.0
    labelled: float = 0.0

    def __add__(self, other: Score) -> Score:
        return Score(self.hits + other.hits, self.predicted + other.predicted, self.labelled + other.labelled)

    @property
    def precision(self) -> float:
        """Share of the answer that is right; 1 where nothing was answered and nothing was there."""
        return self.hits / self.predicted if self.predicted else float(not self.labelled)

    @property
    def recall(self) -> float:
        """Share of what is there that was answered; 1 where nothing was there."""
        return self.hits / self.labelled if self.labelled else 1.0

    @property
    def hmean(self) -> float:
        """Harmonic mean of precision and recall (F1)."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def tokens(text: str) -> list[str]:
    """Split into CJK characters and lower-cased runs of letters and digits; all else separates."""
    return TOKEN.findall(text.lower())


def token_score(predicted: str, labelled: str, complete: bool = True) -> Score:
    """Compare two pages as bags of tokens.

    Args:
        complete: the label holds every word of the page. Where it has do-not-care regions it does not, and a token
            that is not in the label may well be right: then such tokens are left out of what was predicted.
    """
    ours, theirs = Counter(tokens(predicted)), Counter(tokens(labelled))
    hits = (ours & theirs).total()
    return Score(hits, ours.total() if complete else hits, theirs.total())


def folded(text: str) -> str:
    """Keep letters (CJK among them) and digits, case folded: what a line must have right to count as read."""
    return "".join(character for character in text.casefold() if character.isalnum())


def exact_lines(predicted: Sequence[str], labelled: Sequence[str]) -> Score:
    """Count labelled lines that some prediction reads exactly, each prediction used once; empty lines are left out."""
    ours = Counter(line for line in map(folded, predicted) if line)
    theirs = Counter(line for line in map(folded, labelled) if line)
    return Score((ours & theirs).total(), ours.total(), theirs.total())


def edit_distance(first: str, second: str) -> int:
    """Levenshtein distance: the least insertions, deletions and substitutions that turn one into the other."""
    row = list(range(len(second) + 1))
    for i, left in enumerate(first, start=1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(second, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def normalised_distance(first: str, second: str) -> float:
    """Edit distance over the longer length, 0 (equal) to 1; two empty texts are equal."""
    longest = max(len(first), len(second))
    return edit_distance(first, second) / longest if longest else 0.0


def area(polygons: Sequence[Sequence[Sequence[int]]]) -> float:
    """Area of pyclipper's outer rings and holes, in pixels squared."""
    return abs(sum(pyclipper.Area(polygon) for polygon in polygons)) / CLIPPER_SCALE**2


def outline(polygon: Polygon) -> list[list[list[int]]]:
    """Turn (K, 2) float32 pixels into pyclipper's integers; self-crossing labels become simple pieces."""
    points = np.rint(np.asarray(polygon, np.float64) * CLIPPER_SCALE).astype(np.int64).tolist()
    pieces: list[list[list[int]]] = pyclipper.SimplifyPolygon(points, pyclipper.PFT_NONZERO)
    return pieces


def intersection_area(first: Polygon, second: Polygon) -> float:
    """Area that two polygons (K, 2) share, in pixels squared; any shape, either direction of travel."""
    # Most pairs of a page are far apart.
    if (first.max(0) <= second.min(0)).any() or (second.max(0) <= first.min(0)).any():
        return 0.0
    ours, theirs = outline(first), outline(second)
    if not ours or not theirs:
        return 0.0
    clipper = pyclipper.Pyclipper()
    clipper.AddPaths(ours, pyclipper.PT_SUBJECT, True)
    clipper.AddPaths(theirs, pyclipper.PT_CLIP, True)
    return area(clipper.Execute(pyclipper.CT_INTERSECTION, pyclipper.PFT_NONZERO, pyclipper.PFT_NONZERO))


def iou(first: Polygon, second: Polygon) -> float:
    """Intersection over union of two polygons (K, 2), 0 to 1."""
    shared = intersection_area(first, second)
    union = area(outline(first)) + area(outline(second)) - shared
    return shared / union if union > 0 else 0.0
