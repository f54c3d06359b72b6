"""Blocks, paragraphs and headings of a page, from where its lines stand.

The lines come in reading order, and keep it. Lines beside each other make a row (`rows`), rows make blocks, and rows of
a block make paragraphs:

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
from ocr_contract.result import OcrResult
from ocr_documents.rows import HEADING_LENGTH, HEADINGS, Rects, Row, Rows, overlap, rows_of
from ocr_documents.texts import text_width

# Lengths are in heights of a line, as its box has them.
MAX_GAP = 1.5  # white space between lines of a text that is set in triple spacing; no text has more
FEW_ROWS = 3  # of a block: too few to tell what white space is usual between them
BLOCK_GAP = 1.5  # white space between blocks, beyond what lines of the page have between them
PARAGRAPH_GAP = 0.5  # white space between paragraphs, beyond what lines of the block have between them
INDENT = 0.8  # of a paragraph's first line
CENTRED = 0.5  # lines whose centres are less than this apart, and their left sides more than an indent, are centred
RUNNING_TEXT = 9.0  # a shorter line does not go on in the next: it is a cell, a label or the end of a paragraph
SPACE = 0.5  # a word fits in where there is room for itself and this
HEADING_ROWS = 3  # of a heading, at most
_NUMBER = r"[(（]?(?:\d{1,3}[.)）]|[a-zA-Z][)）]|[一二三四五六七八九十]{1,3}[)、）．])(?!\d)"
_ITEM = re.compile(rf"[•·●○▪■◦‣∙*–—-]\s|{_NUMBER}")


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


def blocks_of(result: OcrResult) -> tuple[Block, ...]:
    """The blocks of a page, with every line that is not blank exactly once, in reading order."""
    shown = [line for line, text in enumerate(result.texts) if text.strip()]
    if not shown:
        return ()
    rows = rows_of(result, shown)
    usual = _usual_gap(rows.gaps[rows.gaps >= -np.minimum(rows.sizes[1:], rows.sizes[:-1]) / 2], rows.sizes)
    cuts = _block_starts(rows, usual)
    ends = pairwise([*cuts, len(rows.cells)])
    return tuple(Block(tuple(_paragraphs(rows, first, last, usual))) for first, last in ends)


def _block_starts(rows: Rows, usual: float) -> list[int]:
    """The rows that begin blocks; `usual` is the white between rows of the page."""
    centres = (rows.lines[:, :2] + rows.lines[:, 2:]) / 2
    begin, hull = [0], rows.rects[0]
    for row, rect in enumerate(rows.rects[1:], 1):
        least, most = sorted(rows.sizes[row - 1 : row + 1])
        grown = np.concatenate([np.minimum(hull[:2], rect[:2]), np.maximum(hull[2:], rect[2:])])
        if (
            rows.gaps[row - 1] < -least / 2
            or rows.gaps[row - 1] > usual + BLOCK_GAP * most
            or overlap(hull, rect)[0] < 0
            or _takes_in(grown, centres, rows.starts[begin[-1]], rows.starts[row + 1])
        ):
            begin.append(row)
            hull = rect
        else:
            hull = grown
    return begin


def _usual_gap(gaps: npt.NDArray[np.float64], sizes: npt.NDArray[np.float64]) -> float:
    """The white space that most rows have below them."""
    return min(float(np.median(gaps)), MAX_GAP * float(np.median(sizes))) if len(gaps) else 0.0


def _takes_in(hull: Rects, centres: npt.NDArray[np.float64], first: int, last: int) -> bool:
    """Whether an area covers the centre of a line that is not one of its own, those from `first` to before `last`."""
    inside = ((centres > hull[:2]) & (centres < hull[2:])).all(axis=1)
    return bool(inside[:first].any() or inside[last:].any())


def _paragraphs(rows: Rows, first: int, last: int, usual: float) -> list[Paragraph]:
    """The paragraphs of a block, of the rows from `first` to before `last`; `usual` is as in `_block_starts`."""
    left, right = rows.rects[first:last, 0], rows.rects[first:last, 2]
    sides = float(left.min()), float(right.max())
    size = float(np.median(rows.sizes[first:last]))
    if np.ptp(left) > INDENT * size and np.ptp(left + right) / 2 < CENTRED * size:
        sides = -np.inf, np.inf  # each line was set by itself, and there would have been room for the next
    if last - first > FEW_ROWS:
        usual = _usual_gap(rows.gaps[first : last - 1], rows.sizes[first:last])
    cuts = [first, *(row for row in range(first + 1, last) if _parts(rows, row, sides, usual)), last]
    paragraphs = []
    for begin, end in pairwise(cuts):
        heading = rows.headings[begin]
        is_heading = end - begin <= HEADING_ROWS and sum(map(len, rows.texts[begin:end])) <= HEADING_LENGTH
        paragraphs.append(Paragraph(tuple(rows.cells[begin:end]), heading if is_heading else 0))
    return paragraphs


def _parts(rows: Rows, row: int, sides: tuple[float, float], usual: float) -> bool:
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
