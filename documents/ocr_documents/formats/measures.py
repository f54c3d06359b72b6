"""Where lines and words stand, as formats with coordinates say it."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ocr_documents.document import PageResult

# Of a line's height, from its lower side. Of boxes around drawn lines in three fonts it was 0.12 (capitals, digits) to
# 0.31 (letters with descenders), and 0.15 to 0.2 with CJK characters.
BASELINE = 0.2
FILLED = 0.9  # of its bounding box: a box that fills less is told by its corners as well

# (4, 2), pixels (x, y), clockwise from the text's own top-left corner
Box = npt.NDArray[np.float32] | npt.NDArray[np.float64]
Bounds = tuple[int, int, int, int]  # left, top, right and bottom, pixels within the page


def within(points: Box, page: PageResult) -> list[tuple[int, int]]:
    """Points (..., 2) as whole pixels (x, y), cut to the page."""
    width, height = page.width_px, page.height_px
    return [(min(max(round(x), 0), width), min(max(round(y), 0), height)) for x, y in points.reshape(-1, 2).tolist()]


def bounds(boxes: Box, page: PageResult) -> Bounds:
    """The bounding box of boxes (..., 4, 2), cut to the page."""
    x, y = zip(*within(boxes, page), strict=True)
    return min(x), min(y), max(x), max(y)


def fills_bounds(box: Box) -> bool:
    """Whether a bounding box tells well enough where a box is: not of tilted lines."""
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = box.tolist()
    area = abs((cx - ax) * (dy - by) - (dx - bx) * (cy - ay)) / 2  # half of what the diagonals span
    width, height = max(ax, bx, cx, dx) - min(ax, bx, cx, dx), max(ay, by, cy, dy) - min(ay, by, cy, dy)
    return bool(area >= FILLED * width * height)


def baseline(box: Box) -> npt.NDArray[np.float64]:
    """(2, 2): from where to where on the picture the letters of a line stand, pixels (x, y)."""
    return box[[3, 2]] + BASELINE * (box[[0, 1]] - box[[3, 2]]).astype(np.float64)


def angle(box: Box) -> float:
    """Degrees, -180 to 180, by which the text of a box is turned counter-clockwise on the picture."""
    x, y = (box[1] - box[0] + box[2] - box[3]).tolist()
    return -math.degrees(math.atan2(y, x))


def is_upright(box: Box) -> bool:
    """Whether text runs from left to right rather than up, down or on its head."""
    return abs(angle(box)) <= 45
