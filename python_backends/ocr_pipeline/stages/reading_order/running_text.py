"""Columns of running text: what tells them from the columns of a table or form.

Running text fills its columns, and its lines are close together; the lines of cells are of any length, or short, or
far apart. All lengths here are in heights of a line as the detector draws its box; a letter is about 0.4 wide.
docs/decisions.md says how the limits were found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocr_pipeline.stages.reading_order.columns import Rects
from ocr_pipeline.stages.reading_order.rows import rows_of

MIN_LINES = 3
MAX_BOXES_PER_ROW = 1.25  # a form has labels and values beside each other
MIN_FILL, MAX_SLACK = 0.8, 2.2  # of a column's width, or so near to its edge: a line that long is full, else short
MAX_SHORT, MAX_SHORT_COLUMN = 0.4, 0.5  # of the lines, in all columns and in one: the last ones of paragraphs
EVEN = 0.02  # short lines, at most, where no paragraph ends: cells of one length look like that too
MIN_LENGTH, MIN_LENGTH_EVEN = 6, 9  # of the median line
MAX_PITCH, MAX_PITCH_LONG = 1.7, 2.2  # from line to line; double spacing, where all columns have long lines
MAX_SPREAD, MAX_SPREAD_EVEN = 2.2, 1.65  # pitch, and a fifth of the white between the columns
LONG = 16  # lines longer than that are no cells, however far the columns are apart
MIN_LENGTH_BESIDE, MAX_GAP_BESIDE, MAX_SHORT_BESIDE = 12, 6, 0.35  # of text with a sidebar: lines, gap, short lines
MIN_PAST = 0.65  # of the lines beside it stand where a sentence goes on
PARAGRAPH = 0.3  # lines that are so much farther apart than most are of two paragraphs

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Rows:
    """The R rows of a column, from the top; in pixels.

    Attributes:
        height: of the median line.
        length: (R,) of the boxes of a row together.
        middle: (R,) height at which a row stands.
        short: (R,) bool, whether a row ends far from the column's edge.
        boxes: in all rows.
    """

    height: float
    length: Floats
    middle: Floats
    short: npt.NDArray[np.bool_]
    boxes: int

    @property
    def pitch(self) -> float:
        """From row to row, as most are."""
        return float(np.median(np.diff(self.middle)))

    @property
    def median(self) -> float:
        """Length of the median row."""
        return float(np.median(self.length))


def full(length: Floats, column: Rects) -> npt.NDArray[np.bool_]:
    """Whether lines of some lengths fill the column, but for a word that did not fit in."""
    width = column[:, 2].max() - column[:, 0].min()
    height = np.median(column[:, 3] - column[:, 1])
    return np.asarray(length >= min(MIN_FILL * width, width - MAX_SLACK * height))


def running_text(columns: list[Rects], gap: float) -> list[bool]:
    """Whether each of some columns, so far apart, is running text: mostly one line a row, full, and close together."""
    found = [_rows(column) for column in columns]
    max_pitch = MAX_PITCH_LONG if all(rows.median > LONG * rows.height for rows in found) else MAX_PITCH
    short = np.concatenate([rows.short for rows in found]).mean()
    even = short < EVEN
    min_length, max_spread = (MIN_LENGTH_EVEN, MAX_SPREAD_EVEN) if even else (MIN_LENGTH, MAX_SPREAD)

    def is_running_text(rows: _Rows) -> bool:
        if len(rows.length) < MIN_LINES or rows.boxes > MAX_BOXES_PER_ROW * len(rows.length):
            return False
        is_full = short <= MAX_SHORT and rows.short.mean() < MAX_SHORT_COLUMN
        is_close = rows.pitch + gap / 5 <= max_spread * rows.height or rows.median > LONG * rows.height
        return (
            is_full and is_close and rows.pitch <= max_pitch * rows.height and rows.median >= min_length * rows.height
        )

    return [is_running_text(rows) for rows in found]


def runs_past(text: Rects, beside: Rects, gap: float) -> bool:
    """Whether running text goes on past most of the lines beside it, as it does past a sidebar.

    The lines beside it are no cells of its rows then: such a row would begin in the middle of a sentence.
    """
    rows = _rows(text)
    if len(beside) < MIN_LINES or rows.short.mean() > MAX_SHORT_BESIDE or gap > MAX_GAP_BESIDE * rows.height:
        return False
    if rows.pitch > MAX_PITCH * rows.height:
        return False
    goes_on = ~rows.short[:-1] & (np.diff(rows.middle) < rows.pitch + PARAGRAPH * rows.height)
    nearest = np.abs(np.subtract.outer((beside[:, 1] + beside[:, 3]) / 2, rows.middle)).argmin(axis=1)
    is_past = np.append(False, goes_on)[nearest].mean() >= MIN_PAST
    return bool(is_past and rows.median >= MIN_LENGTH_BESIDE * rows.height)


def _rows(column: Rects) -> _Rows:
    row = rows_of(column)
    length: Floats = np.bincount(row, column[:, 2] - column[:, 0]).astype(np.float64)
    middle: Floats = np.bincount(row, (column[:, 1] + column[:, 3]) / 2) / np.bincount(row)
    return _Rows(float(np.median(column[:, 3] - column[:, 1])), length, middle, ~full(length, column), len(column))
