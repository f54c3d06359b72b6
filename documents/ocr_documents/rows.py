"""Rows of a page: lines beside each other, with the cells that they make, in the level frame of the page."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ocr_contract.frame import level, weighted_median
from ocr_contract.result import OcrResult
from ocr_documents.texts import is_right_to_left

MAX_ROW_RATIO = 3.0  # of two heights: lines of one row may differ so much, as a price and its label do
CELL_GAP = 1.0  # of a line's height: narrower white space parts words, not the cells of a row
HEADINGS = (1.8, 1.35)  # of the height of the page's text: a heading of the first level, of the second
HEADING_LENGTH = 100  # characters; headings are short

Rects = npt.NDArray[np.float64]  # (N, 4): left, top, right and bottom in the level frame
Row = tuple[tuple[int, ...], ...]  # cells from the first to the last, each of one or more lines


@dataclass(frozen=True)
class Rows:
    """The R rows of a page, as what blocks and paragraphs are made from.

    Attributes:
        lines: (N, 4) the page's lines that are not blank.
        starts: (R + 1) the first line of each row, and N.
        cells: of each row; lines are named by their numbers in the result.
        rects: (R, 4) the rows.
        sizes: (R,) height of each row's text.
        gaps: (R - 1,) white space between each row and the next; negative where they overlap.
        texts: of each, its lines joined by spaces.
        headings: the level of each.
    """

    lines: Rects
    starts: list[int]
    cells: list[Row]
    rects: Rects
    sizes: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]
    texts: list[str]
    headings: list[int]


def rows_of(result: OcrResult, shown: list[int]) -> Rows:
    """The rows of a page.

    Args:
        result: what stands on it; lines come in reading order.
        shown: numbers of the lines that are not blank, at least one.
    """
    boxes = result.boxes[shown].astype(np.float64)
    texts = [result.texts[line].strip() for line in shown]
    rects = level(result.boxes[shown])
    if is_right_to_left("".join(texts)):
        rects = np.stack([-rects[:, 2], rects[:, 1], -rects[:, 0], rects[:, 3]], axis=1)
    across = (boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1]) / 2
    sizes = np.maximum(np.linalg.norm(across, axis=1), 1.0)
    starts = [0, *(n for n in range(1, len(rects)) if not _beside(rects[n - 1], rects[n])), len(rects)]
    body = weighted_median(sizes, np.array([len(text) for text in texts], np.float64))
    cells, headings, row_texts = [], [], []
    for first, last in pairwise(starts):
        after = [n for n in range(first + 1, last) if -overlap(rects[n - 1], rects[n])[0] > CELL_GAP * sizes[n]]
        cells.append(tuple(tuple(shown[a:b]) for a, b in pairwise([first, *after, last])))
        row_texts.append(" ".join(texts[first:last]))
        headings.append(_heading(row_texts[-1], float(sizes[first:last].max() / body)) if not after else 0)
    hulls = np.concatenate(
        [np.minimum.reduceat(rects[:, :2], starts[:-1]), np.maximum.reduceat(rects[:, 2:], starts[:-1])], axis=1
    )
    row_sizes = np.array([sizes[first:last].max() for first, last in pairwise(starts)])
    return Rows(rects, starts, cells, hulls, row_sizes, hulls[1:, 1] - hulls[:-1, 3], row_texts, headings)


def _beside(line: Rects, following: Rects) -> bool:
    """Whether a line stands in one row with the one before it."""
    shared = overlap(line, following)
    low, high = sorted([line[3] - line[1], following[3] - following[1]])
    return bool(shared[1] > low / 2 and shared[0] <= low and high <= MAX_ROW_RATIO * low)


def overlap(one: Rects, other: Rects) -> Rects:
    """(2,) how much two rectangles (4,) share of their widths and of their heights; less than nothing is a gap."""
    return np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])


def _heading(text: str, ratio: float) -> int:
    """The level that a line of text would have as a heading, by its height against that of the page's text."""
    if len(text) > HEADING_LENGTH or sum(character.isalpha() for character in text) < 2:
        return 0
    return next((number for number, least in enumerate(HEADINGS, 1) if ratio >= least), 0)
