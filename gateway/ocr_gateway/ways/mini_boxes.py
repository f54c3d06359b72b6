"""Corners of boxes in the order that PaddleOCR and Paddle Serving tell them in (`get_mini_boxes`)."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

_Number = TypeVar("_Number", bound=np.generic)


def from_upper_left(boxes: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Return boxes begun at the upper one of their two corners on the left, whatever way their text runs.

    Args:
        boxes: (N, 4, 2), pixels (x, y), corners in any order.

    Returns:
        (N, 4, 2): the upper left, upper right, lower right and lower left corner. Left and right are told first, by x.
    """
    by_x = np.take_along_axis(boxes, np.argsort(boxes[..., 0], axis=1, kind="stable")[..., None], axis=1)
    left, right = (
        np.take_along_axis(two, np.argsort(two[..., 1], axis=1, kind="stable")[..., None], axis=1)
        for two in (by_x[:, :2], by_x[:, 2:])
    )
    return np.stack([left[:, 0], right[:, 0], right[:, 1], left[:, 1]], axis=1)
