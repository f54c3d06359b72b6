"""A sheet of paper to write on, and what it becomes: pixels, and the lines and words on it with their places."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from ocr_bench.scoring.labels import Line
from ocr_client.drawing.fonts import open_font

LATIN = {"sans": "DejaVuSans.ttf", "serif": "STIXGeneral.ttf", "mono": "DejaVuSansMono.ttf"}  # matplotlib's
CJK = "cjk"
FONTS = (*LATIN, CJK)
MARGIN = 0.12  # of the letters' size: white that a line's label has around it, as labels made by hand have
TALLEST = {True: "国", False: "Alp"}  # what reaches as far up and down as a line of that script does

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Drawn:
    """A drawn page.

    Attributes:
        kind: of page.
        degrees: by which it is turned clockwise.
        pixels: (H, W, 3) uint8, BGR.
        lines: its lines in reading order, with their corners clockwise from the text's own top-left.
        words: its words likewise; each as wide as its ink, and as high as its line's.
    """

    kind: str
    degrees: float
    pixels: npt.NDArray[np.uint8]
    lines: tuple[Line, ...]
    words: tuple[Line, ...]


@lru_cache(maxsize=256)
def font_of(name: str, size_px: int) -> ImageFont.FreeTypeFont:
    """One of FONTS in a size."""
    if name == CJK:
        return open_font()(size_px)
    return ImageFont.truetype(Path(mpl.get_data_path(), "fonts", "ttf", LATIN[name]), size_px)


def ink_of(face: ImageFont.FreeTypeFont, word: str) -> tuple[int, int]:
    """Where a word's ink begins and ends, pixels from where it is written; getbbox has the white beside it too."""
    mask, (offset, _) = face.getmask2(word, "L")
    box = mask.getbbox()
    if box is None:
        raise ValueError(f"{word!r} has no ink")
    return offset + box[0], offset + box[2]


class Sheet:
    """White paper. Lines are written in the order in which a person would read them."""

    def __init__(self, width_px: int, height_px: int) -> None:
        self._image = Image.new("RGB", (width_px, height_px), "white")
        self._draw = ImageDraw.Draw(self._image)
        self._lines: list[tuple[str, Floats]] = []
        self._words: list[tuple[str, Floats]] = []

    def write(self, left: float, top: float, words: list[str], font: str, size_px: int, space: str = " ") -> float:
        """Write one line of words, and give where it ends."""
        face = font_of(font, size_px)
        _, upper, _, lower = face.getbbox(TALLEST[font == CJK])
        first = len(self._words)
        for number, word in enumerate(words):
            if number:
                left += face.getlength(space)
            left = round(left)
            start, end = ink_of(face, word)
            self._draw.text((left, top), word, fill="black", font=face)
            self._words.append((word, _rectangle(left + start, top + upper, left + end, top + lower)))
            left += face.getlength(word)
        corners = [corners for _, corners in self._words[first:]]
        self._lines.append((space.join(words), _around(corners, MARGIN * size_px)))
        return left

    def write_down(self, left: float, top: float, characters: str, size_px: int) -> None:
        """Write one column of CJK characters, each below the one before."""
        face = font_of(CJK, size_px)
        _, upper, _, lower = face.getbbox(TALLEST[True])
        for number, character in enumerate(characters):
            self._draw.text((left, top + number * size_px), character, fill="black", font=face)
        bottom = top + (len(characters) - 1) * size_px + lower
        # The text's own top is the column's right side.
        self._lines.append((characters, np.roll(_rectangle(left, top + upper, left + size_px, bottom), -1, axis=0)))

    def finish(self, kind: str, degrees: float = 0.0) -> Drawn:
        """The page turned clockwise, on paper that is large enough for it."""
        width, height = self._image.size
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
        outline = _turned(_rectangle(0, 0, width, height), turn)
        turn[:, 2] -= outline.min(axis=0)
        size = np.ceil(np.ptp(outline, axis=0)).astype(int).tolist()
        pixels = np.asarray(self._image)[..., ::-1]
        if degrees:
            pixels = cv2.warpAffine(pixels, turn, size, flags=cv2.INTER_CUBIC, borderValue=(255, 255, 255))
        lines, words = (
            tuple(Line(text, _turned(corners, turn).astype(np.float32)) for text, corners in labels)
            for labels in (self._lines, self._words)
        )
        return Drawn(kind, degrees, np.ascontiguousarray(pixels), lines, words)


def _rectangle(left: float, top: float, right: float, bottom: float) -> Floats:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


def _around(corners: list[Floats], margin: float) -> Floats:
    """The upright rectangle around some, with a margin."""
    points = np.concatenate(corners)
    return _rectangle(*(points.min(axis=0) - margin).tolist(), *(points.max(axis=0) + margin).tolist())


def _turned(points: Floats, turn: npt.NDArray[np.float64]) -> Floats:
    """Points (..., 2) under an affine map (2, 3)."""
    return points @ turn[:, :2].T + turn[:, 2]
