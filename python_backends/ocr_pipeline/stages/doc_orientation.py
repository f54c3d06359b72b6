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

Squares of Latin letters have no right answer, and `cls` has a liking for some. So it sees whatever it is asked about on
its head too. What it says both times is a liking and cancels out, see `votes`.
"""

import math
from collections.abc import Sequence
from enum import IntEnum

import cv2
import numpy as np
import numpy.typing as npt

from ocr_contract.quads import LETTER_RATIO, sides
from ocr_pipeline.stages.orientation import CLS_BATCH, UPSIDE_DOWN

MAX_ASKED = CLS_BATCH // 2  # lines, the longest, or joined squares; each is shown both ways in one call of `cls`
MIN_RATIO = 1.5  # of length to height: squarer boxes do not show which way their text runs
SURE_OF_DOWN = 0.2  # a page is turned by 180 degrees at a mean vote below minus this; 0 would be the majority
SQUARES = 4  # are shown side by side: `cls` sees so many without squeezing them
SURE_OF_COLUMN = 0.75  # mean vote from which standing lines are taken for columns, whose squares agree with them
SURE_OF_LYING_COLUMN = 0.85  # the same for lying lines: nearly all of them are lines of an upright page
SURE_OF_LETTERS = 0.9  # both mean votes from which a page of very short words is turned: `cls` is bad at single letters

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
    along, across = sides(boxes)
    length, height = np.linalg.norm(along, axis=1), np.linalg.norm(across, axis=1)
    long = np.flatnonzero(length >= MIN_RATIO * np.maximum(height, 1))
    asked = long[np.argsort(-length[long], kind="stable")[:MAX_ASKED]]
    standing = _standing(along[asked])
    most = length[asked][standing].sum() > length[asked].sum() / 2
    return asked[standing == most]


def turned_squares(lines: Sequence[Pixels]) -> list[Pixels]:
    """Lines (h, W, 3) cut into squares, each turned a quarter clockwise: up to MAX_ASKED pictures (h, n * h, 3).

    Each picture has up to SQUARES neighbours of one line. Of more pictures some are taken, evenly over all lines.
    """
    shown: list[Pixels] = []
    for line in lines:
        height, width = line.shape[:2]
        squares = np.array_split(line, max(round(width / height), 1), axis=1)
        turned = [cv2.rotate(cv2.resize(square, (height, height)), cv2.ROTATE_90_CLOCKWISE) for square in squares]
        parts = np.array_split(np.arange(len(turned)), math.ceil(len(turned) / SQUARES))
        shown += [np.concatenate([turned[square] for square in part], axis=1, dtype=np.uint8) for part in parts]
    taken = np.linspace(0, len(shown) - 1, min(len(shown), MAX_ASKED)).astype(int)
    return [shown[number] for number in taken]


def both_ways(lines: Sequence[Pixels]) -> list[Pixels]:
    """N pictures, and after them the same on their heads."""
    return [*lines, *(line[::-1, ::-1] for line in lines)]


def votes(labels: npt.NDArray[np.int64], scores: Votes) -> Votes:
    """(N,) float32, what `cls` says of N lines that it has seen both ways: from 1, upright, to -1, upside down.

    Args:
        labels: (2 * N,), of `both_ways`.
        scores: (2 * N,), 0..1, probability of the label.
    """
    sure = 2 * scores - 1
    as_is, turned = np.split(np.where(labels == UPSIDE_DOWN, -sure, sure), 2)
    return ((as_is - turned) / 2).astype(np.float32)


def lengths(boxes: Boxes) -> Boxes:
    """(N,) float32, pixels: how long the text of (N, 4, 2) boxes is."""
    return np.linalg.norm(sides(boxes)[0], axis=1).astype(np.float32)


def page_turn(boxes: Boxes, lines: float, squares: float) -> Turn:
    """How the page is made upright.

    A page whose lines lie is left as it is unless they are sure. One whose lines stand is on its side unless they are
    columns, so the majority decides to which side. A page of very short words is left as it is unless lines and squares
    are sure, because single letters that are upright stand too.

    Args:
        boxes: (N, 4, 2), those of `telling_lines`.
        lines: mean vote on them as they are read.
        squares: mean vote on their `turned_squares`.
    """
    agree = squares * np.sign(lines)
    if _is_short(boxes) and (abs(lines) < SURE_OF_LETTERS or 0 <= agree < SURE_OF_LETTERS):
        return Turn.NONE
    if _standing(sides(boxes)[0])[0]:  # read from the picture's top to its bottom
        if agree > SURE_OF_COLUMN:
            return Turn.NONE if lines > -SURE_OF_DOWN else Turn.HALF
        return Turn.THREE_QUARTERS if lines > 0 else Turn.QUARTER
    if agree > SURE_OF_LYING_COLUMN:
        return Turn.QUARTER if lines > 0 else Turn.THREE_QUARTERS
    return Turn.NONE if lines > -SURE_OF_DOWN else Turn.HALF


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


def _is_short(boxes: Boxes) -> bool:
    """Whether most of the text is in boxes (N, 4, 2) that may hold a single letter each."""
    length, height = lengths(boxes), np.linalg.norm(sides(boxes)[1], axis=1)
    return bool(length[length < LETTER_RATIO * height].sum() > length.sum() / 2)


def _standing(along: Boxes) -> npt.NDArray[np.bool_]:
    """(N,) whether lines run down the picture rather than across it."""
    return np.abs(along[:, 1]) > np.abs(along[:, 0])
