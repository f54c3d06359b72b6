"""Blocks, paragraphs and headings of a page, from where its lines stand.

The lines come in reading order, and keep it. In the level frame of the page (`ocr_contract.frame`) lines beside each
other make a row, rows make blocks, and the rows of a block make paragraphs:

- A **block** is what Tesseract calls so, hOCR `ocr_carea` and ALTO `ComposedBlock`: an area of text with white space or
  other text around it, such as a column. It ends where the order jumps, where white space parts it from what follows,
  and where it would take in lines of another one.
- A **paragraph** (`ocr_par`, `TextBlock`) ends at white space, before an indented line or an item of a list, and after
  a line that left room for the first word of the next one (Tesseract's rule, `FirstWordWouldHaveFit`).
- A **row** of a table, form or receipt has several cells. Such rows make paragraphs of their own.
- A **heading** is a paragraph of few words, clearly taller than the text of the page.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt

from ocr_contract.characters import stands_alone
from ocr_contract.frame import level, weighted_median
from ocr_contract.result import OcrResult
from ocr_documents.texts import is_right_to_left, text_width

# Lengths are in heights of a line, as its box has them.
MAX_ROW_RATIO = 3.0  # of two heights: lines of one row may differ so much, as a price and its label do
CELL_GAP = 1.0  # narrower white space parts words, not the cells of a row
BLOCK_GAP = 1.5  # white space between blocks, beyond what lines of the page have between them
PARAGRAPH_GAP = 0.5  # white space between paragraphs, beyond what lines of the block have between them
INDENT = 0.8  # of a paragraph's first line
CENTRED = 0.5  # lines whose centres are less than this apart, and their left sides more than an indent, are centred
RUNNING_TEXT = 9.0  # a shorter line does not go on in the next: it is a cell, a label or the end of a paragraph
SPACE = 0.5  # a word fits in where there is room for itself and this
HEADINGS = (1.8, 1.35)  # of the height of the page's text: a heading of the first level, of the second
HEADING_LENGTH = 100  # characters; headings are short
HEADING_ROWS = 3
_ITEM = re.compile(r"[•·●○▪■◦‣∙*–—-]\s|[(（]?(?:\d{1,3}|[a-zA-Z]|[一二三四五六七八九十]{1,3})[.)、）．](?!\d)")

Rects = npt.NDArray[np.float64]  # (N, 4): left, top, right and bottom in the level frame
Row = tuple[tuple[int, ...], ...]  # cells from the first to the last, each of one or more lines


@dataclass(frozen=True)
class Paragraph:
    """Rows that belong together.

    Attributes:
        rows: from the first to the last.
        heading: its level, 1 or 2; 0 for what is none.
    """

    rows: tuple[Row, ...]
    heading: int = 0

    @property
    def lines(self) -> tuple[int, ...]:
        """Numbers of its lines, in reading order."""
        return tuple(chain.from_iterable(chain.from_iterable(self.rows)))

    @property
    def is_table(self) -> bool:
        """Whether its rows have several cells, so that each stands by itself."""
        return len(self.rows[0]) > 1


@dataclass(frozen=True)
class Block:
    """An area of text on the page: paragraphs from the first to the last."""

    paragraphs: tuple[Paragraph, ...]

    @property
    def lines(self) -> tuple[int, ...]:
        """Numbers of its lines, in reading order."""
        return tuple(chain.from_iterable(paragraph.lines for paragraph in self.paragraphs))


@dataclass(frozen=True)
class _Rows:
    """The R rows of a page, as what blocks and paragraphs are made from.

    Attributes:
        cells: of each.
        rects: (R, 4), as Rects.
        sizes: (R,) height of each row's text.
        gaps: (R - 1,) white space between each row and the next; negative where they overlap.
        texts: of each, its lines joined by spaces.
        headings: the level of each.
    """

    cells: list[Row]
    rects: Rects
    sizes: npt.NDArray[np.float64]
    gaps: npt.NDArray[np.float64]
    texts: list[str]
    headings: list[int]


def blocks_of(result: OcrResult) -> tuple[Block, ...]:
    """The blocks of a page, with every line that is not blank exactly once, in reading order."""
    shown = [line for line, text in enumerate(result.texts) if text.strip()]
    if not shown:
        return ()
    boxes = result.boxes[shown]
    texts = [result.texts[line].strip() for line in shown]
    rects = level(boxes)
    if is_right_to_left("".join(texts)):
        rects = rects * (-1, 1, -1, 1)
        rects = rects[:, (2, 1, 0, 3)]
    across = (boxes[:, 3] - boxes[:, 0] + boxes[:, 2] - boxes[:, 1]) / 2
    sizes = np.maximum(np.linalg.norm(across.astype(np.float64), axis=1), 1.0)
    starts = [0, *(n for n in range(1, len(rects)) if not _beside(rects[n - 1], rects[n])), len(rects)]
    rows = _rows(starts, shown, rects, sizes, texts)
    cuts = _block_starts(rows, starts, (rects[:, :2] + rects[:, 2:]) / 2)
    return tuple(Block(tuple(_paragraphs(rows, first, last))) for first, last in pairwise([*cuts, len(rows.cells)]))


def _beside(line: Rects, following: Rects) -> bool:
    """Whether a line stands in one row with the one before it."""
    overlap = _overlap(line, following)
    low, high = sorted([line[3] - line[1], following[3] - following[1]])
    return bool(overlap[1] > low / 2 and overlap[0] <= low and high <= MAX_ROW_RATIO * low)


def _overlap(one: Rects, other: Rects) -> Rects:
    """(2,) how much two rectangles (4,) share of their widths and of their heights; less than nothing is a gap."""
    return np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])


def _rows(starts: list[int], shown: list[int], rects: Rects, sizes: npt.NDArray[np.float64], texts: list[str]) -> _Rows:
    body = weighted_median(sizes, np.array([len(text) for text in texts], np.float64))
    cells, headings, row_texts = [], [], []
    for first, last in pairwise(starts):
        after = [n for n in range(first + 1, last) if -_overlap(rects[n - 1], rects[n])[0] > CELL_GAP * sizes[n]]
        cells.append(tuple(tuple(shown[a:b]) for a, b in pairwise([first, *after, last])))
        row_texts.append(" ".join(texts[first:last]))
        headings.append(_heading(row_texts[-1], float(sizes[first:last].max() / body)) if not after else 0)
    hulls = np.concatenate(
        [np.minimum.reduceat(rects[:, :2], starts[:-1]), np.maximum.reduceat(rects[:, 2:], starts[:-1])], axis=1
    )
    row_sizes = np.array([sizes[first:last].max() for first, last in pairwise(starts)])
    return _Rows(cells, hulls, row_sizes, hulls[1:, 1] - hulls[:-1, 3], row_texts, headings)


def _heading(text: str, ratio: float) -> int:
    """The level that a line of text would have as a heading, by its height against that of the page's text."""
    if len(text) > HEADING_LENGTH or sum(character.isalpha() for character in text) < 2:
        return 0
    return next((number for number, least in enumerate(HEADINGS, 1) if ratio >= least), 0)


