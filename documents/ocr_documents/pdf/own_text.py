"""The text that a page of a PDF file carries itself: its lines and words, and where they stand on the drawn page.

Lines come in the order of the file, which is the one in which most programs write what they lay out.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pypdfium2

from ocr_contract.characters import stands_alone, word_slices
from ocr_contract.result import OcrResult
from ocr_documents.pdf.glyphs import Glyph, Point, glyphs

SAME_DIRECTION = 0.95  # cosine of the angle up to which two characters may stand on one line
MAX_RISE = 0.6  # of a character's height: how far a character of the same line may lie off its base line
MAX_GAP = 2.0  # likewise: how far apart two characters of one line may be; columns of a table are further apart
STACKED = (0.6, 1.8)  # likewise: from one character of a vertical line to the next


def own_text(page: pypdfium2.PdfPage, width: int, height: int) -> OcrResult | None:
    """Lines and words of a page.

    Text that cannot be seen counts, such as what an earlier OCR left.

    Args:
        page: of a document.
        width: pixels of the page when it is drawn.
        height: likewise.

    Returns:
        Boxes in pixels of the drawn page, all scores 1; None where there is no text, or where the fonts do not tell
        which characters most of it is made of.
    """
    found = list(glyphs(page, width, height))
    readable = [glyph for glyph in found if glyph.text]
    if not readable or 2 * len(readable) < len(found):
        return None
    texts, boxes, words, word_boxes, word_lines = [], [], [], [], []
    for line in _lines(readable):
        along = line.along
        texts.append(_text(line.glyphs))
        boxes.append(_box(line.glyphs, along))
        for word in _words(line.glyphs):
            words.append(_text(word))
            word_boxes.append(_box(word, along))
            word_lines.append(len(texts) - 1)
    return OcrResult(
        boxes=np.array(boxes, np.float32),
        texts=tuple(texts),
        scores=np.ones(len(texts), np.float32),
        box_scores=np.ones(len(texts), np.float32),
        words=tuple(words),
        word_boxes=np.array(word_boxes, np.float32),
        word_scores=np.ones(len(words), np.float32),
        word_lines=np.array(word_lines, np.int32),
    )


class _Line:
    """A line while it is put together.

    Attributes:
        glyphs: its characters.
        start: pixels along it, where it begins.
        end: likewise, where it ends.
    """

    def __init__(self, glyph: Glyph) -> None:
        self.glyphs = [glyph]
        self.start, self.end = _span([glyph], glyph.along)

    @property
    def is_stacked(self) -> bool:
        """Whether it runs from top to bottom."""
        if len(self.glyphs) == 1:
            return False
        first, second = self.glyphs[:2]
        return _step(first, second, first.down) > MAX_RISE * max(first.height, second.height)

    @property
    def along(self) -> Point:
        """Unit vector in which it runs."""
        return self.glyphs[0].down if self.is_stacked else self.glyphs[0].along

    def takes(self, glyph: Glyph) -> bool:
        """Whether a character goes on with the line; then it is taken in."""
        last = self.glyphs[-1]
        size = max(last.height, glyph.height)
        if _dot(last.along, glyph.along) < SAME_DIRECTION:
            return False
        if self.is_stacked or not abs(_step(last, glyph, last.down)) <= MAX_RISE * size:
            is_taken = (self.is_stacked or len(self.glyphs) == 1) and _is_below(last, glyph)
        else:
            start, end = _span([glyph], self.glyphs[0].along)
            # Right-to-left text goes on at the line's other end.
            gap = max(start - self.end, self.start - end)
            is_taken = -size <= gap <= MAX_GAP * size
            if is_taken:
                self.start, self.end = min(start, self.start), max(end, self.end)
        if is_taken:
            self.glyphs.append(glyph)
        return is_taken


def _lines(found: list[Glyph]) -> Iterator[_Line]:
    line = _Line(found[0])
    for glyph in found[1:]:
        if not line.takes(glyph):
            yield line
            line = _Line(glyph)
    yield line


def _is_below(last: Glyph, glyph: Glyph) -> bool:
    """Whether a character follows another one in a line from top to bottom, of those that may be written so."""
    size = max(last.height, glyph.height)
    return (
        not glyph.after_break
        and stands_alone(last.text)
        and stands_alone(glyph.text)
        and abs(_step(last, glyph, last.along)) <= MAX_RISE * size
        and STACKED[0] * size <= _step(last, glyph, last.down) <= STACKED[1] * size
    )


def _words(line: list[Glyph]) -> Iterator[list[Glyph]]:
    """Characters of each word."""
    starts = [0, *(at for at, glyph in enumerate(line) if at and glyph.after_space), len(line)]
    for begin, end in pairwise(starts):
        run = line[begin:end]
        yield from (run[word] for word in word_slices([glyph.text for glyph in run]))


def _text(line: list[Glyph]) -> str:
    return "".join(" " + glyph.text if glyph.after_space else glyph.text for glyph in line).strip()


def _dot(one: Point, other: Point) -> float:
    return one[0] * other[0] + one[1] * other[1]


def _step(last: Glyph, glyph: Glyph, direction: Point) -> float:
    """Pixels from one character's origin to another's along a direction."""
    return _dot((glyph.origin[0] - last.origin[0], glyph.origin[1] - last.origin[1]), direction)


def _span(line: list[Glyph], direction: Point) -> tuple[float, float]:
    """Where characters begin and end along a direction."""
    reach = [_dot(corner, direction) for glyph in line for corner in glyph.quad]
    return min(reach), max(reach)


def _box(line: list[Glyph], along: Point) -> list[Point]:
    """Pixels (x, y) of the smallest rectangle along a direction around characters, from the text's own top-left corner.

    It is at least one pixel long and high.
    """
    down = (-along[1], along[0])
    (left, right), (top, bottom) = _span(line, along), _span(line, down)
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    corners = ((left, top), (right, top), (right, bottom), (left, bottom))
    return [(x * along[0] + y * down[0], x * along[1] + y * down[1]) for x, y in corners]
