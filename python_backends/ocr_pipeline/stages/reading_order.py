"""Reading order of text boxes: lines from top to bottom, and from left to right within a line.

The rule: boxes are taken by the height of their centres. A box belongs to the current line when its centre lies less
than half the smaller of the two boxes' heights below the centre of that line's first box; otherwise it begins the
next line. Heights are measured upright, in pixels of the picture, so the rule does not depend on its resolution.
"""

import numpy as np
import numpy.typing as npt


def reading_order(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.intp]:
    """The permutation that sorts boxes into reading order.

    Args:
        boxes: (N, 4, 2) float32, pixels (x, y).

    Returns:
        (N,) indices; apply them to the boxes and to everything that goes with them.
    """
    top, bottom = boxes[..., 1].min(axis=1), boxes[..., 1].max(axis=1)
    left = boxes[..., 0].min(axis=1)
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
    return np.lexsort((left, line))