def _block_starts(rows: _Rows, starts: list[int], centres: npt.NDArray[np.float64]) -> list[int]:
    """The rows that begin blocks."""
    overlaps = rows.gaps >= -np.minimum(rows.sizes[1:], rows.sizes[:-1]) / 2
    usual = float(np.median(rows.gaps[overlaps])) if overlaps.any() else 0.0
    begin, hull = [0], rows.rects[0]
    for row, rect in enumerate(rows.rects[1:], 1):
        least, most = sorted(rows.sizes[row - 1 : row + 1])
        grown = np.concatenate([np.minimum(hull[:2], rect[:2]), np.maximum(hull[2:], rect[2:])])
        if (
            rows.gaps[row - 1] < -least / 2
            or rows.gaps[row - 1] > usual + BLOCK_GAP * most
            or _overlap(hull, rect)[0] < 0
            or _takes_in(grown, centres, starts[begin[-1]], starts[row + 1])
        ):
            begin.append(row)
            hull = rect
        else:
            hull = grown
    return begin


def _takes_in(hull: Rects, centres: npt.NDArray[np.float64], first: int, last: int) -> bool:
    """Whether an area covers the centre of a line that is not one of its own, those from `first` to before `last`."""
    inside = ((centres > hull[:2]) & (centres < hull[2:])).all(axis=1)
    return bool(inside[:first].any() or inside[last:].any())


def _paragraphs(rows: _Rows, first: int, last: int) -> list[Paragraph]:
    """The paragraphs of a block: of the rows from `first` to before `last`."""
    left, right = rows.rects[first:last, 0], rows.rects[first:last, 2]
    sides = float(left.min()), float(right.max())
    size = float(np.median(rows.sizes[first:last]))
    if np.ptp(left) > INDENT * size and np.ptp(left + right) / 2 < CENTRED * size:
        sides = -np.inf, np.inf  # each line was set by itself, and there would have been room for the next
    usual = float(np.median(rows.gaps[first : last - 1])) if last - first > 1 else 0.0
    cuts = [first, *(row for row in range(first + 1, last) if _parts(rows, row, sides, usual)), last]
    paragraphs = []
    for begin, end in pairwise(cuts):
        heading = rows.headings[begin]
        is_heading = end - begin <= HEADING_ROWS and sum(map(len, rows.texts[begin:end])) <= HEADING_LENGTH
        paragraphs.append(Paragraph(tuple(rows.cells[begin:end]), heading if is_heading else 0))
    return paragraphs


def _parts(rows: _Rows, row: int, sides: tuple[float, float], usual: float) -> bool:
    """Whether a row begins a paragraph; `sides` are the block's left and right, `usual` the white between its rows."""
    left, right = sides
    above, here = rows.rects[row - 1], rows.rects[row]
    low, high = sorted(rows.sizes[row - 1 : row + 1])
    tables = [len(rows.cells[number]) > 1 for number in (row - 1, row)]
    if (
        rows.headings[row - 1] != rows.headings[row]
        or tables[0] != tables[1]
        or rows.gaps[row - 1] > usual + PARAGRAPH_GAP * low
        or high > HEADINGS[-1] * low
    ):
        return True
    if rows.headings[row] or tables[0]:
        return False
    if _ITEM.match(rows.texts[row]) or above[2] - above[0] < RUNNING_TEXT * low:
        return True
    room = right - above[2]
    if abs(above[0] - here[0]) > INDENT * low:
        if abs(above[0] + above[2] - here[0] - here[2]) / 2 < CENTRED * low:
            room += above[0] - left
        elif here[0] > above[0] and not _ITEM.match(rows.texts[row - 1]):
            return True
    return bool(room > _first_word(rows.texts[row]) * (here[2] - here[0]) + SPACE * low)


def _first_word(text: str) -> float:
    """How much of a line its first word takes, 0..1; a CJK character is one."""
    word = text[0] if stands_alone(text[0]) else text.split(maxsplit=1)[0]
    return text_width(word) / text_width(text)
