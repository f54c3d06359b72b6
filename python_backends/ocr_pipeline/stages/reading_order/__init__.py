"""Reading order of the text lines of a page.

The page is turned in thought so that its text runs from left to right on level lines (`ocr_contract.frame`): a page on
its head or on its side is then ordered as a person who turned it would read it, and vertical text, whose columns follow
each other from right to left, becomes rows that follow each other downwards. In that frame lines are ordered row by row
(`rows`), and where white space parts columns (`columns`), column by column, unless they are those of a table or form
(`tables`).
"""

import numpy as np
import numpy.typing as npt

from ocr_contract.frame import level
from ocr_contract.options import READING_ORDERS
from ocr_pipeline.stages.reading_order.columns import Indices, Rects, by_columns
from ocr_pipeline.stages.reading_order.rows import by_rows
from ocr_pipeline.stages.reading_order.tables import blocks_of, without_tables


def reading_order(boxes: npt.NDArray[np.float32], rule: str = "auto") -> npt.NDArray[np.intp]:
    """The permutation that sorts boxes into reading order.

    Args:
        boxes: (N, 4, 2) float32, pixels (x, y), each clockwise from the text's own top-left corner.
        rule: one of READING_ORDERS. "rows": row by row across the whole page; "columns": column by column wherever
            white space parts them; "auto": column by column, but tables, forms and receipts row by row.

    Returns:
        (N,) indices; apply them to the boxes and to everything that goes with them.

    Raises:
        ValueError: there is no such rule.
    """
    if rule not in READING_ORDERS:
        raise ValueError(f"rule must be one of {', '.join(READING_ORDERS)}, not {rule!r}")
    if len(boxes) == 0:
        return np.zeros(0, np.intp)
    rects = level(boxes)
    if rule == "rows":
        return by_rows(rects)
    return by_columns(rects, without_tables if rule == "auto" else _all_columns)


def _all_columns(rects: Rects, columns: list[Indices]) -> list[Indices]:
    return blocks_of(rects, columns, inner=True) or columns
