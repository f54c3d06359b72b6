"""Which columns of a page are read one after the other, and which are those of a table or form.

Boxes alone decide. Columns whose lines do not stand level with each other are no table, whatever is in them. Of the
others, running text is none, and text that goes on past what stands beside it has a sidebar. The rest is a table, a
form or a receipt, and is read row by row.
"""

from itertools import pairwise

import numpy as np

from ocr_pipeline.stages.reading_order.cells import wrapped_cells
from ocr_pipeline.stages.reading_order.columns import Indices, Rects, one_below_the_other
from ocr_pipeline.stages.reading_order.rows import rows_of
from ocr_pipeline.stages.reading_order.running_text import MIN_LINES, full, running_text, runs_past

LEVEL = 0.2  # of a line's height: lines whose tops, middles or base lines differ by less stand level
MAX_OFF = 0.5  # of a line's height: by which one whole side may stand higher than the other, and still be level
MIN_LEVEL = 0.75  # of the lines of the side that has fewer rows: that many stand level with one of the other
ALTERNATE = 0.5  # of the lines of staggered columns, at least, stand between lines of another column
MIN_STAGGERED = 5  # lines to a column, on average
MIN_FULL = 0.6  # of the lines of staggered columns: fill them
MIN_PROSE = 0.75  # of the lines of columns that stand level: that many stand in columns of running text


def without_tables(rects: Rects, columns: list[Indices]) -> list[Indices]:
    """What to read one after the other: columns, or groups of them that are one table, or the cells of a table."""
    if len(columns) == 1:
        return columns
    if blocks := blocks_of(rects, columns):
        return blocks
    if cells := wrapped_cells(rects, columns):
        return cells
    groups = [[columns[0]]]  # of columns that stand level with each other
    for column in columns[1:]:
        if _is_level(rects[np.concatenate(groups[-1])], rects[column]):
            groups[-1].append(column)
        else:
            groups.append([column])
    return [lines for group in groups for lines in _divided(rects, group)]


def blocks_of(rects: Rects, columns: list[Indices], *, inner: bool = False) -> list[Indices]:
    """As `one_below_the_other`, but nothing for columns of text whose lines just do not stand level."""
    blocks = one_below_the_other(rects, columns, inner=inner)
    return [] if blocks and _is_staggered(rects, columns, blocks) else blocks


def _is_staggered(rects: Rects, columns: list[Indices], blocks: list[Indices]) -> bool:
    """Whether blocks are but the single lines of columns of text, each between two lines of another column."""
    fills = np.concatenate([full(rects[column, 2] - rects[column, 0], rects[column]) for column in columns])
    staggered = len(blocks) > ALTERNATE * len(fills) and len(fills) >= MIN_STAGGERED * len(columns)
    return bool(staggered and fills.mean() >= MIN_FULL)


def _divided(rects: Rects, columns: list[Indices]) -> list[Indices]:
    """Columns that stand level with each other: each by itself where they are text, else text and tables beside it."""
    if len(columns) == 1:
        return columns
    gap = min(float(rects[right, 0].min() - rects[left, 2].max()) for left, right in pairwise(columns))
    lines = np.array([len(column) for column in columns])
    prose = np.array(running_text([rects[column] for column in columns], gap))
    if prose.sum() > 1 and lines[prose].sum() >= MIN_PROSE * lines.sum():
        return columns
    divided: list[list[Indices]] = [[]]
    for number, column in enumerate(columns):
        others = rects[np.concatenate([*columns[:number], *columns[number + 1 :]])]
        if running_text([rects[column]], gap)[0] and runs_past(rects[column], others, gap):
            divided += [[column], []]
        else:
            divided[-1].append(column)
    return [np.concatenate(group) for group in divided if group]


def _row_count(side: Rects) -> int:
    return int(rows_of(side).max()) + 1


def _is_level(left: Rects, right: Rects) -> bool:
    """Whether the lines of two sides stand level with each other, as the cells of rows do."""
    fewer, more = sorted((left, right), key=_row_count)
    if len(fewer) <= MIN_LINES and not running_text([more], 0)[0]:
        return True  # too few to tell
    height = np.minimum.outer(fewer[:, 3] - fewer[:, 1], more[:, 3] - more[:, 1])
    places = [(side[:, 1], (side[:, 1] + side[:, 3]) / 2, side[:, 3]) for side in (fewer, more)]
    for ours, others in zip(*places, strict=True):
        off = np.subtract.outer(ours, others)
        nearest = np.arange(len(off)), np.abs(off).argmin(axis=1)
        # By as much as all are off, the page leans: short lines do not show its angle well.
        common = np.median(off[nearest])
        is_level = np.abs(off[nearest] - common) <= LEVEL * height[nearest]
        if is_level.mean() >= MIN_LEVEL and abs(common) <= MAX_OFF * np.median(height[nearest]):
            return True
    return False
