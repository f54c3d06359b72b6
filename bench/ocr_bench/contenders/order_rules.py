"""Rules that put text boxes into reading order: ours, the one before it, and those of other packages.

Each takes boxes (N, 4, 2) float32 in pixels (x, y), clockwise from the text's own top-left corner, and gives the
permutation (N,) that sorts them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt

from ocr_contract.options import READING_ORDERS
from ocr_pipeline.stages.reading_order import reading_order

SAME_LINE_PX = 10  # PaddleX and RapidOCR: boxes whose tops differ by less stand on one line

Boxes = npt.NDArray[np.float32]
Permutation = npt.NDArray[np.intp]


def upright_rows(boxes: Boxes) -> Permutation:
    """Ours before pages were levelled: rows by the height of the upright hulls' centres."""
    top, bottom = boxes[..., 1].min(axis=1), boxes[..., 1].max(axis=1)
    centre, height = (top + bottom) / 2, bottom - top
    line = np.zeros(len(boxes), np.intp)
    first = None  # the box that began the current line
    for box in np.argsort(centre, kind="stable"):
        if first is None:
            first = box
        elif centre[box] - centre[first] < min(height[box], height[first]) / 2:
            line[box] = line[first]
        else:
            line[box] = line[first] + 1
            first = box
    return np.lexsort((boxes[..., 0].min(axis=1), line))


def paddlex(boxes: Boxes) -> Permutation:
    """SortQuadBoxes of PaddleX: by the first corner's y, then x; neighbours of one line change places."""
    corner = _first_corners(boxes)
    order = np.lexsort((corner[:, 0], corner[:, 1]))
    for start in range(len(order) - 1):
        for at in range(start, -1, -1):
            (left, top), (next_left, next_top) = corner[order[at]], corner[order[at + 1]]
            if not (abs(next_top - top) < SAME_LINE_PX and next_left < left):
                break
            order[at], order[at + 1] = order[at + 1], order[at]
    return order


def rapidocr(boxes: Boxes) -> Permutation:
    """`sorted_boxes` of RapidOCR 3.10: by the first corner's y; boxes less than 10 px below the last one by x."""
    corner = _first_corners(boxes)
    by_top = np.argsort(corner[:, 1], kind="stable")
    line = np.cumsum(np.diff(corner[by_top, 1], prepend=corner[by_top[:1], 1]) >= SAME_LINE_PX)
    return by_top[np.lexsort((corner[by_top, 0], line))]


def _first_corners(boxes: Boxes) -> npt.NDArray[np.float32]:
    """(N, 2) what is the first corner to PaddleX and RapidOCR: of the two on the left the upper one."""
    by_left = np.argsort(boxes[..., 0], axis=1, kind="stable")[:, :2]
    two = np.take_along_axis(boxes, by_left[..., None], axis=1)
    return np.take_along_axis(two, two[..., 1].argmin(axis=1)[:, None, None], axis=1)[:, 0]


RULES: Mapping[str, Callable[[Boxes], Permutation]] = {
    **{rule: partial(reading_order, rule=rule) for rule in READING_ORDERS},
    "before": upright_rows,
    "PaddleX": paddlex,
    "RapidOCR": rapidocr,
}
