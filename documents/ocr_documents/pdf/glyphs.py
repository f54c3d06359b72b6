"""Characters of a page of a PDF file as pdfium finds them, in pixels of the drawn page."""

from __future__ import annotations

import ctypes
import math
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pypdfium2
from pypdfium2 import raw

Point = tuple[float, float]

MAX_CELL = (0.2, 2.0)  # heights of a character's cell that are believed, of the font's size
USUAL_ASCENT, USUAL_DESCENT = 0.8, -0.2  # where a font says nonsense

_HYPHEN, _PDFIUM_HYPHEN = "-", 0x02  # pdfium's mark for a hyphen at which a word is broken
_NO_TEXT = ("Cc", "Cn", "Co", "Cs")  # Unicode categories: control, unassigned, private, half of a pair
_NO_CHARACTERS = (0xFFFD, 0xFFFE, 0xFFFF)
_HIGH, _LOW = range(0xD800, 0xDC00), range(0xDC00, 0xE000)


@dataclass(frozen=True)
class Glyph:
    """One character.

    Attributes:
        text: the character; empty where the font does not tell which one it is.
        origin: pixels (x, y): where it begins on its base line.
        along: unit vector (x, y) in which its line runs on.
        down: unit vector (x, y) from its top to its bottom.
        height: pixels from its top to its bottom.
        quad: pixels (x, y) of its cell's corners: top left, top right, bottom right, bottom left as it is read.
        after_space: whether a space or a break is before it.
        after_break: whether pdfium takes it for the first of its line.
    """

    text: str
    origin: Point
    along: Point
    down: Point
    height: float
    quad: tuple[Point, ...]
    after_space: bool
    after_break: bool


def glyphs(page: pypdfium2.PdfPage, width: int, height: int) -> Iterator[Glyph]:
    """Yield the characters that lie on a page, without spaces, in the order of the file.

    Args:
        page: of a document.
        width: pixels of the page when it is drawn.
        height: likewise.
    """
    textpage = page.get_textpage()
    try:
        to_pixels = _to_pixels(page, width, height)
        after_space = after_break = False
        for index, code in _codes(textpage):
            character = _HYPHEN if code == _PDFIUM_HYPHEN else chr(code)
            if character.isspace() or (raw.FPDFText_IsGenerated(textpage, index) == 1 and code != _PDFIUM_HYPHEN):
                after_space, after_break = True, after_break or character in "\r\n"
                continue
            is_known = code not in _NO_CHARACTERS and raw.FPDFText_HasUnicodeMapError(textpage, index) != 1
            text = character if is_known and unicodedata.category(character) not in _NO_TEXT else ""
            origin, ahead, below, *quad = map(to_pixels, _place(textpage, index))
            x, y = (sum(values) / len(quad) for values in zip(*quad, strict=True))
            if 0 <= x <= width and 0 <= y <= height:  # others are cropped away
                tall = math.dist(quad[0], quad[3])
                along, down = _unit(origin, ahead), _unit(origin, below)
                yield Glyph(text, origin, along, down, tall, tuple(quad), after_space, after_break)
                after_space = after_break = False
    finally:
        textpage.close()


def _codes(textpage: pypdfium2.PdfTextPage) -> Iterator[tuple[int, int]]:
    """Index and code point of each character; pdfium gives those beyond 16 bits in two halves."""
    high = 0
    for index in range(textpage.count_chars()):
        code = raw.FPDFText_GetUnicode(textpage, index)
        if code in _HIGH:
            high = code
        elif code in _LOW and high:
            yield index, 0x10000 + ((high - _HIGH.start) << 10) + code - _LOW.start
            high = 0
        else:
            yield index, min(code, 0x10FFFF)
            high = 0


def _place(textpage: pypdfium2.PdfTextPage, index: int) -> tuple[Point, ...]:
    """Where a character stands, in units of the page: its origin, a point ahead on its base line, one below it, and the
    corners of its cell.
    """
    matrix, rect = raw.FS_MATRIX(), raw.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetCharOrigin(textpage, index, x, y)
    raw.FPDFText_GetMatrix(textpage, index, matrix)
    raw.FPDFText_GetLooseCharBox(textpage, index, rect)
    a, b, c, d = matrix.a, matrix.b, matrix.c, matrix.d
    size = raw.FPDFText_GetFontSize(textpage, index)
    ascent, descent = _reach(textpage, index, size)
    tall = abs(ascent - descent)
    # pdfium tells the upright box around the cell; how wide the cell is itself follows from how high it is.
    if not math.isfinite(a * d - b * c) or abs(a * d - b * c) < 1e-12 or size == 0:
        a, b, c, d, wide = 1.0, 0.0, 0.0, 1.0, rect.right - rect.left
        ascent, descent = rect.top - y.value, rect.bottom - y.value
    elif abs(a) >= abs(b):
        wide = (rect.right - rect.left - abs(c) * tall) / abs(a)
    else:
        wide = (rect.top - rect.bottom - abs(d) * tall) / abs(b)
    if not MAX_CELL[0] * abs(size) <= tall <= MAX_CELL[1] * abs(size):
        ascent, descent = USUAL_ASCENT * size, USUAL_DESCENT * size
    sign = -1.0 if size < 0 else 1.0

    def point(right: float, up: float) -> Point:
        return x.value + a * right + c * up, y.value + b * right + d * up

    right = sign * max(wide, 0.0)
    corners = point(0, ascent), point(right, ascent), point(right, descent), point(0, descent)
    return point(0, 0), point(sign, 0), point(0, -sign), *corners


def _reach(textpage: pypdfium2.PdfTextPage, index: int, size: float) -> tuple[float, float]:
    """How far a character's cell reaches above its base line, and below it as a negative number."""
    ascent, descent = ctypes.c_float(), ctypes.c_float()
    item = raw.FPDFText_GetTextObject(textpage, index)
    font = raw.FPDFTextObj_GetFont(item) if item else None
    if font:
        raw.FPDFFont_GetAscent(font, size, ascent)
        raw.FPDFFont_GetDescent(font, size, descent)
    return ascent.value, descent.value


def _to_pixels(page: pypdfium2.PdfPage, width: int, height: int) -> Callable[[Point], Point]:
    """From units of the page, y up, to pixels of the drawn page, which is cropped and turned."""
    left, bottom, right, top = page.get_bbox()
    turns = page.get_rotation() // 90

    def convert(point: Point) -> Point:
        x, y = (point[0] - left) / (right - left), (top - point[1]) / (top - bottom)
        for _ in range(turns):  # clockwise
            x, y = 1 - y, x
        return x * width, y * height

    return convert


def _unit(start: Point, end: Point) -> Point:
    length = math.dist(start, end) or 1.0
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length
