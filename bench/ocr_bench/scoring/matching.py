"""Which predicted box stands for which labelled one: the ICDAR 2015 protocol, and the text scores that rest on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from ocr_bench.scoring.labels import Line, Polygon
from ocr_bench.scoring.metrics import Score, similarity

IOU_ABOVE = 0.5  # ICDAR 2015, task 4.1
IGNORED_SHARE = 0.5  # a box with more than half of its area on a do-not-care region is left out

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Matching:
    """The outcome of one page.

    Attributes:
        pairs: (index of the labelled line, index of the predicted box), each index at most once.
        labelled: indices of the labelled lines that count.
        predicted: indices of the predicted boxes that count.
    """

    pairs: tuple[tuple[int, int], ...]
    labelled: tuple[int, ...]
    predicted: tuple[int, ...]

    @property
    def score(self) -> Score:
        """Detection precision, recall and hmean of this page."""
        return Score(len(self.pairs), len(self.predicted), len(self.labelled))


def shapes(polygons: Sequence[Polygon]) -> Shapes:
    """Polygons (K, 2) float32 as shapely's, (N,); labels that cross themselves become valid ones of the same area."""
    made: Shapes = np.array([shapely.Polygon(polygon) for polygon in polygons], object)
    return shapely.make_valid(made, method="structure", keep_collapsed=False)


def shared_areas(first: Shapes, second: Shapes) -> npt.NDArray[Any]:
    """(N, M) float64: the area that each of N polygons shares with each of M, in pixels squared."""
    return shapely.area(shapely.intersection(first[:, None], second[None, :]))


def ious(first: Shapes, second: Shapes) -> npt.NDArray[Any]:
    """(N, M) float64: intersection over union, 0 to 1; 0 for polygons without area."""
    shared = shared_areas(first, second)
    union = shapely.area(first)[:, None] + shapely.area(second)[None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def match_boxes(boxes: Sequence[Polygon], lines: Sequence[Line]) -> Matching:
    """Pair predicted boxes with labelled lines as the ICDAR 2015 evaluation does.

    A box with more than half of its own area on one do-not-care region is left out. Each line that counts then takes,
    in order, the first free box with an IoU above 0.5.

    Args:
        boxes: N polygons (K, 2) float32 in pixels.
        lines: labelled lines, do-not-care ones among them.
    """
    found, there = shapes(boxes), shapes([line.polygon for line in lines])
    care = np.array([line.care for line in lines], bool)
    on_ignored = shared_areas(found, there[~care]).max(axis=1, initial=0) > IGNORED_SHARE * shapely.area(found)
    predicted, labelled = np.flatnonzero(~on_ignored).tolist(), np.flatnonzero(care).tolist()
    overlaps = ious(there, found) > IOU_ABOVE
    free = list(predicted)
    pairs = []
    for line in labelled:
        box = next((box for box in free if overlaps[line, box]), None)
        if box is not None:
            pairs.append((line, box))
            free.remove(box)
    return Matching(tuple(pairs), tuple(labelled), tuple(predicted))


def distance_score(matching: Matching, texts: Sequence[str], lines: Sequence[Line]) -> Score:
    """Sum 1 - normalised edit distance over one page.

    Following the end-to-end measure of ICDAR 2017 RCTW and 2019 LSVT: a pair gives its similarity, and a line or a box
    without a partner gives 0, so `hits / predicted` (= precision) is "1 - N.E.D.".
    """
    hits = sum(similarity(texts[box], lines[line].text) for line, box in matching.pairs)
    entries = len(matching.labelled) + len(matching.predicted) - len(matching.pairs)
    return Score(hits, entries, entries)
