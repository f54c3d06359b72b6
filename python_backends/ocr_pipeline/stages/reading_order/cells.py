"""Tables whose cells have several lines: they are read cell by cell, the cells of a row from left to right.

White space parts the rows of such a table: more than there is between the lines of a cell, at the same heights in all
columns. Paragraphs of columns of running text are parted at heights of their own.
"""

from itertools import pairwise

import numpy as np

from ocr_pipeline.stages.reading_order.columns import Indices, Rects, whites
from ocr_pipeline.stages.reading_order.running_text import full

ROW_WHITE = 0.3  # of a line's height: rows are that much farther apart than the lines of a cell
MIN_ROWS = 3
MIN_BESIDE = 0.7  # of the rows: have several cells
MIN_WRAPPED = 0.2  # of the rows: have a cell of several lines
MAX_PARTED = 0.1  # of the rows: have a cell with as much white inside as there is between rows
MIN_FULL = 0.5  # of the lines that have another one below in their cell: fill the column, as those of a list do not


def wrapped_cells(rects: Rects, columns: list[Indices]) -> list[Indices]:
    """The cells in reading order, if the columns are those of a table with cells of several lines; else none."""
    lines = np.concatenate(columns)
    height = float(np.median(rects[lines, 3] - rects[lines, 1]))
    white = np.concatenate([whites(rects[column]) for column in columns])
    white = white[white > -height / 2]  # boxes beside each other leave none
    if not len(white):
        return []
    wide = float(np.percentile(white, 10)) + ROW_WHITE * height
    starts = np.flatnonzero(whites(rects[lines]) >= wide) + 1
    row = np.zeros(len(rects), np.intp)
    row[lines[np.argsort(rects[lines, 1], kind="stable")]] = np.searchsorted(starts, np.arange(len(lines)), "right")
    rows = [[column[row[column] == number] for column in columns] for number in range(len(starts) + 1)]
    cells = [cell for cells in rows for cell in cells if len(cell)]
    beside = sum(sum(len(cell) > 0 for cell in cells) > 1 for cells in rows)
    wrapped = sum(any(len(cell) > 1 for cell in cells) for cells in rows)
    parted = sum(bool((whites(rects[cell]) >= wide).any()) for cell in cells)
    is_table = (
        len(rows) >= MIN_ROWS
        and beside >= MIN_BESIDE * len(rows)
        and wrapped >= MIN_WRAPPED * len(rows)
        and parted <= MAX_PARTED * len(rows)
        and np.mean([fills for column in columns for fills in _fill(rects, column, row)]) >= MIN_FULL
    )
    return cells if is_table else []


def _fill(rects: Rects, column: Indices, row: Indices) -> list[bool]:
    """Of the lines of a column that have another one below in their cell: whether each fills the column."""
    down = column[np.argsort(rects[column, 1], kind="stable")]
    going_on = [line for line, below in pairwise(down) if row[line] == row[below]]
    return full(rects[going_on, 2] - rects[going_on, 0], rects[column]).tolist()
