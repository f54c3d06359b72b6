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


def bounds(boxes: npt.ArrayLike, page: PageResult) -> Bounds:
    """The bounding box of boxes (..., 4, 2), cut to the page."""
    corners = np.rint(np.asarray(boxes, np.float64).reshape(-1, 2))
    corners = np.clip(corners, 0, (page.width_px, page.height_px)).astype(int)
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    return left, top, right, bottom


def fills_bounds(box: Box) -> bool:
    """Whether a bounding box tells well enough where a box is: not of tilted lines."""
    x, y = np.asarray(box, np.float64).T
    area = abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return bool(area >= FILLED * (x.max() - x.min()) * (y.max() - y.min()))


def corners(box: Box, page: PageResult) -> list[tuple[int, int]]:
    """The corners of a box as whole pixels (x, y) within the page."""
    points = np.clip(np.rint(np.asarray(box, np.float64)), 0, (page.width_px, page.height_px)).astype(int)
    return [(x, y) for x, y in points.tolist()]


def baseline(box: Box) -> npt.NDArray[np.float64]:
    """(2, 2): from where to where on the picture the letters of a line stand, pixels (x, y)."""
    box = np.asarray(box, np.float64)
    return box[[3, 2]] + BASELINE * (box[[0, 1]] - box[[3, 2]])


def angle(box: Box) -> float:
    """Degrees, -180 to 180, by which the text of a box is turned counter-clockwise on the picture."""
    x, y = (box[1] - box[0] + box[2] - box[3]).tolist()
    return -math.degrees(math.atan2(y, x))


def is_upright(box: Box) -> bool:
    """Whether text runs from left to right rather than up, down or on its head."""
    return abs(angle(box)) <= 45
