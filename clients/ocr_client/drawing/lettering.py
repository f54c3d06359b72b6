"""A text fitted into a quad, as a mask: upright, rotated, or top to bottom as vertical Chinese is written."""

from __future__ import annotations

import math
import unicodedata
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from ocr_client.drawing.fonts import FontOfSize

_LOW_EM, _HIGH_EM = 0.66, 0.9  # of the line's height: detectors leave a margin, narrow or wide, around the text
_SQUEEZE = 0.72  # a text too long even at _LOW_EM is squeezed to this before its letters are made smaller
_WIDEST_SPACING = 0.2  # em between letters, where that fills the quad
_TALL_RATIO = 1.5  # boxes at least this much higher than wide are read top to bottom (PaddleOCR)
_BASELINE = 0.38  # em from the middle of a CJK character down to its baseline
_SMALLEST_PX, _LARGEST_PX = 5, 400

# Brackets and dashes of vertical text: Unicode's presentation forms for it.
_VERTICAL = str.maketrans("（）()「」『』《》〈〉【】—…", "︵︶︵︶﹁﹂﹃﹄︽︾︿﹀︻︼︱︙")

Quad = npt.NDArray[np.float32]


class Lettering(NamedTuple):
    """Ink of one text on the page.

    Attributes:
        mask: gray, 0 for paper to 255 for ink.
        left: page column of the mask's first column.
        top: page row of the mask's first row.
    """

    mask: Image.Image
    left: int
    top: int


def letter(text: str, quad: Quad, font: FontOfSize) -> Lettering:
    """Fit a text into a quad.

    Args:
        text: one line.
        quad: (4, 2) float32, pixels (x, y), clockwise from the text's own top-left corner.
        font: from fonts.open_font.
    """
    quad, stacked = _writing_direction(text, quad.astype(np.float32))
    width, height = _sides(quad)
    line = _column(text, width, height, font) if stacked else _row(text, width, height, font)
    return _warp(line, quad)


def is_cjk(character: str) -> bool:
    """Tell whether a character is one of those that stand upright in vertical text."""
    return "\u2e80" <= character <= "\ud7ff" or "\uf900" <= character <= "\ufaff" or "\uff00" <= character <= "\uffef"


def _sides(quad: Quad) -> tuple[float, float]:
    """Width and height in pixels: the longer of the two opposite sides of (4, 2)."""
    side = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return max(float(side[0]), float(side[2]), 1.0), max(float(side[1]), float(side[3]), 1.0)


def _writing_direction(text: str, quad: Quad) -> tuple[Quad, bool]:
    """Return the quad begun where the first letter stands, and whether letters are stacked top to bottom."""
    width, height = _sides(quad)
    if height >= _TALL_RATIO * width and len(text) > 1:  # not turned by whoever found it
        quad = np.roll(quad, -1, axis=0)
    along = (quad[1] + quad[2] - quad[0] - quad[3]) / 2
    upright = [is_cjk(character) for character in text if not character.isspace()]
    if along[1] > abs(along[0]) and len(upright) > 1 and 2 * sum(upright) > len(upright):
        return np.roll(quad, 1, axis=0), True
    return quad, False


def _row(text: str, width: float, height: float, font: FontOfSize) -> Image.Image:
    """Letters side by side; the picture is as wide as the quad, or wider when the text is to be squeezed."""
    filling = width / max(font(100).getlength(text) / 100, 0.01)  # the size whose length is the quad's width
    size = _clip_size(max(min(filling, _HIGH_EM * height), min(filling / _SQUEEZE, _LOW_EM * height)))
    length = font(size).getlength(text)
    line = Image.new("L", (math.ceil(max(length, width)), math.ceil(height)))
    draw = ImageDraw.Draw(line)
    margin = min(max(width - length, 0) / 2, height / 8)  # the one that the detector left
    start, baseline = margin, height / 2 + _BASELINE * size
    spacing = (width - 2 * margin - length) / max(len(text) - 1, 1)
    if not 1 <= spacing <= _WIDEST_SPACING * size or any(
        unicodedata.category(character).startswith("M") for character in text
    ):
        draw.text((start, baseline), text, fill=255, font=font(size), anchor="ls")
        return line
    for character in text:
        draw.text((start, baseline), character, fill=255, font=font(size), anchor="ls")
        start += font(size).getlength(character) + spacing
    return line


def _column(text: str, width: float, height: float, font: FontOfSize) -> Image.Image:
    """Letters below one another, each in a cell of its own."""
    characters = [character for character in text.translate(_VERTICAL) if not character.isspace()]
    cell = height / len(characters)
    size = _clip_size(min(_HIGH_EM * width, 0.95 * cell))
    line = Image.new("L", (math.ceil(width), math.ceil(height)))
    draw = ImageDraw.Draw(line)
    for row, character in enumerate(characters):
        middle = (row + 0.5) * cell
        draw.text((width / 2, middle + _BASELINE * size), character, fill=255, font=font(size), anchor="ms")
    return line


def _clip_size(size: float) -> int:
    return int(min(max(size, _SMALLEST_PX), _LARGEST_PX))


def _warp(line: Image.Image, quad: Quad) -> Lettering:
    """Lay a line picture over a quad of the page."""
    low = np.floor(quad.min(axis=0)).astype(int)
    columns, rows = (np.ceil(quad.max(axis=0)).astype(int) - low + 1).tolist()
    corners = np.array([[0, 0], [line.width, 0], [line.width, line.height], [0, line.height]], np.float32)
    target = (quad - low).astype(np.float32)
    left, top = int(low[0]), int(low[1])
    if np.allclose(target, corners, atol=0.03 * min(line.size) + 1):  # upright: keep the letters as sharp as drawn
        return Lettering(line.crop((0, 0, columns, rows)), left, top)
    coefficients = _perspective(target, corners)
    mask = line.transform((columns, rows), Image.Transform.PERSPECTIVE, coefficients, Image.Resampling.BICUBIC)
    return Lettering(mask, left, top)


def _perspective(start: Quad, end: Quad) -> list[float]:
    """The a to h by which (x, y) of `start` is ((ax + by + c) / (gx + hy + 1), (dx + ey + f) / (gx + hy + 1)) of `end`.

    Least squares, so that a quad that is a line or a point has an answer, too.
    """
    rows = []
    for (x, y), (u, v) in zip(start.tolist(), end.tolist(), strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return [float(value) for value in np.linalg.lstsq(np.array(rows), end.reshape(-1).astype(float), rcond=None)[0]]
