"""Boxes as PaddleX gives them: whole pixels of the upright page, begun at its own corner, in its own order."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ocr_contract.quads import sides
from ocr_gateway.ways.mini_boxes import from_upper_left

SAME_ROW_PX = 10  # PaddleX's SortQuadBoxes: of two neighbours whose corners are nearer, the left one comes first
LONG_RATIO = 1.5  # only boxes whose text is at least so much longer than high are read from top to bottom
SAME_PX = 0.1  # boxes of one detection are equal, those of a picture and of a turned one differ by pixels

Boxes = npt.NDArray[np.float32]
Quads = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int64]
Size = tuple[int, int]


def directions(boxes: Boxes) -> Indices:
    """(N,) where the text of (N, 4, 2) boxes runs to: 0 right, 1 down, 2 left, 3 up."""
    along = sides(boxes)[0]
    return np.rint(np.arctan2(along[:, 1], along[:, 0]) / (np.pi / 2)).astype(np.int64) % 4


def runs_to_right(boxes: Boxes) -> bool:
    """Whether most of the text of (N, 4, 2) boxes, by length, runs to the right; true where there is none."""
    return int(np.argmax(_amounts(boxes, directions(boxes)))) == 0


def quarters_of(boxes: Boxes) -> int:
    """By how many quarters a page with boxes (N, 4, 2) lies turned clockwise, 1 to 3.

    Its text runs to one side, and if long boxes are read from top to bottom, theirs to the next one.
    """
    to = directions(boxes)
    along, across = (np.linalg.norm(side, axis=1) for side in sides(boxes))
    level, columns = _amounts(boxes, to), np.bincount(to, along * (along >= LONG_RATIO * across), minlength=4)
    fitting = [(level[turn] + columns[(turn + 1) % 4], level[turn]) for turn in range(1, 4)]
    return 1 + fitting.index(max(fitting))


def _amounts(boxes: Boxes, to: Indices) -> npt.NDArray[np.float64]:
    """(4,) pixels of text that run to each side."""
    return np.asarray(np.bincount(to, np.linalg.norm(sides(boxes)[0], axis=1), minlength=4), np.float64)


def are_same(boxes: Boxes, others: Boxes) -> bool:
    """Whether most of (N, 4, 2) boxes are among (M, 4, 2) others, at whichever corners they begin."""
    own, other = (set(map(tuple, np.rint(of.mean(axis=1) / SAME_PX).tolist())) for of in (boxes, others))
    return len(own & other) > len(own) / 2


def turned(points: Boxes, quarters: int, size: Size) -> Boxes:
    """Points (..., 2) of a page of a width and height, in pixels of the page turned counter-clockwise by quarters."""
    x, y = points[..., 0], points[..., 1]
    width, height = size
    return np.stack([(x, y), (y, width - x), (width - x, height - y), (height - y, x)][quarters], axis=-1)


def whole(boxes: Boxes, size: Size) -> Quads:
    """(N, 4, 2) boxes in whole pixels of a page of a width and height, begun where PaddleX begins them.

    That is the upper one of the two corners on the left.
    """
    return from_upper_left(np.clip(np.rint(boxes), 0, size).astype(np.int64))


def order(quads: Quads) -> Indices:
    """Indices (N,) of quads (N, 4, 2) in PaddleX's order (`SortQuadBoxes`).

    They are sorted by y, then x of their first corners. Then each is moved before those that precede it, as long as
    these are to the right of it and less than `SAME_ROW_PX` above.
    """
    x, y = quads[:, 0, 0].tolist(), quads[:, 0, 1].tolist()
    done: list[int] = []
    for box in sorted(range(len(quads)), key=lambda box: (y[box], x[box])):
        at = len(done)
        while at and abs(y[box] - y[done[at - 1]]) < SAME_ROW_PX and x[box] < x[done[at - 1]]:
            at -= 1
        done.insert(at, box)
    return np.array(done, np.int64)


def extents(quads: Quads) -> Quads:
    """(N, 4) left, top, right and bottom of quads (N, 4, 2)."""
    return np.concatenate([quads.min(axis=1), quads.max(axis=1)], axis=1)
