"""Boxes as Paddle Serving gives them: whole pixels, corners by where they lie, lines by their first corners."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ocr_gateway.ways.mini_boxes import from_upper_left

_SAME_ROW_PX = 10  # of two neighbours whose corners are nearer in height, the left one comes first


def plain_boxes(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return boxes with corners in its order, which does not know how a text is turned (its FilterBoxes).

    Args:
        boxes: (N, 4, 2), pixels (x, y), clockwise from the text's own top-left corner.

    Returns:
        (N, 4, 2) whole numbers: the upper and the lower one of the two corners on the left are the first and the last.
    """
    return from_upper_left(np.rint(boxes.astype(np.float64)) + 0.0)  # no -0.0


def order_of(boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Return the order of its lines (its SortedBoxes): by y then x of the first corner, then one pass along them.

    In it a box comes before the last one if it lies to its left and less than 10 pixels lower.

    Args:
        boxes: (N, 4, 2), as from `plain_boxes`.

    Returns:
        (N,) indices into `boxes`.
    """
    x, y = boxes[:, 0, 0], boxes[:, 0, 1]
    order = np.lexsort((x, y))
    for place in range(len(order) - 1):
        first, second = order[place], order[place + 1]
        if y[second] - y[first] < _SAME_ROW_PX and x[second] < x[first]:
            order[place], order[place + 1] = second, first
    return order
