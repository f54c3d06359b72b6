"""Which way up a page is: 0, 90, 180 or 270 degrees (PaddleX's `use_doc_orientation_classify`), told by its lines.

PaddleX asks a network of four classes that sees the page reduced to 224 x 224 pixels. Here the text lines are asked,
which the detector finds on a turned page too: docs/decisions.md has the figures of both. The shapes of the lines tell
pages on their side from the others, and the line orientation classifier (`cls`) tells which end is up. It is asked
twice, because a page of columns that are written from top to bottom has tall lines too. The second time each line is
cut into squares, about a character each, and the squares are turned a quarter clockwise where they stand:

| characters of a line have their tops | the line | its squares, turned |
|---|---|---|
| up: written along the line | upright | tops right |
| down | upside down | tops left |
| left: a column, read from top to bottom | tops left | upright |
| right: such a column upside down | tops right | upside down |

`cls` takes tops left for upright and tops right for upside down: it was trained on columns that were cut out so.
"""

from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.orientation import UPSIDE_DOWN

MAX_ASKED = 32  # the longest lines tell, in one call of `cls`; more of them changed nothing on the labelled pictures
MIN_RATIO = 1.5  # of length to height: squarer boxes do not show which way their text runs
SURE_OF_DOWN = 0.2  # a page is turned by 180 degrees at a mean vote below minus this; 0 would be the majority
SURE_OF_COLUMN = 0.85  # mean vote from which lines are taken for columns, whose squares agree with them

Pixels = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]
Votes = npt.NDArray[np.float32]


class Turn(IntEnum):
    """How far a picture is turned clockwise to make it upright, in quarters."""

    NONE = 0
    QUARTER = 1
    HALF = 2
    THREE_QUARTERS = 3


_CODES = {
    Turn.QUARTER: cv2.ROTATE_90_CLOCKWISE,
    Turn.HALF: cv2.ROTATE_180,
    Turn.THREE_QUARTERS: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


def telling_lines(boxes: Boxes) -> npt.NDArray[np.intp]:
    """Indices of the lines to ask, the longest first: those of the page's majority, lying or standing, by length.

    Args:
        boxes: (N, 4, 2), pixels (x, y), clockwise from the text's own top-left corner.
    """
    along, across = _sides(boxes)
    length, height = np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)
    long = np.flatnonzero(length >= MIN_RATIO * np.maximum(height, 1))
    asked = long[np.argsort(-length[long], kind="stable")[:MAX_ASKED]]
    standing = _standing(along[asked])
    most = length[asked][standing].sum() > length[asked].sum() / 2
    return asked[standing == most]


def turned_squares(line: Pixels) -> Pixels:
    """A line (h, W, 3) cut into n squares, each turned a quarter clockwise in its place: (h, n * h, 3)."""
    height, width = line.shape[:2]
    squares = np.array_split(line, max(round(width / height), 1), axis=1)
    turned = [cv2.rotate(cv2.resize(square, (height, height)), cv2.ROTATE_90_CLOCKWISE) for square in squares]
    return np.concatenate(turned, axis=1, dtype=np.uint8)


def votes(labels: npt.NDArray[np.int64], scores: Votes) -> Votes:
    """(N,) float32, what `cls` says of N lines: from 1, surely upright, to -1, surely upside down."""
    sure = 2 * scores - 1
    return np.where(labels == UPSIDE_DOWN, -sure, sure).astype(np.float32)


def page_turn(boxes: Boxes, lines: Votes, squares: Votes) -> Turn:
    """How the page is made upright.

    A page whose lines lie is left as it is unless they are sure. One whose lines stand is on its side unless they are
    columns, so the majority decides to which side.

    Args:
        boxes: (N, 4, 2), those of `telling_lines`.
        lines: (N,), votes on them as they are read.
        squares: (N,), votes on their `turned_squares`.
    """
    if not len(boxes):
        return Turn.NONE
    along = _sides(boxes)[0]
    weight = np.linalg.norm(along, axis=1)
    vote, of_squares = np.average(lines, weights=weight), np.average(squares, weights=weight)
    is_column = of_squares * np.sign(vote) > SURE_OF_COLUMN
    if _standing(along)[0]:  # read from the picture's top to its bottom
        if is_column:
            return Turn.NONE if vote > -SURE_OF_DOWN else Turn.HALF
        return Turn.THREE_QUARTERS if vote > 0 else Turn.QUARTER
    if is_column:
        return Turn.QUARTER if vote > 0 else Turn.THREE_QUARTERS
    return Turn.NONE if vote > -SURE_OF_DOWN else Turn.HALF


def turn_page(pixels: Pixels, turn: Turn) -> Pixels:
    """A picture (H, W, 3) turned clockwise."""
    return pixels if turn == Turn.NONE else np.asarray(cv2.rotate(pixels, _CODES[turn]), np.uint8)


def turn_back(boxes: Boxes, turn: Turn, picture_hw: tuple[int, int]) -> Boxes:
    """Boxes (N, 4, 2) of the turned picture in pixels of the picture before, whose size is `picture_hw`.

    Each still begins at the same corner of its text.
    """
    height, width = picture_hw
    x, y = boxes[..., 0], boxes[..., 1]
    before = {
        Turn.NONE: (x, y),
        Turn.QUARTER: (y, height - x),
        Turn.HALF: (width - x, height - y),
        Turn.THREE_QUARTERS: (width - y, x),
    }
    return np.stack(before[turn], axis=-1).astype(np.float32)


def _sides(boxes: Boxes) -> tuple[Boxes, Boxes]:
    """(N, 2) each: along the text and across it, the means of opposite sides."""
    along = (boxes[:, 1] - boxes[:, 0] + boxes[:, 2] - boxes[:, 3]) / 2
    across = (boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1]) / 2
    return along, across


def _standing(along: Boxes) -> npt.NDArray[np.bool_]:
    """(N,) whether lines run down the picture rather than across it."""
    return np.abs(along[:, 1]) > np.abs(along[:, 0])
