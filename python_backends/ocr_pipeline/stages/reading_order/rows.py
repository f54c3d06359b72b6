"""Rows of a page from top to bottom, and from left to right within a row.

The rule: boxes are taken by the height of their centres. A box belongs to the current row when it shares more than half
of the smaller of the two heights with that row's first box; otherwise it begins the next row. So small letters beside
large ones stand in one row, whether they share their middle or their base line. The rule does not depend on the
picture's resolution.
"""

import numpy as np
import numpy.typing as npt


def rows_of(rects: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """(N,) number of the row that each of (N, 4) rectangles (left, top, right, bottom) stands in, from the top."""
    top, bottom = rects[:, 1], rects[:, 3]
    height = bottom - top
    row = np.zeros(len(rects), np.intp)
    first = None  # the box that began the current row
    for box in np.argsort(top + bottom, kind="stable").tolist():
        if first is None:
            first = box
        elif min(bottom[box], bottom[first]) - max(top[box], top[first]) > min(height[box], height[first]) / 2:
            row[box] = row[first]
        else:
            row[box] = row[first] + 1
            first = box
    return row


def by_rows(rects: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """The permutation that sorts rectangles (N, 4) row by row."""
    return np.lexsort((rects[:, 0], rows_of(rects)))
