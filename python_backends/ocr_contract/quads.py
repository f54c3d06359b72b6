"""The sides of boxes, and what they tell."""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

LETTER_RATIO = 2.0  # of a box's sides: that of a single letter is hardly longer, so it may lie or stand

Floating = TypeVar("Floating", np.float32, np.float64)


def sides(boxes: npt.NDArray[Floating]) -> tuple[npt.NDArray[Floating], npt.NDArray[Floating]]:
    """(N, 2) each of (N, 4, 2) boxes: along the text and across it, the means of opposite sides."""
    along = (boxes[:, 1] - boxes[:, 0] + boxes[:, 2] - boxes[:, 3]) / 2
    across = (boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1]) / 2
    return along, across
